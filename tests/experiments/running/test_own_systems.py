"""Systems from outside on the command line: written, run, and wrong in their own code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import equigrid as eg
from equigrid.experiments import cli
from equigrid.experiments.replay import replay

BASE: dict[str, Any] = {
    "study": "own",
    "title": "Own",
    "system": "./own.py",
    "currency": "EUR",
    "seed": 1,
    "steps": 4,
    "cases": [{"name": "a"}, {"name": "b", "set": {"limit": 2.0}}],
    "limit": 3.0,
}
CODE = """
import equigrid as eg


class Spec(eg.StudySpec):
    limit: float


class System(eg.System[Spec]):
    def problems(self, spec):
        if spec.limit > 100:
            yield "limit", "is too much"

    def day(self, world):
        drawn = world.stream("x").random() + 1.5
        world.check("live", "limit kept", drawn, world.spec.limit, unit="MW")
        world.pay("live", "fee", "a", "b", world.spec.limit)

    def kpis(self, run):
        return {"limit": eg.Kpi(run.spec.limit, "MW")}
"""


def _write(folder: Path, code: str = CODE, **said: Any) -> Path:
    (folder / "own.py").write_text(code, encoding="utf-8")
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**BASE, **said}, sort_keys=False), encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def test_a_check_that_fails_in_one_case_is_exit_3_and_told_everywhere(tmp_path: Path) -> None:
    study = _write(tmp_path, cases=[{"name": "a"}, {"name": "b", "set": {"limit": 1.0}}])
    told = _run("run", study, "--out", tmp_path / "out")
    assert told.exit_code == 3, told.output
    assert "SHORT: limit kept: " in told.output
    assert "where 1 is allowed (MW)" in told.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["status"] == "uncertified"
    holds = {n: [c["holds"] for c in case["checks"]] for n, case in summary["cases"].items()}
    assert holds == {"a": [True], "b": [False]}
    assert summary["cases"]["a"]["certificate"]["ac"] is None
    assert replay(tmp_path / "out") == []
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "limit kept" in page
    assert "Traceback" not in told.output


def test_fields_are_set_and_cases_chosen_on_the_command_line(tmp_path: Path) -> None:
    study = _write(tmp_path)
    told = _run("run", study, "--out", tmp_path / "out", "--set", "limit=2.75", "--case", "a")
    assert told.exit_code == 0, told.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert {n: c["kpis"]["limit"]["value"] for n, c in summary["cases"].items()} == {"a": 2.75}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "limt=2"], "did you mean 'limit'"),
        (["--set", "limit=x"], "limit: must be a number (got 'x')"),
        (["--set", "limit=1000"], "limit: is too much"),
        (["--set", "limit"], "write PATH=VALUE"),
        (["--set", "steps"], "write PATH=VALUE"),
        (["--case", "c"], "no case of the study has this name"),
    ],
)
def test_what_cannot_be_set_or_chosen_is_refused(
    tmp_path: Path, options: list[str], words: str
) -> None:
    told = _run("run", _write(tmp_path), "--out", tmp_path / "out", *options)
    assert told.exit_code == 2, told.output
    assert words in told.output
    assert not (tmp_path / "out").exists()


ERRORS = {
    "in day": ("        return 1 / 0", "day", "ZeroDivisionError: division by zero"),
    "in a library": (
        "        import numpy as np\n        np.zeros(3) @ np.zeros(4)",
        "day",
        "ValueError: matmul",
    ),
    "misspelt": ("        world.cheque('a', 'b', 1, 2)", "day", "has no attribute 'cheque'"),
    "missing stage": (
        "        pass\n    def kpis(self, run):\n        return run.stage('plan')",
        "kpis",
        "there is no stage 'plan'",
    ),
    "no KPI": (
        "        pass\n    def kpis(self, run):\n        return {'x': 3.0}",
        "",
        "write eg.Kpi(value, unit)",
    ),
    "exit": ("        raise SystemExit(0)", "day", "SystemExit: 0"),
    "an answer that was not waited for": (
        "        import cvxpy as cp\n        x = cp.Variable(4, bounds=[0, 5])\n"
        "        a = eg.Agent('a', cp.Problem(cp.Minimize(cp.sum(x))), says={'mw': x})\n"
        "        load = eg.Agent('b', says={'mw': cp.Constant([1.0] * 4)})\n"
        "        game = eg.Game([a, load], balances=[eg.Balance('e', ['a.mw', '-b.mw'])])\n"
        "        world.play('plan', game, eg.Exact()).values",
        "day",
        "write: answer = yield world.play",
    ),
    "no method": (
        "        import cvxpy as cp\n        x = cp.Variable(bounds=[0, 5])\n"
        "        a = eg.Agent('a', cp.Problem(cp.Minimize(x)))\n"
        "        world.play('plan', eg.Game([a]), eg.Admm)",
        "day",
        "takes a method that is made",
    ),
    "no game": ("        world.play('plan', None, eg.Admm())", "day", "takes an eg.Game"),
    "an array": ("        world.check('a', 'b', [1, 2], 3)", "day", "must be one number (got list"),
    "text for money": ("        world.pay('a', 'b', 'c', 'd', '5')", "day", "must be one number"),
    "nobody": ("        world.balanced('a')", "day", "needs the parties"),
    "no question": ("        world.check('a', '', 1, 3)", "day", "a check needs a question"),
    "a word": ("        world.announce('a', 'b', 'c', x='y')", "day", "is no number"),
    "no number": (
        "        world.announce('a', 'b', 'c', x=float('nan'))",
        "day",
        "no finite number",
    ),
    "a list of KPIs": (
        "        pass\n    def kpis(self, run):\n        return [1]",
        "",
        "return KPIs by name",
    ),
    "a standard table": (
        "        pass\n    def tables(self, run):\n        import pandas as pd\n"
        "        return {'settlement': pd.DataFrame({'x': [1]})}",
        "",
        "'settlement' cannot be the name of a table of its own",
    ),
    "an array of a KPI": (
        "        pass\n    def kpis(self, run):\n        return {'x': eg.Kpi([1, 2], 'MW')}",
        "kpis",
        "the value of a Kpi must be one number",
    ),
    "unusable game": (
        "        import cvxpy as cp\n        x = cp.Variable()\n"
        "        a = eg.Agent('a', cp.Problem(cp.Minimize(x)))\n        eg.Game([a, a])",
        "day",
        "'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_ones_own_is_told_with_its_own_line(tmp_path: Path, name: str) -> None:
    body, function, words = ERRORS[name]
    head = "import equigrid as eg\nclass System(eg.System[eg.StudySpec]):\n"
    code = f"{head}    def day(self, world):\n{body}\n"
    study = _write(tmp_path, code)
    data = yaml.safe_load(study.read_text("utf-8"))
    del data["limit"]
    data["cases"] = [{"name": "a"}]
    study.write_text(yaml.safe_dump(data), encoding="utf-8")
    told = _run("run", study, "--out", tmp_path / "out")
    assert told.exit_code == 1, told.output
    assert words in told.output
    assert "Traceback" not in told.output
    assert "site-packages" not in told.output
    assert not (tmp_path / "out").exists()
    if function:
        assert f"own.py:{len(code.splitlines())}: in {function}: " in told.output


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        ("import equigrid as eg\nclass System(eg.System[eg.StudySpec]\n", 1, "SyntaxError"),
        ("import equigrid as eg\nraise RuntimeError('no')\n", 1, "own.py:2: RuntimeError: no"),
        ("import nothing_of_the_kind\n", 1, "own.py:1: ModuleNotFoundError"),
        ("import equigrid as eg\n", 2, "system: './own.py' has no class 'System' of its own"),
    ],
)
def test_a_file_that_is_no_system_is_told(
    tmp_path: Path, code: str, exit_code: int, words: str
) -> None:
    for command in ("validate", "run"):
        told = _run(command, _write(tmp_path, code))
        assert told.exit_code == exit_code, told.output
        assert words in told.output
        assert "Traceback" not in told.output


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    told = _run("validate", _write(tmp_path, system="./ohn.py"))
    assert told.exit_code == 2
    assert "there is no file './ohn.py' beside the study; there is: ./own.py" in told.output
    assert list(tmp_path.rglob("__pycache__")) == []  # nothing is left beside a user's file


def test_a_system_begun_from_the_template_runs_and_is_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = _run("new", "--system", "ev-street")
    assert told.exit_code == 0, told.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ev-street.yaml", "ev_street.py"]
    valid = _run("validate", "ev-street.yaml", "--parties")
    assert valid.exit_code == 0, valid.output
    assert "imported the code of ev_street.py" in valid.output
    ran = _run("run", "ev-street.yaml", "--out", "out")
    assert ran.exit_code == 0, ran.output
    assert replay(Path("out")) == []
    again = _run("new", "--system", "ev-street")
    assert again.exit_code == 2
    assert "exists already" in again.output
    assert _run("new").exit_code == _run("new", "--system", "Ev Street").exit_code == 2


@pytest.mark.slow
def test_the_same_study_is_the_same_in_another_process(tmp_path: Path) -> None:
    study = _write(tmp_path)
    for name in ("one", "two"):
        command = [
            sys.executable,
            "-m",
            "equigrid",
            "run",
            str(study),
            "--out",
            str(tmp_path / name),
        ]
        subprocess.run(command, check=False, capture_output=True)
    for file in ("summary.json", "messages.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_result_that_was_changed_is_noticed_without_running_its_code(tmp_path: Path) -> None:
    _run("run", _write(tmp_path), "--out", tmp_path / "out")
    told = _run("replay", tmp_path / "out")
    assert told.exit_code == 0
    assert "other figures are not rebuilt" in told.output
    summary = tmp_path / "out" / "summary.json"
    summary.write_text(summary.read_text("utf-8").replace("3.0", "4.0"), encoding="utf-8")
    told = _run("replay", tmp_path / "out")
    assert told.exit_code == 3
    assert "summary.json is not as it was written" in told.output


def test_cases_that_cannot_be_compared_lose_nothing(tmp_path: Path) -> None:
    more = """
    def compare(self, runs):
        return {"b": {"d": eg.Kpi(runs["a"].kpis["limit"].value, "MW")}}
"""
    study = _write(tmp_path, CODE + more)
    assert eg.run(study).case("b").kpis["d"].value == 3.0
    told = _run("run", study, "--out", tmp_path / "out", "--case", "b")
    assert told.exit_code == 3, told.output  # by a check of its own
    assert "cases are not compared, since 'a' was not played" in told.output


@pytest.mark.parametrize("name", ["numpy", "class", "json"])
def test_a_system_does_not_take_the_name_of_another_module(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = _run("new", "--system", name)
    assert told.exit_code == 2
    assert "is the name of another module" in told.output
    assert list(tmp_path.iterdir()) == []


def test_problems_have_a_path_and_a_sentence(tmp_path: Path) -> None:
    told = _run(
        "validate", _write(tmp_path, CODE.replace('"is too much"', '"is", "too much"'), limit=200.0)
    )
    assert told.exit_code == 1
    assert "yield pairs of a path and a sentence" in told.output
    assert "own.py:" in told.output


def test_a_manifest_vouches_for_code_and_files(tmp_path: Path) -> None:
    result = eg.run(_write(tmp_path))
    assert set(result.manifest["system_files"]) == {"own.py"}
    assert len(result.manifest["system_files"]["own.py"]) == 64
