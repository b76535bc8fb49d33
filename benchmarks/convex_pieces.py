"""Small linear and convex quadratic programs, solved exactly enough to be compared with."""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.own_thread import in_own_thread

TOLERANCE = 1e-9
_OPTIONS = {
    "output_flag": False,
    "presolve": "off",
    "threads": 1,
    "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
}
# What is tried in turn, from scratch, where the simplex method is not sure of its answer.
_AGAIN = (
    ("simplex_scale_strategy", 2),
    ("simplex_scale_strategy", 0),
    ("simplex_strategy", 4),
    ("presolve", "on"),
)
_STATUS = {
    highspy.HighsModelStatus.kOptimal: "solved",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
}


class DoubtError(RuntimeError):
    """Brute force is not sure of its own answer."""


class Program:
    """A linear program K v = k, l ≤ v ≤ u that is solved again with other bounds."""

    def __init__(
        self,
        matrix: FloatArray,
        right: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        cost: FloatArray | None = None,
    ) -> None:
        columns = sparse.csc_matrix(matrix)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(lower), len(right)
        lp.col_cost_ = np.zeros(len(lower)) if cost is None else cost
        lp.col_lower_, lp.col_upper_ = lower, upper
        lp.row_lower_, lp.row_upper_ = right, right
        lp.a_matrix_.start_, lp.a_matrix_.index_ = columns.indptr, columns.indices
        lp.a_matrix_.value_ = columns.data
        self._solver = highspy.Highs()
        for option, value in _OPTIONS.items():
            self._solver.setOptionValue(option, value)
        self._solver.passModel(lp)

    def bound(self, column: int, lower: float, upper: float) -> None:
        """Give a column other bounds."""
        self._solver.changeColBounds(column, lower, upper)

    def solve(self) -> str:
        """Return ``solved``, ``infeasible`` or ``unbounded``."""
        self._run()
        for option, value in _AGAIN:
            if self._solver.getModelStatus() in _STATUS:
                break
            before = self._solver.getOptionValue(option)[1]
            self._solver.clearSolver()
            self._solver.setOptionValue(option, value)
            self._run()
            self._solver.setOptionValue(option, before)
        status = self._solver.getModelStatus()
        if status not in _STATUS:
            raise DoubtError(f"a linear program ends with {status.name}")
        return _STATUS[status]

    def _run(self) -> None:
        """Solve where nobody else has fixed another number of processors."""
        in_own_thread(self._solver.run)

    def point(self) -> FloatArray:
        """Return the columns of the last answer."""
        return np.array(self._solver.getSolution().col_value)


@dataclass(frozen=True)
class Piece:
    """Minimise ½v'Rv + r'v subject to K v = k, l ≤ v ≤ u, with R positive semidefinite."""

    matrix: FloatArray
    right: FloatArray
    lower: FloatArray
    upper: FloatArray
    curvature: FloatArray
    cost: FloatArray

    def value(self, point: FloatArray) -> float:
        """Return the objective."""
        return float(self.cost @ point + 0.5 * point @ self.curvature @ point)


def minimise(piece: Piece) -> tuple[str, FloatArray | None]:
    """Return ``solved`` and a best point, or ``infeasible`` or ``unbounded`` and none."""
    curved = piece.curvature.any()
    cost = None if curved else piece.cost
    program = Program(piece.matrix, piece.right, piece.lower, piece.upper, cost)
    status = program.solve()
    if status != "solved":
        return status, None
    point = _Conditions(piece).first_point() if curved else program.point()
    return ("unbounded", None) if point is None else ("solved", point)


class _Conditions:
    """The optimality conditions of a piece: linear, but for pairs of which one has to be 0.

    Columns are the piece's, then multipliers of its equalities, of its lower and of its upper
    bounds. The first point in which every pair has a 0 is optimal, as the piece is convex; where
    a piece with points has no such point, nothing bounds it.
    """

    def __init__(self, piece: Piece) -> None:
        self.size, m = len(piece.cost), len(piece.right)
        n, eye, free = self.size, np.eye(self.size), np.full(m, np.inf)
        self.lower, self.upper = piece.lower.copy(), piece.upper.copy()
        held = piece.lower == piece.upper
        self.program = Program(
            np.block(
                [
                    [piece.matrix, np.zeros((m, m + 2 * n))],
                    [piece.curvature, piece.matrix.T, -eye, eye],
                ]
            ),
            np.concatenate([piece.right, -piece.cost]),
            np.concatenate([piece.lower, -free, np.where(held, -np.inf, 0.0), np.zeros(n)]),
            np.concatenate([piece.upper, free, _may(piece.lower), _may(piece.upper)]),
        )
        self.pairs = [
            (k, float(end), n + m + k + n * side)
            for k in np.flatnonzero(~held).tolist()
            for side, end in enumerate((piece.lower[k], piece.upper[k]))
            if np.isfinite(end)
        ]

    def first_point(self) -> FloatArray | None:
        """Search depth first, putting a 0 where the last point had none."""
        if self.program.solve() == "infeasible":
            return None
        point = self.program.point()
        off = [min(abs(point[k] - end), point[at]) for k, end, at in self.pairs]
        if max(off, default=0.0) <= TOLERANCE:
            return point[: self.size]
        k, end, multiplier = self.pairs[int(np.argmax(off))]
        self.program.bound(multiplier, 0.0, 0.0)
        found = self.first_point()
        self.program.bound(multiplier, 0.0, np.inf)
        if found is None and self.lower[k] <= end <= self.upper[k]:
            before = float(self.lower[k]), float(self.upper[k])
            self.lower[k] = self.upper[k] = end
            self.program.bound(k, end, end)
            found = self.first_point()
            self.lower[k], self.upper[k] = before
            self.program.bound(k, *before)
        return found


def _may(end: FloatArray) -> FloatArray:
    """Upper limits of the multipliers of bounds: a bound that is not there has none."""
    return np.where(np.isfinite(end), np.inf, 0.0)
