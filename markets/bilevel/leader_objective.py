"""A leader's objective by its terms: money that moves with decisions, and a constant."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.substitution import Substituted
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.forms.scaling import Units

# Of the money that moves, gaps and gains are measured by at least this share: a profit that costs
# and revenue all but cancel out is no measure.
SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Money:
    """What the objective is made of: terms of money that move with decisions, and a constant.

    Attributes
    ----------
    rows : array of shape (K, n)
    shift : array of shape (K,)
        The terms are rows @ x + shift.
    constant : float
        What is left of the objective when no money moves.
    """

    rows: sparse.csr_array
    shift: FloatArray
    constant: float = 0.0

    def moved(self, columns: FloatArray) -> float:
        """Return the sum of the terms' sizes at a point."""
        return float(np.abs(self.rows @ columns + self.shift).sum())

    def measured(self, units: Units) -> "Money":
        """Return the same in other units."""
        rows = sparse.csr_array(self.rows @ sparse.diags_array(units.columns / units.money))
        return Money(rows, self.shift / units.money, self.constant / units.money)


def money_of(stated: Assembled, smaller: Substituted) -> Money:
    """Return the leader's own terms, as they were before anything was put in."""
    terms = sparse.csr_array(sparse.diags_array(stated.cost) @ smaller.restore)
    shift = stated.cost * smaller.shift
    moves = np.diff(terms.indptr) > 0
    return Money(terms[moves], shift[moves], stated.offset + float(shift[~moves].sum()))
