"""A system is one file or package: others are registered, validated, run, reported, replayed."""

import inspect
import json
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

import equigrid as eg
from equigrid.experiments.commands.telling import result_lines
from equigrid.experiments.replay import replay
from equigrid.experiments.running import systems
from equigrid.experiments.running.loading import study_path
from equigrid.experiments.running.run import run
from equigrid.experiments.spec.study_spec import StudySpec as StudyFile

Written = Callable[..., Path]
HOURS = 3
MODULE = "tests.experiments.one_price"
FILE = Path(__file__).with_name("one_price.py")


def _study() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    data |= {"study": "seller", "system": "one-price", "steps": HOURS, "currency": "EUR"}
    data["title"] = "One price"
    data["timetable"] = data["timetable"][-1:]
    data["methods"].pop("best_response")
    data["cases"] = [{"name": "only", "ac": "enforce"}]
    data["agents"] = [{"kind": "seller", "name": "seller"}, {"kind": "site", "name": "site"}]
    data.pop("scenarios")
    data.pop("ramp_penalty")
    return data


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(systems.SYSTEMS, "one-price", MODULE)


def _assert_a_profit_of_150(result: eg.Result, out: Path) -> None:
    assert result.certified, result.cases[0].shortcomings
    # At 45 it sells 2 MW an hour, at 60 only 1: 2 * 25 is more than 1 * 40.
    assert result.cases[0].kpis["profit"].value == pytest.approx(HOURS * 2 * 25)
    page = (out / "report.html").read_text("utf-8")
    for text in ("A profit of 150", "Lowest voltage", 'id="payments"', 'id="feeder"', "Payer"):
        assert text in page
    assert "Disco" not in page
    assert "Ties" not in page
    assert "Linear and AC voltages" not in page
    assert not any("linear" in line for line in result_lines(result))
    assert list(result.tables["bought"]["case"]) == ["only"] * HOURS
    assert list(result.tables["settlement"]["payee"]) == ["seller"]
    assert replay(out) == []


@pytest.mark.usefixtures("registered")
def test_a_second_system_runs_and_is_reported_and_replayed(
    written: Written, tmp_path: Path
) -> None:
    out = tmp_path / "result"
    result = run(written(data=_study()), out)
    assert result.system == "one-price"
    assert result.manifest["system_files"] == {}
    _assert_a_profit_of_150(result, out)
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    summary["cases"]["only"]["kpis"]["profit"]["value"] += 1
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert any("profit is 151" in difference for difference in replay(out))


def _beside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    path = folder / "own_price.py"
    path.write_text(FILE.read_text("utf-8"), encoding="utf-8")
    return "./own_price.py", path


def _by_entry_point(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    point = EntryPoint("their-price", f"{MODULE}:System", systems.ENTRY_POINTS)
    monkeypatch.setattr(systems, "_entry_points", lambda: (point,))
    return "their-price", FILE


def _by_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    return MODULE, FILE


@pytest.mark.slow
@pytest.mark.parametrize("named", [_beside, _by_entry_point, _by_module])
def test_a_system_from_outside_runs_and_what_was_paid_is_replayed(
    named: Callable[[Path, pytest.MonkeyPatch], tuple[str, Path]],
    written: Written,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, file = named(tmp_path, monkeypatch)
    out = tmp_path / "result"
    result = run(written(data=_study() | {"system": name}), out)
    assert result.system == name
    digest = sha256(file.read_bytes()).hexdigest()
    assert result.manifest["system_files"] == {file.name: digest}
    _assert_a_profit_of_150(result, out)
    path = out / "tables" / "settlement.parquet"
    paid = pd.read_parquet(path)
    paid.assign(amount=paid["amount"] + 1).to_parquet(path, index=False)
    assert any("payment 'bill' is" in difference for difference in replay(out))


def test_python_may_say_what_a_study_file_says() -> None:
    kind = import_module(MODULE).System
    result = eg.run(kind, {name: said for name, said in _study().items() if name != "system"})
    assert result.certified
    assert result.kpis.set_index("kpi")["value"]["profit"] == pytest.approx(HOURS * 2 * 25)


def test_an_error_in_a_file_of_ones_own_has_its_place(written: Written, tmp_path: Path) -> None:
    code = FILE.read_text("utf-8").replace('found.values["site.mw"]', 'found.values["site.kw"]')
    path = tmp_path / "own_price.py"
    path.write_text(code, encoding="utf-8")
    line = 1 + next(k for k, text in enumerate(code.splitlines()) if "site.kw" in text)
    out = tmp_path / "result"
    with pytest.raises(eg.SystemFailed) as failed:
        run(written(data=_study() | {"system": "./own_price.py"}), out)
    assert f"own_price.py:{line}: in day: KeyError" in str(failed.value)
    assert "site.kw" in str(failed.value)
    assert not out.exists()


@pytest.mark.usefixtures("registered")
def test_a_study_is_held_against_its_own_system(written: Written) -> None:
    data = _study()
    data["cases"][0]["ramp_penalty"] = True
    data["ramp_penalty"] = True
    with pytest.raises(eg.UnusableInput, match="unknown field 'ramp_penalty'"):
        eg.load_study(written(data=data))


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("disco-microgrid", "; did you mean 'disco-microgrids'? (got 'disco-microgrid')"),
        ("something", " (got 'something')"),
        (5, " (got 5)"),
        (None, " (got null)"),
    ],
)
def test_an_unknown_system_is_told_alone(name: object, words: str, written: Written) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["agents"][3]["bus_"] = 4
        data["scenarios"]["load"]["relative_deviation"] = -1
        data["system"] = data.pop("system") and name  # now the last line

    path = written(spoil)
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(path)
    *_, last = refused.value.findings
    assert last.line == len(path.read_text("utf-8").splitlines())
    known = " or ".join(map(repr, systems.SYSTEMS))
    assert known.startswith("'disco-microgrids' or ")
    others = ", a file beside the study (./my_system.py), or an importable module"
    expected = (
        f"must be {known}{others}" if isinstance(name, str) else f"must be text, such as {known}"
    )
    assert str(last).endswith(f"system: {expected}{words}")
    # What else is wrong is not known: the rest would be held against another system's fields.
    assert [finding.path for finding in refused.value.findings] == ["system"]


def test_a_study_without_a_system(written: Written) -> None:
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(written(lambda data: data.pop("system")))
    (finding,) = refused.value.findings
    assert "missing field 'system'; use 'disco-microgrids'" in str(finding)


@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_what_a_system_names_is_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it imports only when it is asked is there, and takes what it is given."""
    kind = systems.find_system(name, Path()).kind
    assert issubclass(kind.Spec, StudyFile)
    assert kind.logged_tables
    assert kind().report().pictures
    package, asked = import_module(kind.__module__), set()

    def recorded(module: str, function: str) -> Callable[..., Any]:
        def call(*given: Any) -> tuple[()]:
            there = getattr(import_module(f"{package.__name__}.{module}"), function)
            inspect.signature(there).bind(*given)
            asked.add(function)
            return ()

        return call

    monkeypatch.setattr(package, "_later", recorded)
    system = kind()
    system.parties = object()  # type: ignore[attr-defined]
    own = {n for n, f in vars(kind).items() if inspect.isfunction(f) and not n.startswith("_")}
    for method in own:
        count = len(inspect.signature(getattr(system, method)).parameters)
        list(getattr(system, method)(*[SimpleNamespace(answer=None)] * count) or ())
    assert len(asked) == len(own) > 6


def test_a_written_study_keeps_the_order_of_the_shipped_one(written: Written) -> None:
    path = written(lambda data: data.update(messages={"loss": 0.1}))
    again = yaml.safe_load(eg.load_study(path).to_yaml())
    shipped = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    assert list(again["cases"][0]) == list(shipped["cases"][0])
    fields = [field for field in again if field != "messages"]
    assert fields == list(shipped)
    assert list(again)[-2:] == ["agents", "messages"]  # as in the file


def test_a_linearisation_may_be_asked_for(written: Written) -> None:
    wanted = {"rounds": 5, "tolerance_pu": 1e-4}
    asked = eg.load_study(written(lambda data: data["network"].update(linearisation=wanted)))
    assert asked.spec.network is not None
    assert asked.spec.network.linearisation is not None
    assert yaml.safe_load(asked.to_yaml())["network"]["linearisation"] == wanted
    absent = eg.load_study(written())
    assert "linearisation" not in absent.to_yaml()
    assert absent.digest() != asked.digest()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"rounds": 0, "tolerance_pu": 1e-4}, "network.linearisation.rounds: must be at least 1"),
        ({"rounds": 51, "tolerance_pu": 1e-4}, "network.linearisation.rounds: must be at most 50"),
        ({"rounds": 5, "tolerance_pu": 0}, "tolerance_pu: must be greater than 0"),
        ({"rounds": 5}, "missing field 'tolerance_pu'"),
        (3, "network.linearisation: must be a mapping"),
    ],
)
def test_a_bad_linearisation_is_refused(wanted: object, words: str, written: Written) -> None:
    path = written(lambda data: data["network"].update(linearisation=wanted))
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(path)
    assert any(words in str(finding) for finding in refused.value.findings)
