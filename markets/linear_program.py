"""Assembling linear and mixed-integer programs block by block, and solving them with HiGHS."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

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
    """

    status: str
    columns: Vector
    objective: float
    bound: float
    nodes: int

    @property
    def found(self) -> bool:
        """Whether there is a point to use."""
        return self.columns.size > 0


class LinearProgram:
    """Minimise a linear cost over blocks of columns and rows."""

    def __init__(self) -> None:
        self._lower: list[Vector] = []
        self._upper: list[Vector] = []
        self._cost: list[Vector] = []
        self._integer: list[NDArray[np.bool_]] = []
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

    def set_column_bounds(self, columns: Indices, lower: Vector, upper: Vector) -> None:
        """Tighten the bounds of the block of columns that was added last."""
        if len(columns) != len(self._lower[-1]):
            raise ValueError("only the block of columns added last can be tightened")
        self._lower[-1] = np.maximum(self._lower[-1], lower)
        self._upper[-1] = np.minimum(self._upper[-1], upper)

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

    def model(self, offset: float = 0.0, **options: Any) -> "HighsModel":
        """Hand the program to a HiGHS model of its own."""
        blocks = [self._padded(matrix) for matrix in self._rows]
        matrix = sparse.vstack(blocks) if blocks else sparse.csr_array((0, self.size))
        return HighsModel(
            matrix=sparse.csr_array(matrix),
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            lower=_joined(self._lower),
            upper=_joined(self._upper),
            cost=_joined(self._cost),
            integer=np.concatenate([np.zeros(0, dtype=bool), *self._integer]),
            offset=offset,
            options=options,
        )

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

    def __init__(
        self,
        matrix: sparse.csr_array,
        row_lower: Vector,
        row_upper: Vector,
        lower: Vector,
        upper: Vector,
        cost: Vector,
        integer: NDArray[np.bool_],
        offset: float = 0.0,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        for name, value in (options or {}).items():
            self._highs.setOptionValue(name, value)
        self._integer = bool(integer.any())
        self._highs.HandleUserInterrupt = self._integer
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = matrix.shape
        program.offset_ = offset
        program.col_cost_, program.col_lower_, program.col_upper_ = cost, lower, upper
        program.row_lower_, program.row_upper_ = row_lower, row_upper
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = matrix.indptr
        program.a_matrix_.index_ = matrix.indices
        program.a_matrix_.value_ = matrix.data
        if self._integer:
            kinds = highspy.HighsVarType
            program.integrality_ = [kinds.kInteger if i else kinds.kContinuous for i in integer]
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
        for row, low, high in zip(rows, lower, upper, strict=True):
            self._highs.changeRowBounds(int(row), float(low), float(high))

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
        columns = np.array(self._highs.getSolution().col_value) if feasible else np.zeros(0)
        if self._integer:
            return Solution(
                status,
                columns,
                info.objective_function_value,
                info.mip_dual_bound,
                int(info.mip_node_count),
            )
        value = info.objective_function_value
        return Solution(status, columns, value, value, 0)

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
