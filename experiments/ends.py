"""How the search of a case ended, where it was not by a proof, and what to raise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equigrid.markets.certification.certificate_checks import BOUND

if TYPE_CHECKING:
    from equigrid.experiments.case_run import CaseRun

_LIMITS = {
    "nodes": (
        "its limit of nodes; raise methods.exact.node_limit (now {nodes:,}), or allow a wider "
        "methods.exact.gap"
    ),
    "work": (
        "its limit in work; raise methods.exact.work_limit, or allow a wider methods.exact.gap"
    ),
    "clock": (
        "the clock after {seconds:g} seconds (--seconds); on another machine, or another day, it "
        "may end with another answer"
    ),
    "limit": "a limit; raise methods.exact.node_limit (now {nodes:,})",
}


@dataclass(frozen=True)
class End:
    """What ended a search.

    Attributes
    ----------
    by : str
        ``nodes``, ``work``, ``clock``, ``limit``, ``interrupt``, or empty where it came to its
        own end.
    sentence : str
    binding : bool
        Whether what was asked for is not proven for that reason.
    """

    by: str = ""
    sentence: str = ""
    binding: bool = False


def explained_end(case: "CaseRun") -> End:
    """Say how the search behind a case's answer ended."""
    if case.world.interrupted:
        return End("interrupt", _interrupted(case), binding=True)
    outcome = case.outcome
    if outcome.settled or outcome.method != "exact":
        return End()
    by = next((k for k in _LIMITS if outcome.statistics.get(f"stopped_by_{k}")), "limit")
    nodes = case.study.spec.methods.exact.node_limit
    limit = _LIMITS[by].format(nodes=nodes, seconds=case.world.seconds or 0)
    proven = _proven(case)
    state = "within the gap that the certificate asks for" if proven else "before its gap was met"
    stage = list(case.outcomes)[-1]
    return End(by, f"the search of stage '{stage}' was ended, {state}, by {limit}", not proven)


def _proven(case: "CaseRun") -> bool:
    gap = case.outcome.certificate.optimality_gap
    return gap is not None and -BOUND <= gap <= case.study.spec.certificate.gap


def _interrupted(case: "CaseRun") -> str:
    stage, last = case.world.stage, list(case.outcomes)[-1]
    if stage == last:
        return f"stage '{stage}' was interrupted: this is the best answer so far, not proven"
    return (
        f"stage '{stage}' was interrupted before it had an answer: this is the answer of stage "
        f"'{last}', and nothing is proven"
    )
