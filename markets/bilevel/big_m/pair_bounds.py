"""Big-M constants of every complementarity pair, over all that followers may hear."""

from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.big_m.multiplier_bounds import derive_bounds
from equigrid.markets.bilevel.kkt import FollowerColumns, KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.sources import Dual

# An end of a signal's range comes from a solver with this accuracy, so it gets this much room.
_ROOM = 1e-6


@dataclass(frozen=True, eq=False)
class PairBounds:
    """What slacks and multipliers of all pairs can at most be, shape (P,) each.

    A multiplier that is at most 0 belongs to a limit that never binds; an infinite one to a
    limit that binds at every feasible point. Neither needs a binary.

    Attributes
    ----------
    slack, multiplier : array of shape (P,)
    owner : array of shape (P,)
        Number of the follower of each pair.
    corner : array of shape (followers,)
        How many of a follower's pairs bind at a corner of what it may do.
    """

    slack: FloatArray
    multiplier: FloatArray
    owner: IntArray
    corner: FloatArray

    @property
    def open(self) -> BoolArray:
        """Pairs of which either may be positive."""
        return (self.multiplier > 0) & np.isfinite(self.multiplier)


def pair_bounds(game: KktProgram, stated: Mpcc) -> PairBounds:
    """Bound all pairs, in the order of the complementarity program.

    Raises
    ------
    NoBoundError
        When nothing bounds a multiplier.
    """
    followers = list(game.followers.values())
    tables = [_follower_bounds(game, stated, follower) for follower in followers]
    slack, multiplier = _measured(stated, *np.hstack([np.zeros((2, 0)), *tables]))
    owner = np.repeat(np.arange(len(tables)), [table.shape[1] for table in tables])
    corner = [_corner(follower.form) for follower in followers]
    return PairBounds(slack, multiplier, owner, np.array(corner, dtype=float))


def _measured(stated: Mpcc, slack: FloatArray, most: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return bounds in the units of the program."""
    if stated.units is None:
        return slack, most
    pairs, units = stated.pairs, stated.units
    own = np.where(pairs.row >= 0, units.rows[pairs.row], units.columns[pairs.column])
    return slack / own, most / units.columns[pairs.multiplier]


def _corner(form: StandardForm) -> float:
    """How many limits bind where an answer is a corner, in the columns that anybody cares about.

    A curved column is where it is without a limit; one that costs nothing and is not said may be
    anywhere.
    """
    cares = (form.cost != 0.0) | (np.diff(form.cost_of_heard.indptr) > 0)
    for said in form.said.values():
        cares[said.of_columns.indices] = True
    cares &= (np.diff(form.quadratic.indptr) == 0) & (form.upper > form.lower)
    return float(max(0, int(cares.sum()) - form.equal_rows))


def _reach(
    stated: Mpcc, columns: IntArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Close open intervals of the game's columns, by linear programs over the relaxed game."""
    lower, upper = lower.copy(), upper.copy()
    if np.isfinite(lower).all() and np.isfinite(upper).all():
        return lower, upper
    model = replace(stated.program, integer=np.zeros_like(stated.program.integer)).model()
    everything = np.arange(len(stated.program.cost))
    for end, sign in ((lower, 1.0), (upper, -1.0)):
        for k in np.flatnonzero(np.isinf(end)):
            map_ = stated.whole.restore[[columns[k]]].toarray().ravel()
            unit = float(np.abs(map_).max(initial=0.0)) or 1.0
            model.set_costs(everything, sign * map_ / unit)
            solution = model.solve()
            if solution.status == "optimal":
                reach = sign * unit * (solution.objective - stated.program.offset)
                reach += stated.whole.shift[columns[k]]
                end[k] = reach - sign * _ROOM * (unit + abs(reach))
    return lower, upper


def _follower_bounds(game: KktProgram, stated: Mpcc, follower: FollowerColumns) -> FloatArray:
    form = follower.form
    signals = _reach(stated, follower.heard, *game.signals.box(form))
    reach = _reach(stated, follower.primal, form.lower, form.upper)
    used: set[object] = {link.source for link in game.game.links}
    used |= {payment.price for payment in game.game.payments}
    own = {Dual(f"{form.agent.name}.{name}") for name in form.heard}
    result = derive_bounds(form, *signals, reach, vertices=not used & own)
    at = np.arange(form.equal_rows, len(form.rhs))
    slacks, multipliers = [result.row_slack[at]], [result.row_multiplier[at]]
    room = np.where(
        np.isfinite(form.upper - form.lower),
        form.upper - form.lower,
        result.box.upper - result.box.lower,
    )
    for bound, most in (
        (form.upper, result.upper_multiplier),
        (form.lower, result.lower_multiplier),
    ):
        at = np.flatnonzero(np.isfinite(bound) & (form.upper > form.lower))
        slacks.append(room[at])
        multipliers.append(most[at])
    return np.vstack([np.concatenate(slacks), np.concatenate(multipliers)])
