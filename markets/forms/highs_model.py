"""Persistent HiGHS models of linear and mixed-integer programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import SolverFailed
from equigrid.markets.forms.scaling import Units
from equigrid.own_thread import in_own_thread


@dataclass(frozen=True, eq=False)
class Assembled:
    """Minimise cost @ x + offset subject to row_lower ≤ matrix @ x ≤ row_upper and bounds."""

    matrix: sparse.csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    cost: FloatArray
    integer: BoolArray
    offset: float = 0.0

    def measured(self, units: Units) -> Assembled:
        """Return the same program in other units."""
        return replace(
            self,
            matrix=units.matrix(self.matrix),
            row_lower=self.row_lower / units.rows,
            row_upper=self.row_upper / units.rows,
            lower=self.lower / units.columns,
            upper=self.upper / units.columns,
            cost=units.cost(self.cost),
            offset=self.offset / units.money,
        )

    def model(self, **options: Any) -> HighsModel:
        """Hand the program to a HiGHS model of its own."""
        return HighsModel(self, options)


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
    words : str
        How HiGHS itself says that it ended.
    iterations : int
        Of the simplex method, those of a branch and bound among them.
    """

    status: str
    columns: FloatArray
    objective: float
    bound: float
    nodes: int
    rows: FloatArray
    words: str = ""
    iterations: int = 0

    @property
    def found(self) -> bool:
        """Whether there is a point to use."""
        return self.columns.size > 0


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

    def set_costs(self, columns: IntArray, cost: FloatArray) -> None:
        """Change costs of some columns."""
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), cost)

    def set_bounds(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change bounds of some columns."""
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def set_rows(self, rows: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change bounds of some rows."""
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)

    def add_rows(self, matrix: sparse.csr_array, lower: FloatArray, upper: FloatArray) -> None:
        """Add rows below the others."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        count = len(lower)
        self._highs.addRows(count, lower, upper, matrix.nnz, starts, index, matrix.data)

    def add_columns(
        self, matrix: sparse.csc_array, cost: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        """Add columns behind the others."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        count = len(cost)
        self._highs.addCols(count, cost, lower, upper, matrix.nnz, starts, index, matrix.data)

    def row_duals(self) -> FloatArray:
        """Return what one unit more of each row's limit is worth, at the last solution."""
        return np.array(self._highs.getSolution().row_dual)

    def infeasible_ray(self) -> FloatArray:
        """Return row multipliers that prove a program infeasible; ones if there are none."""
        _, known, ray = self._highs.getDualRay()
        return np.array(ray) if known else np.ones(self._highs.getNumRow())

    def begin_with(self, columns: FloatArray) -> None:
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
        ended, kinds = self._run(), highspy.HighsModelStatus
        # Presolve saw that there is no optimum, but not which of the two it is; with whole numbers
        # it has also taken programs for infeasible that are not.
        if ended == kinds.kUnboundedOrInfeasible or (self._integer and ended == kinds.kInfeasible):
            self._highs.setOptionValue("presolve", "off")
            ended = self._run()
        status = _STATUS.get(ended, "failed")
        if ended == kinds.kUnboundedOrInfeasible:
            status = self._which_of_both()
        info = self._highs.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        columns, rows = np.zeros(0), np.zeros(0)
        # What HiGHS calls optimal may miss its tightest tolerance in the last digits.
        if feasible or status == "optimal":
            point = self._highs.getSolution()
            columns, rows = np.array(point.col_value), np.array(point.row_value)
        value = info.objective_function_value
        bound = info.mip_dual_bound if self._integer else value
        nodes = int(info.mip_node_count) if self._integer else 0
        words = self._highs.modelStatusToString(ended)
        iterations = max(0, int(info.simplex_iteration_count))
        return Solution(status, columns, value, bound, nodes, rows, words, iterations)

    def solve_surely(self) -> Solution:
        """Solve a linear program, and where the last basis leads nowhere, begin anew.

        Raises
        ------
        SolverFailed
            When nothing that HiGHS offers comes to an end; never taken for infeasible.
        """
        solution = self.solve_anew_if_failed()
        if solution.status in ("failed", "limit"):
            raise SolverFailed.on("HiGHS", solution.words)
        return solution

    def solve_anew_if_failed(self) -> Solution:
        """Solve, and where the last basis leads nowhere, begin anew in other ways."""
        solution = self.solve()
        for options in ({"presolve": "off"}, {"presolve": "on"}, {"solver": "ipm"}):
            if solution.status not in ("failed", "limit"):
                break
            self._highs.clearSolver()
            self.set_options(**options)
            solution = self.solve()
            self.set_options(presolve="off", solver="choose")
        return solution

    def _run(self) -> Any:
        """Run HiGHS apart from everybody else's solves; return how it ended."""
        highs = self._highs
        if in_own_thread(highs.run, highs.cancelSolve) == highspy.HighsStatus.kError:
            # The model's own status may be left over from before.
            return highspy.HighsModelStatus.kSolveError
        return highs.getModelStatus()

    def _which_of_both(self) -> str:
        """Tell a program that is infeasible from an unbounded one: without costs it has a point."""
        count = self._highs.getNumCol()
        columns, cost = np.arange(count), np.array(self._highs.getLp().col_cost_)
        self.set_costs(columns, np.zeros(count))
        ended, kinds = self._run(), highspy.HighsModelStatus
        self.set_costs(columns, cost)
        return {kinds.kOptimal: "unbounded", kinds.kInfeasible: "infeasible"}.get(ended, "failed")

    def fixed_at(self, found: Solution, integer: IntArray) -> Solution:
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
