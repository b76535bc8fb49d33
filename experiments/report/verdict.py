"""The certificate and the negotiation in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from equigrid.experiments.report.words import figure
from equigrid.experiments.result import CaseResult, Result
from equigrid.markets.certificate import FEASIBLE, AcFindings


@dataclass(frozen=True)
class Check:
    """One line of a certificate.

    Attributes
    ----------
    question, measured, allowed : str
    holds : bool or None
        None where nothing is asked for.
    """

    question: str
    measured: str
    allowed: str = "–"
    holds: bool | None = None


def checks(case: CaseResult, tolerance: Mapping[str, float]) -> list[Check]:
    """Return every check of a case: what was asked, measured and allowed."""
    return [*_game_checks(case, tolerance), *_ac_checks(case.certificate.ac, tolerance)]


def _game_checks(case: CaseResult, tolerance: Mapping[str, float]) -> Iterator[Check]:
    certificate = case.certificate
    for agent, regret in certificate.regret.items():
        question = f"What {agent}, solved again alone, could gain of its cost"
        yield _held(question, regret, tolerance["regret"])
    gap = certificate.optimality_gap
    question = "Distance of the leader's objective from its proven bound"
    if gap is not None:
        yield _held(question, gap, tolerance["gap"])
    else:
        asked = case.notes.get("method") != "best-response"
        yield Check(question, "not proven", holds=False if asked else None)
    question = "What is paid and what is received differ by (currency)"
    yield _held(question, certificate.settlement_residual, tolerance["settlement"])
    if certificate.primal_residual is not None:
        question = "Distance of what was promised from what each party can do"
        yield _held(question, certificate.primal_residual, FEASIBLE)


def _ac_checks(ac: AcFindings | None, tolerance: Mapping[str, float]) -> Iterator[Check]:
    if ac is None:
        return
    binding = ac.required == "enforce"
    converged = ac.converged or (False if binding else None)
    yield Check("AC power flow of every hour and scenario", _converges(ac), "all", converged)
    if not ac.converged:
        return
    for question, value, key in (
        ("AC voltages beyond their limits, p.u.", ac.max_voltage_violation_pu, "ac_voltage_pu"),
        ("Loading above rating, percent", ac.max_loading_violation_percent, "ac_loading_percent"),
    ):
        held = _held(question, value, tolerance[key])
        yield held if binding else Check(question, held.measured, "reported only")
    if ac.max_linear_voltage_error_pu is not None:
        question = "Linear and AC voltages differ by at most, p.u."
        yield Check(question, _small(ac.max_linear_voltage_error_pu))


def _converges(ac: AcFindings) -> str:
    return "converges" if ac.converged else "does not converge"


def _held(question: str, value: float, allowed: float) -> Check:
    return Check(question, _small(value), _small(allowed), bool(value <= allowed))


def _small(value: float) -> str:
    """Write a small number so that its size is seen.

    >>> _small(0), _small(0.00312), _small(2.5e-7)
    ('0', '0.0031', '2.5 × 10⁻⁷')
    """
    if value == 0 or abs(value) >= 1e-3:
        return f"{value:.2g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def verdict(result: Result) -> str:
    """Say in a sentence what the certificate comes to."""
    if not result.certified:
        return "Not certified: what follows falls short of the study's tolerances."
    worst = max((max(c.certificate.regret.values(), default=0.0) for c in result.cases), default=0)
    return (
        "Certified: no follower could gain by answering otherwise "
        f"(at most {_small(worst)} of its cost), payments balance, and AC power flow holds."
    )


def negotiation(result: Result) -> list[str]:
    """Say for each case how the negotiation went, where there was one."""
    return [
        f"{case.name}: {_talk(case, result.currency)}"
        for case in result.cases
        if "negotiation_settled" in case.notes
    ]


def _talk(case: CaseResult, currency: str) -> str:
    notes = case.notes
    settled = "settled" if notes["negotiation_settled"] else "did not settle"
    said = f"the negotiation {settled} in {notes['negotiation_rounds']} rounds"
    if notes.get("negotiation_profit") is not None:
        said += f" and came to a profit of {figure(notes['negotiation_profit'])} {currency}"
    distance = notes.get("negotiation_distance")
    return f"{said}.{'' if distance is None else ' ' + _distance(distance)}"


def _distance(distance: float) -> str:
    if abs(distance) < 5e-5:
        return "That is the exact optimum."
    side = "below" if distance > 0 else "above"
    return f"That is {100 * abs(distance):.2g} % {side} the exact optimum."
