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
from equigrid.markets.game import Game, Payment
from equigrid.markets.linear_program import Indices, LinearProgram
from equigrid.markets.multiplier_bounds import Bounds, derive_bounds
from equigrid.markets.reduction import Reduced, reduce_form
from equigrid.markets.signals import Signals
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


class StackelbergProgram:
    """The program of one game, and the way back from its columns to the agents' answers."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.signals = Signals(game)
        self.program = LinearProgram()
        self.heard: dict[str, Indices] = {}
        self.columns: dict[str, Indices] = {}
        self.amounts = {p.name: self.program.add_columns(1) for p in _moving(self.signals)}
        self.pair_columns: list[tuple[Indices, Indices, Indices]] = []
        self.followers: dict[str, FollowerColumns] = {}
        self.offset = 0.0
        self._add_leader()
        for agent in game.followers:
            self._add_follower(game.forms[agent.name])
        for agent in game.deciders:
            self._add_links(game.forms[agent.name])
        for payment in _moving(self.signals):
            if not self.signals.is_bilinear(payment):
                self._add_linear_amount(payment)
        for agent in game.followers:
            self._add_strong_duality(self.followers[agent.name])

    def answer(self, columns: Vector, agent: str) -> tuple[Vector, Vector]:
        """Return all columns and heard values of one agent, as in its own standard form."""
        heard, own = columns[self.heard[agent]], columns[self.columns[agent]]
        if agent in self.followers:
            own = self.followers[agent].reduced.restore.value(own, heard)
        return own, heard

    def _add_heard(self, form: StandardForm, cost: Vector | float = 0.0) -> Indices:
        mask, theta = self.signals.known(form)
        lower, upper = np.where(mask, theta, -np.inf), np.where(mask, theta, np.inf)
        self.heard[form.agent.name] = self.program.add_columns(
            form.heard_size, lower, upper, cost
        )
        return self.heard[form.agent.name]

    def _add_leader(self) -> None:
        form = self.game.forms[str(self.game.leader)]
        mask, theta = self.signals.known(form)
        _refuse_bilinear_leader(form, mask)
        self.offset = form.offset
        heard = self._add_heard(form, form.offset_of_heard)
        own = self.program.add_columns(
            form.columns, form.lower, form.upper, form.cost_at(theta), form.integer
        )
        self.columns[form.agent.name] = own
        self._add_primal(form, own, heard)

    def _add_primal(self, form: StandardForm, own: Indices, heard: Indices) -> None:
        """State Ax - Bθ {=, ≤} b."""
        equal = np.arange(len(form.rhs)) < form.equal_rows
        if len(form.rhs):
            self.program.add_rows(
                [(form.matrix, own), (-form.rhs_of_heard, heard)],
                np.where(equal, form.rhs, -np.inf),
                form.rhs,
            )

    def _add_links(self, form: StandardForm) -> None:
        """State that what is heard is the sum of its sources."""
        name = form.agent.name
        for heard, where in form.heard.items():
            if self.signals.is_known(name, heard):
                continue
            at = self.heard[name][where]
            constant = np.ravel(self.signals.known_value(name, heard), order="F")
            terms = [(sparse.eye_array(len(at), format="csr"), at)]
            for link in self.game.links_into(name, heard):
                if link.source in self.signals.constants:
                    continue
                if link.source in self.amounts:
                    terms.append((-np.ones((1, 1)), self.amounts[link.source]))
                    continue
                added, said_constant = self._said_terms(link.source)
                terms += [(-matrix, columns) for matrix, columns in added]
                constant = constant + said_constant
            self.program.add_rows(terms, constant, constant)

    def _said_terms(
        self, path: str
    ) -> tuple[list[tuple[sparse.csr_array, Indices]], Vector]:
        """What is said, as terms of the program's columns and a constant."""
        agent, _, name = path.partition(".")
        follower = self.followers.get(agent)
        form = follower.reduced.form if follower else self.game.forms[agent]
        said = form.said[name]
        return [
            (said.of_columns, self.columns[agent]),
            (said.of_heard, self.heard[agent]),
        ], said.constant

    def _add_linear_amount(self, payment: Payment) -> None:
        """State an amount of which the price or the quantity is a constant."""
        constants = self.signals.constants
        fixed, moving = payment.price, payment.quantity
        if payment.quantity in constants:
            fixed, moving = payment.quantity, str(payment.price)
        terms, constant = self._said_terms(moving)
        value = constants[fixed] if isinstance(fixed, str) else float(fixed)
        weight = np.broadcast_to(np.ravel(value, order="F"), constant.shape) * payment.hours
        added = [(-(weight[None, :] @ matrix), columns) for matrix, columns in terms]
        total = weight @ constant
        self.program.add_rows(
            [(np.ones((1, 1)), self.amounts[payment.name]), *added], total, total
        )

    def _add_follower(self, form: StandardForm) -> None:
        name = form.agent.name
        _refuse_integer_follower(form)
        low, high = self.signals.box(form)
        heard = self._add_heard(form)
        self.program.set_column_bounds(heard, low, high)
        reduced = reduce_form(form, low, high)
        small = reduced.form
        bounds = derive_bounds(small, low, high)
        own = self.program.add_columns(small.columns, small.lower, small.upper)
        self.columns[name] = own
        self._add_primal(small, own, heard)
        rows, upper, lower = self._add_multipliers(small, bounds)
        self.followers[name] = FollowerColumns(reduced, bounds, own, rows, upper, lower)
        eye = sparse.eye_array(small.columns, format="csr")
        self.program.add_rows(
            [
                (small.matrix.T, rows), (eye, upper), (-eye, lower),
                (small.cost_of_heard, heard),
            ],
            -small.cost, -small.cost,
        )
        self._add_row_pairs(small, bounds, own, heard, rows)
        self._add_bound_pairs(small, bounds, own, upper, lower)

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
            -form.rhs[at], bounds.row_slack[at], rows[at], bounds.row_multiplier[at],
        )

    def _add_bound_pairs(
        self, form: StandardForm, bounds: Bounds, own: Indices, upper: Indices, lower: Indices
    ) -> None:
        """Pair each column bound with its multiplier; both ends cannot bind at once."""
        room = form.upper - form.lower
        sides = {}
        for side, sign, bound, columns, most in (
            ("upper", -1.0, form.upper, upper, bounds.upper_multiplier),
            ("lower", 1.0, form.lower, lower, bounds.lower_multiplier),
        ):
            at = np.flatnonzero((room > 0) & np.isfinite(bound) & (most > 0))
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
        self, slack: list[tuple[sparse.csr_array, Indices]], constant: Vector, limit: Vector,
        multipliers: Indices, most: Vector,
    ) -> Indices:
        """State slack - constant ≤ limit (1 - z) and multiplier ≤ most z with new binaries z."""
        count = len(multipliers)
        z = self.program.add_columns(count, 0.0, 1.0, integer=True)
        eye = sparse.eye_array(count, format="csr")
        tight = self.program.add_rows(
            [*slack, (sparse.diags_array(limit, format="csr"), z)], upper=limit + constant
        )
        self.program.add_rows(
            [(eye, multipliers), (-sparse.diags_array(most, format="csr"), z)], upper=0.0
        )
        self.pair_columns.append((z, multipliers, tight))
        return z

    def _add_strong_duality(self, follower: FollowerColumns) -> None:
        """State that what a follower pays at decided prices is its dual minus its other cost."""
        form = follower.reduced.form
        paid = _paid_at_decided_prices(self.signals, form)
        if not any(self.signals.is_bilinear(payment) for payment in paid):
            return
        _refuse_nonlinear_payments(self.signals, form, paid)
        mask, theta = self.signals.known(form)
        own_cost = form.cost_at(theta)
        finite_up = np.where(np.isfinite(form.upper), form.upper, 0.0)
        finite_low = np.where(np.isfinite(form.lower), form.lower, 0.0)
        terms = [
            (np.full((1, 1), payment.sign_for(form.agent.name)), self.amounts[payment.name])
            for payment in paid
        ]
        # The reduction moves constants of prices into the offset: they belong to the payment.
        moved = np.where(mask, 0.0, form.offset_of_heard)
        self.program.add_rows(
            [
                *terms,
                (own_cost[None, :], follower.primal),
                (-moved[None, :], self.heard[form.agent.name]),
                (form.rhs_at(theta)[None, :], follower.rows),
                (finite_up[None, :], follower.upper),
                (-finite_low[None, :], follower.lower),
            ],
            0.0, 0.0,
        )


def _moving(signals: Signals) -> list[Payment]:
    """Payments whose amount depends on a decision, in the order declared."""
    return [p for p in signals.game.payments if p.name not in signals.constants]


def _refuse_bilinear_leader(form: StandardForm, known: NDArray[np.bool_]) -> None:
    for heard, where in form.heard.items():
        columns = sparse.csc_array(form.cost_of_heard)[:, where]
        if columns.nnz and not known[where].all():
            raise WrongMethod(
                f"leader '{form.agent.name}' multiplies '{heard}', which another agent decides, "
                "by its own variable; let it hear the amount of a payment instead"
            )


def _refuse_integer_follower(form: StandardForm) -> None:
    if form.integer.any():
        raise WrongMethod(
            f"follower '{form.agent.name}' has integer variables, so it has no optimality "
            "conditions to embed; use BestResponse"
        )


def _decided_prices(signals: Signals, form: StandardForm) -> list[str]:
    """Sources of what the follower hears in its cost where a decision is among them."""
    return [
        link.source
        for heard, where in form.heard.items()
        if not signals.is_known(form.agent.name, heard)
        and sparse.csc_array(form.cost_of_heard)[:, where].nnz
        for link in signals.game.links_into(form.agent.name, heard)
    ]


def _paid_at_decided_prices(signals: Signals, form: StandardForm) -> list[Payment]:
    prices = _decided_prices(signals, form)
    return [
        payment
        for payment in _moving(signals)
        if payment.sign_for(form.agent.name) and payment.price in prices
    ]


def _refuse_nonlinear_payments(
    signals: Signals, form: StandardForm, paid: list[Payment]
) -> None:
    """Strong duality makes payments linear only if nothing else that moves is priced."""
    name, links = form.agent.name, signals.game.links
    why = f"payment '{paid[0].name}' of '{name}' is not linear: "
    for heard, where in form.heard.items():
        moves = not signals.is_known(name, heard)
        if moves and sparse.csc_array(form.rhs_of_heard)[:, where].nnz:
            raise WrongMethod(
                f"{why}'{name}.{heard}', which another agent decides, enters its right-hand "
                "side; use BestResponse"
            )
    for source in _decided_prices(signals, form):
        if source not in [payment.price for payment in paid]:
            raise WrongMethod(
                f"{why}'{source}' also enters the cost of '{name}' but nobody is paid for it; "
                "declare its payment or use BestResponse"
            )
    bilinear = [payment for payment in paid if signals.is_bilinear(payment)]
    targets = [sorted(k.target for k in links if k.source == p.name) for p in bilinear]
    if any(target != targets[0] for target in targets):
        raise WrongMethod(
            f"{why}it pays at several decided prices and only their sum is linear; let the "
            "leader hear them all in one value"
        )
