"""The command line as a user types it: exit codes, words, and what lies on disk afterwards."""

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

import equigrid as eg
from equigrid.errors import UnusablePlace
from equigrid.experiments.cli import main

Written = Callable[..., Path]


def _call(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, small_file: Path) -> Path:
    """Return the result directory of the small study, run once."""
    out = tmp_path_factory.mktemp("cli") / "result"
    result = _call("run", small_file, "--out", out)
    assert result.exit_code == 0, result.output
    assert "certified" in result.output
    return out


def test_list_names_the_shipped_studies() -> None:
    assert "disco-microgrids" in _call("list").output


@pytest.mark.smoke
def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["equigrid", "list"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("equigrid", run_name="__main__")
    assert end.value.code == 0
    assert "disco-microgrids" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.smoke
def test_a_result_has_all_its_files_and_a_valid_summary(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {"manifest.json", "summary.json", "messages.jsonl", "tables", "report.html"}
    schema = json.loads((Path(__file__).parent / "summary.schema.json").read_text("utf-8"))
    summary = json.loads((finished / "summary.json").read_text("utf-8"))
    jsonschema.validate(summary, schema)
    assert summary["status"] == "certified"
    assert not any("seconds" in key or "time" in key for key in summary)
    flexible = summary["cases"]["with-flexibility"]["kpis"]
    assert flexible["profit_forgone"]["value"] > 0


@pytest.mark.slow
@pytest.mark.smoke
def test_replay_agrees_and_notices_a_changed_message(finished: Path, tmp_path: Path) -> None:
    assert _call("replay", finished).exit_code == 0
    copied = tmp_path / "copied"
    subprocess.run(["cp", "-r", str(finished), str(copied)], check=True)
    log = copied / "messages.jsonl"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    settlement = next(m for m in reversed(lines) if m["kind"] == "Settlement")
    settlement["amount"] += 1.0
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    changed = _call("replay", copied)
    assert changed.exit_code == 3
    assert settlement["payment"] in changed.output
    log.write_text("nonsense\n", encoding="utf-8")
    assert _call("replay", copied).exit_code == 2
    assert _call("replay", tmp_path / "absent").exit_code == 2


def test_force_replaces_no_directory_that_is_not_of_equigrid(
    in_folder: Path, small_file: Path
) -> None:
    (in_folder / "mydata").mkdir()
    (in_folder / "mydata" / "thesis.txt").write_text("years of work")
    for command in (("run", small_file), ("reconfigure", "baran-wu-33")):
        for place in ("mydata", "."):
            refused = _call(*command, "--out", place, "--force")
            assert refused.exit_code == 2, refused.output
            assert len(refused.output.splitlines()) == 1
    with pytest.raises(UnusablePlace, match="nothing that equigrid did not write"):
        eg.run(small_file, out="mydata")
    assert (in_folder / "mydata" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in in_folder.rglob("*")] == ["mydata", "thesis.txt"]


@pytest.mark.slow
def test_a_place_that_is_taken_while_the_run_goes_on_loses_neither(
    in_folder: Path, small_file: Path
) -> None:
    def take(text: str) -> None:
        (in_folder / "mydata").mkdir(exist_ok=True)
        (in_folder / "mydata" / "thesis.txt").write_text("years of work")

    with pytest.warns(UserWarning, match="mydata-2"):
        eg.run(small_file, out="mydata", method="exact", progress=take)
    assert [path.name for path in (in_folder / "mydata").iterdir()] == ["thesis.txt"]
    assert (in_folder / "mydata-2" / "report.html").exists()


@pytest.mark.slow
def test_an_existing_directory_is_kept_without_force(finished: Path, small_file: Path) -> None:
    before = (finished / "summary.json").read_bytes()
    again = ("run", small_file, "--out", finished, "--method", "exact")
    refused = _call(*again)
    assert refused.exit_code == 2
    assert "--force" in refused.output
    assert (finished / "summary.json").read_bytes() == before
    assert _call(*again, "--force", "--seed", 5).exit_code == 0
    assert json.loads((finished / "summary.json").read_text("utf-8"))["seed"] == 5
    assert not [path for path in finished.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_without_out_results_are_numbered(in_folder: Path, small_file: Path) -> None:
    (in_folder / "results" / "study").mkdir(parents=True)
    assert _call("run", small_file, "--method", "exact").exit_code == 0
    assert sorted(p.name for p in (in_folder / "results").iterdir()) == ["study", "study-2"]


@pytest.mark.slow
def test_a_negotiation_that_does_not_settle_is_no_equilibrium(
    written: Written, tmp_path: Path
) -> None:
    def short(data: dict[str, Any]) -> None:
        data["methods"]["best_response"]["rounds"] = 4

    out = tmp_path / "talk"
    result = _call("run", written(short), "--method", "best-response", "--out", out)
    assert result.exit_code == 3
    assert "did not settle" in result.output
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["status"] == "uncertified"
    assert summary["cases"]["with-flexibility"]["certificate"]["optimality_gap"] is None
    assert _call("replay", out).exit_code == 0


def test_a_microgrid_that_cannot_meet_its_load_is_named_with_the_step(
    written: Written, tmp_path: Path
) -> None:
    def starve(data: dict[str, Any]) -> None:
        data["agents"][4]["demand_mw"][3] = 5.0

    out = tmp_path / "starved"
    result = _call("run", written(starve), "--out", out)
    assert result.exit_code == 3
    assert "'mg1'" in result.output
    assert "step 4" in result.output
    assert not out.exists()


def test_a_disco_that_cannot_serve_is_named_with_the_hour(written: Written, tmp_path: Path) -> None:
    def starve(data: dict[str, Any]) -> None:
        data["agents"][3]["purchase_max_mw"] = 0.1
        for agent in data["agents"][4:]:
            agent["exchange_max_mw"] = 0.6

    out = tmp_path / "starved"
    result = _call("run", written(starve), "--out", out)
    assert result.exit_code == 3
    assert "disco" in result.output
    assert not out.exists()


def test_unusable_input_is_refused_in_words(in_folder: Path, written: Written) -> None:
    assert _call("validate", "disco-microgrids").exit_code == 0
    assert _call("validate", "disco").exit_code == 2
    assert _call("run", "absent.yaml").exit_code == 2
    spoilt = written(lambda data: data.update(currency="x", seed=-1))
    result = _call("run", spoilt, "--out", "never")
    assert result.exit_code == 2
    assert f"{spoilt}:" in result.output
    assert len(result.output.splitlines()) == 2
    (in_folder / "file").write_text("", encoding="utf-8")
    assert _call("run", spoilt, "--out", "file", "--force").exit_code == 2
    assert _call("run", spoilt, "--out", "file/below").exit_code == 2
    assert not (in_folder / "never").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "disco-microgrids", "--seconds", "0"),
        ("run", "disco-microgrids", "--seconds", "nan"),
        ("run", "disco-microgrids", "--seconds", "soon"),
        ("run", "disco-microgrids", "--seed", "-1"),
        ("run", "disco-microgrids", "--seed", str(2**63)),
        ("run", "disco-microgrids", "--out", ""),
        ("run", "disco-microgrids", "--out", "", "--force"),
        ("run", "disco-microgrids", "--out", "x" * 300),
        ("run", ""),
        ("run", "."),
        ("validate", "."),
        ("new", ""),
        ("new", "disco-microgrids", "--out", ""),
        ("new", "disco-microgrids", "--out", "x" * 300),
        ("replay", "."),
        ("deliveries", "."),
        ("reconfigure", "."),
        ("reconfigure", "baran-wu-33", "--out", "x" * 300),
    ],
)
def test_what_a_command_cannot_use_is_said_at_once(in_folder: Path, words: tuple[str, ...]) -> None:
    refused = _call(*words)
    assert refused.exit_code == 2, refused.output
    assert len(refused.output.splitlines()) <= 4
    assert not list(in_folder.iterdir())


def test_half_a_result_is_refused_in_words(in_folder: Path) -> None:
    folder = in_folder / "half"
    (folder / "tables").mkdir(parents=True)
    for name in ("messages.jsonl", "summary.json", "manifest.json"):
        for text in ("", "[]", "{}", '{"system": "frp-aggregator", "study": 1, "seed": "x"}'):
            (folder / name).write_text(text, encoding="utf-8")
            for command in ("replay", "deliveries"):
                refused = _call(command, folder)
                assert refused.exit_code == 2, (command, name, text, refused.output)


def test_a_method_that_no_stage_uses(written: Written) -> None:
    only = written(lambda data: data.update(timetable=[data["timetable"][2]]))
    result = _call("run", only, "--method", "best-response", "--out", "never")
    assert result.exit_code == 2
    assert "best-response" in result.output


@pytest.mark.slow
def test_new_copies_a_shipped_study_once(in_folder: Path) -> None:
    assert _call("new", "disco-microgrids").exit_code == 0
    assert _call("validate", "disco-microgrids.yaml").exit_code == 0
    Path("disco-microgrids.yaml").write_text("mine")
    assert _call("new", "disco-microgrids").exit_code == 2
    assert Path("disco-microgrids.yaml").read_text() == "mine"
    Path("link.yaml").symlink_to("nowhere.yaml")
    assert _call("new", "disco-microgrids", "--out", "link.yaml").exit_code == 2
    assert _call("new", "disco-microgrids", "--out", ".").exit_code == 2
    assert _call("new", "nothing").exit_code == 2
    assert _call("new", "disco-microgrids", "--out", "absent/x.yaml").exit_code == 2


def test_names_of_studies_are_completed() -> None:
    environment = {
        **os.environ,
        "_EQUIGRID_COMPLETE": "bash_complete",
        "COMP_WORDS": "equigrid run disco",
        "COMP_CWORD": "2",
    }
    command = [
        sys.executable,
        "-c",
        "from equigrid.experiments.cli import main; main(prog_name='equigrid')",
    ]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "disco-microgrids" in told.stdout


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(
    tmp_path: Path, small_file: Path
) -> None:
    outs = []
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, "-c", "from equigrid.experiments.cli import main; main()"]
        subprocess.run(
            [*command, "run", str(small_file), "--out", str(out)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        )
        outs.append(out)
    for name in ("messages.jsonl", "summary.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()


@pytest.mark.slow
def test_an_interrupt_before_anything_is_found_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "interrupted"
    command = [sys.executable, "-c", "from equigrid.experiments.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "run", "disco-microgrids", "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background lets its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    told = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    try:
        _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "interrupted" in told + rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
