"""``equigrid reconfigure`` as a user types it: words, exit codes, files."""

import json
from pathlib import Path

import pandapower
import pandapower.networks
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import equigrid as eg
from equigrid.experiments.cli import main
from equigrid.grid.network.feeders import feeder, read_network, write_network

OPTIMUM_33 = ["line 7", "line 9", "line 14", "line 32", "tie 37"]


def _call(*words: object) -> Result:
    result = CliRunner().invoke(main, ["reconfigure", *(str(word) for word in words)])
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("reconfigure") / "result"
    result = _call("baran-wu-33", "--out", out)
    assert result.exit_code == 0, result.output
    return out, result.output


@pytest.mark.slow
def test_table_tells_before_after_and_proof(finished: tuple[Path, str]) -> None:
    said = finished[1]
    assert "202.677     139.551" in said
    assert "0.91309     0.93782" in said
    assert f"open after: {', '.join(OPTIMUM_33)}\n" in said
    assert "proved: all 50,751 radial configurations were evaluated" in said


def test_files_say_the_same(finished: tuple[Path, str]) -> None:
    out = finished[0]
    names = {"manifest.json", "summary.json", "branches.csv", "switching.svg", "network.json"}
    assert {path.name for path in out.iterdir()} == names
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["proved"] is True
    assert summary["after"]["open_branches"] == OPTIMUM_33
    assert summary["after"]["loss_mw"] == pytest.approx(0.139551, abs=1e-6)
    assert summary["after"]["loss_ac_mw"] == pytest.approx(summary["after"]["loss_mw"], abs=1e-8)
    rows = pd.read_csv(out / "branches.csv").set_index("name")
    assert list(rows.index[~rows["closed_after"]]) == OPTIMUM_33
    assert (rows["current_after_ka"][~rows["closed_after"]] == 0).all()
    switched = read_network(out / "network.json")
    assert switched.is_radial()
    assert list(switched.branches["name"][~switched.branches["closed"]]) == OPTIMUM_33
    assert (out / "switching.svg").read_text("utf-8").startswith("<?xml")


def test_a_directory_is_kept_without_force(finished: tuple[Path, str]) -> None:
    before = (finished[0] / "summary.json").read_bytes()
    assert _call("baran-wu-33", "--out", finished[0]).exit_code == 2
    assert (finished[0] / "summary.json").read_bytes() == before


@pytest.mark.slow
def test_a_file_of_pandapower_with_switches(tmp_path: Path) -> None:
    net = pandapower.networks.case33bw()
    # The ties are closed lines here, opened by a switch at one end.
    for line in net.line.index[~net.line["in_service"]]:
        net.line.loc[line, "in_service"] = True
        bus = net.line.at[line, "from_bus"]
        pandapower.create_switch(net, bus, line, et="l", closed=False)
    pandapower.to_json(net, str(tmp_path / "own.json"))
    out = tmp_path / "out"
    result = _call(tmp_path / "own.json", "--out", out)
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["configurations"] == 50_751
    assert summary["before"]["loss_mw"] == pytest.approx(0.202677, abs=1e-6)
    for line in net.line.index:
        net.line.loc[line, "in_service"] = f"line {line}" not in summary["after"]["open_branches"]
    net.switch = net.switch.iloc[:0]
    pandapower.runpp(net, numba=False)
    assert net.res_line["pl_mw"].sum() == pytest.approx(summary["after"]["loss_mw"], abs=1e-8)
    assert net.res_line["pl_mw"].sum() == pytest.approx(0.139551, abs=1e-6)


@pytest.mark.slow
def test_a_file_of_the_project(tmp_path: Path) -> None:
    network = eg.feeder("baran-wu-33")
    closed = network.with_closed(dict.fromkeys(network.branches["name"][32:], True))
    write_network(closed, tmp_path / "ring.json")
    assert len(feeder(str(tmp_path / "ring.json")).buses) == 33
    words = ("--switchable", "line 7", "--switchable", "line 33")
    result = _call(tmp_path / "ring.json", *words, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no branch 'line 33'" in result.output
    names = [word for name in network.branches["name"][32:] for word in ("--switchable", name)]
    result = _call(tmp_path / "ring.json", *names, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "A loop runs over" in result.output  # before
    assert "there is no other radial configuration" in result.output


@pytest.mark.slow
def test_sources_that_are_joined_before(tmp_path: Path) -> None:
    """Figures of before are pandapower's then, and the search goes on."""
    network = eg.feeder("das-70")
    joined = network.with_closed({"tie 69": True})
    write_network(joined, tmp_path / "joined.json")
    names = [word for name in ("tie 69", "line 13") for word in ("--switchable", name)]
    result = _call(tmp_path / "joined.json", *names, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "before: 2 sources (at the buses 1, 70) feed the same island" in result.output
    (loading,) = (line for line in result.output.splitlines() if "greatest loading" in line)
    assert loading.split()[-2:] == ["–", "–"]  # no line of this feeder has a rating
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    net = joined.to_pandapower()
    pandapower.runpp(net, numba=False)
    before = summary["before"]
    assert before["status"] == "TWICE_FED"
    assert before["loss_mw"] == pytest.approx(net.res_line["pl_mw"].sum(), abs=1e-6)
    assert before["voltage_min_pu"] == pytest.approx(net.res_bus["vm_pu"].min(), abs=1e-6)
    assert summary["after"]["status"] == "CONVERGED"
    picture = (tmp_path / "out" / "switching.svg").read_text("utf-8")
    assert "sources joined" in picture


@pytest.mark.slow
def test_what_is_not_proved_is_said(tmp_path: Path) -> None:
    result = _call("das-70", "--rounds", 0, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "NOT proved: branch exchange" in result.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["bound"] is None
    assert summary["proved"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("baran-wu-3",), "neither a shipped feeder"),
        (("absent.json",), "nor a file"),
        (("broken.json",), "is not JSON"),
        (("other.json",), "describes no network"),
        (("das-70", "--objective", "balance"), "No branch of 'Das, 70 buses' has a rating"),
        (("baran-wu-33", "--objective", "losses"), "'losses' is not one of"),
        (("baran-wu-33", "--voltage-min", "0.99"), "widen the limits"),
        (("baran-wu-33", "--voltage-min", "high"), "not a valid float"),
        (("baran-wu-33", "--out", "broken.json"), "exists already"),
    ],
)
def test_bad_input_is_told_in_sentences(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{", encoding="utf-8")
    Path("other.json").write_text("{}", encoding="utf-8")
    result = _call(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert not Path("results").exists() or not list(Path("results").iterdir())
