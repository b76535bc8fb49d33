"""Limits that every value of a series keeps, in a study file or in a CSV file."""

import math
from dataclasses import dataclass
from typing import Any

from equigrid.experiments.spec.field_errors import FieldErrors
from equigrid.experiments.spec.findings import Loc


@dataclass(frozen=True)
class Limits:
    """What a value may be; None where there is no limit.

    Parameters
    ----------
    ge, gt, le, lt : float, optional
        Least value, what it is above, greatest value, what it is below.
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def check(self, loc: Loc, value: Any, errors: FieldErrors) -> None:
        """Note what is wrong with a value of a study file."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            errors.add(loc, "float_type", value)
        elif not _is_finite(value):
            errors.add(loc, "finite_number", value)
        else:
            for name, limit in self._missed(value):
                errors.add(loc, _KINDS[name], value, **{name: limit})

    def sentence(self, value: float) -> str:
        """Say which limit a value of a CSV file misses; empty if none."""
        return next((f"must be {_WORDS[n]} {limit:g}" for n, limit in self._missed(value)), "")

    def _missed(self, value: float) -> list[tuple[str, float]]:
        kept = {
            "ge": self.ge is None or value >= self.ge,
            "gt": self.gt is None or value > self.gt,
            "le": self.le is None or value <= self.le,
            "lt": self.lt is None or value < self.lt,
        }
        return [(name, getattr(self, name)) for name, keeps in kept.items() if not keeps]


NO_LIMITS = Limits()

_KINDS = {
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
}
_WORDS = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
