"""Curtis-Reid scaling of programs by powers of two, and the units that it makes.

Solvers judge by absolute tolerances, so a game in millions of euros and the same game in cents
would end differently. Rows, columns and money are measured in units that are found from the
figures themselves: those in which all coefficients, right-hand sides, bounds and costs together
are nearest to 1, in the sense of least squares of their logarithms (Curtis and Reid 1972). Right-
hand sides and bounds count like a column of their own and costs like a row, whose units are found
along with the others. Multiply a row, a column or all money by any factor: the figures measured
in these units stay as they are. Units are powers of two, so that measuring rounds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsqr

from equigrid.arrays import BoolArray, FloatArray, IntArray

# What is that large is no bound to a solver either.
ENDLESS = 1e20
# What is less is nothing in any unit; measuring by it would overflow.
NOTHING = 1e-60
# Logarithms need no more than to fall on the same power of two.
_ACCURACY = 1e-4
_STEPS = 500


@dataclass(frozen=True, eq=False)
class Units:
    """What one of each is in the units that the figures were given in.

    Attributes
    ----------
    columns : array of shape (n,)
        x = columns * x', with x' measured in its own unit.
    rows : array of shape (m,)
        Row values are rows * (matrix @ x)'.
    money : float
        Objectives are money * objective'.
    """

    columns: FloatArray
    rows: FloatArray
    money: float

    def matrix(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """Return a matrix from columns to rows as it is in these units."""
        left = sparse.diags_array(1.0 / self.rows)
        return sparse.csr_array(left @ matrix @ sparse.diags_array(self.columns))

    def cost(self, cost: FloatArray) -> FloatArray:
        """Return costs of columns in these units."""
        return np.asarray(cost * self.columns / self.money)


def ends(lower: FloatArray, upper: FloatArray) -> list[FloatArray]:
    """Return both ends of intervals as figures, once where they are one."""
    return [upper, np.where(lower == upper, 0.0, lower)]


@dataclass(eq=False)
class Figures:
    """Figures of a program, each with the units that it is counted in.

    Parameters
    ----------
    matrix : array of shape (m, n)
    own : array of shape (n,) of bool
        Columns that have a unit; whole numbers are counted in ones.
    """

    matrix: sparse.csr_array
    own: BoolArray
    _entries: list[tuple[FloatArray, list[tuple[IntArray, float]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the coefficients: value × column / row."""
        entries = sparse.coo_array(self.matrix)
        places = [(entries.row + len(self.own), -1.0), (entries.col, 1.0)]
        self._entries.append((np.abs(entries.data), places))

    def add_rows(self, ends: Iterable[FloatArray]) -> None:
        """Add limits of rows, as multiples of the row's unit."""
        for end in ends:
            places = np.arange(len(end)) + len(self.own)
            self._entries.append((np.abs(end), [(places, -1.0)]))

    def add_columns(self, ends: Iterable[FloatArray]) -> None:
        """Add bounds of columns, as multiples of the column's unit."""
        for end in ends:
            self._entries.append((np.abs(end), [(np.arange(len(end)), -1.0)]))

    def add_costs(self, costs: Iterable[FloatArray]) -> None:
        """Add costs: value × column / money."""
        for cost in costs:
            places = [(np.arange(len(cost)), 1.0), (np.full(len(cost), self._money), -1.0)]
            self._entries.append((np.abs(cost), places))

    def add_curvature(self, matrix: sparse.csr_array) -> None:
        """Add the curvature of a cost: value × column × column / money."""
        entries = sparse.coo_array(matrix)
        money = np.full(entries.nnz, self._money)
        places = [(entries.row, 1.0), (entries.col, 1.0), (money, -1.0)]
        self._entries.append((np.abs(entries.data), places))

    def add_roots(self, of: IntArray, matrix: sparse.csr_array, constant: FloatArray) -> None:
        """Add forms whose squares are measured like some columns: value × column / √column."""
        entries = sparse.coo_array(matrix)
        places = [(entries.col, 1.0), (of[entries.row], -0.5)]
        self._entries.append((np.abs(entries.data), places))
        self._entries.append((np.abs(constant), [(of, -0.5)]))

    @property
    def _money(self) -> int:
        return len(self.own) + int(self.matrix.shape[0])

    def units(self, fourths: IntArray | None = None) -> Units:
        """Return the units in which all figures together are nearest to 1.

        Parameters
        ----------
        fourths : indices, optional
            Columns whose unit has to be a power of four, so that its root is a power of two.
        """
        result = self._least_squares()
        result[: len(self.own)][~self.own] = 0.0
        exponent = np.round(result)
        if fourths is not None:
            exponent[fourths] = 2.0 * np.round(result[fourths] / 2.0)
        unit = np.exp2(np.clip(exponent, -400, 400))
        columns, rows, money = np.split(unit, [len(self.own), self._money])
        return Units(columns, rows, float(money[0]))

    def _least_squares(self) -> FloatArray:
        """Return logarithms to the base of 2 of all units."""
        size, count = self._money + 1, 0
        data, at, unknown, right = [], [], [], []
        for value, places in self._entries:
            there = np.flatnonzero((value > NOTHING) & (value < ENDLESS))
            number = count + np.arange(len(there))
            for place, weight in places:
                data.append(np.full(len(there), weight))
                at.append(number)
                unknown.append(place[there])
            right.append(-np.log2(value[there]))
            count += len(there)
        if not count:
            return np.zeros(size)
        shape = (count, size)
        entries = (np.concatenate(data), (np.concatenate(at), np.concatenate(unknown)))
        system = sparse.csr_array(sparse.coo_array(entries, shape=shape))
        # Each unknown counts alike, which takes a third of the steps.
        norm = np.sqrt(np.asarray(system.multiply(system).sum(axis=0)).ravel())
        share = np.where(norm > 0, 1.0 / np.maximum(norm, 1e-300), 0.0)
        share[: len(self.own)][~self.own] = 0.0
        system = sparse.csr_array(system @ sparse.diags_array(share))
        result = lsqr(
            system, np.concatenate(right), atol=_ACCURACY, btol=_ACCURACY, iter_lim=_STEPS
        )
        return np.asarray(share * result[0])
