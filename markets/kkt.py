"""A leader–follower game as one mixed-integer linear program.

Followers enter by their optimality conditions: primal feasibility, stationarity, and for every
inequality that may or may not bind a binary that lets either its slack or its multiplier be
positive, within bounds that are derived, never guessed. Money that is price × quantity of two
decisions becomes linear by strong duality.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.findings import WrongMethod
from equigrid.markets.game import Game
from equigrid.markets.game_program import GameProgram
from equigrid.markets.linear_program import Indices
from equigrid.markets.multiplier_bounds import Bounds, derive_bounds
from equigrid.markets.reduction import Reduced, reduce_form
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FollowerColumns:
    """Where one follower stands in the program."""

    reduced: Reduced
    bounds: Bounds
    primal: Indices
    rows: Indices
    upper: Indices
    lower: Indices


class StackelbergProgram(GameProgram):
    """The program of one game, and the way back from its columns to the agents' answers."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.binaries: list[Indices] = []
        self.followers: dict[str, FollowerColumns] = {}
        for agent in game.followers:
            self._add_follower(game.forms[agent.name])
        self.connect()
        for follower in self.followers.values():
            self._add_strong_duality(follower)

    def answer(self, columns: Vector, agent: str) -> tuple[Vector, Vector]:
        """Return all columns and heard values of one agent, as in its own standard form."""
        heard = columns[self.heard[agent]]
        if agent == self.leader_form.agent.name:
            return columns[self.leader_columns], heard
        follower = self.followers[agent]
        return follower.reduced.restore.value(columns[follower.primal], heard), heard

    def _add_follower(self, form: StandardForm) -> None:
        name = form.agent.name
        _refuse_integer_follower(form)
        low, high = self.signals.box(form)
        heard = self.add_heard(form)
        self.program.set_column_bounds(heard, low, high)
        reduced = reduce_form(form, low, high)
        small = reduced.form
        bounds = derive_bounds(small, low, high)
        own = self.program.add_columns(small.columns, small.lower, small.upper)
        self.add_primal(small, own, heard)
        self.add_said(small, own, heard)
        rows, upper, lower = self._add_multipliers(small, bounds)
        self.followers[name] = FollowerColumns(reduced, bounds, own, rows, upper, lower)
        self._add_stationarity(small, heard, self.followers[name])
        self._add_row_pairs(small, bounds, own, heard, rows)
        self._add_bound_pairs(small, bounds, own, upper, lower)

    def _add_stationarity(
        self, form: StandardForm, heard: Indices, follower: FollowerColumns
    ) -> None:
        """State c + Cθ + A'μ + ρ_up - ρ_low = 0."""
        eye = sparse.eye_array(form.columns, format="csr")
        terms = [
            (form.matrix.T, follower.rows),
            (eye, follower.upper),
            (-eye, follower.lower),
            (form.cost_of_heard, heard),
        ]
        self.program.add_rows(terms, -form.cost, -form.cost)

    def _add_multipliers(
        self, form: StandardForm, bounds: Bounds
    ) -> tuple[Indices, Indices, Indices]:
        equal = np.arange(len(form.rhs)) < form.equal_rows
        rows = self.program.add_columns(
            len(form.rhs), np.where(equal, -np.inf, 0.0), bounds.row_multiplier
        )
        upper = self.program.add_columns(form.columns, 0.0, bounds.upper_multiplier)
        lower = self.program.add_columns(form.columns, 0.0, bounds.lower_multiplier)
        return rows, upper, lower

    def _add_row_pairs(
        self, form: StandardForm, bounds: Bounds, own: Indices, heard: Indices, rows: Indices
    ) -> None:
        """Pair each "at most" row that may bind with its multiplier."""
        inequality = np.arange(len(form.rhs)) >= form.equal_rows
        may = inequality & np.isfinite(bounds.row_multiplier) & (bounds.row_multiplier > 0)
        at = np.flatnonzero(may)
        if not at.size:
            return
        # b + Bθ - Ay ≤ S (1 - z)
        self._add_pairs(
            [(-form.matrix[at], own), (form.rhs_of_heard[at], heard)],
            -form.rhs[at],
            bounds.row_slack[at],
            rows[at],
            bounds.row_multiplier[at],
        )

    def _add_bound_pairs(
        self, form: StandardForm, bounds: Bounds, own: Indices, upper: Indices, lower: Indices
    ) -> None:
        """Pair each column bound that may bind with its multiplier; both ends cannot at once.

        An infinite multiplier belongs to a bound that binds at every feasible point.
        """
        room = form.upper - form.lower
        sides = {}
        for side, sign, bound, columns, most in (
            ("upper", -1.0, form.upper, upper, bounds.upper_multiplier),
            ("lower", 1.0, form.lower, lower, bounds.lower_multiplier),
        ):
            at = np.flatnonzero((room > 0) & np.isfinite(bound) & (most > 0) & np.isfinite(most))
            if not at.size:
                continue
            reach = np.where(np.isfinite(room), room, bounds.box.upper - bounds.box.lower)[at]
            eye = sign * sparse.eye_array(len(at), format="csr")
            binaries = self._add_pairs(
                [(eye, own[at])], sign * bound[at], reach, columns[at], most[at]
            )
            sides[side] = dict(zip(at.tolist(), binaries.tolist(), strict=True))
        both = [k for k in sides.get("upper", {}) if k in sides.get("lower", {})]
        if both:
            eye = sparse.eye_array(len(both), format="csr")
            ends = [np.array([sides[s][k] for k in both]) for s in ("upper", "lower")]
            self.program.add_rows([(eye, ends[0]), (eye, ends[1])], upper=1.0)

    def _add_pairs(
        self,
        slack: list[tuple[sparse.csr_array, Indices]],
        constant: Vector,
        limit: Vector,
        multipliers: Indices,
        most: Vector,
    ) -> Indices:
        """State slack - constant ≤ limit (1 - z) and multiplier ≤ most z with new binaries z."""
        count = len(multipliers)
        z = self.program.add_columns(count, 0.0, 1.0, integer=True)
        eye = sparse.eye_array(count, format="csr")
        self.program.add_rows(
            [*slack, (sparse.diags_array(limit, format="csr"), z)], upper=limit + constant
        )
        self.program.add_rows(
            [(eye, multipliers), (-sparse.diags_array(most, format="csr"), z)], upper=0.0
        )
        self.binaries.append(z)
        return z

    def _add_strong_duality(self, follower: FollowerColumns) -> None:
        """State that what a follower pays at decided prices is its dual minus its other cost."""
        form = follower.reduced.form
        name = form.agent.name
        paid, prices = self.paid_at_decided_prices(form)
        if not paid:
            return
        _, theta = self.signals.known(form)
        own_cost = form.cost_at(theta)
        finite_up = np.where(np.isfinite(form.upper), form.upper, 0.0)
        finite_low = np.where(np.isfinite(form.lower), form.lower, 0.0)
        terms = [
            (np.full((1, 1), payment.sign_for(name)), self.amounts[payment.name])
            for payment in paid
        ]
        # The reduction moves constants of prices into the offset: they belong to the payment.
        moved = np.where(prices, form.offset_of_heard, 0.0)
        self.program.add_rows(
            [
                *terms,
                (own_cost[None, :], follower.primal),
                (-moved[None, :], self.heard[name]),
                (form.rhs_at(theta)[None, :], follower.rows),
                (finite_up[None, :], follower.upper),
                (-finite_low[None, :], follower.lower),
            ],
            0.0,
            0.0,
        )


def _refuse_integer_follower(form: StandardForm) -> None:
    if form.integer.any():
        raise WrongMethod(
            f"follower '{form.agent.name}' has integer variables, so it has no optimality "
            "conditions to embed; use BestResponse"
        )
