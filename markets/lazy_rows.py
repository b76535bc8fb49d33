"""A linear program that holds only the rows that matter, and takes in others when they are broken.

A feeder has thousands of limits in all hours and scenarios, of which a few ever bind; the rest
would only make every step of the simplex method dearer.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.linear_program import Assembled, Indices, Solution

Vector = NDArray[np.float64]
# With fewer rows than this it is not worth the trouble.
_MANY = 200
_BROKEN = 1e-7


class LazyModel:
    """A persistent model in which some rows wait.

    Parameters
    ----------
    program : Assembled
        Linear.
    may_wait : array of shape (m,) of bool
        Inequalities whose bounds never change.
    """

    def __init__(self, program: Assembled, may_wait: NDArray[np.bool_]) -> None:
        self._program = program
        self._model = program.model(presolve="off")
        self._place = np.arange(len(program.row_upper))
        self._waiting = np.zeros(0, dtype=int)
        if may_wait.sum() > _MANY:
            self._put_off(may_wait)
        self._watched = program.matrix[self._waiting]

    def solve(self) -> Solution:
        """Solve until no waiting row is broken; row values are those of the whole program."""
        solution = self._solved()
        while self._waiting.size and solution.status in ("optimal", "unbounded"):
            broken = self._broken(solution)
            if not broken.any():
                break
            self._take_in(broken)
            solution = self._solved()
        rows = self._program.matrix @ solution.columns if solution.found else solution.columns
        return replace(solution, rows=rows)

    def set_costs(self, columns: Indices, cost: Vector) -> None:
        """Change costs of some columns."""
        self._model.set_costs(columns, cost)

    def set_bounds(self, columns: Indices, lower: Vector, upper: Vector) -> None:
        """Change bounds of some columns."""
        self._model.set_bounds(columns, lower, upper)

    def set_rows(self, rows: Indices, lower: Vector, upper: Vector) -> None:
        """Change bounds of some rows that may not wait."""
        self._model.set_rows(self._place[rows], lower, upper)

    def cut(self, matrix: sparse.csr_array, upper: Vector) -> None:
        """Add rows matrix @ x ≤ upper."""
        self._model.add_rows(matrix, np.full(len(upper), -np.inf), upper)

    def set_options(self, **options: Any) -> None:
        """Change HiGHS options by their names."""
        self._model.set_options(**options)

    def _put_off(self, may_wait: NDArray[np.bool_]) -> None:
        """Let all rows wait that do not bind at a first solution."""
        program, solution = self._program, self._solved()
        if solution.status != "optimal":
            return
        value = program.matrix @ solution.columns
        room = np.minimum(program.row_upper - value, value - program.row_lower)
        waits = may_wait & (room > 1e-6 * (1.0 + np.abs(value)))
        kept = np.flatnonzero(~waits)
        self._waiting = np.flatnonzero(waits)
        self._place = np.full(len(waits), -1)
        self._place[kept] = np.arange(len(kept))
        self._model = replace(
            program,
            matrix=program.matrix[kept],
            row_lower=program.row_lower[kept],
            row_upper=program.row_upper[kept],
        ).model(presolve="off")

    def _broken(self, solution: Solution) -> NDArray[np.bool_]:
        if solution.status == "unbounded":
            return np.ones(len(self._waiting), dtype=bool)
        program, at = self._program, self._waiting
        value = self._watched @ solution.columns
        room = _BROKEN * (1.0 + np.abs(value))
        low, high = program.row_lower[at] - value, value - program.row_upper[at]
        return np.asarray(np.maximum(low, high) > room)

    def _take_in(self, broken: NDArray[np.bool_]) -> None:
        program, at = self._program, self._waiting[broken]
        self._model.add_rows(program.matrix[at], program.row_lower[at], program.row_upper[at])
        self._waiting = self._waiting[~broken]
        self._watched = program.matrix[self._waiting]

    def _solved(self) -> Solution:
        solution = self._model.solve()
        if solution.status in ("failed", "limit"):
            self._model.forget()
            solution = self._model.solve()
        return solution
