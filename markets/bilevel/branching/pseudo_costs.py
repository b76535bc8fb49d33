"""Pseudo costs: what branching on a complementarity pair has brought so far."""

from dataclasses import dataclass, field

import numpy as np

from equigrid.arrays import FloatArray, IntArray

TINY = 1e-9


@dataclass
class PseudoCosts:
    """What one unit of a multiplier, or of a slack, has cost when it was made zero."""

    gain: FloatArray
    trials: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        """Begin without trials."""
        self.trials = np.zeros_like(self.gain)

    def learn(self, pair: int, side: int, gain: float, distance: float) -> None:
        """Take the mean over the trials so far."""
        if distance > TINY:
            self.trials[side, pair] += 1
            step = (max(gain, 0.0) / distance - self.gain[side, pair]) / self.trials[side, pair]
            self.gain[side, pair] += step

    def expected(self, pairs: IntArray, multiplier: FloatArray, slack: FloatArray) -> FloatArray:
        """Return the score of pairs: the product of what both children are expected to gain."""
        known = self.trials > 0
        mean = np.array([_mean(self.gain[s][known[s]]) for s in (0, 1)])[:, None]
        rate = np.where(known, self.gain, mean)[:, pairs]
        ends = np.maximum(rate[0] * multiplier, TINY), np.maximum(rate[1] * slack, TINY)
        return np.asarray(ends[0] * ends[1])


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else 1.0
