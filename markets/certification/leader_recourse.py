"""Recourse of a leader: its best value once it has announced, whatever it then hears."""

import math
from collections.abc import Iterator, Mapping

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed, WrongMethod
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.certification.matrix_statement import flattened, moves_no_costs
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.certification.standalone import ROOM, solve
from equigrid.markets.games.game import Game
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, speaker

# How far said and heard values may be off, as a share of the greatest of them, before the leader is
# told to have no feasible decision.
_ROOMS = (0.0, ROOM, 1e-7, 1e-5)


class Recourse:
    """The leader's problem with its announcement fixed and what it hears free to be set.

    Parameters
    ----------
    game : Game
        With a leader.
    values : Mapping of str to array
        Everything said at the answer, by path.

    Attributes
    ----------
    heard : set of str
        Sources of all that the leader hears, prices and quantities of amounts among them.
    unit : float
        Of money, in which the leader's problem is solved.

    Raises
    ------
    WrongMethod
        When the leader multiplies what it hears by decisions of its own.
    """

    def __init__(self, game: Game, values: Mapping[str, FloatArray]) -> None:
        self.game, self.values, self.leader = game, dict(values), game.agent(str(game.leader))
        self.form = game.forms[self.leader.name]
        self.heard = set(_heard_sources(game, self.leader.name))
        announced = _announced(game)
        said = [f"{self.leader.name}.{name}" for name in self.form.said]
        self._free = [path for path in said if path in self.heard and path not in announced]
        self._told = {
            name: cp.Parameter(parameter.size)
            for name, parameter in self.leader.hears.items()
            if any(self._moves(link.source) for link in game.links_into(self.leader.name, name))
        }
        self._refuse_products()
        self._factors: dict[str, cp.Parameter] = {}
        self._room = cp.Parameter(nonneg=True)
        self._state([path for path in said if path in announced])

    def _refuse_products(self) -> None:
        for name in self._told:
            if not moves_no_costs(self.form, name):
                raise WrongMethod(
                    f"leader '{self.leader.name}' multiplies '{name}', which another agent "
                    "decides, by its own variable; let it hear the amount of a payment instead"
                )

    def _state(self, announced: list[str]) -> None:
        """Compile the problem in which equalities set what is heard."""
        heard = heard_values(self.game, self.values, self.leader.name)
        flat = flattened(self.form, heard, self._told)
        own = {f"{self.leader.name}.{name}": said for name, said in flat.own.says.items()}
        self._says = {path: own[path] for path in self._free}
        off = {name: cp.Variable(told.size) for name, told in self._told.items()}
        self._links = {
            name: told + off[name] + sum(self._own_terms(name)) - flat.free[name] == 0
            for name, told in self._told.items()
        }
        sizes = {name: greatest(heard[name]) or 1.0 for name in off}
        near = [cp.abs(distance) / sizes[name] <= self._room for name, distance in off.items()]
        near += [
            cp.abs(own[path] - self.values[path]) / (greatest(self.values[path]) or 1.0)
            <= self._room
            for path in announced
        ]
        self.unit = flat.own.unit
        self._problem = flat.own.problem([*self._links.values(), *near])

    def _moves(self, source: str) -> bool:
        """Whether a source is open once the leader has announced."""
        payment = self.game.payment(source)
        if payment is not None:
            return any(self._moves(end) for end in _ends(payment))
        followers = {agent.name for agent in self.game.followers}
        return source in self._free or speaker(source) in followers

    def _own_terms(self, name: str) -> Iterator[cp.Expression]:
        """What the leader hears of its own free decisions, flattened."""
        for link in self.game.links_into(self.leader.name, name):
            payment = self.game.payment(link.source)
            if link.source in self._free:
                yield cp.vec(self._says[link.source], order="F")
            elif payment is not None and set(_ends(payment)) & set(self._free):
                yield self._own_amount(payment, self.leader.hears[name].shape)

    def _own_amount(self, payment: Payment, shape: tuple[int, ...]) -> cp.Expression:
        """Money for a quantity, or at a price, that is the leader's own free decision."""
        said = self._says[self._decided(payment)]
        factor = self._factors.setdefault(payment.name, cp.Parameter(said.shape))
        owed = cp.multiply(factor, said) * payment.length_h
        summed = cp.sum(cp.reshape(owed, (math.prod(shape), -1), order="C"), axis=1)
        return cp.vec(cp.reshape(summed, shape, order="C"), order="F")

    def _decided(self, payment: Payment) -> str:
        return next(end for end in _ends(payment) if end in self._free)

    def at(self, answers: Mapping[str, FloatArray]) -> tuple[float, dict[str, FloatArray]]:
        """Return the leader's least cost, and how it grows with what the followers say.

        Parameters
        ----------
        answers : Mapping of str to array
            What followers say other than at the answer, and their duals, by source.

        Returns
        -------
        cost : float
            Infinite where the leader has no feasible decision.
        slopes : dict of str to array
            By source; empty where there are none, as for a leader with integers.
        """
        full = {**self.values, **answers}
        self._tell(full)
        for room in _ROOMS:
            self._room.value = room
            try:
                cost = self.unit * solve(self.leader, self._problem)
            except SolverFailed:
                raise
            except NoAnswer:
                continue
            full |= {path: np.asarray(said.value) for path, said in self._says.items()}
            return cost, self._slopes(full)
        return math.inf, {}

    def _tell(self, full: Mapping[str, FloatArray]) -> None:
        """Set what is heard of others, and what free decisions are multiplied by."""
        nothing = {path: np.zeros(self.game.shape_of(path)) for path in self._free}
        heard = heard_values(self.game, {**full, **nothing}, self.leader.name)
        for name, told in self._told.items():
            told.value = np.ravel(heard[name], order="F")
        for name, factor in self._factors.items():
            payment = self.game.payment(name)
            assert payment is not None
            at_price = self._decided(payment) == payment.price
            worth = payment.quantity if at_price else payment.price
            worth_of_one = full[worth] if isinstance(worth, str) else float(worth)
            factor.value = np.broadcast_to(worth_of_one, factor.shape)

    def _slopes(self, full: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Pull the multipliers of what is heard back to who says it."""
        by_name: dict[str, FloatArray] = {}
        for name, link in self._links.items():
            if link.dual_value is None:
                return {}
            shape = self.leader.hears[name].shape
            multiplier = self.unit * np.reshape(link.dual_value, shape, order="F")
            for source, slope in self._sources(name, multiplier, full):
                by_name[source] = by_name.get(source, 0.0) + slope
        return by_name

    def _sources(
        self, name: str, multiplier: FloatArray, full: Mapping[str, FloatArray]
    ) -> Iterator[tuple[str, FloatArray]]:
        """Yield what a heard value comes from, with the slope that each part of it has."""
        for link in self.game.links_into(self.leader.name, name):
            payment = self.game.payment(link.source)
            if payment is None:
                yield link.source, multiplier
                continue
            price = full[payment.price] if isinstance(payment.price, str) else payment.price
            quantity = full[payment.quantity]
            more = (1,) * (quantity.ndim - multiplier.ndim)
            each = multiplier.reshape(multiplier.shape + more) * payment.length_h
            yield payment.quantity, np.broadcast_to(each * price, quantity.shape)
            yield str(payment.price), each * quantity


def _announced(game: Game) -> set[str]:
    """Return what moves a follower: what it hears, and what amounts that it hears are made of."""
    followers = {agent.name for agent in game.followers}
    result = {link.source for link in game.links if link.hearer in followers}
    for payment in game.payments:
        if payment.name in result:
            result.update(_ends(payment))
    return {source for source in result if not isinstance(source, Dual)}


def _heard_sources(game: Game, agent: str) -> Iterator[str]:
    """Yield what an agent hears, and the prices and quantities of amounts that it hears."""
    for link in game.links_into(agent):
        payment = game.payment(link.source)
        yield from [link.source] if payment is None else _ends(payment)


def _ends(payment: Payment) -> list[str]:
    return [end for end in (payment.price, payment.quantity) if isinstance(end, str)]
