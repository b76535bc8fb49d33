"""Primal heuristics: from a relaxed point to an incumbent that all followers accept."""

from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import FloatArray, StateArray
from equigrid.markets.bilevel.branching.nodes import BINDING, NO_VALUE, OPEN, Evaluator, Node
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.highs_model import Solution

_ROUNDS = 10
_POSITIVE = 1e-7
# An answer meets its squares to this, relative.
TIGHT = 1e-10


@dataclass(frozen=True, eq=False)
class Incumbent:
    """An answer in which of every pair one is zero.

    Attributes
    ----------
    value : float
    columns : array of shape (n,)
    states : array of shape (P,)
        Which of the two is zero in every pair.
    """

    value: float
    columns: FloatArray
    states: StateArray


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Where a search ended.

    Attributes
    ----------
    best : Incumbent or None
    bound : float
        No answer of the game is below this.
    nodes : int
    status : str
        ``optimal`` when it is proven to the gap, ``infeasible``, ``unbounded``, or ``limit``.
    sharp : bool
        Whether the best answer is solved to the last digits already.
    """

    best: Incumbent | None
    bound: float
    nodes: int
    status: str
    sharp: bool = False

    def sharpened(self, stated: Mpcc, margin: FloatArray | float = 0.0) -> "SearchResult":
        """Return the same with the best answer solved to the last digits, where it is not yet."""
        if self.best is None or self.sharp:
            return self
        best = polished(stated, self.best.states, self.best.columns, margin) or self.best
        return replace(self, best=best, sharp=True)

    def declared(self, stated: Mpcc) -> "SearchResult":
        """Return the same in the units of the declaration."""
        units = stated.units
        if units is None:
            return self
        best = self.best
        if best is not None:
            value, columns = best.value * units.money, best.columns * units.columns
            best = replace(best, value=value, columns=columns)
        return replace(self, best=best, bound=self.bound * units.money)


def polished(
    stated: Mpcc,
    states: StateArray,
    columns: FloatArray,
    margin: FloatArray | float = 0.0,
) -> Incumbent | None:
    """Solve once more under full decisions, to the last digits.

    Parameters
    ----------
    stated : Mpcc
    states : array of shape (P,)
    columns : array of shape (n,)
        An answer; its whole numbers stay.
    margin : float or array of shape (P,)
        Least multiplier of a limit that binds.
    """
    evaluator = Evaluator(stated)
    whole = np.round(columns[evaluator.integer])
    limits = evaluator.limits(states, whole, whole)
    binding = states == BINDING
    least = np.broadcast_to(margin, (stated.pairs.count,))
    limits.lower[stated.pairs.multiplier[binding]] = least[binding]
    by_name = {}
    for number, component in enumerate(evaluator.components):
        component.sharpen()
        by_name[number] = evaluator.solve(number, limits, tight=TIGHT)
        if by_name[number].status != "optimal":
            return None
    value = sum(solution.objective for solution in by_name.values())
    return Incumbent(float(value), evaluator.scattered(by_name)[0], states)


class Incumbents:
    """The best answer so far, and ways to find another."""

    def __init__(self, evaluator: Evaluator, gap: float) -> None:
        self._evaluator, self._gap = evaluator, gap
        self.best: Incumbent | None = None
        self._allowance: tuple[Incumbent | None, float] = (None, np.inf)

    @property
    def value(self) -> float:
        """Objective of the best answer, infinite before there is one."""
        return np.inf if self.best is None else self.best.value

    @property
    def allowed(self) -> float:
        """By how much a bound may lie below the best answer, infinite before there is one."""
        best = self.best
        if best is not None and best is not self._allowance[0]:
            stated = self._evaluator.stated
            self._allowance = best, stated.allowed(best.columns, best.value, self._gap)
        return self._allowance[1]

    def near(self, bound: float) -> bool:
        """Whether there is an answer that a bound of a leaf belongs to."""
        return self.best is not None and self.value - bound <= 2 * self.allowed

    def offer(self, other: Incumbent | None) -> None:
        """Take an answer from elsewhere, if it is better."""
        if other is not None and other.value < self.value:
            self.best = other

    def accept(self, node: Node) -> bool:
        """Take a node in which every pair holds, and tell whether it is an answer."""
        whole = np.round(node.whole)
        settled = replace(node, lower=whole, upper=whole)
        return self._take(settled, self._nearest(node.multiplier, node.slack, node.states))

    def improve(self, node: Node) -> None:
        """Look for an answer near a relaxed point."""
        if self._evaluator.decoupled:
            self._alternate(node)
        else:
            self._take(node, self._nearest(node.multiplier, node.slack, node.states))

    def neighbourhood(self, node: Node) -> Node | None:
        """Return the node in which all pairs are decided on which the best answer agrees."""
        if self.best is None:
            return None
        at_value = (node.multiplier > _POSITIVE) & (self.best.states != BINDING)
        at_room = (node.slack > _POSITIVE) & (self.best.states != NO_VALUE)
        states = np.where(at_value | at_room, OPEN, self.best.states).astype(np.int8)
        evaluator = self._evaluator
        lower, upper = node.lower, node.upper
        return evaluator.evaluate(states, lower, upper, node, propagate=False)

    def _nearest(self, multiplier: FloatArray, slack: FloatArray, states: StateArray) -> StateArray:
        """Of every open pair, let the smaller of the two be zero."""
        scale = [max(float(v.max(initial=0.0)), 1.0) for v in (multiplier, slack)]
        rest = np.where(multiplier / scale[0] > slack / scale[1], BINDING, NO_VALUE)
        return np.where(states == OPEN, rest, states).astype(np.int8)

    def _take(self, node: Node, states: StateArray) -> bool:
        """Keep the best answer under full decisions, if it is better."""
        evaluator = self._evaluator
        limits = evaluator.limits(states, node.lower, node.upper)
        by_name: dict[int, Solution] = {}
        for number in range(len(evaluator.components)):
            by_name[number] = evaluator.solve(number, limits, tight=TIGHT)
            if not by_name[number].found:
                return False
        value = sum(solution.objective for solution in by_name.values())
        columns, _ = evaluator.scattered(by_name)
        whole = columns[evaluator.integer]
        if np.abs(whole - np.round(whole)).max(initial=0.0) > _POSITIVE or value >= self.value:
            return False
        self.best = Incumbent(float(value), columns, states)
        return True

    def _alternate(self, node: Node) -> None:
        """Let quantities follow prices and prices follow quantities, while that gains."""
        multiplier = node.multiplier
        for _ in range(_ROUNDS):
            binding = np.where(multiplier > _POSITIVE, BINDING, OPEN).astype(np.int8)
            answered = self._evaluator.evaluate(
                binding, node.lower, node.upper, node, propagate=False
            )
            if answered is None:
                return
            states = np.where(answered.slack > _POSITIVE, NO_VALUE, BINDING).astype(np.int8)
            if not self._take(node, states):
                return
            assert self.best is not None
            multiplier = np.maximum(self.best.columns[self._evaluator.pairs.multiplier], 0.0)
