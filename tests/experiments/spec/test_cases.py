"""Cases set fields by dotted paths; old places of fields; settings of the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.experiments.spec.conftest import Read, Street

import equigrid as eg
from equigrid.experiments.running.loading import load_study, study_path
from equigrid.experiments.spec.settings import with_set
from equigrid.experiments.spec.study_reading import study_of
from equigrid.experiments.spec.yaml_reading import parsed_value

Written = Callable[..., Path]
NETWORK = {"feeder": "baran-wu-33"}
LOTS = [{"name": "lot1", "bus": 3}, {"name": "lot2", "bus": 5}]


def _cases(**paths: Any) -> list[dict[str, Any]]:
    sets = {path.replace("__", "."): value for path, value in paths.items()}
    return [{"name": "plain"}, {"name": "tight", "ac": "report", "set": sets}]


def test_a_case_is_the_study_with_some_fields_set(read: Read) -> None:
    cases = _cases(
        limit_mw=0.8, network__voltage_min_pu=0.94, lots__lot1__energy_mwh=2,
        certificate__gap=0.01, spot_per_mwh=[1, 2, 3, 4], messages__loss=0.1,
        network__open_branches=["line 5"], network__closed_branches=["tie 25-29"],
    )  # fmt: skip
    ties = load_study("disco-microgrids").feeder.branches["name"].tolist()
    cases[1]["set"]["network.closed_branches"] = [next(n for n in ties if "tie" in n)]
    study = read.study(network=NETWORK, lots=LOTS, cases=cases)
    plain, tight = study.case("plain"), study.case("tight")
    assert (plain.ac, tight.ac) == ("enforce", "report")
    assert plain.spec == study.spec
    assert plain.network is study.network
    assert (study.spec.limit_mw, tight.spec.limit_mw) == (1.0, 0.8)
    assert tight.spec.network.voltage_min_pu == 0.94
    assert [lot.energy_mwh for lot in tight.spec.lots] == [2.0, 1.0]
    assert tight.spec.certificate.gap == 0.01
    assert tight.spec.certificate.regret == study.spec.certificate.regret
    assert tight.spec.spot_per_mwh.tolist() == [1, 2, 3, 4]
    open_there = set(tight.network.branches.query("not closed")["name"])
    assert "line 5" in open_there
    assert study.in_case("tight").spec is tight.spec
    again = yaml.safe_load(study.to_yaml())
    assert again["cases"] == [{"name": "plain", "ac": "enforce"}, {**cases[1]}]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("limit_mv", 1, "the study has no field 'limit_mv'; did you mean 'limit_mw'?"),
        ("lots.lto1.energy_mwh", 1, "lots has no item of the name 'lto1'; did you mean 'lot1'?"),
        ("lots.lot1.energy", 1, "lots[0] has no field 'energy'; did you mean 'energy_mwh'?"),
        ("lots.1.energy_mwh", 1, "lots has no item of the name '1'; there is: lot1, lot2"),
        ("limit_mw.more", 1, "limit_mw has nothing below it"),
        ("network.voltage_min", 1, "did you mean 'voltage_min_pu'?"),
        ("spot_per_mwh.9", 1, "spot_per_mwh has items 1 to 4, which have no names; not '9'"),
        ("", 1, "the study has no field ''"),
        *[
            (name, 1, f"'{name}' holds for the whole study and cannot be set here")
            for name in ("study", "system", "currency", "seed", "steps", "step_minutes", "start")
        ],
        ("cases.tight.ac", "report", "'cases' holds for the whole study"),
    ],
)
def test_paths_that_lead_nowhere(path: str, value: object, words: str, read: Read) -> None:
    fields = {"network": NETWORK, "lots": LOTS, "spot_per_mwh": [1, 2, 3, 4]}
    found = read.findings(**fields, cases=_cases(**{path or "": value}))
    assert len(found) == 1
    assert words in found[0].message
    assert found[0].path.startswith("cases[1].set")
    text = (read.folder / "study.yaml").read_text("utf-8").splitlines()
    assert (path or "''") in text[found[0].line - 1]


@pytest.mark.parametrize(
    ("sets", "path", "words"),
    [
        ({"limit_mw": "x"}, "cases[1].set.limit_mw", "must be a number"),
        ({"lots.lot1.energy_mwh": -1}, "cases[1].set.lots.lot1.energy_mwh", "greater than 0"),
        ({"lots.lot1.bus": 99}, "cases[1].set.lots.lot1.bus", "no bus of the feeder"),
        ({"spot_per_mwh": [1]}, "cases[1].set.spot_per_mwh", "must have 4 values, has 1"),
        ({"spot_per_mwh": [1, "x", 3, 4]}, "cases[1].set.spot_per_mwh[1]", "must be a number"),
        ({"spot_per_mwh": {"file": "no"}}, "cases[1].set.spot_per_mwh.column", "missing field"),
        ({"lots.lot2.name": "lot1"}, "cases[1].set.lots.lot2.name", "taken already"),
        ({"network.feeder": "baran-wu-34"}, "cases[1].set.network.feeder", "did you mean"),
        ({"network": None}, "cases[1].set.network", "lots[0].bus: the study has no network"),
        (
            {"network.voltage_min_pu": 1.2},
            "cases[1].set.network.voltage_min_pu",
            "network.voltage_max_pu: must be at least voltage_min_pu, which is 1.2",
        ),
        (
            {"limit_mw": 2, "network.voltage_min_pu": 1.2},
            "cases[1].set.network.voltage_min_pu",
            "network.voltage_max_pu: must be at least voltage_min_pu, which is 1.2",
        ),
    ],
)
def test_faults_are_told_where_the_case_sets_what_causes_them(
    sets: dict[str, Any], path: str, words: str, read: Read
) -> None:
    cases = [{"name": "plain"}, {"name": "tight", "set": sets}]
    found = read.findings(network=NETWORK, lots=LOTS, cases=cases)
    assert any(f.path == path and words in f.message for f in found), found
    text = (read.folder / "study.yaml").read_text("utf-8").splitlines()
    assert all(f.line > 1 + text.index("cases:") for f in found)


def test_a_csv_of_a_case_is_named(read: Read) -> None:
    read.file("p.csv", "price\n1\nx\n3\n4\n")
    said = {"spot_per_mwh": {"file": "p.csv", "column": "price"}}
    (told,) = read.told(cases=[{"name": "a", "set": said}])
    assert told.startswith("p.csv:3: cases[0].set.spot_per_mwh: column 'price': must be a number")


def test_what_is_wrong_anyway_is_told_once(read: Read) -> None:
    found = read.findings(share=2, cases=_cases(limit_mw="x"))
    assert {finding.path for finding in found} == {"share", "cases[1].set.limit_mw"}
    assert len(found) == 2


def _too_small(spec: Street) -> Iterator[tuple[str, str]]:
    if spec.limit_mw < 1:
        yield "limit_mw", "is too small"
    if any(lot.energy_mwh > 5 for lot in spec.lots):
        yield "lots.lot1.energy_mwh", "is too much"
    if spec.share == 0:
        yield "share.of.nothing", "is nothing"


def test_problems_of_a_system_are_told_where_the_file_says_it(read: Read) -> None:
    found = read.findings(_too_small, limit_mw=0.5, share=0, cases=_cases(share=0.1))
    text = (read.folder / "study.yaml").read_text("utf-8").splitlines()
    assert [(f.path, f.message, text[f.line - 1]) for f in found] == [
        ("limit_mw", "is too small", "limit_mw: 0.5"),
        ("share.of.nothing", "is nothing", "share: 0"),
    ]
    fields = {"network": NETWORK, "lots": LOTS}
    found = read.findings(
        _too_small, **fields, cases=_cases(limit_mw=0.5, lots__lot1__energy_mwh=9)
    )
    assert [(f.path, text_of(read, f)) for f in found] == [
        ("cases[1].set.limit_mw", "limit_mw: 0.5"),
        ("cases[1].set.lots.lot1.energy_mwh", "lots.lot1.energy_mwh: 9"),
    ]
    lots = [{"name": "lot1", "bus": 3, "energy_mwh": 9}]
    (finding,) = read.findings(_too_small, network=NETWORK, lots=lots)
    assert (finding.path, text_of(read, finding)) == ("lots[0].energy_mwh", "energy_mwh: 9")


def text_of(read: Read, finding: Any) -> str:
    text = (read.folder / "study.yaml").read_text("utf-8").splitlines()
    return str(text[finding.line - 1]).strip()


def test_some_cases_only(read: Read) -> None:
    cases = [{"name": name} for name in ("a", "b", "c")]
    study = read.study(cases=cases)
    one = study.only(["c"])
    assert [case.name for case in one.cases] == ["c"] == [case.name for case in one.spec.cases]
    assert one.digest() != study.digest()
    with pytest.raises(eg.UnusableInput, match="no case of the study has this name; there is: a"):
        study.only(["x"])
    with pytest.raises(eg.UnusableInput, match="name at least one case"):
        study.only([])
    with pytest.raises(eg.UnusableInput, match="no timetable"):
        study.with_method("exact")
    with pytest.raises(ValueError, match="has no network"):
        _ = study.feeder
    fitted = load_study("frp-confidence").only(["confidence-80"])
    assert [case.name for case in fitted.cases] == ["confidence-80", "confidence-90"]


def test_seed_and_method_hold_in_all_cases() -> None:
    study = load_study("disco-microgrids").with_seed(9).with_method("exact")
    for case in study.cases:
        assert case.spec.seed == 9
        assert [entry.method for entry in case.spec.timetable] == ["announce", "exact"]  # type: ignore[attr-defined]


def test_the_command_line_sets_fields_of_all_cases(read: Read) -> None:
    document = read.document(network=NETWORK, lots=LOTS, cases=_cases(share=0.1))
    said = {"limit_mw": "0.7", "lots.lot2.energy_mwh": "3", "certificate.gap": "1e-3", "steps": "5"}
    values = {path: parsed_value(text) for path, text in said.items()}
    study: Any = study_of(with_set(document, values, Street), Street)
    for case in study.cases:
        assert case.spec.limit_mw == 0.7
        assert case.spec.lots[1].energy_mwh == 3
        assert case.spec.certificate.gap == 1e-3
        assert case.spec.steps == 5
    study = study_of(with_set(document, {"limit_mw": 2}), Street)
    assert study.spec.limit_mw == 2
    with pytest.raises(eg.UnusableInput) as refused:
        with_set(document, {"lots.lot3.bus": 3, "system": "x", "limit": 1}, Street)
    found = refused.value.findings
    assert {finding.path for finding in found} == {"lots.lot3.bus", "system", "limit"}
    assert all("cannot be set" in f.message and f.file == document.file for f in found)
    with pytest.raises(eg.UnusableInput) as refused:
        study_of(with_set(document, {"lots.lot2.bus": 99, "limit": 1}), Street)
    assert {f.path for f in refused.value.findings} == {"lots[1].bus", "limit"}


@pytest.mark.parametrize("text", ["[1", "!x 1", "a: b: c", "&a 1", "1\n---\n2", "\0"])
def test_values_that_are_none(text: str) -> None:
    with pytest.raises(eg.UnusableInput):
        parsed_value(text)
    assert parsed_value(" ") is None


OLD: list[tuple[str, Callable[[dict[str, Any]], object], str, str]] = [
    ("disco-microgrids", lambda d: d.update(hours=d.pop("steps")), "hours",
     "'hours' is called 'steps' now; rename it"),
    ("frp-aggregator", lambda d: d.update(stages=d.pop("timetable")), "stages",
     "'stages' is called 'timetable' now; rename it"),
    ("disco-microgrids", lambda d: d["cases"][1].update(d["cases"][1].pop("set")),
     "cases[1].ramp_penalty",
     "'ramp_penalty' stands under set now; write set: {ramp_penalty: true}"),
    ("frp-aggregator", lambda d: d["cases"][0].update(d["cases"][0].pop("set")),
     "cases[0].secured", "'secured' stands under set now; write set: {secured: …}"),
    ("frp-confidence", lambda d: d["cases"][2].update(d["cases"][2].pop("set")),
     "cases[2].confidence", "'confidence' stands under set now; write set: {confidence: 1}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "path", "words"), OLD)
def test_old_fields_are_refused_with_the_new_one(
    name: str, spoil: Callable[[dict[str, Any]], object], path: str, words: str, tmp_path: Path
) -> None:
    data = yaml.safe_load(study_path(name).read_text("utf-8"))
    spoil(data)
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(eg.UnusableInput) as refused:
        load_study(file)
    (finding,) = refused.value.findings
    assert (finding.path, finding.message) == (path, words)
    line = file.read_text("utf-8").splitlines()[finding.line - 1]
    assert path.rsplit(".", maxsplit=1)[-1] in line


def test_the_rest_of_an_old_file_is_checked_as_well(written: Written) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["hours"] = data.pop("steps")
        data["stages"] = data.pop("timetable")
        data["stages"][1]["minute"] = 600
        data["cases"][0] = {"name": "a", "ramp_penalty": 3, "ac": "enforce"}
        data["agents"][4]["demand_mw"].pop()

    with pytest.raises(eg.UnusableInput) as refused:
        load_study(written(spoil))
    told = {(finding.path, finding.message[:20]) for finding in refused.value.findings}
    assert told == {
        ("hours", "'hours' is called 's"),
        ("stages", "'stages' is called '"),
        ("timetable[1].minute", "must be later than t"),
        ("cases[0].ramp_penalty", "'ramp_penalty' stand"),
        ("cases[0].set.ramp_penalty", "must be true or fals"),
        ("agents[4].demand_mw", "must have 6 values, "),
    }
