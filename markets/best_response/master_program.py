"""The master problem of the negotiation: the leader against a finite list of followers' answers.

Each follower takes, among its own answers, the one that is cheapest for it at the new prices:
its cost v is below every answer's cost, and equal to that of the answer chosen by a binary. What
it pays is then v minus the own cost of the chosen answer, which is linear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.errors import NoAnswer, SolverFailed, WrongMethod
from equigrid.markets.bilevel.leader_program import LeaderProgram, Said
from equigrid.markets.bilevel.signals import Signals
from equigrid.markets.forms.highs_model import Solution
from equigrid.markets.forms.scaled_solve import ModelInOwnUnits
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.posting import said_to, said_values
from equigrid.markets.messaging.talk_limits import TalkLimits
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import split


@dataclass(frozen=True, eq=False)
class Answer:
    """What a follower said once, and its own cost of it before payments to the leader."""

    said: Mapping[str, FloatArray]
    own_cost: float


def decided_payments(signals: Signals, form: StandardForm) -> list[Payment]:
    """Payments of a follower at prices that the leader decides.

    Raises
    ------
    WrongMethod
        When a decision of another agent reaches the follower in any other way.
    """
    name, leader = form.agent.name, signals.game.leader
    paid = [
        payment
        for payment in signals.game.payments
        if payment.sign_for(name) and isinstance(payment.price, str)
        if split(payment.price)[0] == leader and payment.price not in signals.constants
    ]
    prices = [payment.price for payment in paid]
    for heard, where in form.heard.items():
        if signals.is_known(name, heard):
            continue
        decided = [
            link.source
            for link in signals.game.links_into(name, heard)
            if link.source not in signals.constants
        ]
        limits = sparse.csc_array(form.rhs_of_heard)[:, where].nnz
        if limits or any(source not in prices for source in decided):
            raise WrongMethod(
                f"'{name}.{heard}' is decided by another agent but is not a price at which "
                f"'{name}' pays or is paid by the leader; BestResponse compares answers at prices "
                "only, use Exact"
            )
    return paid


def follower_cost(
    signals: Signals, form: StandardForm, answer: Answer, announced: Mapping[str, FloatArray]
) -> float:
    """Return what an answer pays to the leader at announced prices."""
    return sum(
        payment.sign_for(form.agent.name)
        * payment.length_h
        * float(np.sum(announced[str(payment.price)] * _quantity(answer, payment)))
        for payment in decided_payments(signals, form)
    )


def _quantity(answer: Answer, payment: Payment) -> FloatArray:
    return answer.said[split(payment.quantity)[1]]


class AnswerProgram(LeaderProgram):
    """One round of the leader's pricing.

    Parameters
    ----------
    game : Game
    heard : Mapping of str to sequence of Answer
        At least one for each follower.
    announced : Mapping of str to array, optional
        Signals that stand already; else they are what is decided.
    """

    def __init__(
        self,
        game: Game,
        heard: Mapping[str, Sequence[Answer]],
        announced: Mapping[str, FloatArray] | None = None,
    ) -> None:
        super().__init__(game)
        _refuse_what_exact_takes(self)
        self.answers = heard
        self.choice: dict[str, IntArray] = {}
        for agent in game.followers:
            self._add_answers(game.forms[agent.name], list(heard[agent.name]))
        self.connect()
        for agent in game.followers:
            self._add_choice(game.forms[agent.name], list(heard[agent.name]))
        for path, value in (announced or {}).items():
            flat = np.ravel(value, order="F") - self.said[path].constant
            self.program.add_rows(self.said[path].terms, flat, flat)

    def solve(
        self, gap: float, *, polish: bool = False, limits: TalkLimits | None = None
    ) -> Solution:
        """Solve the round.

        Parameters
        ----------
        gap : float
            Relative.
        polish : bool
            Whether to solve once more with the choices fixed, to the last digits.
        limits : TalkLimits, optional
            Of the talk: what is left of them limits the search, and what it spends is counted.

        Raises
        ------
        NoAnswer
            When no signal makes any combination of answers feasible for the leader.
        LimitMet
            When the search is ended by what is left of the limits.
        """
        limits = limits or TalkLimits()
        stated = self.program.assembled(self.leader_form.offset)
        size = sum(stated.matrix.shape)
        model = ModelInOwnUnits(
            stated,
            mip_rel_gap=gap,
            mip_abs_gap=0.0,
            mip_allow_restart=False,
            **limits.highs_options(size),
        )
        solution = model.solve()
        limits.spend(solution.nodes, size, solution.iterations, cutting=True)
        if solution.status == "limit" and limits.limited:
            limits.used_up()
        if solution.status == "failed":
            raise SolverFailed.on("HiGHS", solution.words, str(self.game.leader))
        if not solution.found:
            raise NoAnswer(
                f"leader '{self.game.leader}' has no decision that the answers it heard allow "
                f"({solution.status})",
                str(self.game.leader),
            )
        return model.fixed_at(solution, self.program.integer_columns()) if polish else solution

    def announced(self, columns: FloatArray) -> dict[str, FloatArray]:
        """Return what the leader tells its followers in a solution, by path."""
        form, name = self.leader_form, self.leader_form.agent.name
        own, heard = columns[self.leader_columns], columns[self.heard[name]]
        signals = [
            said for agent in self.game.followers for said in said_to(self.game, name, agent)
        ]
        return {
            f"{name}.{said}": form.said[said].value(own, heard) for said in dict.fromkeys(signals)
        }

    def values(self, columns: FloatArray) -> dict[str, FloatArray]:
        """Return everything said in a solution; of followers, what they tell the leader."""
        name = self.leader_form.agent.name
        leader = (columns[self.leader_columns], columns[self.heard[name]])
        values = said_values(self.game, {name: leader})
        for follower, choice in self.choice.items():
            chosen = self.answers[follower][int(np.argmax(columns[choice]))]
            values |= {f"{follower}.{said}": value for said, value in chosen.said.items()}
        return values

    def _add_answers(self, form: StandardForm, answers: list[Answer]) -> None:
        """Say, for a follower, the quantities of the one answer that is chosen."""
        name = form.agent.name
        chosen = self.program.add_columns(len(answers), 0.0, 1.0, integer=True)
        self.choice[name] = chosen
        self.program.add_rows([(np.ones((1, len(answers))), chosen)], 1.0, 1.0)
        for said in form.said:
            table = np.array([np.ravel(a.said[said], order="F") for a in answers]).T
            path = f"{name}.{said}"
            self.said[path] = Said([(sparse.csr_array(table), chosen)], np.zeros(len(table)))

    def _add_choice(self, form: StandardForm, answers: list[Answer]) -> None:
        """State that the chosen answer is the cheapest, and what it pays."""
        paid = decided_payments(self.signals, form)
        chosen = self.choice[form.agent.name]
        own_cost = np.array([answer.own_cost for answer in answers])
        if not paid:
            self._forbid_dearer(chosen, own_cost)
            return
        sign = {payment.name: payment.sign_for(form.agent.name) for payment in paid}
        v = self.program.add_columns(1)
        amounts = [(np.full((1, 1), -sign[p.name]), self.amounts[p.name]) for p in paid]
        self.program.add_rows([(np.ones((1, 1)), v), *amounts, (-own_cost[None, :], chosen)], 0, 0)
        terms, constant, reach = self._costs(form, answers, paid)
        ones = np.ones((len(answers), 1))
        below = [(ones, v), *((-matrix, columns) for matrix, columns in terms)]
        self.program.add_rows(below, upper=own_cost + constant)
        slack = sparse.diags_array(-reach, format="csr")
        self.program.add_rows([*below, (slack, chosen)], lower=own_cost + constant - reach)

    def _forbid_dearer(self, chosen: IntArray, own_cost: FloatArray) -> None:
        """Without payments at decided prices the cheapest answer is cheapest always."""
        dearer = chosen[own_cost > own_cost.min() + 1e-9 * np.abs(own_cost).max()]
        if dearer.size:
            eye = sparse.eye_array(len(dearer), format="csr")
            self.program.add_rows([(eye, dearer)], 0.0, 0.0)

    def _costs(
        self, form: StandardForm, answers: list[Answer], paid: Sequence[Payment]
    ) -> tuple[list[tuple[sparse.csr_array, IntArray]], FloatArray, FloatArray]:
        """What each answer pays as terms of the leader's columns, and how far costs can differ.

        The difference of two answers' costs is linear in the prices, so its greatest value over
        the box of prices is a sum over hours; no constant has to be guessed.
        """
        leader = self.leader_form
        terms, constant = [], np.zeros(len(answers))
        bounds, weights = [], []
        for payment in paid:
            price = leader.said[split(str(payment.price))[1]]
            weight = payment.sign_for(form.agent.name) * payment.length_h
            table = weight * np.array([np.ravel(_quantity(a, payment), order="F") for a in answers])
            said = self.said[str(payment.price)]
            terms += [(sparse.csr_array(table @ matrix), columns) for matrix, columns in said.terms]
            constant += table @ said.constant
            low, high = self.signals.price_range(price, leader)
            bounds.append((low, high))
            weights.append(table)
        table, (low, high) = np.hstack(weights), np.hstack(bounds)
        own_cost = np.array([answer.own_cost for answer in answers])
        return terms, constant, _reach(table, own_cost, low, high)


def _refuse_what_exact_takes(program: LeaderProgram) -> None:
    """A quadratic leader and amounts by scenario are not stated here."""
    name = program.leader_form.agent.name
    if program.curves:
        raise WrongMethod(
            f"leader '{name}' has a quadratic cost, and BestResponse prices against answers by a "
            "linear program; use Exact"
        )
    for payment in program.moving:
        if len(program.amounts[payment.name]) != 1:
            raise WrongMethod(
                f"payment '{payment.name}' is heard as several amounts, and BestResponse knows "
                "sums only; hear it with a scalar Parameter, or use Exact"
            )


def _reach(
    table: FloatArray, own_cost: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """How much dearer than the cheapest each answer can be at most, over the box of prices."""
    reach = np.zeros(len(own_cost))
    for other, cost in zip(table, own_cost, strict=True):
        difference = table - other
        most = np.maximum(difference * low, difference * high).sum(axis=1)
        reach = np.maximum(reach, own_cost - cost + most)
    return reach
