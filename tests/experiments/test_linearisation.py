"""Any study may ask for its linear network to be fitted to AC power flow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from equigrid.experiments.running.loading import load_study
from equigrid.experiments.running.run import run

Written = Callable[..., Path]


def _asking(rounds: int, tolerance_pu: float, **more: Any) -> Callable[[dict[str, Any]], None]:
    """Ask for rounds of the exact stage, without a negotiation before."""

    def spoil(data: dict[str, Any]) -> None:
        data["timetable"] = data["timetable"][:1] + data["timetable"][2:]
        wanted = {"rounds": rounds, "tolerance_pu": tolerance_pu, **more}
        data["network"]["linearisation"] = wanted

    return spoil


@pytest.mark.slow
def test_rounds_bring_the_linear_network_to_ac_and_cases_may_share_it(written: Written) -> None:
    result = run(written(_asking(6, 1e-4, case="with-flexibility")))
    assert [case.name for case in result.cases] == ["without-flexibility", "with-flexibility"]
    rounds = dict(tuple(result.tables["linearisation"].groupby("case")))
    fitted = rounds["with-flexibility"]["error_pu"].to_numpy()
    assert len(fitted) > 1
    assert (fitted[:-1] > 1e-4).all()
    assert fitted[-1] <= 1e-4
    assert len(rounds["without-flexibility"]) == 1
    last = result.case("with-flexibility")
    assert last.shortcomings == ()
    assert last.certificate.ac is not None
    # pandapower, which shares nothing with the linear network, finds the same difference.
    assert last.certificate.ac.max_linear_voltage_error_pu == pytest.approx(fitted[-1], abs=1e-8)


@pytest.mark.slow
def test_rounds_that_run_out_are_told(written: Written) -> None:
    def spoil(data: dict[str, Any]) -> None:
        _asking(1, 1e-9)(data)
        data["cases"] = data["cases"][:1]

    result = run(written(spoil))
    assert not result.certified
    (case,) = result.cases
    (said,) = case.shortcomings
    assert "after round 1 the linear network still differs from AC power flow by" in said
    assert case.notes["linear_rounds"] == 1


def test_a_case_that_is_not_named_is_not_written() -> None:
    assert (
        "case:" not in load_study("frp-aggregator").to_yaml().split("offers:")[0].split("feeder")[1]
    )
