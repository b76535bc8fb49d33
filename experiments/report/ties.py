"""The worst tie beside the verdict: what the leader loses if followers settle ties against it."""

import math
from collections.abc import Iterator

from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.tie_loss import ENDLESS, LARGE, told_loss

ON_TIES = "certified, if ties fall in the leader's favour"
_TIES = "answers that cost them the same"
_MARGIN = (
    "A margin (methods: exact: margin) makes followers prefer the answer strictly: to leave a "
    "limit that it rests on costs them at least so much a unit. The leader gets a little less, and "
    "keeps it however they settle ties."
)


def rests_on_ties(result: Result) -> bool:
    """Whether some case would lose much if ties fell otherwise."""
    return any(_share(case) > LARGE for case in result.cases)


def status(result: Result) -> str:
    """Return what the certificate comes to, in the words of badge and terminal."""
    if not result.certified:
        return "NOT certified"
    return ON_TIES if rests_on_ties(result) else "certified"


def worst_tie(result: Result) -> str:
    """Say in a sentence what the worst tie of all cases costs; empty where none was looked for."""
    known = [case for case in result.cases if told_loss(case.certificate) is not None]
    if not known:
        return ""
    worst = max(known, key=_share)
    if _share(worst) < 5e-6:
        return "Ties cost the leader nothing."
    cases = [case for case in known if _share(case) > LARGE] or [worst]
    losses = " and ".join(_loss(case, named=len(result.cases) > 1) for case in cases)
    return f"If followers settle their ties, {_TIES}, against it, the leader {losses}."


def _loss(case: CaseResult, *, named: bool) -> str:
    """Say what a case loses; without end also means that no decision keeps the leader's limits."""
    where = f" in {case.name}" if named else ""
    if told_loss(case.certificate) == ENDLESS:
        return f"loses without end, or cannot meet its own limits{where}"
    return f"loses {percent(_share(case))} of its objective{where}"


def worst_tie_lines(result: Result) -> Iterator[str]:
    """Yield the same for a terminal, with what can be done about it where it is much."""
    if said := worst_tie(result):
        yield f"worst tie: {said}"
    if rests_on_ties(result):
        yield f"worst tie: {_MARGIN}"


def margin_note(result: Result) -> str:
    """Say what a margin does, where ties matter."""
    return _MARGIN if rests_on_ties(result) else ""


def percent(share: float) -> str:
    """Write a share in percent with two digits.

    >>> percent(0.139), percent(0.00123), percent(2.5), percent(0)
    ('14 %', '0.12 %', '250 %', '0 %')
    """
    if share == 0:
        return "0 %"
    digits = max(0, 1 - math.floor(math.log10(100 * share)))
    return f"{100 * share:.{digits}f} %"


def _share(case: CaseResult) -> float:
    loss = told_loss(case.certificate)
    return 0.0 if loss is None else math.inf if isinstance(loss, str) else loss
