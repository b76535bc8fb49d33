"""What is wrong with probabilities and with what is said of their ambiguity, in sentences."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray

ROUNDING = 1e-9


def raise_if(findings: Iterable[str]) -> None:
    """Raise a ValueError with all findings, one a line, when there is at least one."""
    if result := list(findings):
        raise ValueError("\n".join(result))


def checked_distribution(probability: ArrayLike, *others: list[str]) -> FloatArray:
    """Return probabilities that add up to 1 to the last digit, or raise with all findings.

    Parameters
    ----------
    probability : array of shape (S,)
    *others : list of str
        Findings about what was given along with it.
    """
    values = np.asarray(probability, dtype=float)
    raise_if([*_distribution_findings(values), *(text for one in others for text in one)])
    return np.asarray(values / values.sum())


def _distribution_findings(values: FloatArray) -> list[str]:
    if values.ndim != 1 or not len(values):
        return [f"probabilities have shape {values.shape}; they must be one per scenario"]
    if not np.isfinite(values).all():
        return [f"the probability of {_places(~np.isfinite(values))} is not a finite number"]
    findings = []
    if (values < 0).any():
        findings += [f"the probability of {_places(values < 0)} is negative"]
    if abs(values.sum() - 1) > ROUNDING:
        findings += [f"probabilities add up to {values.sum():.9g}; they must add up to 1"]
    return findings


def tolerance_findings(name: str, value: float) -> list[str]:
    """Say whether a tolerance is negative or no number."""
    return [] if value >= 0 else [f"{name} is {value}; it must be at least 0"]


def sample_findings(samples: float, confidence: float) -> list[str]:
    """Say whether the samples are countable and the confidence is one."""
    findings = []
    if not (samples >= 1 and float(samples).is_integer()):
        findings += [f"samples is {samples}; it must be a whole number of observations, at least 1"]
    if not 0 < confidence <= 1:
        findings += [f"confidence is {confidence}; it must lie in (0, 1], where 1 excludes nothing"]
    return findings


def distance_findings(distance: FloatArray, count: int) -> list[str]:
    """Say whether distances between S scenarios are none."""
    if distance.shape != (count, count):
        return [f"distances have shape {distance.shape}; it must be ({count}, {count})"]
    if not np.isfinite(distance).all():
        return [f"the distances of {_places(~np.isfinite(distance))} are not finite numbers"]
    wrong = {
        "negative; none may be": distance < 0,
        "not the same in both directions": abs(distance - distance.T) > ROUNDING * distance.max(),
        "not 0 from itself": np.diag(np.diag(distance)) != 0,
    }
    return [
        f"the distance of {_places(where)} is {what}"
        for what, where in wrong.items()
        if where.any()
    ]


def _places(where: BoolArray, most: int = 5) -> str:
    """Name the scenarios at which something holds, counted from 1."""
    rows = np.flatnonzero(where.reshape(len(where), -1).any(axis=1)) + 1
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return f"scenario {', '.join(map(str, rows[:most].tolist()))}{more}"
