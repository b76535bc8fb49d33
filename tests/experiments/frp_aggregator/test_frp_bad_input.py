"""What is wrong with a study of paper A is told before anything is solved, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from equigrid.experiments.frp_aggregator.days import days_of
from equigrid.experiments.run import run
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.experiments.study import load_study

Written = Callable[..., Path]


def _set(*place: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = place

    def spoil(data: Any) -> None:
        for step in way:
            data = data[step]
        data[last] = value

    return spoil


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("scenarios", "probability", [0.4, 0.5]), "probabilities must add up to 1, not to 0.9"),
        (("scenarios", "probability", [0.4, 0.3, 0.3]), "a series for each of the 3"),
        (("scenarios", "kind", "drawn"), "missing field 'days'"),
        (("cases", 0, "set", {"confidence": 0}), "cases[0].set.confidence: must be greater than 0"),
        (("confidence", 1.2), "confidence: must be at most 1"),
        (("cases", 1, "set", "secured", ["up"]), "cases[1].set.secured: must contain before"),
        (("agents", 4, "bus", 99), "agents[4].bus: no bus of the feeder has this number"),
        (("agents", 1, "photovoltaics", 2, "bus", 99), "photovoltaics[2].bus: no bus"),
        (("agents", 3, "represented_by", "nobody"), "must name an agent of kind prosumer-agg"),
        (("agents", 3, "energy_final_mwh", 9.0), "must be at most energy_max_mwh"),
        (
            ("agents", 4, "power_max_mw", 0.001),
            "the virtual battery 'p2' is infeasible: in hour 3 it can reach at most 1.32 MWh, "
            "but A(14) final stored energy asks for at least 1.4; raise power_max_mw",
        ),
        (
            ("agents", 3, "power_min_mw", 0.45),
            "'p1' is infeasible: in hour 3 it can reach at least",
        ),
        (("network", "linearisation", "case", "other"), "no case of the study has this name"),
    ],
)
def test_bad_input_is_named_with_its_place(
    place: tuple[Any, ...], words: str, written: Written
) -> None:
    with pytest.raises(UnusableInput) as refused:
        load_study(written(_set(*place)))
    assert words in str(refused.value)


@pytest.mark.slow
def test_a_feeder_that_violates_without_prosumers_is_refused_before_solving(
    written: Written,
) -> None:
    told: list[str] = []
    path = written(_set("network", "voltage_min_pu", 0.93))
    with pytest.raises(UnusableInput) as refused:
        run(path, progress=told.append)
    assert told == []
    assert "violates its limits without prosumers: in hour 3 the voltage at bus 18 is" in str(
        refused.value
    )
    overloaded = written(_set("agents", 1, "peak_load_fraction", 30.0))
    with pytest.raises(UnusableInput, match="no power flow can carry the load in hour 1"):
        run(overloaded)


def test_measured_days_are_read_and_faults_in_them_told(tmp_path: Path, written: Written) -> None:
    csv = tmp_path / "sun.csv"
    profile = [0.0] * 8 + [200, 500, 700, 800, 900, 700, 500, 300, 100] + [0.0] * 7
    lines = [str(value * share) for share in (1, 0.5, 0.2) for value in profile]
    csv.write_text("\n".join(["w", *lines]), encoding="utf-8")
    said = {
        "kind": "measured", "file": "sun.csv", "column": "w", "installed": 1000.0,
        "clusters": 2, "first_hour": 10,
    }  # fmt: skip
    found = days_of(load_study(written(_set("scenarios", said))))
    assert found.samples == 3
    assert found.scenarios["irradiance"][-1].tolist() == [0.5, 0.7, 0.8]
    for changed, words in (
        ({"installed": 300.0}, "above the installed power 300"),
        ({"file": "none.csv"}, "scenarios.file: there is no file of this name"),
        ({"clusters": 4}, "must be at most 3, the days measured"),
        ({"first_hour": 23}, "days have 24 hours, and these begin with hour 23"),
    ):
        with pytest.raises(UnusableInput) as refused:
            load_study(written(_set("scenarios", {**said, **changed})))
        assert words in str(refused.value)


def test_drawn_days_follow_the_seed(written: Written) -> None:
    said = {"kind": "drawn", "days": 60, "clusters": 3, "first_hour": 11}
    one = load_study(written(_set("scenarios", said)))
    first, again, other = (days_of(s) for s in (one, one, one.with_seed(8)))
    assert first.samples == 60
    assert (first.scenarios["irradiance"] == again.scenarios["irradiance"]).all()
    assert (first.scenarios["irradiance"] != other.scenarios["irradiance"]).any()


def test_the_small_study_is_written_as_it_was_read(written: Written) -> None:
    study = load_study(written())
    assert study.spec.study == "frp-aggregator"
    assert load_study(written()).digest() == study.digest()
