from dataclasses import replace
from typing import Any

import pytest

from equigrid.experiments.report.figures import case_colours
from equigrid.experiments.report.page import report_html
from equigrid.experiments.report.verdict import Check, checks, negotiation, verdict
from equigrid.experiments.report.words import headline, tiles
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
    result = a_result(a_case("a", 1.0), short)
    page = report_html(result)
    assert "✗ uncertified" in page
    assert "<b>b</b>: mg1 could still gain 0.2 of its cost." in page
    assert verdict(result).startswith("Not certified")


def test_colours_of_before_and_after_stay_with_more_cases() -> None:
    two, three = ([a_case(name, 1.0) for name in names] for names in ("ab", "abc"))
    few, more = (list(case_colours(a_result(*cases)).values()) for cases in (two, three))
    assert (more[0], more[-1]) == (few[0], few[-1])
    assert len(set(more)) == 3


@pytest.mark.parametrize(
    ("cases", "start", "end"),
    [
        ([("a", 0.5), ("b", 0.5)], "The largest ramp up stays at 0.50", "MW/h."),
        ([("a", 0.4), ("b", 0.8)], "The largest ramp up rises from 0.40 to 0.80", "(+100 %)."),
        ([("a", 0.8), ("b", 0.4, 5.0)], "The largest ramp up falls", "5.00 USD of profit forgone."),
        ([("a", 0.8), ("b", 0.4, -5.0)], "The largest ramp up falls", "with 5.00 USD more profit."),
        ([("a", 0.8)], "The largest ramp up is 0.80 MW/h, at a profit of", "1,150 USD."),
    ],
)
def test_headline(cases: list[tuple[Any, ...]], start: str, end: str) -> None:
    said = headline(a_result(*(a_case(*case) for case in cases)))
    said = said.replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith(start)
    assert said.endswith(end)


def test_other_kpis_have_no_headline_but_are_shown() -> None:
    case = replace(a_case("a", 1.0), kpis={"other_thing": Kpi(3.0, "h")})
    assert headline(a_result(case)) == "A Disco"
    assert "Other thing" in report_html(a_result(case))


def test_bars_of_a_tile_are_as_long_as_their_values() -> None:
    found = {tile.name: tile for tile in tiles(a_result(a_case("a", 0.8), a_case("b", 0.2, 9.0)))}
    bars = found["Largest ramp up"].bars
    assert [(bar.text, bar.percent) for bar in bars] == [("0.80", 100.0), ("0.20", 25.0)]
    assert found["Ramp penalty"].change == "from 0"


def asked(question: str, **figures: Any) -> list[Check]:
    case = replace(a_case("a", 1.0), certificate=replace(CERTIFICATE, **figures))
    return [check for check in checks(case, TOLERANCE) if question in check.question]


@pytest.mark.parametrize(
    ("question", "figures", "holds"),
    [
        ("mg1", {"regret": {"mg1": 1e-3}}, False),
        ("mg1", {"regret": {"mg1": 1e-5}}, True),
        ("bound", {"optimality_gap": 1e-3}, False),
        ("bound", {"optimality_gap": None}, False),
        ("received", {"settlement_residual": 1e-3}, False),
        ("can do", {"primal_residual": 1e-3}, False),
        ("can do", {"primal_residual": 1e-7}, True),
        ("voltages beyond", {"ac": AcFindings(max_voltage_violation_pu=0.01)}, False),
        ("voltages beyond", {"ac": AcFindings("report", True, 0.01)}, None),
        ("above rating", {"ac": AcFindings(max_loading_violation_percent=3.0)}, False),
        ("power flow", {"ac": AcFindings(converged=False)}, False),
        ("power flow", {"ac": AcFindings("report", converged=False)}, None),
        ("Linear", {"ac": AcFindings(max_linear_voltage_error_pu=0.1)}, None),
    ],
)
def test_checks_hold_or_not(question: str, figures: dict[str, Any], holds: bool | None) -> None:
    assert [check.holds for check in asked(question, **figures)] == [holds]


def test_a_negotiation_alone_is_asked_for_no_bound() -> None:
    case = a_case("a", 1.0, method="best-response")
    case = replace(case, certificate=replace(CERTIFICATE, optimality_gap=None))
    found = {check.question: check for check in checks(case, TOLERANCE)}
    assert found["Distance of the leader's objective from its proven bound"].holds is None


def test_what_was_not_checked_is_not_told() -> None:
    assert asked("AC", ac=None) == []
    assert asked("can do", primal_residual=None) == []
    assert asked("voltages", ac=AcFindings(converged=False)) == []


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"negotiation_distance": 0.13}, "a profit of 950.0 USD. That is 13 % below the exact"),
        ({"negotiation_distance": -0.02}, "That is 2 % above the exact optimum."),
        ({"negotiation_distance": 0.0}, "That is the exact optimum."),
        ({"negotiation_settled": False}, "did not settle in 3 rounds"),
        ({"negotiation_profit": None}, "a: the negotiation settled in 3 rounds."),
    ],
)
def test_negotiation_in_words(notes: dict[str, Any], said: str) -> None:
    assert said in negotiation(a_result(a_case("a", 1.0, **notes)))[0]


def test_no_negotiation_no_words() -> None:
    assert negotiation(a_result(replace(a_case("a", 1.0), notes={"method": "exact"}))) == []
