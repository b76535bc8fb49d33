"""A led game as a linear program: the leader's problem with what it hears as columns.

How the followers answer is added by a method: by their optimality conditions, or as a choice
among the answers heard so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.findings import WrongMethod
from equigrid.markets.game import Game, Payment
from equigrid.markets.linear_program import Indices, LinearProgram
from equigrid.markets.signals import Signals
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """An array as terms of the program's columns and a constant."""

    terms: Sequence[tuple[sparse.csr_array, Indices]]
    constant: Vector


class GameProgram:
    """The leader's part, and where everybody's columns stand.

    Parameters
    ----------
    game : Game
        With a leader.

    Attributes
    ----------
    program : LinearProgram
    heard : dict of str to indices
        Columns of what each decider hears.
    said : dict of str to Said
        What is said, by path.
    amounts : dict of str to indices
        Column of each payment that depends on a decision.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.signals = Signals(game)
        self.program = LinearProgram()
        self.heard: dict[str, Indices] = {}
        self.said: dict[str, Said] = {}
        self.moving = [p for p in game.payments if p.name not in self.signals.constants]
        self.amounts = {p.name: self.program.add_columns(1) for p in self.moving}
        self.leader_form = game.forms[str(game.leader)]
        self.leader_columns = self._add_leader()

    def connect(self) -> None:
        """State all links and amounts, once every follower has been added."""
        for agent in self.heard:
            self._add_links(self.game.forms[agent])
        for payment in self.moving:
            if not self.signals.is_bilinear(payment):
                self._add_linear_amount(payment)

    def add_heard(self, form: StandardForm, cost: Vector | float = 0.0) -> Indices:
        """Add columns for what an agent hears, fixed where it is known."""
        mask, theta = self.signals.known(form)
        lower, upper = np.where(mask, theta, -np.inf), np.where(mask, theta, np.inf)
        added = self.program.add_columns(form.heard_size, lower, upper, cost)
        self.heard[form.agent.name] = added
        return added

    def add_primal(self, form: StandardForm, own: Indices, heard: Indices) -> None:
        """State Ax - Bθ {=, ≤} b."""
        equal = np.arange(len(form.rhs)) < form.equal_rows
        if len(form.rhs):
            self.program.add_rows(
                [(form.matrix, own), (-form.rhs_of_heard, heard)],
                np.where(equal, form.rhs, -np.inf),
                form.rhs,
            )

    def add_said(self, form: StandardForm, own: Indices, heard: Indices) -> None:
        """Remember what an agent says as terms of its columns."""
        for name, said in form.said.items():
            terms = [(said.of_columns, own), (said.of_heard, heard)]
            self.said[f"{form.agent.name}.{name}"] = Said(terms, said.constant)

    def _add_leader(self) -> Indices:
        form = self.leader_form
        mask, theta = self.signals.known(form)
        _refuse_bilinear_leader(form, mask)
        heard = self.add_heard(form, form.offset_of_heard)
        own = self.program.add_columns(
            form.columns, form.lower, form.upper, form.cost_at(theta), form.integer
        )
        self.add_primal(form, own, heard)
        self.add_said(form, own, heard)
        return own

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
                if link.source in self.amounts:
                    terms.append((-np.ones((1, 1)), self.amounts[link.source]))
                elif link.source not in self.signals.constants:
                    said = self.said[link.source]
                    terms += [(-matrix, columns) for matrix, columns in said.terms]
                    constant = constant + said.constant
            self.program.add_rows(terms, constant, constant)

    def _add_linear_amount(self, payment: Payment) -> None:
        """State an amount of which the price or the quantity is a constant."""
        constants = self.signals.constants
        fixed, moving = payment.price, payment.quantity
        if payment.quantity in constants:
            fixed, moving = payment.quantity, str(payment.price)
        said = self.said[moving]
        value = constants[fixed] if isinstance(fixed, str) else float(fixed)
        weight = np.broadcast_to(np.ravel(value, order="F"), said.constant.shape) * payment.hours
        added = [(-(weight[None, :] @ matrix), columns) for matrix, columns in said.terms]
        total = weight @ said.constant
        self.program.add_rows([(np.ones((1, 1)), self.amounts[payment.name]), *added], total, total)

    def paid_at_decided_prices(
        self, reduced: StandardForm
    ) -> tuple[list[Payment], NDArray[np.bool_]]:
        """Payments of a follower at prices of which a decision is a part.

        Parameters
        ----------
        reduced : StandardForm
            The follower as it is embedded; its prices are those of its own declaration, for
            the reduction may leave a price nothing to multiply.

        Returns
        -------
        paid : list of Payment
            None where the amounts are linear by themselves.
        prices : array of shape (P,)
            Which heard values are those prices.

        Raises
        ------
        WrongMethod
            When their sum is not linear in what the program holds.
        """
        stated = self.game.forms[reduced.agent.name]
        prices = _decided_prices(self.signals, stated)
        sources = _sources(self.game, stated, prices)
        paid = [
            payment
            for payment in self.moving
            if payment.sign_for(stated.agent.name) and payment.price in sources
        ]
        mask = np.zeros(stated.heard_size, dtype=bool)
        if not any(self.signals.is_bilinear(payment) for payment in paid):
            return [], mask
        why = f"payment '{paid[0].name}' of '{stated.agent.name}' is not linear: "
        _refuse_moving_limits(self.signals, stated, reduced, prices, why)
        _refuse_unpaid_prices(stated, sources, paid, why)
        _refuse_separate_hearing(self.signals, paid, why)
        for heard in prices:
            mask[stated.heard[heard]] = True
        return paid, mask


def _refuse_bilinear_leader(form: StandardForm, known: NDArray[np.bool_]) -> None:
    for heard, where in form.heard.items():
        columns = sparse.csc_array(form.cost_of_heard)[:, where]
        if columns.nnz and not known[where].all():
            raise WrongMethod(
                f"leader '{form.agent.name}' multiplies '{heard}', which another agent decides, "
                "by its own variable; let it hear the amount of a payment instead"
            )


def _decided_prices(signals: Signals, form: StandardForm) -> list[str]:
    """Names of what the follower hears in its cost where a decision is a part of it."""
    return [
        heard
        for heard, where in form.heard.items()
        if not signals.is_known(form.agent.name, heard)
        and sparse.csc_array(form.cost_of_heard)[:, where].nnz
    ]


def _sources(game: Game, form: StandardForm, prices: list[str]) -> list[str]:
    return [k.source for heard in prices for k in game.links_into(form.agent.name, heard)]


def _refuse_moving_limits(
    signals: Signals, stated: StandardForm, reduced: StandardForm, prices: list[str], why: str
) -> None:
    """Strong duality makes payments linear only if no limit that moves is priced."""
    name = stated.agent.name
    for heard, where in stated.heard.items():
        form = stated if heard in prices else reduced
        limits = sparse.csc_array(form.rhs_of_heard)[:, where].nnz
        if limits and not signals.is_known(name, heard):
            raise WrongMethod(
                f"{why}'{name}.{heard}', which another agent decides, enters its right-hand "
                "side; give it a value instead"
            )


def _refuse_unpaid_prices(
    stated: StandardForm, sources: list[str], paid: list[Payment], why: str
) -> None:
    for source in sources:
        if source not in [payment.price for payment in paid]:
            raise WrongMethod(
                f"{why}'{source}' also enters the cost of '{stated.agent.name}' but nobody is paid "
                "for it; declare its payment"
            )


def _refuse_separate_hearing(signals: Signals, paid: list[Payment], why: str) -> None:
    bilinear = [payment for payment in paid if signals.is_bilinear(payment)]
    links = signals.game.links
    targets = [sorted(k.target for k in links if k.source == p.name) for p in bilinear]
    if any(target != targets[0] for target in targets):
        raise WrongMethod(
            f"{why}it pays at several decided prices and only their sum is linear; let the "
            "leader hear them all in one value"
        )
