"""KKT conditions of the followers, joined to the leader's problem in one program.

Followers enter by primal feasibility, stationarity and pairs of which one has to be zero: the
slack of an inequality and its multiplier. The pairs are left to the methods; without them the
program is the linear relaxation of the game. Money that is price × quantity of two decisions is
linear by strong duality.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.errors import WrongMethod
from equigrid.markets.bilevel.follower_presolve import Reduced, reduce_form
from equigrid.markets.bilevel.leader_program import LeaderProgram, Said
from equigrid.markets.bilevel.quadratic_factors import add_curve
from equigrid.markets.bilevel.strong_duality import FollowerPayments, follower_payments
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.sources import Dual


@dataclass(frozen=True, eq=False)
class FollowerColumns:
    """Where one follower stands in the program.

    Attributes
    ----------
    reduced : Reduced
    heard, primal : indices
        Columns of θ and of y.
    limits : indices of shape (m,)
        Rows of the program that state Ay - Bθ {=, ≤} b.
    rows, upper, lower : indices
        Columns of the multipliers of rows and of column bounds.
    """

    reduced: Reduced
    heard: IntArray
    primal: IntArray
    limits: IntArray
    rows: IntArray
    upper: IntArray
    lower: IntArray

    @property
    def form(self) -> StandardForm:
        """The follower as it is embedded."""
        return self.reduced.form


@dataclass(frozen=True, eq=False)
class PaymentRow:
    """A row that defines a sum of amounts.

    Attributes
    ----------
    row : int
    amounts : indices
        Columns of the amounts.
    weights : array
    """

    row: int
    amounts: IntArray
    weights: FloatArray


class KktProgram(LeaderProgram):
    """The program of one game, and the way back from its columns to the agents' answers."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.followers: dict[str, FollowerColumns] = {}
        self.bill_rows: list[PaymentRow] = []
        for agent in game.followers:
            self._add_follower(game.forms[agent.name])
        self.connect()
        for follower in self.followers.values():
            for bill in follower_payments(self.signals, follower.form):
                self._add_bill(follower, bill)
        self._refuse_open_payments()

    def answer(self, columns: FloatArray, agent: str) -> tuple[FloatArray, FloatArray]:
        """Return all columns and heard values of one agent, as in its own standard form."""
        heard = columns[self.heard[agent]]
        if agent == self.leader_form.agent.name:
            return columns[self.leader_columns], heard
        follower = self.followers[agent]
        return follower.reduced.restore.value(columns[follower.primal], heard), heard

    def duals(self, columns: FloatArray) -> dict[str, FloatArray]:
        """Return the duals that are linked or paid at, by source."""
        by_name: dict[str, FloatArray] = {}
        for source, said in self.said.items():
            if isinstance(source, Dual):
                flat = said.constant + sum(matrix @ columns[at] for matrix, at in said.terms)
                by_name[source] = np.reshape(flat, self.game.shape_of(source), order="F")
        return by_name

    def _add_follower(self, form: StandardForm) -> None:
        _refuse_integer_follower(form)
        heard = self.add_heard(form)
        reduced = reduce_form(form, *self.signals.box(form))
        small = reduced.form
        own = self.program.add_columns(small.columns, small.lower, small.upper)
        limits = self.add_primal(small, own, heard)
        self.add_said(small, own, heard)
        equal = np.arange(len(small.rhs)) < small.equal_rows
        rows = self.program.add_columns(len(small.rhs), np.where(equal, -np.inf, 0.0))
        ends = [np.where(np.isfinite(end), np.inf, 0.0) for end in (small.upper, small.lower)]
        upper, lower = (self.program.add_columns(small.columns, 0.0, most) for most in ends)
        follower = FollowerColumns(reduced, heard, own, limits, rows, upper, lower)
        self.followers[form.agent.name] = follower
        self._add_stationarity(follower)
        self._add_duals(follower)

    def _add_stationarity(self, follower: FollowerColumns) -> None:
        """State Qy + c + Cθ + A'μ + ρ_up - ρ_low = 0."""
        form = follower.form
        eye = sparse.eye_array(form.columns, format="csr")
        terms = [
            (form.quadratic, follower.primal),
            (form.matrix.T, follower.rows),
            (eye, follower.upper),
            (-eye, follower.lower),
            (form.cost_of_heard, follower.heard),
        ]
        self.program.add_rows(terms, -form.cost, -form.cost)

    def _add_duals(self, follower: FollowerColumns) -> None:
        """Remember the wanted duals: C'y - B'μ + d for what the follower hears, per hour."""
        form, hours = follower.form, self.game.step_length_h
        wanted: set[object] = {link.source for link in self.game.links}
        wanted |= {payment.price for payment in self.game.payments}
        for heard, where in form.heard.items():
            source = Dual(f"{form.agent.name}.{heard}")
            if source in wanted:
                terms = [
                    (sparse.csr_array(form.cost_of_heard.T / hours)[where], follower.primal),
                    (sparse.csr_array(-form.rhs_of_heard.T / hours)[where], follower.rows),
                ]
                self.said[source] = Said(terms, form.offset_of_heard[where] / hours)

    def _add_bill(self, follower: FollowerColumns, bill: FollowerPayments) -> None:
        """State that what is paid is the dual objective minus the other cost of a part."""
        form, base = follower.form, self._constants(follower.form)
        amounts = np.array([self.amounts[e.payment.name][e.place] for e in bill.entries])
        weights = np.array([entry.weight for entry in bill.entries])
        rows, columns = np.flatnonzero(bill.rows), np.flatnonzero(bill.columns)
        upper, lower = (
            np.where(np.isfinite(end), end, 0.0)[columns] for end in (form.upper, form.lower)
        )
        # The reduction moves constants of prices and limits into the offset: they are paid for.
        signs = 1.0 * bill.places(form.heard_size, at_dual=True)
        signs -= bill.places(form.heard_size, at_dual=False)
        moved = signs * form.offset_of_heard
        terms = [
            (weights[None, :], amounts),
            (moved[None, :], follower.heard),
            (form.cost_at(base)[None, columns], follower.primal[columns]),
            (form.rhs_at(base)[None, rows], follower.rows[rows]),
            (upper[None, :], follower.upper[columns]),
            (-lower[None, :], follower.lower[columns]),
        ]
        curved = form.quadratic[columns][:, columns]
        if curved.nnz:
            curve = add_curve(self.program, curved, follower.primal[columns])
            self.curves.append(curve)
            terms.append((np.ones((1, len(curve.epigraph))), curve.epigraph))
        constant = float(moved @ base)
        row = self.program.add_rows(terms, constant, constant)[0]
        self.bill_rows.append(PaymentRow(int(row), amounts, weights))

    def _constants(self, form: StandardForm) -> FloatArray:
        """The part of θ that no decision moves."""
        name = form.agent.name
        return form.heard_vector(
            {heard: self.signals.known_value(name, heard) for heard in form.heard}
        )

    def _refuse_open_payments(self) -> None:
        """An amount that is heard needs a row that defines it."""
        heard = {link.source for link in self.game.links}
        covered = {int(column) for bill in self.bill_rows for column in bill.amounts}
        for payment in self.moving:
            open_ = not set(self.amounts[payment.name].tolist()) <= covered
            if payment.name in heard and self.signals.is_bilinear(payment) and open_:
                raise WrongMethod(
                    f"payment '{payment.name}' is not linear: its price '{payment.price}' is a "
                    f"decision, but no follower buys or sells '{payment.quantity}' at the price it "
                    "hears or at its Dual; let a follower hear the price"
                )


def _refuse_integer_follower(form: StandardForm) -> None:
    if form.integer.any():
        raise WrongMethod(
            f"follower '{form.agent.name}' has integer variables, so it has no optimality "
            "conditions to embed; use BestResponse"
        )
