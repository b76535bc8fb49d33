"""Assembling linear and mixed-integer programs block by block, and solving them with HiGHS."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from equigrid.markets.findings import NoAnswer

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Solution:
    """What HiGHS returned.

    Attributes
    ----------
    status : str
        ``optimal``, ``infeasible``, ``unbounded``, ``limit`` or ``failed``.
    columns : array of shape (n,)
        Empty unless there is a feasible point.
    objective, bound : float
        Value of the point and the proven bound on every point.
    nodes : int
        Branch-and-bound nodes, 0 for a linear program.
    rows : array of shape (m,)
        Row values, empty like the columns.
    """

    status: str
    columns: Vector
    objective: float
    bound: float
    nodes: int
    rows: Vector

    @property
    def found(self) -> bool:
        """Whether there is a point to use."""
        return self.columns.size > 0


@dataclass(frozen=True, eq=False)
class Assembled:
    """Minimise cost @ x + offset subject to row_lower ≤ matrix @ x ≤ row_upper and bounds."""

    matrix: sparse.csr_array
    row_lower: Vector
    row_upper: Vector
    lower: Vector
    upper: Vector
    cost: Vector
    integer: NDArray[np.bool_]
    offset: float = 0.0

    def model(self, **options: Any) -> "HighsModel":
        """Hand the program to a HiGHS model of its own."""
        return HighsModel(self, options)


class LinearProgram:
    """Minimise a linear cost over blocks of columns and rows."""

    def __init__(self) -> None:
        self._lower: list[Vector] = []
        self._upper: list[Vector] = []
        self._cost: list[Vector] = []
        self._integer: list[NDArray[np.bool_]] = []
        self._tighter: list[tuple[Indices, Vector, Vector]] = []
        self._rows: list[sparse.coo_array] = []
        self._row_lower: list[Vector] = []
        self._row_upper: list[Vector] = []
        self.size = 0
        self.row_count = 0

    def add_columns(
        self,
        count: int,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
    ) -> Indices:
        """Add columns and return their indices, shape (count,)."""
        for store, value, kind in (
            (self._lower, lower, float),
            (self._upper, upper, float),
            (self._cost, cost, float),
            (self._integer, integer, bool),
        ):
            store.append(np.broadcast_to(np.asarray(value, dtype=kind), (count,)).copy())
        self.size += count
        return np.arange(self.size - count, self.size)

    def tighten(self, columns: Indices, lower: ArrayLike, upper: ArrayLike) -> None:
        """Tighten the bounds of some columns."""
        shape = (len(columns),)
        ends = [np.broadcast_to(np.asarray(end, dtype=float), shape) for end in (lower, upper)]
        self._tighter.append((columns, ends[0], ends[1]))

    def integer_columns(self) -> Indices:
        """Return the indices of all integer columns."""
        return np.flatnonzero(np.concatenate([np.zeros(0, dtype=bool), *self._integer]))

    def add_rows(
        self,
        terms: Sequence[tuple[Any, Indices]],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> Indices:
        """Add rows lower ≤ Σ matrix @ columns ≤ upper and return their indices."""
        matrices = [sparse.coo_array(matrix) for matrix, _ in terms]
        count = matrices[0].shape[0]
        row = np.concatenate([matrix.row for matrix in matrices])
        column = np.concatenate([at[m.col] for m, (_, at) in zip(matrices, terms, strict=True)])
        data = np.concatenate([matrix.data for matrix in matrices])
        shape = (count, self.size)
        self._rows.append(sparse.coo_array((data, (row, column)), shape=shape))
        for store, value in ((self._row_lower, lower), (self._row_upper, upper)):
            store.append(np.broadcast_to(np.asarray(value, dtype=float), (count,)).copy())
        self.row_count += count
        return np.arange(self.row_count - count, self.row_count)

    def assembled(self, offset: float = 0.0) -> Assembled:
        """Return the program as one matrix and its vectors."""
        blocks = [self._padded(matrix) for matrix in self._rows]
        matrix = sparse.vstack(blocks) if blocks else sparse.csr_array((0, self.size))
        lower, upper = _joined(self._lower), _joined(self._upper)
        for columns, low, high in self._tighter:
            lower[columns] = np.maximum(lower[columns], low)
            upper[columns] = np.minimum(upper[columns], high)
        return Assembled(
            matrix=sparse.csr_array(matrix),
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            lower=lower,
            upper=upper,
            cost=_joined(self._cost),
            integer=np.concatenate([np.zeros(0, dtype=bool), *self._integer]),
            offset=offset,
        )

    def model(self, offset: float = 0.0, **options: Any) -> "HighsModel":
        """Hand the program to a HiGHS model of its own."""
        return self.assembled(offset).model(**options)

    def _padded(self, matrix: sparse.coo_array) -> sparse.coo_array:
        shape = (matrix.shape[0], self.size)
        return sparse.coo_array((matrix.data, (matrix.row, matrix.col)), shape=shape)


def _joined(parts: list[Vector]) -> Vector:
    return np.concatenate([np.zeros(0), *parts])


_STATUS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    highspy.HighsModelStatus.kIterationLimit: "limit",
    highspy.HighsModelStatus.kSolutionLimit: "limit",
    highspy.HighsModelStatus.kTimeLimit: "limit",
    highspy.HighsModelStatus.kInterrupt: "limit",
}


class HighsModel:
    """A HiGHS model that stays, so that changed vectors are solved from the last basis."""

    def __init__(self, stated: Assembled, options: Mapping[str, Any] | None = None) -> None:
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self.set_options(output_flag=False, threads=1, **(options or {}))
        self._integer = bool(stated.integer.any())
        self._highs.HandleUserInterrupt = self._integer
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = stated.matrix.shape
        program.offset_, program.col_cost_ = stated.offset, stated.cost
        program.col_lower_, program.col_upper_ = stated.lower, stated.upper
        program.row_lower_, program.row_upper_ = stated.row_lower, stated.row_upper
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = stated.matrix.indptr
        program.a_matrix_.index_ = stated.matrix.indices
        program.a_matrix_.value_ = stated.matrix.data
        if self._integer:
            kinds = highspy.HighsVarType
            program.integrality_ = [
                kinds.kInteger if i else kinds.kContinuous for i in stated.integer
            ]
        if self._highs.passModel(program) == highspy.HighsStatus.kError:
            raise ValueError("HiGHS does not take the program; a coefficient is not finite")

    def set_costs(self, columns: Indices, cost: Vector) -> None:
        """Change costs of some columns."""
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), cost)

    def set_bounds(self, columns: Indices, lower: Vector, upper: Vector) -> None:
        """Change bounds of some columns."""
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def set_rows(self, rows: Indices, lower: Vector, upper: Vector) -> None:
        """Change bounds of some rows."""
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)

    def add_rows(self, matrix: sparse.csr_array, lower: Vector, upper: Vector) -> None:
        """Add rows below the others."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        count = len(lower)
        self._highs.addRows(count, lower, upper, matrix.nnz, starts, index, matrix.data)

    def add_columns(
        self, matrix: sparse.csc_array, cost: Vector, lower: Vector, upper: Vector
    ) -> None:
        """Add columns behind the others."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        count = len(cost)
        self._highs.addCols(count, cost, lower, upper, matrix.nnz, starts, index, matrix.data)

    def row_duals(self) -> Vector:
        """Return what one unit more of each row's limit is worth, at the last solution."""
        return np.array(self._highs.getSolution().row_dual)

    def infeasible_ray(self) -> Vector:
        """Return row multipliers that prove a program infeasible; ones if there are none."""
        _, known, ray = self._highs.getDualRay()
        return np.array(ray) if known else np.ones(self._highs.getNumRow())

    def begin_with(self, columns: Vector) -> None:
        """Let branch and bound begin with an answer."""
        solution = highspy.HighsSolution()
        solution.col_value = columns
        self._highs.setSolution(solution)

    def cancel(self) -> None:
        """Stop a branch and bound that runs in another thread."""
        self._highs.cancelSolve()

    def relax(self) -> None:
        """Drop integrality: the program becomes linear."""
        count = self._highs.getNumCol()
        kinds = np.full(count, int(highspy.HighsVarType.kContinuous), dtype=np.uint8)
        columns = np.arange(count, dtype=np.int32)
        self._highs.changeColsIntegrality(count, columns, kinds)
        self._integer = False

    def set_options(self, **options: Any) -> None:
        """Change HiGHS options by their names."""
        for name, value in options.items():
            self._highs.setOptionValue(name, value)

    def solve(self) -> Solution:
        """Solve from where the last solution left off."""
        self._run()
        if self._highs.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            # Presolve saw that there is no optimum, but not which of the two it is.
            self._highs.setOptionValue("presolve", "off")
            self._run()
        status = _STATUS.get(self._highs.getModelStatus(), "failed")
        info = self._highs.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        columns, rows = np.zeros(0), np.zeros(0)
        if feasible:
            point = self._highs.getSolution()
            columns, rows = np.array(point.col_value), np.array(point.row_value)
        value = info.objective_function_value
        bound = info.mip_dual_bound if self._integer else value
        nodes = int(info.mip_node_count) if self._integer else 0
        return Solution(status, columns, value, bound, nodes, rows)

    def solve_surely(self) -> Solution:
        """Solve a linear program, and where the last basis leads nowhere, begin anew.

        Raises
        ------
        NoAnswer
            When nothing that HiGHS offers comes to an end; never taken for infeasible.
        """
        solution = self.solve()
        for options in ({"presolve": "off"}, {"presolve": "on"}, {"solver": "ipm"}):
            if solution.status not in ("failed", "limit"):
                break
            self._highs.clearSolver()
            self.set_options(**options)
            solution = self.solve()
            self.set_options(presolve="off", solver="choose")
        if solution.status in ("failed", "limit"):
            raise NoAnswer(
                "HiGHS cannot solve a linear program of this game; its coefficients may be too far "
                "apart: bound large variables, or choose other units"
            )
        return solution

    def _run(self) -> None:
        """Let Ctrl-C through while branch and bound runs, which can take long."""
        if not self._integer:
            self._highs.run()
            return
        worker = threading.Thread(target=self._highs.run)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(0.1)
        except KeyboardInterrupt:
            self._highs.cancelSolve()
            worker.join()
            raise

    def fixed_at(self, found: Solution, integer: Indices) -> Solution:
        """Fix integer columns at a solution and solve the linear program that is left.

        Branch and bound lets an integer be off by its tolerance, which a large coefficient
        magnifies; at whole numbers, money balances to the last digits.
        """
        whole = np.round(found.columns[integer])
        self.set_bounds(integer, whole, whole)
        self.relax()
        self.set_options(
            primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10, presolve="off"
        )
        exact = self.solve()
        return exact if exact.status == "optimal" else found
