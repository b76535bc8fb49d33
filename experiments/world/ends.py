"""How a search ended, where it was not by a proof, and what to raise then."""

from collections.abc import Iterator
from dataclasses import dataclass

from equigrid.markets.certification.certificate_checks import BOUND
from equigrid.markets.certification.check import Check
from equigrid.markets.equilibrium import Equilibrium

_LIMITS = {
    "nodes": (
        "its limit of nodes; raise methods.exact.node_limit{nodes}, or allow a wider "
        "methods.exact.gap"
    ),
    "work": "its limit in work; raise {whose}work_limit{gap}",
    "clock": (
        "the clock{seconds} (--seconds); on another machine, or another day, it may end with "
        "another answer"
    ),
    "limit": "a limit; raise methods.exact.node_limit{nodes}",
}

_SETTINGS = {"exact": "exact", "best-response": "best_response", "admm": "admm"}
"""What a study calls the methods, under `methods`, by what an answer says that found it."""

_WORDS = {"exact": ("search", "before its gap was met")}
"""What a method does, and what it had not come to; others than these talk."""


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


def end_check(end: End) -> Iterator[Check]:
    """Yield the check that a search came to its own end, where it did not."""
    if end.by:
        yield Check(
            "What ended the search",
            None,
            holds=False if end.binding else None,
            part="The search",
            shortfall=end.sentence,
            note=end.sentence,
            words=(end.by, "its own end"),
        )


def end_of(
    stage: str, found: Equilibrium, gap: float, node_limit: int | None, seconds: float | None
) -> End:
    """Say how the search behind an answer ended.

    Parameters
    ----------
    stage : str
    found : Equilibrium
    gap : float
        That the certificate asks for.
    node_limit : int, optional
    seconds : float, optional
        What the search was allowed.
    """
    if found.settled or not _stopped(found):
        return End()
    by = next((k for k in _LIMITS if found.statistics.get(f"stopped_by_{k}")), "limit")
    limit = _LIMITS[by].format(
        nodes="" if node_limit is None else f" (now {node_limit:,})",
        seconds="" if seconds is None else f" after {seconds:g} seconds",
        whose=f"methods.{_SETTINGS[found.method]}." if found.method in _SETTINGS else "its ",
        gap=", or allow a wider methods.exact.gap" if found.method == "exact" else "",
    )
    reached = found.certificate.optimality_gap
    proven = reached is not None and -BOUND <= reached <= gap
    did, unmet = _WORDS.get(found.method, ("talk", "before it settled"))
    state = "within the gap that the certificate asks for" if proven else unmet
    return End(by, f"the {did} of stage '{stage}' was ended, {state}, by {limit}", not proven)


def _stopped(found: Equilibrium) -> bool:
    return found.method == "exact" or any(n.startswith("stopped_by_") for n in found.statistics)


def interrupted_at(stage: str) -> End:
    """Return the end of a stage that was interrupted with an answer in hand."""
    sentence = f"stage '{stage}' was interrupted: this is the best answer so far, not proven"
    return End("interrupt", sentence, binding=True)


def interrupted_before(stage: str, last: str) -> End:
    """Return the end of a stage that was interrupted without an answer of its own."""
    answer = f"this is the answer of stage '{last}', and nothing is proven" if last else "no answer"
    sentence = f"stage '{stage}' was interrupted before it had an answer: {answer}"
    return End("interrupt", sentence, binding=True)
