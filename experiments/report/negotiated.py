"""The negotiation in words."""

from collections.abc import Mapping
from typing import Any

from equigrid.experiments.report.words import figure
from equigrid.experiments.result import CaseResult, Result


def negotiation(result: Result) -> list[str]:
    """Say for each case how the negotiation went, where there was one."""
    return [
        f"{case.name}: {_talk(case, result.currency)}"
        for case in result.cases
        if "negotiation_settled" in case.notes
    ]


def _talk(case: CaseResult, currency: str) -> str:
    notes = case.notes
    said = f"the negotiation {negotiated(notes)}"
    if notes.get("negotiation_profit") is not None:
        what = "profit" if notes.get("negotiation_maximises", True) else "cost"
        amount = f"a {what} of {figure(notes['negotiation_profit'])} {currency}"
        said += f" and came to {amount}" if notes["negotiation_settled"] else f" with {amount}"
    distance = notes.get("negotiation_distance")
    if distance is None:
        return f"{said}."
    return f"{said}. {_distance(distance, maximises=notes.get('negotiation_maximises', True))}"


def negotiated(notes: Mapping[str, Any]) -> str:
    """Say whether a negotiation settled, and of which round its answer is if it did not.

    >>> negotiated({"negotiation_settled": False, "negotiation_rounds": 6, "negotiation_round": 4})
    'did not settle in 6 rounds; the best of them is round 4'
    """
    rounds = f"{notes['negotiation_rounds']} rounds"
    if notes["negotiation_settled"]:
        return f"settled in {rounds}"
    best = notes.get("negotiation_round")
    return f"did not settle in {rounds}" + (f"; the best of them is round {best}" if best else "")


def _distance(distance: float, *, maximises: bool) -> str:
    """Say on which side of the optimum an answer is that is worse by a share of it."""
    if abs(distance) < 5e-5:
        return "That is the exact optimum."
    side = "below" if (distance > 0) == maximises else "above"
    return f"That is {100 * abs(distance):.2g} % {side} the exact optimum."
