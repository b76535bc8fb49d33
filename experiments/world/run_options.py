"""What a run asks for beside the study: progress, a clock, what was prepared, other cases."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from equigrid.experiments.world.case_run import CaseRun

Progress = Callable[[str], None]


def _no_other(case: str, _asker: str) -> CaseRun:
    raise ValueError(f"case '{case}' is not part of this run")


@dataclass(frozen=True, eq=False)
class RunOptions:
    """What a run asks for beside the study.

    Attributes
    ----------
    progress : callable
        Told a short sentence whenever something begins.
    seconds : float or None
        After which every search ends.
    prepared : object
        What the system prepared once for all cases.
    earlier : callable
        Of a case and of who asks for it: that case, played now if it has not been.
    probing : bool
        Whether the day ends at its first game or decision, when its parties have been asked
        whether they have a feasible answer.
    """

    progress: Progress = lambda text: None
    seconds: float | None = None
    prepared: Any = None
    earlier: Callable[[str, str], CaseRun] = _no_other
    probing: bool = False
