from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support.checked import TOLERANCE, checked

from equigrid.experiments.disco_microgrids import System
from equigrid.experiments.disco_microgrids.report import headline
from equigrid.experiments.report.figures import case_colours
from equigrid.experiments.report.negotiated import negotiation
from equigrid.experiments.report.page import report_html
from equigrid.experiments.report.verdict import Shown, certificate_parts, shown, verdict
from equigrid.experiments.report.words import tiles
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.world.kpi import Kpi
from equigrid.grid.network.feeders import feeder
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.claim import Claim

CERTIFICATE = Certificate({"mg1": 2e-9}, 3e-5, 0.0, None, 4e-13, AcFindings())
TALK = {"negotiation_settled": True, "negotiation_rounds": 3, "negotiation_profit": 950.0}


def a_case(name: str, ramp: float, forgone: float | None = None, **notes: Any) -> CaseResult:
    kpis = {
        "disco_profit": Kpi(1150.0, "USD"),
        "max_ramp_up_mw_per_h": Kpi(ramp, "MW/h"),
        "ramp_penalty": Kpi(0.0 if forgone is None else 32.1, "USD"),
    }
    more = {} if forgone is None else {"profit_forgone": Kpi(forgone, "USD")}
    told = {"method": "exact", **TALK, **notes}
    return CaseResult(name, kpis | more, CERTIFICATE, checked(CERTIFICATE), notes=told)


def certified_by(case: CaseResult, certificate: Certificate) -> CaseResult:
    return replace(case, certificate=certificate, checks=checked(certificate))


def a_result(*cases: CaseResult) -> Result:
    network = feeder("baran-wu-33")
    return Result(
        "s", "A Disco", "disco-microgrids", "USD", 1, cases, {}, network, TOLERANCE, "",
        {"seed": 1}, content=System().report(),
    )  # fmt: skip


def test_uncertified_says_what_falls_short() -> None:
    short = certified_by(a_case("b", 0.5), replace(CERTIFICATE, regret={"mg1": 0.2}))
    result = a_result(a_case("a", 1.0), short)
    page = report_html(result)
    assert "✗ uncertified" in page
    gain = "mg1 could still gain 0.2 of the money it moves by answering otherwise"
    assert f"<b>b</b>: {gain}." in page
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


def asked(question: str, **figures: Any) -> list[Shown]:
    case = certified_by(a_case("a", 1.0), replace(CERTIFICATE, **figures))
    return [check for check in shown(case) if question in check.question]


@pytest.mark.parametrize(
    ("question", "figures", "holds"),
    [
        ("mg1", {"regret": {"mg1": 1e-3}}, False),
        ("mg1", {"regret": {"mg1": 1e-5}}, True),
        ("bound", {"optimality_gap": 1e-3}, False),
        ("bound", {"optimality_gap": None}, False),
        ("bound", {"optimality_gap": -5e-5}, False),
        ("bound", {"optimality_gap": 1e-9}, True),
        ("received", {"settlement_residual": 1e-3}, False),
        ("nobody hears", {"leader_regret": 1e-3}, False),
        ("nobody hears", {"leader_regret": 1e-9}, True),
        ("no check covers", {"unchecked": ("dual(a.b)",)}, None),
        ("prices that are duals", {"dual_residual": 1e-3}, False),
        ("prices that are duals", {"dual_residual": 1e-9}, True),
        ("prices that are duals", {"dual_residual": float("inf")}, False),
        ("leave unbalanced", {"stationarity_residual": 1e-3}, False),
        ("leave unbalanced", {"stationarity_residual": 1e-9}, True),
        ("not met", {"complementarity_residual": float("nan")}, False),
        ("not met", {"complementarity_residual": 1e-9}, True),
        ("objective", {"leader_objective": 1.0, "optimality_gap": None, "ac": None}, None),
        ("better one than", {"leader_bound": 1.0}, None),
        ("can do", {"primal_residual": 1e-3}, False),
        ("can do", {"primal_residual": 1e-7}, True),
        ("voltages beyond", {"ac": AcFindings(max_voltage_violation_pu=0.01)}, False),
        ("voltages beyond", {"ac": AcFindings("report", True, 0.01)}, None),
        ("above rating", {"ac": AcFindings(max_loading_violation_percent=3.0)}, False),
        ("power flow", {"ac": AcFindings(converged=False)}, False),
        ("power flow", {"ac": AcFindings("report", converged=False)}, None),
        ("Linear", {"ac": AcFindings(max_linear_voltage_error_pu=0.1)}, None),
        ("Two AC", {"ac": AcFindings(max_route_difference_pu=2e-11)}, True),
        ("Two AC", {"ac": AcFindings("report", max_route_difference_pu=2e-6)}, False),
    ],
)
def test_checks_hold_or_not(question: str, figures: dict[str, Any], holds: bool | None) -> None:
    assert asked(question, **figures)[0].holds == holds


@pytest.mark.parametrize(
    ("worst", "said"),
    [
        (860.0, "860.00 (14 % lost)"),
        (998.9, "998.90 (0.11 % lost)"),
        (1000.0, "1,000.00 (ties cost nothing)"),
        (-np.inf, "no end to the loss, or limits that it cannot meet"),
        (None, None),
    ],
)
def test_the_worst_tie_in_words(worst: float | None, said: str | None) -> None:
    found = asked("worst tie", leader_objective=1000.0, worst_tie_objective=worst)
    assert [check.measured for check in found] == ([said] if said else [])
    assert all(check.holds is None for check in found)


def test_certificates_stand_side_by_side() -> None:
    """What only one case was asked has its line all the same."""
    better = replace(CERTIFICATE, leader_objective=1234.5, stationarity_residual=2e-3)
    cases = [a_case("a", 1.0), certified_by(a_case("b", 0.5), better)]
    parts = dict(certificate_parts(a_result(*cases)))
    assert list(parts) == ["The leader", "The followers", "Money and promises", "The wires"]
    found = {line.question: line for lines in parts.values() for line in lines}
    one = found["The leader's objective"].found
    assert [check and check.measured for check in one] == [None, "1,234.50"]
    page = report_html(a_result(*cases))
    assert "1,234.50" in page
    assert page.count('title="does not hold"') == 1
    regret = "What mg1, solved again alone, could gain of the money it moves"
    assert page.count(found[regret].how) == 1


def test_how_far_multipliers_are_off_is_in_the_summary() -> None:
    def told(**figures: Any) -> Any:
        case = certified_by(a_case("a", 1.0), replace(CERTIFICATE, **figures))
        return a_result(case).summary()["cases"]["a"]["certificate"]["dual_residual"]

    assert told() is None
    assert told(dual_residual=2e-9, complementarity_residual=3e-9) == 3e-9
    assert told(dual_residual=float("inf"), stationarity_residual=0.0) is None


def test_a_negotiation_alone_is_asked_for_no_bound() -> None:
    of_talk = replace(CERTIFICATE, optimality_gap=None, leader_objective=1150.0)
    case = a_case("a", 1.0, method="best-response")
    case = replace(case, checks=checked(of_talk, Claim.BEST_RESPONSES), certificate=of_talk)
    assert case.shortcomings == ()
    found = {check.question: check for check in shown(case)}
    assert found["Distance of the leader's objective from its proven bound"].holds is None


def test_what_was_not_checked_is_not_told() -> None:
    assert asked("AC", ac=None) == []
    assert asked("can do", primal_residual=None) == []
    assert asked("voltages", ac=AcFindings(converged=False)) == []
    assert asked("Two AC", ac=AcFindings()) == []


def test_how_much_pandapower_judged_is_told() -> None:
    ac = AcFindings(columns=648, judged_columns=97, max_route_difference_pu=3e-11)
    (check,) = asked("Two AC", ac=ac)
    assert check.measured == "3.0 × 10⁻¹¹\N{NO-BREAK SPACE}p.u. (97 of 648 compared)"
    assert check.allowed == "1.0 × 10⁻⁷\N{NO-BREAK SPACE}p.u."


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"negotiation_distance": 0.13}, "a profit of 950.0 USD. That is 13 % below the exact"),
        ({"negotiation_distance": -0.02}, "That is 2 % above the exact optimum."),
        ({"negotiation_distance": 0.0}, "That is the exact optimum."),
        (
            {"negotiation_distance": 0.13, "negotiation_maximises": False},
            "a cost of 950.0 USD. That is 13 % above the exact",
        ),
        ({"negotiation_settled": False}, "did not settle in 3 rounds"),
        ({"negotiation_profit": None}, "a: the negotiation settled in 3 rounds."),
    ],
)
def test_negotiation_in_words(notes: dict[str, Any], said: str) -> None:
    assert said in negotiation(a_result(a_case("a", 1.0, **notes)))[0]


def test_no_negotiation_no_words() -> None:
    assert negotiation(a_result(replace(a_case("a", 1.0), notes={"method": "exact"}))) == []
