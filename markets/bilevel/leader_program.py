"""The leader's problem as a linear program, with what it hears as columns.

How the followers answer is added by a method: by their optimality conditions, or as a choice
among the answers heard so far.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import WrongMethod
from equigrid.markets.bilevel.leader_objective import SHARE
from equigrid.markets.bilevel.quadratic_factors import Curve, add_curve
from equigrid.markets.bilevel.signals import Signals
from equigrid.markets.forms.linear_program import LinearProgram
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


@dataclass(frozen=True)
class Said:
    """An array as terms of the program's columns and a constant."""

    terms: Sequence[tuple[sparse.csr_array, IntArray]]
    constant: FloatArray


class LeaderProgram:
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
        What is said, by source.
    defined : list of (columns, rows)
        What is heard, and amounts that are linear by themselves, with the rows that say so.
    amounts : dict of str to indices
        Columns of each payment that depends on a decision, one for each amount heard.
    curves : list of Curve
        Convex quadratic costs.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.signals = Signals(game)
        self.program = LinearProgram()
        self.heard: dict[str, IntArray] = {}
        self.said: dict[str, Said] = {}
        self.moving = [p for p in game.payments if p.name not in self.signals.constants]
        self.amounts = {
            p.name: self.program.add_columns(math.prod(game.amount_shape(p))) for p in self.moving
        }
        self.defined: list[tuple[IntArray, IntArray]] = []
        self.curves: list[Curve] = []
        self.leader_form = game.forms[str(game.leader)]
        self.leader_columns = self._add_leader()

    def connect(self) -> None:
        """State all links and amounts, once every follower has been added."""
        for agent in self.heard:
            self._add_links(self.game.forms[agent])
        for payment in self.moving:
            if not self.signals.is_bilinear(payment):
                self._add_linear_amount(payment)

    def money(self, columns: FloatArray) -> float:
        """Return what gains of the leader are measured by, without constants.

        That is its objective at a point, or a hundredth of all that it pays, is paid and spends.

        Parameters
        ----------
        columns : array
            All columns of the program.
        """
        stated = self.program.assembled()
        terms = np.where(stated.lower < stated.upper, stated.cost * columns, 0.0)
        return max(abs(float(terms.sum())), SHARE * float(np.abs(terms).sum()))

    def add_heard(self, form: StandardForm, cost: FloatArray | float = 0.0) -> IntArray:
        """Add columns for what an agent hears, fixed where it is known."""
        mask, theta = self.signals.known(form)
        lower, upper = np.where(mask, theta, -np.inf), np.where(mask, theta, np.inf)
        added = self.program.add_columns(form.heard_size, lower, upper, cost)
        self.heard[form.agent.name] = added
        return added

    def add_primal(self, form: StandardForm, own: IntArray, heard: IntArray) -> IntArray:
        """State Ax - Bθ {=, ≤} b and return the rows."""
        equal = np.arange(len(form.rhs)) < form.equal_rows
        terms = [(form.matrix, own), (-form.rhs_of_heard, heard)]
        return self.program.add_rows(terms, np.where(equal, form.rhs, -np.inf), form.rhs)

    def add_said(self, form: StandardForm, own: IntArray, heard: IntArray) -> None:
        """Remember what an agent says as terms of its columns."""
        for name, said in form.said.items():
            terms = [(said.of_columns, own), (said.of_heard, heard)]
            self.said[f"{form.agent.name}.{name}"] = Said(terms, said.constant)

    def _add_leader(self) -> IntArray:
        form = self.leader_form
        mask, theta = self.signals.known(form)
        _refuse_bilinear_leader(form, mask)
        heard = self.add_heard(form, form.offset_of_heard)
        own = self.program.add_columns(
            form.columns, form.lower, form.upper, form.cost_at(theta), form.integer
        )
        self.add_primal(form, own, heard)
        self.add_said(form, own, heard)
        if form.is_quadratic:
            self.curves.append(add_curve(self.program, form.quadratic / 2, own, cost=1.0))
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
                    terms.append(self._amount_term(link, form.agent.hears[heard].shape))
                elif link.source not in self.signals.constants:
                    said = self.said[link.source]
                    terms += [(-matrix, columns) for matrix, columns in said.terms]
                    constant = constant + said.constant
            self.defined.append((at, self.program.add_rows(terms, constant, constant)))

    def _amount_term(self, link: Link, heard: tuple[int, ...]) -> tuple[Any, IntArray]:
        """The negative of an amount, summed to the shape in which it is heard."""
        payment = self.game.payment(link.source)
        assert payment is not None
        shape = self.game.amount_shape(payment)
        return -summing(shape, heard), self.amounts[link.source]

    def _add_linear_amount(self, payment: Payment) -> None:
        """State an amount of which the price or the quantity is a constant."""
        constants = self.signals.constants
        fixed, moving = payment.price, payment.quantity
        if payment.quantity in constants:
            fixed, moving = payment.quantity, str(payment.price)
        said = self.said[moving]
        value = constants[fixed] if isinstance(fixed, str) else float(fixed)
        weight = np.broadcast_to(np.ravel(value, order="F"), said.constant.shape) * payment.length_h
        whole = self.game.shape_of(payment.quantity)
        weight = summing(whole, self.game.amount_shape(payment)) * weight
        added = [(-(weight @ matrix), columns) for matrix, columns in said.terms]
        total = weight @ said.constant
        amount = self.amounts[payment.name]
        eye = sparse.eye_array(len(amount), format="csr")
        rows = self.program.add_rows([(eye, amount), *added], total, total)
        self.defined.append((amount, rows))


def summing(whole: tuple[int, ...], heard: tuple[int, ...]) -> sparse.csr_array:
    """Return the matrix that sums a flattened array over the axes that its hearer lacks.

    Examples
    --------
    >>> summing((2, 3), (2,)).toarray()
    array([[1., 0., 1., 0., 1., 0.],
           [0., 1., 0., 1., 0., 1.]])
    """
    places = np.arange(math.prod(heard)).reshape(heard, order="F")
    more = (1,) * (len(whole) - len(heard))
    entry = np.broadcast_to(places.reshape(heard + more), whole).ravel(order="F")
    columns = np.arange(math.prod(whole))
    shape = (math.prod(heard), math.prod(whole))
    return sparse.csr_array((np.ones(len(columns)), (entry, columns)), shape=shape)


def _refuse_bilinear_leader(form: StandardForm, known: BoolArray) -> None:
    for heard, where in form.heard.items():
        columns = sparse.csc_array(form.cost_of_heard)[:, where]
        if columns.nnz and not known[where].all():
            raise WrongMethod(
                f"leader '{form.agent.name}' multiplies '{heard}', which another agent decides, "
                "by its own variable; let it hear the amount of a payment instead"
            )
