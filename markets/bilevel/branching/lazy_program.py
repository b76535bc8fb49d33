"""Row and column generation: a linear program that holds only what matters.

A feeder has thousands of limits and small decisions in all hours and scenarios, of which few ever
bind or are worth their price; the rest would only make every step of the simplex method dearer.
A row waits until it is broken, a column rests at zero until its reduced cost says otherwise.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.forms.highs_model import Assembled, Solution

# With fewer than this it is not worth the trouble.
_MANY = 200
_BROKEN = 1e-7


class LazyProgram:
    """A persistent model in which some rows and columns wait.

    Parameters
    ----------
    program : Assembled
        Linear.
    rows : array of shape (m,) of bool
        Inequalities whose bounds never change: they may wait.
    columns : array of shape (n,) of bool
        Columns whose bounds never change: they may wait at zero.
    """

    def __init__(self, program: Assembled, rows: BoolArray, columns: BoolArray) -> None:
        self._program = program
        self._model = program.model(presolve="off")
        self._rows_in = np.arange(len(program.row_upper))
        self._columns_in = np.arange(len(program.cost))
        self._late_rows, self._late_columns = np.zeros((2, 0), dtype=int)
        if max(rows.sum(), columns.sum()) > _MANY:
            self._put_off(rows, columns)
        self._remember()

    def solve(self) -> Solution:
        """Solve until nothing that waits is needed; the solution is that of the whole program."""
        solution = self._solved()
        iterations = solution.iterations
        while solution.status in ("optimal", "unbounded", "infeasible"):
            if not (self._take_rows(solution) or self._take_columns(solution)):
                break
            solution = self._solved()
            iterations += solution.iterations
        solution = replace(solution, iterations=iterations)
        if not solution.found:
            return solution
        whole = self._whole(solution)
        return replace(solution, columns=whole, rows=self._program.matrix @ whole)

    def set_bounds(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change bounds of some columns; those that wait keep theirs."""
        place = self._column_place[columns]
        here = place >= 0
        self._model.set_bounds(place[here], lower[here], upper[here])

    def set_rows(self, rows: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change bounds of some rows that may not wait."""
        self._model.set_rows(self._row_place[rows], lower, upper)

    def cut(self, matrix: sparse.csr_array, upper: FloatArray) -> None:
        """Add rows matrix @ x ≤ upper, over columns that may not wait."""
        self._model.add_rows(matrix[:, self._columns_in], np.full(len(upper), -np.inf), upper)
        self._rows_in = np.concatenate([self._rows_in, np.full(len(upper), -1)])

    def set_options(self, **options: Any) -> None:
        """Change HiGHS options by their names."""
        self._model.set_options(**options)

    def _put_off(self, rows: BoolArray, columns: BoolArray) -> None:
        """Let wait what does not bind, or is not worth it, at a first solution."""
        program, solution = self._program, self._solved()
        if solution.status != "optimal":
            return
        value = program.matrix @ solution.columns
        room = np.minimum(program.row_upper - value, value - program.row_lower)
        late_rows = rows & (room > 1e-6 * (1.0 + np.abs(value)))
        worth = program.cost - program.matrix.T @ self._model.row_duals()
        rests = (solution.columns == 0.0) & (program.lower == 0.0) & (worth > 1e-9)
        late_columns = columns & rests
        self._rows_in, self._late_rows = np.flatnonzero(~late_rows), np.flatnonzero(late_rows)
        self._columns_in = np.flatnonzero(~late_columns)
        self._late_columns = np.flatnonzero(late_columns)
        self._model = Assembled(
            matrix=program.matrix[self._rows_in][:, self._columns_in],
            row_lower=program.row_lower[self._rows_in],
            row_upper=program.row_upper[self._rows_in],
            lower=program.lower[self._columns_in],
            upper=program.upper[self._columns_in],
            cost=program.cost[self._columns_in],
            integer=program.integer[self._columns_in],
        ).model(presolve="off")

    def _remember(self) -> None:
        """Note where everything stands, and the parts that have to be watched."""
        matrix = self._program.matrix
        self._column_place = np.full(matrix.shape[1], -1)
        self._column_place[self._columns_in] = np.arange(len(self._columns_in))
        self._row_place = np.full(matrix.shape[0], -1)
        own = np.flatnonzero(self._rows_in >= 0)
        self._row_place[self._rows_in[own]] = own
        self._watched_rows = matrix[self._late_rows]
        self._watched_columns = sparse.csr_array(matrix[:, self._late_columns].T)

    def _whole(self, solution: Solution) -> FloatArray:
        columns = np.zeros(len(self._program.cost))
        columns[self._columns_in] = solution.columns
        return columns

    def _take_rows(self, solution: Solution) -> bool:
        """Take in the rows that a solution breaks, or all where there is no end to it."""
        program, at = self._program, self._late_rows
        if not at.size or solution.status == "infeasible":
            return False
        needed = np.ones(len(at), dtype=bool)
        if solution.status == "optimal":
            value = self._watched_rows @ self._whole(solution)
            off = np.maximum(program.row_lower[at] - value, value - program.row_upper[at])
            needed = off > _BROKEN * (1.0 + np.abs(value))
        if not needed.any():
            return False
        taken, self._late_rows = at[needed], at[~needed]
        matrix = program.matrix[taken][:, self._columns_in]
        self._model.add_rows(matrix, program.row_lower[taken], program.row_upper[taken])
        self._rows_in = np.concatenate([self._rows_in, taken])
        self._remember()
        return True

    def _take_columns(self, solution: Solution) -> bool:
        """Take in the columns that would help, or all where there is no solution without."""
        program, at = self._program, self._late_columns
        if not at.size or solution.status == "unbounded":
            return False
        if solution.status == "optimal":
            worth = self._watched_columns @ self._at_rows(self._model.row_duals())
            needed = program.cost[at] - worth < -_BROKEN
        else:
            # A column that the proof of infeasibility does not touch cannot help.
            touched = self._watched_columns @ self._at_rows(self._model.infeasible_ray())
            needed = np.abs(touched) > _BROKEN
        if not needed.any():
            return False
        taken, self._late_columns = at[needed], at[~needed]
        self._model.add_columns(
            self._in_model(taken), program.cost[taken], program.lower[taken], program.upper[taken]
        )
        self._columns_in = np.concatenate([self._columns_in, taken])
        self._remember()
        return True

    def _at_rows(self, values: FloatArray) -> FloatArray:
        """Put values of the model's rows where the whole program has them."""
        own = self._rows_in >= 0
        result = np.zeros(len(self._program.row_upper))
        result[self._rows_in[own]] = values[own]
        return result

    def _in_model(self, columns: IntArray) -> sparse.csc_array:
        """Entries of some columns in the rows of the model; tangents have none."""
        own = np.flatnonzero(self._rows_in >= 0)
        entries = sparse.coo_array(self._program.matrix[self._rows_in[own]][:, columns])
        shape = (len(self._rows_in), len(columns))
        return sparse.csc_array((entries.data, (own[entries.row], entries.col)), shape=shape)

    def _solved(self) -> Solution:
        return self._model.solve_surely()
