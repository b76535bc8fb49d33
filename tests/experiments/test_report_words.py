from dataclasses import replace
from typing import Any

import pytest

from equigrid.experiments.figures import case_colours
from equigrid.experiments.report import report_html
from equigrid.experiments.report_certificate import checks, negotiation, verdict
from equigrid.experiments.report_kpis import headline, tiles
from equigrid.experiments.result import CaseResult, Kpi, Result
from equigrid.grid.cases import feeder
from equigrid.markets.certificate import AcFindings, Certificate

TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-6} | {
    "ac_voltage_pu": 5e-3,
    "ac_loading_percent": 0.0,
}
CERTIFICATE = Certificate({"mg1": 2e-9}, 3e-5, 0.0, None, 4e-13, AcFindings())
TALK = {"negotiation_settled": True, "negotiation_rounds": 3, "negotiation_profit": 950.0}


def a_case(name: str, ramp: float, forgone: float | None = None, **notes: Any) -> CaseResult:
    kpis = {
        "disco_profit": Kpi(1150.0, "USD"),
        "max_ramp_up_mw_per_h": Kpi(ramp, "MW/h"),
        "ramp_penalty": Kpi(0.0 if forgone is None else 32.1, "USD"),
    }
    more = {} if forgone is None else {"profit_forgone": Kpi(forgone, "USD")}
    return CaseResult(name, kpis | more, CERTIFICATE, (), {"method": "exact", **TALK, **notes})


def a_result(*cases: CaseResult) -> Result:
    network = feeder("baran-wu-33")
    return Result("s", "A Disco", "USD", 1, cases, {}, network, TOLERANCE, "", {"seed": 1})


def test_uncertified_says_what_falls_short() -> None:
    short = replace(a_case("b", 0.5), shortcomings=("mg1 could still gain 0.2 of its cost",))
    result = a_result(a_case("a", 1.0), short, tables=False)
    words = Page(report_html(result)).words
    assert "✗ uncertified" in words
    assert "b: mg1 could still gain 0.2 of its cost." in words
    assert verdict(result).startswith("Not certified")


def test_colours_of_before_and_after_stay_with_more_cases(two: Result) -> None:
    three = a_result(*(a_case(name, 1.0) for name in "abc"), tables=False)
    few, more = list(case_colours(two).values()), list(case_colours(three).values())
    assert (more[0], more[-1]) == (few[0], few[-1])
    assert len(set(more)) == 3


def test_headline_without_change_with_gain_and_without_ramps() -> None:
    a, b = a_case("a", 0.5), a_case("b", 0.5)
    assert headline(a_result(a, b, tables=False)).startswith("The largest ramp up stays at")
    gain = replace_kpi(a_case("c", 1.0), "profit_forgone", -5.0)
    assert "rises" in headline(a_result(a, gain, tables=False))
    assert headline(a_result(a, gain, tables=False)).endswith(
        "with 5.00\N{NO-BREAK SPACE}USD more profit."
    )
    alone = a_result(a, tables=False)
    assert "at a profit of 1,150" in headline(alone)
    bare = replace(alone, cases=(replace(a, kpis={"other_thing": Kpi(3.0, "h")}),))
    assert headline(bare) == "A Disco"
    assert "Other thing" in Page(report_html(bare)).words


def test_bars_of_a_tile_are_as_long_as_their_values(two: Result) -> None:
    tile = next(tile for tile in tiles(two) if tile.name == "Largest ramp up")
    assert [(bar.text, bar.percent) for bar in tile.bars] == [("0.80", 100.0), ("0.20", 25.0)]
    penalty = next(tile for tile in tiles(two) if tile.name == "Ramp penalty")
    assert penalty.change == "from 0"


def certified(**figures: Any) -> CaseResult:
    case = a_case("a", 1.0)
    return replace(case, certificate=replace(case.certificate, **figures))


@pytest.mark.parametrize(
    ("case", "question", "holds"),
    [
        (certified(regret={"mg1": 1e-3}), "mg1", False),
        (certified(regret={"mg1": 1e-5}), "mg1", True),
        (certified(optimality_gap=None), "bound", False),
        (replace(certified(optimality_gap=None), notes={"method": "best-response"}), "bound", None),
        (certified(settlement_residual=1e-3), "received", False),
        (certified(ac=AcFindings(max_voltage_violation_pu=0.01)), "voltages beyond", False),
        (certified(ac=AcFindings("report", True, 0.01)), "voltages beyond", None),
        (certified(ac=AcFindings(converged=False)), "power flow", False),
        (certified(ac=AcFindings("report", converged=False)), "power flow", None),
        (certified(ac=AcFindings(max_linear_voltage_error_pu=0.1)), "Linear", None),
    ],
)
def test_checks_hold_or_not(case: CaseResult, question: str, holds: bool | None) -> None:
    found = [check for check in checks(case, TOLERANCE) if question in check.question]
    assert [check.holds for check in found] == [holds]


def test_no_ac_no_ac_checks() -> None:
    assert not any("AC" in check.question for check in checks(certified(ac=None), TOLERANCE))


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"negotiation_distance": 0.13}, "That is 13 % below the exact optimum."),
        ({"negotiation_distance": -0.02}, "That is 2 % above the exact optimum."),
        ({"negotiation_distance": 0.0}, "That is the exact optimum."),
        ({"negotiation_settled": False}, "did not settle in 3 rounds"),
        ({"negotiation_profit": None}, "settled in 3 rounds."),
    ],
)
def test_negotiation_in_words(notes: dict[str, Any], said: str) -> None:
    assert said in negotiation(a_result(a_case("a", 1.0, **notes), tables=False))[0]
