"""Nodes of the branch and bound on complementarity, and how their bounds are found."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray, IntArray, StateArray
from equigrid.markets.bilevel.branching.component_programs import (
    ComponentProgram,
    Limits,
    component_programs,
)
from equigrid.markets.bilevel.branching.propagation import Propagation
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.highs_model import Solution

OPEN, NO_VALUE, BINDING = np.int8(0), np.int8(1), np.int8(2)
# A whole number is met when it is missed by less.
WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class Node:
    """A set of decisions on pairs, and the solution of the relaxation under them.

    Attributes
    ----------
    states : array of shape (P,)
        OPEN, NO_VALUE (multiplier 0) or BINDING (slack 0).
    lower, upper : array of shape (I,)
        Bounds of the integer columns.
    values : array of shape (components,)
        Objective of each component.
    multiplier, slack : array of shape (P,)
    whole : array of shape (I,)
        Values of the integer columns.
    """

    states: StateArray
    lower: FloatArray
    upper: FloatArray
    values: FloatArray
    multiplier: FloatArray
    slack: FloatArray
    whole: FloatArray

    @property
    def bound(self) -> float:
        """No answer under these decisions is below this."""
        return float(self.values.sum())

    @property
    def fractional(self) -> IntArray:
        """Integer columns that are not whole."""
        return np.flatnonzero(np.abs(self.whole - np.round(self.whole)) > WHOLE)


class Evaluator:
    """Solves nodes; components that a decision does not touch keep their solution."""

    def __init__(self, stated: Mpcc) -> None:
        self.stated, self.pairs = stated, stated.pairs
        self.components: list[ComponentProgram] = component_programs(stated)
        self.integer = np.flatnonzero(stated.program.integer)
        self._propagation = Propagation(stated)
        n, m = len(stated.program.cost), len(stated.program.row_upper)
        owner, row_owner = np.zeros(n, dtype=int), np.zeros(m, dtype=int)
        for number, component in enumerate(self.components):
            owner[component.columns], row_owner[component.rows] = number, number
        self.multiplier_piece = owner[self.pairs.multiplier]
        by_row = self.pairs.row >= 0
        self.slack_piece = np.where(by_row, row_owner[self.pairs.row], owner[self.pairs.column])
        self._integer_piece = owner[self.integer]
        self.solves = 0

    @property
    def iterations(self) -> int:
        """Simplex iterations of all components so far."""
        return sum(component.iterations for component in self.components)

    @property
    def decoupled(self) -> bool:
        """Whether no component holds both limits and multipliers."""
        return not set(self.multiplier_piece) & set(self.slack_piece)

    def limits(self, states: StateArray, lower: FloatArray, upper: FloatArray) -> Limits:
        """Return the bounds that decisions make of the program's own."""
        program, pairs = self.stated.program, self.pairs
        low, high = program.lower.copy(), program.upper.copy()
        row_low = program.row_lower.copy()
        low[self.integer], high[self.integer] = lower, upper
        high[pairs.multiplier[states == NO_VALUE]] = 0.0
        binding = states == BINDING
        rows = pairs.row[binding & (pairs.row >= 0)]
        row_low[rows] = program.row_upper[rows]
        by_column = binding & (pairs.row < 0)
        top, bottom = (pairs.column[by_column & side] for side in (pairs.upper, ~pairs.upper))
        low[top], high[bottom] = program.upper[top], program.lower[bottom]
        return Limits(low, high, row_low)

    def root(self) -> Node | None:
        """Return the node without decisions."""
        program = self.stated.program
        lower, upper = program.lower[self.integer], program.upper[self.integer]
        empty = np.diff(program.matrix.indptr) == 0
        if (program.row_lower[empty] > WHOLE).any() or (program.row_upper[empty] < -WHOLE).any():
            return None
        states = np.zeros(self.pairs.count, dtype=np.int8)
        return self.evaluate(states, lower, upper, None)

    def evaluate(
        self,
        states: StateArray,
        lower: FloatArray,
        upper: FloatArray,
        parent: Node | None,
        *,
        propagate: bool = True,
        tight: float | None = None,
    ) -> Node | None:
        """Solve what differs from the parent; None if there is no answer.

        Parameters
        ----------
        states, lower, upper : array
            Decisions.
        parent : Node or None
            Without one, every component is solved.
        propagate : bool
            Whether to decide what follows from the decisions.
        tight : float, optional
            How near squares have to be met.
        """
        limits = self.limits(states, lower, upper)
        if propagate:
            never = self._propagation.never_bind(limits.lower, limits.upper, limits.row_lower)
            if never is None or (never & (states == BINDING)).any():
                return None
            states = np.where(never & (states == OPEN), NO_VALUE, states)
            limits = self.limits(states, lower, upper)
        by_name = {}
        for number in self._touched(states, lower, upper, parent):
            by_name[number] = self.solve(number, limits, tight=tight)
            if by_name[number].status == "infeasible":
                return None
        return self._node(states, lower, upper, parent, by_name)

    def solve(self, number: int, limits: Limits, *, tight: float | None = None) -> Solution:
        """Solve one component; where nothing bounds it, a point far out tells what to branch on."""
        self.solves += 1
        component = self.components[number]
        solution = component.solve(limits, tight=tight)
        return component.far_out(limits) if solution.status == "unbounded" else solution

    def _touched(
        self, states: StateArray, lower: FloatArray, upper: FloatArray, parent: Node | None
    ) -> list[int]:
        if parent is None:
            return list(range(len(self.components)))
        changed = states != parent.states
        touched = {
            *self.multiplier_piece[changed & (states == NO_VALUE)].tolist(),
            *self.slack_piece[changed & (states == BINDING)].tolist(),
            *self._integer_piece[(lower != parent.lower) | (upper != parent.upper)].tolist(),
        }
        return sorted(touched)

    def _node(
        self,
        states: StateArray,
        lower: FloatArray,
        upper: FloatArray,
        parent: Node | None,
        found: dict[int, Solution],
    ) -> Node:
        columns, rows = self.scattered(found)
        values = np.zeros(len(self.components)) if parent is None else parent.values.copy()
        for number, solution in found.items():
            values[number] = solution.objective
        multiplier = columns[self.pairs.multiplier]
        slack = self.pairs.slack(self.stated.program, columns, rows)
        whole = columns[self.integer]
        if parent is not None:
            fresh = list(found)
            multiplier = np.where(
                np.isin(self.multiplier_piece, fresh), multiplier, parent.multiplier
            )
            slack = np.where(np.isin(self.slack_piece, fresh), slack, parent.slack)
            whole = np.where(np.isin(self._integer_piece, fresh), whole, parent.whole)
        return Node(
            states,
            lower,
            upper,
            values,
            np.maximum(multiplier, 0.0),
            np.maximum(slack, 0.0),
            whole,
        )

    def scattered(self, found: dict[int, Solution]) -> tuple[FloatArray, FloatArray]:
        """Put the components' solutions where the whole program has them."""
        program = self.stated.program
        columns, rows = np.zeros(len(program.cost)), np.zeros(len(program.row_upper))
        for number, solution in found.items():
            component = self.components[number]
            columns[component.columns], rows[component.rows] = solution.columns, solution.rows
        return columns, rows
