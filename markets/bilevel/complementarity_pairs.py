"""Complementarity pairs: limits of followers and their multipliers, of which one is zero."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.kkt import FollowerColumns, KktProgram
from equigrid.markets.bilevel.substitution import Substituted
from equigrid.markets.forms.highs_model import Assembled


@dataclass(frozen=True, eq=False)
class Pairs:
    """Limits of followers and their multipliers, of which one has to be zero.

    Attributes
    ----------
    row : array of shape (P,)
        Row that is the limit, -1 where it is a bound of a column.
    column : array of shape (P,)
        Column that is bounded, -1 where the limit is a row.
    upper : array of shape (P,) of bool
        Whether it is an upper limit; rows always are.
    multiplier : array of shape (P,)
        Column of the multiplier.
    """

    row: IntArray
    column: IntArray
    upper: BoolArray
    multiplier: IntArray

    @property
    def count(self) -> int:
        """Number of pairs P."""
        return len(self.multiplier)

    def slack(self, program: Assembled, columns: FloatArray, rows: FloatArray) -> FloatArray:
        """Return the slack of each limit at a point, shape (P,)."""
        by_row = self.row >= 0
        bound = np.where(self.upper, program.upper[self.column], program.lower[self.column])
        bound[by_row] = program.row_upper[self.row[by_row]]
        at = columns[self.column]
        at[by_row] = rows[self.row[by_row]]
        return np.where(self.upper, bound - at, at - bound)


def pairs_of(game: KktProgram, smaller: Substituted) -> Pairs:
    """Return the pairs of all followers, where a smaller program has them."""
    tables = [_follower_pairs(follower, smaller) for follower in game.followers.values()]
    row, column, upper, multiplier = np.hstack([np.zeros((4, 0), dtype=int), *tables])
    return Pairs(row, column, upper.astype(bool), multiplier)


def _follower_pairs(follower: FollowerColumns, smaller: Substituted) -> IntArray:
    """Row, column, side and multiplier of each pair of one follower."""
    form = follower.form
    at = np.arange(form.equal_rows, len(form.rhs))
    rows = [smaller.row[follower.limits[at]]]
    columns, upper = [np.full(len(at), -1)], [np.ones(len(at), dtype=int)]
    multipliers = [smaller.column[follower.rows[at]]]
    for side, bound, multiplier in (
        (1, form.upper, follower.upper),
        (0, form.lower, follower.lower),
    ):
        at = np.flatnonzero(np.isfinite(bound) & (form.upper > form.lower))
        rows.append(np.full(len(at), -1))
        columns.append(smaller.column[follower.primal[at]])
        upper.append(np.full(len(at), side))
        multipliers.append(smaller.column[multiplier[at]])
    return np.vstack([np.concatenate(part) for part in (rows, columns, upper, multipliers)])
