"""Every way of spoiling a study is refused in words, with file and line, in one pass."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from equigrid.experiments.running.loading import load_study, study_path
from equigrid.experiments.spec.findings import Finding, UnusableInput, dotted

Loc = tuple[str | int, ...]
Written = Callable[..., Path]


def _leaves(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, Any]]:
    """Yield every scalar; of a series of numbers the first only."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*loc, key))
    elif isinstance(value, list):
        numbers = all(isinstance(item, int | float) for item in value)
        for index, inner in enumerate(value[:1] if numbers else value):
            yield from _leaves(inner, (*loc, index))
    else:
        yield loc, value


def _mappings(value: Any, loc: Loc = ()) -> Iterator[Loc]:
    if isinstance(value, dict):
        yield loc
        for key, inner in value.items():
            yield from _mappings(inner, (*loc, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _mappings(inner, (*loc, index))


def _parent(data: Any, loc: Loc) -> Any:
    for step in loc[:-1]:
        data = data[step]
    return data


STUDY: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
NUMBERS = [
    loc for loc, v in _leaves(STUDY) if isinstance(v, int | float) and not isinstance(v, bool)
]


def _findings(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(UnusableInput) as refused:
        load_study(path)
    assert all(finding.file == str(path) for finding in refused.value.findings)
    return refused.value.findings


@pytest.mark.parametrize(
    "value", ["much", "1", None, True, [], float("nan"), float("inf"), -0.5, -1]
)
def test_every_number_refuses_what_is_no_sensible_number(value: Any, written: Written) -> None:
    data = copy.deepcopy(STUDY)
    for loc in NUMBERS:
        _parent(data, loc)[loc[-1]] = value
    told = {finding.path for finding in _findings(written(data=data))}
    # The feeder has a bus that is called '1'.
    wrong = {dotted(loc) for loc in NUMBERS if not (value == "1" and loc[-1] == "bus")}
    assert wrong <= told


@pytest.mark.slow
def test_every_field_is_needed_and_no_other_is_known(written: Written) -> None:
    kinds = {tuple(_inside(STUDY, loc)): loc for loc in _mappings(STUDY)}
    assert len(kinds) >= 15
    for keys, loc in kinds.items():
        for key in keys:
            data = copy.deepcopy(STUDY)
            _inside(data, loc)["colour"] = _inside(data, loc).pop(key)
            found = _findings(written(data=data))
            assert any("colour" in finding.message for finding in found) or key == "kind"
            assert any(key in f.message or key in f.path for f in found)


def test_every_series_has_one_value_an_hour(written: Written) -> None:
    series = [loc[:-1] for loc in NUMBERS if isinstance(loc[-1], int) and "weights" not in loc]
    assert len(series) >= 6
    data = copy.deepcopy(STUDY)
    for loc in series:
        _inside(data, loc).pop()
    found = _findings(written(data=data))
    assert {finding.path for finding in found} == {dotted(loc) for loc in series}
    assert all("must have 24 values, has 23" in finding.message for finding in found)


def _inside(data: Any, loc: Loc) -> Any:
    return _parent(data, (*loc, ""))


AGENTS = {agent["name"]: k for k, agent in enumerate(STUDY["agents"])}
SPOILT: list[tuple[Loc, Any, str]] = [
    (("agents", AGENTS["mg1"], "bus"), 99, "no bus of the feeder"),
    (("agents", AGENTS["ders-manager"], "generators", 0, "bus"), 0, "no bus of the feeder"),
    (("agents", AGENTS["ders-manager"], "photovoltaics", 0, "bus"), 77, "no bus of the feeder"),
    (("agents", AGENTS["mg2"], "name"), "mg1", "taken already"),
    (("agents", AGENTS["mg2"], "buys_from"), "disko", "did you mean 'disco'"),
    (("agents", AGENTS["disco"], "buys_from"), "mg1", "must name an agent of kind iso"),
    (("agents", AGENTS["disco"], "dispatches"), "nobody", "must name an agent of kind"),
    (("agents", AGENTS["mg1"], "kind"), "micro-grid", "did you mean"),
    (("agents", AGENTS["mg1"], "generator", "power_min_mw"), 0.9, "must be at least power_min_mw"),
    (("agents", AGENTS["mg1"], "generator", "output_initial_mw"), 0.9, "must be at most"),
    (("agents", AGENTS["mg1"], "battery", "energy_min_mwh"), 0.6, "must be at least"),
    (("agents", AGENTS["mg1"], "battery", "energy_initial_mwh"), 0.6, "must be at most"),
    (("agents", AGENTS["mg1"], "battery", "charge_efficiency"), 1.2, "must be at most 1"),
    (("network", "voltage_min_pu"), 1.1, "must be at least voltage_min_pu"),
    (("network", "feeder"), "baran-wu-34", "did you mean 'baran-wu-33'"),
    (("network", "feeder"), "absent.json", "absent.json"),
    (("network", "closed_branches"), ["tie 9-15x"], "no branch of the feeder"),
    (("scenarios", "load", "weights"), [0.3, 0.6, 0.2], "must add up to 1"),
    (("timetable", 1, "minute"), 600, "must be later"),
    (("timetable", 2, "method"), "announce", "the last stage must find the answer"),
    (("cases", 1, "name"), "without-flexibility", "taken already"),
    (("currency",), "dollars", "currency"),
    (("system",), "something", "disco-microgrids"),
]


@pytest.mark.parametrize(("loc", "value", "words"), SPOILT)
def test_contradictions_are_named_with_their_line(
    loc: Loc, value: Any, words: str, written: Written
) -> None:
    data = copy.deepcopy(STUDY)
    _parent(data, loc)[loc[-1]] = value
    found = _findings(written(data=data))
    assert any(words in str(finding) for finding in found), found
    assert all(finding.line > 1 for finding in found)


def test_a_closed_tie_makes_a_loop(written: Written) -> None:
    ties = load_study("disco-microgrids").feeder.branches
    tie = str(ties.loc[~ties["closed"], "name"].iloc[0])
    data = copy.deepcopy(STUDY)
    data["network"]["closed_branches"] = [tie]
    assert any("not radial" in finding.message for finding in _findings(written(data=data)))
    data["network"]["open_branches"] = [tie]
    assert any("named already" in finding.message for finding in _findings(written(data=data)))


def test_kinds_that_must_be_there_once(written: Written) -> None:
    for kind in ("iso", "customers", "ders-manager", "disco", "microgrid"):
        data = copy.deepcopy(STUDY)
        data["agents"] = [agent for agent in data["agents"] if agent["kind"] != kind]
        assert any(kind in finding.message for finding in _findings(written(data=data)))


def test_everything_is_told_at_once(written: Written) -> None:
    data = copy.deepcopy(STUDY)
    data["agents"][AGENTS["mg1"]]["bus"] = 99
    data["agents"][AGENTS["mg2"]]["battery"]["power_max_mw"] = -1
    data["agents"][AGENTS["mg3"]]["demand_mw"].pop()
    data["agents"][AGENTS["mg3"]]["buys_from"] = "nobody"
    data["titel"] = data.pop("title")
    text = "\n".join(map(str, _findings(written(data=data))))
    for words in ("no bus", "at least 0", "has 23", "must name an agent", "did you mean 'title'"):
        assert words in text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# nothing\n",
        b"- a\n- list\n",
        b"\x00\xff\xfe\x01",
        b"study: !!python/object/apply:os.system ['true']\n",
        b"a: &a [x]\nb: [*a, *a]\n",
        b"study: one\nstudy: two\n",
        b"study: [unclosed\n",
    ],
)
def test_what_is_no_study_at_all(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    assert _findings(path)


def test_a_missing_file_and_an_unknown_name(tmp_path: Path) -> None:
    assert "study.yaml" in str(_findings(tmp_path / "study.yaml")[0])
    assert "did you mean 'disco-microgrids'" in str(_findings(Path("disco-microgrid"))[0])


def test_the_shipped_study_loaded_and_written_again_is_accepted(tmp_path: Path) -> None:
    study = load_study("disco-microgrids")
    for number, text in enumerate([yaml.safe_dump(STUDY), study.to_yaml()]):
        path = tmp_path / f"again-{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert load_study(path).spec == study.spec
    assert load_study(path).digest() == study.digest()
