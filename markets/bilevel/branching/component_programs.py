"""Connected components of an MPCC as linear programs that nodes change and solve warm."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.branching.lazy_program import LazyProgram
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.bilevel.quadratic_cuts import Squares, tangents
from equigrid.markets.forms.connected_components import components_of_matrix
from equigrid.markets.forms.highs_model import Assembled, Solution

# Rounds of tangents in a node; an answer is cut until it is near enough.
_ROUNDS = 3
_PATIENCE = 100
# What is that far away is as good as unbounded.
_FAR = (1e6, 1e9, 1e12)


@dataclass(frozen=True, eq=False)
class Limits:
    """Bounds of a node: the program's own, with zeros and equalities put in."""

    lower: FloatArray
    upper: FloatArray
    row_lower: FloatArray


class ComponentProgram:
    """One component, solved again from its last basis when bounds change.

    Attributes
    ----------
    columns, rows : indices
        In the whole program.
    iterations : int
        Of the simplex method, so far.
    """

    def __init__(self, stated: Mpcc, columns: IntArray, rows: IntArray) -> None:
        program = stated.program
        self.columns, self.rows, self.iterations = columns, rows, 0
        self._own = Assembled(
            matrix=sparse.csr_array(program.matrix[rows][:, columns]),
            row_lower=program.row_lower[rows],
            row_upper=program.row_upper[rows],
            lower=program.lower[columns],
            upper=program.upper[columns],
            cost=program.cost[columns],
            integer=np.zeros(len(columns), dtype=bool),
        )
        self._squares = _own_squares(stated.squares, columns)
        limits = set(stated.limits.tolist())
        equal = self._own.row_lower == self._own.row_upper
        may_wait = ~equal & np.array([row not in limits for row in rows.tolist()], dtype=bool)
        self._waiting = may_wait, self._free_columns(stated)
        self._start()

    def _free_columns(self, stated: Mpcc) -> BoolArray:
        """Columns that no node decides on."""
        pairs, squares = stated.pairs, stated.squares
        decided = np.zeros(len(stated.program.cost), dtype=bool)
        decided[pairs.multiplier] = decided[pairs.column[pairs.row < 0]] = True
        decided[squares.epigraph] = decided[squares.factor.indices] = True
        return np.asarray(~(decided | stated.program.integer)[self.columns])

    def solve(self, limits: Limits, *, tight: float | None = None) -> Solution:
        """Solve within the bounds of a node, and count what that took.

        Parameters
        ----------
        limits : Limits
        tight : float, optional
            How near every square has to be met; else a few tangents will do.
        """
        self._move_to(limits)
        solution = self._solved()
        if solution.status == "unbounded" and self._squares.epigraph.size:
            solution = self._bent(limits)
        for _ in range(_ROUNDS if tight is None else _PATIENCE):
            if solution.status != "optimal":
                break
            scale = max(1.0, abs(solution.objective))
            cut = tangents(self._squares, solution.columns, (tight or 1e-6) * scale)
            if cut is None:
                break
            self._model.cut(*cut)
            solution = self._solved()
        return solution

    def _solved(self) -> Solution:
        solution = self._model.solve()
        self.iterations += solution.iterations
        return solution

    def _start(self) -> None:
        self._model = LazyProgram(self._own, *self._waiting)
        self._now = (self._own.lower, self._own.upper, self._own.row_lower)

    def _bent(self, limits: Limits) -> Solution:
        """Lean tangents against the squares, steeper and steeper, until they hold the objective.

        Where they do not, something else is unbounded, and they would only do harm.
        """
        squares, n = self._squares, len(self.columns)
        for steepness in 10.0 ** np.arange(5):
            for form in (-steepness, steepness):
                slope = 2.0 * form * squares.factor
                rows = sparse.csr_array(slope - _selection(squares.epigraph, n))
                upper = form**2 - 2.0 * form * squares.constant
                self._model.cut(rows, upper)
            solution = self._solved()
            if solution.status != "unbounded":
                return solution
        self._start()
        self._move_to(limits)
        return self._solved()

    def far_out(self, limits: Limits) -> Solution:
        """Return a point far along what nothing bounds yet; its value is minus infinity."""
        self._move_to(limits)
        lower, upper, _ = self._now
        everything = np.arange(len(self.columns))
        for far in _FAR:
            self._model.set_bounds(everything, np.maximum(lower, -far), np.minimum(upper, far))
            solution = self._solved()
            if solution.found:
                break
        self._model.set_bounds(everything, lower, upper)
        return replace(solution, status="optimal", objective=-np.inf, bound=-np.inf)

    def sharpen(self) -> None:
        """Solve with the strictest tolerances from now on; money balances to the last digits."""
        self._model.set_options(
            primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10
        )

    def _move_to(self, limits: Limits) -> None:
        """Tell the model only what differs from the node before."""
        lower, upper, row_lower = self._now
        new = (
            limits.lower[self.columns],
            limits.upper[self.columns],
            limits.row_lower[self.rows],
        )
        at = np.flatnonzero((new[0] != lower) | (new[1] != upper))
        if at.size:
            self._model.set_bounds(at, new[0][at], new[1][at])
        at = np.flatnonzero(new[2] != row_lower)
        if at.size:
            self._model.set_rows(at, new[2][at], self._own.row_upper[at])
        self._now = new


def component_programs(stated: Mpcc) -> list[ComponentProgram]:
    """Split a program into its components; columns without rows go together."""
    matrix, squares = stated.program.matrix, stated.squares
    epigraph = _selection(squares.epigraph, matrix.shape[1])
    linked = (
        sparse.vstack([matrix, abs(squares.factor) + epigraph]) if len(epigraph.data) else matrix
    )
    column_of, row_of = components_of_matrix(sparse.csr_array(linked))
    alone = np.diff(sparse.csc_array(linked).indptr) == 0
    column_of[alone] = column_of.max(initial=0) + 1
    row_of = row_of[: matrix.shape[0]]
    return [
        ComponentProgram(stated, np.flatnonzero(column_of == k), np.flatnonzero(row_of == k))
        for k in np.unique(column_of)
    ]


def _selection(columns: IntArray, n: int) -> sparse.csr_array:
    """The matrix that picks some of n columns."""
    place = (np.arange(len(columns)), columns)
    return sparse.csr_array((np.ones(len(columns)), place), shape=(len(columns), n))


def _own_squares(squares: Squares, columns: IntArray) -> Squares:
    place = np.full(squares.factor.shape[1], -1)
    place[columns] = np.arange(len(columns))
    at = np.flatnonzero(place[squares.epigraph] >= 0)
    return Squares(
        place[squares.epigraph[at]],
        sparse.csr_array(squares.factor[at][:, columns]),
        squares.constant[at],
    )
