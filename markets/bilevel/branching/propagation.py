"""Interval propagation: limits of followers that cannot bind once others do."""

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray
from equigrid.markets.bilevel.mpcc import Mpcc

_ROUNDS = 6
# A limit that is missed by less than this may still bind.
_ROOM = 1e-6


class Propagation:
    """Bounds that the followers' own limits imply, on rows that hold nothing of the leader's."""

    def __init__(self, stated: Mpcc) -> None:
        self._pairs, program = stated.pairs, stated.program
        self._limits = stated.limits
        matrix = sparse.csr_array(program.matrix[stated.limits])
        self._row = np.repeat(np.arange(len(stated.limits)), np.diff(matrix.indptr))
        self._column, self._value = matrix.indices, matrix.data
        place = np.full(program.matrix.shape[0], -1)
        place[stated.limits] = np.arange(len(stated.limits))
        self._place_of_pair = place[self._pairs.row]
        self._row_upper = program.row_upper[stated.limits]
        self._lower, self._upper = program.lower, program.upper

    def never_bind(
        self, lower: FloatArray, upper: FloatArray, row_lower: FloatArray
    ) -> BoolArray | None:
        """Return the pairs whose limit cannot bind within bounds, or None if nothing fits.

        Parameters
        ----------
        lower, upper : array of shape (n,)
        row_lower : array of shape (m,)
            Limits that hold with equality have their upper limit here.
        """
        low, high = lower.copy(), upper.copy()
        row_low = row_lower[self._limits]
        for _ in range(_ROUNDS):
            if not self._tighten(low, high, row_low):
                break
            if (low > high + _ROOM).any():
                return None
        return self._out_of_reach(low, high)

    def _ends(
        self, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Least and greatest of every entry, and of every row."""
        value, at = self._value, self._column
        ends = value * low[at], value * high[at]
        least, most = np.minimum(*ends), np.maximum(*ends)
        count = len(self._limits)
        total = np.zeros((2, count))
        for k, end in enumerate((least, most)):
            np.add.at(total[k], self._row, end)
        return least, most, total[0], total[1]

    def _tighten(self, low: FloatArray, high: FloatArray, row_low: FloatArray) -> bool:
        """Tighten columns through rows, in place, and tell whether that changed much."""
        least, most, row_least, row_most = self._ends(low, high)
        before = np.concatenate([low, high])
        value, at, row = self._value, self._column, self._row
        with np.errstate(invalid="ignore"):
            # inf - inf is no information: such an entry leaves its column as it is.
            above = (self._row_upper[row] - (row_least[row] - least)) / value
            below = (row_low[row] - (row_most[row] - most)) / value
        top = np.where(value > 0, above, below)
        bottom = np.where(value > 0, below, above)
        np.minimum.at(high, at, np.where(np.isnan(top), np.inf, top))
        np.maximum.at(low, at, np.where(np.isnan(bottom), -np.inf, bottom))
        after = np.concatenate([low, high])
        moved = after != before
        return bool((np.abs(after[moved] - before[moved]) > _ROOM).any())

    def _out_of_reach(self, low: FloatArray, high: FloatArray) -> BoolArray:
        pairs = self._pairs
        *_, row_most = self._ends(low, high)
        upper = high[pairs.column] < self._upper[pairs.column] - _ROOM
        lower = low[pairs.column] > self._lower[pairs.column] + _ROOM
        result = np.where(pairs.upper, upper, lower)
        by_row = pairs.row >= 0
        place = self._place_of_pair[by_row]
        result[by_row] = row_most[place] < self._row_upper[place] - _ROOM
        return np.asarray(result)
