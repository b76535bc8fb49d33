"""Length of a step: what a payment or a balance states itself, or else that of its game."""

import copy
import math
from typing import Protocol, TypeVar

import numpy as np


class Timed(Protocol):
    """A payment or a balance."""

    @property
    def step_h(self) -> float:
        """Length of a step of the game that it stands in, in hours."""
        ...


T = TypeVar("T", bound=Timed)


def in_steps_of(stated: T, step_h: float) -> T:
    """Return a payment or a balance as it is in a game with steps of so many hours."""
    if stated.step_h == step_h:
        return stated
    made = copy.copy(stated)
    object.__setattr__(made, "step_h", step_h)
    return made


def is_length(hours: object) -> bool:
    """Whether something is a number of hours above 0.

    Examples
    --------
    >>> [is_length(hours) for hours in (0.25, 1, 0, float("inf"), True, "1")]
    [True, True, False, False, False, False]
    """
    if isinstance(hours, bool) or not isinstance(hours, int | float | np.integer | np.floating):
        return False
    return math.isfinite(hours) and bool(hours > 0)
