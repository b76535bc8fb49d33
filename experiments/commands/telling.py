"""A result in words, for the end of a run."""

import math
from collections.abc import Iterable, Iterator

from equigrid.experiments.report.negotiated import negotiated
from equigrid.experiments.report.ties import status, worst_tie_lines
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.strict import in_words
from equigrid.markets.certification.ac_findings import AcFindings


def result_lines(result: Result) -> Iterator[str]:
    """Yield a short table of KPIs per case and the certificate in words."""
    names = list(dict.fromkeys(name for case in result.cases for name in case.kpis))
    width = max((len(name) for name in names), default=0)
    yield " " * width + "".join(f"  {case.name:>22}" for case in result.cases)
    for name in names:
        cells = [_cell(case, name) for case in result.cases]
        unit = next(case.kpis[name].unit for case in result.cases if name in case.kpis)
        yield f"{name:<{width}}" + "".join(f"  {cell:>22}" for cell in cells) + f"  {unit}"
    for case in result.cases:
        yield f"{case.name}: {'; '.join(_words(case))}"
    yield from (f"{name}: {why}" for name, why in result.missing.items())
    yield from worst_tie_lines(result)
    yield status(result)


def _tiny(value: float) -> str:
    return f"{value:.1e}" if math.isfinite(value) else in_words(value)


def _worst(values: Iterable[float]) -> float:
    """Return the greatest value; one that is no number is worse than any."""
    return max(values, key=lambda value: math.inf if math.isnan(value) else value, default=0.0)


def _cell(case: CaseResult, name: str) -> str:
    if name not in case.kpis:
        return "–"
    value = case.kpis[name].value
    return f"{value:.3f}" if math.isfinite(value) else in_words(value)


def _words(case: CaseResult) -> Iterator[str]:
    """Say what was proven, and what was not."""
    certificate = case.certificate
    if certificate.regret:
        who = "party" if certificate.leader_objective is None else "follower"
        yield f"no {who} could gain more than {_tiny(_worst(certificate.regret.values()))}"
    if certificate.optimality_gap is not None:
        yield f"optimum proven to {_tiny(certificate.optimality_gap)}"
    if certificate.of_game:
        yield f"settlement balances to {_tiny(certificate.settlement_residual)}"
    yield from _wires(certificate.ac)
    if "negotiation_distance" in case.notes and case.notes["method"] == "exact":
        yield (
            f"the negotiation {negotiated(case.notes)}, "
            f"{100 * case.notes['negotiation_distance']:.1f} % from the optimum"
        )
    yield _own(case)
    yield from case.remarks
    yield from (f"SHORT: {text}" for text in case.shortcomings)


def _wires(ac: AcFindings | None) -> Iterator[str]:
    if ac is not None and ac.converged:
        yield f"AC voltages at most {ac.max_voltage_violation_pu:.4f} p.u. off limits"
        if ac.max_linear_voltage_error_pu is not None:
            yield f"linear voltages within {ac.max_linear_voltage_error_pu:.4f} p.u. of AC"


def _own(case: CaseResult) -> str:
    """Say how many checks there are, and how many of those that count hold."""
    asked = [one for one in case.checks if one.binding and one.check.holds is not None]
    return f"{sum(not one.fails for one in asked)} of {len(asked)} checks hold"
