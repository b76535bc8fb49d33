"""The certificate in words."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from equigrid.experiments.report.ties import percent, status
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.strict import in_words
from equigrid.markets.certification.certificate import (
    BOUND,
    FEASIBLE,
    OPTIMAL,
    SAME_VOLTAGE,
    AcFindings,
    Certificate,
)


@dataclass(frozen=True)
class Check:
    """One line of a certificate.

    Attributes
    ----------
    question, measured, allowed : str
    holds : bool or None
        None where nothing is asked for.
    part : str
        Under which heading it stands.
    how : str
        By what it was checked.
    """

    question: str
    measured: str
    allowed: str = "–"
    holds: bool | None = None
    part: str = ""
    how: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the certificates of all cases.

    Attributes
    ----------
    question, how, allowed : str
    found : tuple of Check or None
        For each case, None where it was not asked.
    """

    question: str
    how: str
    allowed: str
    found: tuple[Check | None, ...]


def certificate_parts(result: Result) -> list[tuple[str, list[Line]]]:
    """Return the certificates of all cases side by side, under headings."""
    asked = [{c.question: c for c in checks(case, result.tolerance)} for case in result.cases]
    first: dict[str, Check] = {}
    for each in asked:
        first = {**each, **first}
    return [
        (part, _without_echoes([_line(q, asked) for q, c in first.items() if c.part == part]))
        for part in dict.fromkeys(check.part for check in first.values())
    ]


def _line(question: str, asked: Sequence[Mapping[str, Check]]) -> Line:
    result = tuple(each.get(question) for each in asked)
    there = [check for check in result if check is not None]
    allowed = " / ".join(dict.fromkeys(check.allowed for check in there))
    return Line(question, there[0].how, allowed, result)


def _without_echoes(lines: Sequence[Line]) -> list[Line]:
    """Say how a line was checked only where the line before does not say the same."""
    before = ["", *(line.how for line in lines)]
    return [
        replace(line, how="" if line.how == said else line.how)
        for line, said in zip(lines, before, strict=False)
    ]


def checks(case: CaseResult, tolerance: Mapping[str, float]) -> list[Check]:
    """Return every check of a case: what was asked, measured and allowed."""
    named = (
        ("The leader", _leader_checks(case, tolerance)),
        ("The followers", _follower_checks(case.certificate, tolerance)),
        ("Money and promises", _money_checks(case.certificate, tolerance)),
        ("The wires", _ac_checks(case.certificate.ac, tolerance)),
    )
    return [replace(check, part=part) for part, result in named for check in result]


def _leader_checks(case: CaseResult, tolerance: Mapping[str, float]) -> Iterator[Check]:
    certificate = case.certificate
    if certificate.leader_objective is not None:
        how = "recomputed from price × quantity at what the others said"
        yield Check("The leader's objective", _money(certificate.leader_objective), how=how)
    if certificate.leader_bound is not None:
        how = "proven by branch and bound over all answers of the followers"
        yield Check(
            "No answer gives it a better one than", _money(certificate.leader_bound), how=how
        )
    gap, question = (
        certificate.optimality_gap,
        "Distance of the leader's objective from its proven bound",
    )
    how = "of the money it moves; negative if the bound cuts off the answer itself"
    if gap is not None:
        held = _held(question, gap, tolerance["gap"], how)
        money = certificate.optimality_gap_money
        beside = "" if money is None else f" ({_small(money)} in currency)"
        yield replace(
            held, measured=held.measured + beside, holds=bool(held.holds) and gap >= -BOUND
        )
    else:
        asked = case.notes.get("method") != "best-response"
        how = "a negotiation proves no bound" if not asked else ""
        yield Check(question, "not proven", holds=False if asked else None, how=how)
    if certificate.leader_regret is not None:
        question = "What other decisions that nobody hears could gain it, of the money it moves"
        how = "its own problem in cvxpy, with its announcement as it stands"
        yield _held(question, certificate.leader_regret, tolerance["gap"], how)
    yield from _tie_checks(certificate)


def _tie_checks(certificate: Certificate) -> Iterator[Check]:
    worst, loss = certificate.worst_tie_objective, certificate.worst_tie_loss
    if worst is None or loss is None:
        return
    how = (
        "if followers chose among their equally good answers, and the duals they set, against it; "
        "found by search, so it may lose more"
    )
    if math.isnan(loss):
        measured = in_words(loss)
    elif math.isinf(loss):
        measured = "no end to the loss, or limits that it cannot meet"
    elif loss < 5e-6:
        measured = f"{_money(worst)} (ties cost nothing)"
    else:
        measured = f"{_money(worst)} ({percent(loss)} lost)"
    yield Check("What it is left with at the worst tie", measured, "for information", how=how)


def _follower_checks(certificate: Certificate, tolerance: Mapping[str, float]) -> Iterator[Check]:
    for agent, regret in certificate.regret.items():
        question = f"What {agent}, solved again alone, could gain of the money it moves"
        how = "its own problem in cvxpy, at what it was told"
        yield _held(question, regret, tolerance["regret"], how)
    residuals = (
        (
            certificate.dual_residual,
            "How far prices that are duals are from optimal ones, of the cost behind them",
            "as slopes of the follower's least cost; where there are many, any will do",
        ),
        (
            certificate.stationarity_residual,
            "Costs that the followers' multipliers leave unbalanced, of the greatest",
            "stationarity, in every column of their own problems",
        ),
        (
            certificate.complementarity_residual,
            "Multipliers on limits that are not met, times the room left, of the cost",
            "complementarity, in every row and bound of their own problems",
        ),
    )
    for value, question, how in residuals:
        if value is not None:
            yield _held(question, value, OPTIMAL, how)


def _money_checks(certificate: Certificate, tolerance: Mapping[str, float]) -> Iterator[Check]:
    question = "What is paid and what is received differ by, of the money that moves"
    how = "the method's own value against price × quantity"
    yield _held(question, certificate.settlement_residual, tolerance["settlement"], how)
    if certificate.primal_residual is not None:
        question = "Distance of what was promised from what each party can do"
        how = "the nearest feasible answer of each, in its own units"
        yield _held(question, certificate.primal_residual, FEASIBLE, how)
    yield from _unchecked(certificate)


def _unchecked(certificate: Certificate) -> Iterator[Check]:
    """Say how many of the figures no check covers, by name where they are few."""
    names = certificate.unchecked
    if names:
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        question = "Figures that no check covers"
        how = "duals that nobody uses, and what is not linear in an agent's decisions"
        yield Check(question, f"{len(names)} ({shown})", "for information", how=how)


def _ac_checks(ac: AcFindings | None, tolerance: Mapping[str, float]) -> Iterator[Check]:
    if ac is None:
        return
    binding = ac.required == "enforce"
    converged = ac.converged or (False if binding else None)
    how = (
        "by pandapower, which shares nothing with the linear network"
        if ac.max_route_difference_pu is None
        else "by compiled sweeps, and by pandapower where a limit is nearest, which has the last "
        "word; neither knows the linear network"
    )
    yield Check(
        "AC power flow of every hour and scenario", _converges(ac), "all", converged, how=how
    )
    yield from _route_checks(ac)
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


def _route_checks(ac: AcFindings) -> Iterator[Check]:
    if ac.max_route_difference_pu is None:
        return
    question = "Two AC power flows, which share nothing, differ by at most, p.u."
    how = "the sweeps against pandapower, in the hours and scenarios nearest to each kind of limit"
    held = _held(question, ac.max_route_difference_pu, SAME_VOLTAGE, how)
    yield replace(held, measured=f"{held.measured} ({ac.judged_columns} of {ac.columns} compared)")


def _converges(ac: AcFindings) -> str:
    return "converges" if ac.converged else "does not converge"


def _held(question: str, value: float, allowed: float, how: str = "") -> Check:
    return Check(question, _small(value), _small(allowed), bool(value <= allowed), how=how)


def _money(value: float) -> str:
    """Write an objective with the digits that a gap is read from.

    >>> _money(1043.3767), _money(-12.5)
    ('1,043.38', '−12.50')
    """
    return f"{value:,.2f}".replace("-", "−")


def _small(value: float) -> str:
    """Write a small number so that its size is seen.

    >>> _small(0), _small(-0.00312), _small(2.5e-7), _small(-1e-12), _small(math.inf)
    ('0', '−0.0031', '2.5 × 10⁻⁷', '−1.0 × 10⁻¹²', 'infinite')
    """
    if not math.isfinite(value):
        return in_words(value)
    if not 0 < abs(value) < 1e-3:
        return f"{value:.2g}".replace("-", "−")
    digits, _, exponent = f"{value:.1e}".replace("-", "−").partition("e")
    raised = exponent.replace("−0", "−").translate(str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def verdict(result: Result) -> str:
    """Say in a sentence what the certificate comes to."""
    if not result.certified:
        return _uncertified(result)
    worst = max((max(c.certificate.regret.values(), default=0.0) for c in result.cases), default=0)
    gaps = [c.certificate.optimality_gap for c in result.cases]
    proven = [gap for gap in gaps if gap is not None]
    best = (
        ", no answer is better for the leader by more than "
        f"{_small(max(proven))} of the money it moves"
        if proven and len(proven) == len(gaps)
        else ""
    )
    word = status(result).capitalize()
    return (
        f"{word}: no follower could gain by answering otherwise "
        f"(at most {_small(worst)} of the money it moves){best}, payments balance, and AC power "
        "flow holds."
    )


def _uncertified(result: Result) -> str:
    if not result.missing:
        return "Not certified: what follows falls short of the study's tolerances."
    why = "the run was interrupted" if result.interrupted else "a case has no answer"
    return f"Not certified: {why}, and not every case is here, or proven."
