"""A result in words, for the end of a run."""

from collections.abc import Iterator

from equigrid.experiments.result import CaseResult, Result


def result_lines(result: Result) -> Iterator[str]:
    """Yield a short table of KPIs per case and the certificate in words."""
    names = list(dict.fromkeys(name for case in result.cases for name in case.kpis))
    width = max(len(name) for name in names)
    yield " " * width + "".join(f"  {case.name:>22}" for case in result.cases)
    for name in names:
        cells = [_cell(case, name) for case in result.cases]
        unit = next(case.kpis[name].unit for case in result.cases if name in case.kpis)
        yield f"{name:<{width}}" + "".join(f"  {cell:>22}" for cell in cells) + f"  {unit}"
    for case in result.cases:
        yield f"{case.name}: {'; '.join(_words(case))}"
    yield "certified" if result.certified else "NOT certified"


def _cell(case: CaseResult, name: str) -> str:
    return f"{case.kpis[name].value:.3f}" if name in case.kpis else "–"


def _words(case: CaseResult) -> Iterator[str]:
    """Say what was proven, and what was not."""
    certificate, ac = case.certificate, case.certificate.ac
    yield f"no follower could gain more than {max(certificate.regret.values(), default=0):.1e}"
    if certificate.optimality_gap is not None:
        yield f"optimum proven to {certificate.optimality_gap:.1e}"
    yield f"settlement balances to {certificate.settlement_residual:.1e}"
    if ac is not None and ac.converged:
        yield f"AC voltages at most {ac.max_voltage_violation_pu:.4f} p.u. off limits"
        if ac.max_linear_voltage_error_pu is not None:
            yield f"linear voltages within {ac.max_linear_voltage_error_pu:.4f} p.u. of AC"
    if "negotiation_distance" in case.notes and case.notes["method"] == "exact":
        settled = "settled" if case.notes["negotiation_settled"] else "did not settle"
        yield (
            f"the negotiation {settled} in {case.notes['negotiation_rounds']} rounds, "
            f"{100 * case.notes['negotiation_distance']:.1f} % from the optimum"
        )
    yield from (f"SHORT: {text}" for text in case.shortcomings)
