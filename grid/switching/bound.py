"""Bound on the objective of every configuration: outer approximation of the relaxation by HiGHS."""

from collections.abc import Iterable
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_array

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.flow_ranges import ranges
from equigrid.grid.switching.loops import LoopGraph
from equigrid.grid.switching.relaxation import relax, tangents
from equigrid.grid.switching.scaled_feeder import scaled_feeder
from equigrid.own_thread import in_own_thread

_BROKEN = 1e-7  # a tangent is added where a cone is broken by more, in shares of all loads
_LINEAR_ROUNDS = 60
_SLACK = 1e-6  # tangents further off are dropped before whole numbers are asked for
_OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    # Points are found elsewhere; here the bound is what counts.
    "mip_heuristic_effort": 0.0,
}


class OuterApproximation:
    """Outer approximation of the relaxation: cones by tangents where a point breaks them.

    Parameters
    ----------
    evaluator : Evaluator
        Scores what is to be bounded.
    graph : LoopGraph
        What may be switched.
    score : float
        Of the best known configuration: only those that are no worse count.
    """

    def __init__(self, evaluator: Evaluator, graph: LoopGraph, score: float) -> None:
        self._objective, self._feeder = evaluator.objective, scaled_feeder(evaluator, graph)
        bounds = ranges(evaluator, self._feeder, evaluator.sign * score)
        self._model = model = relax(self._feeder, bounds, evaluator.objective)
        self._fixed_closed = graph.fixed_closed
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for key, value in _OPTIONS.items():
            self._highs.setOptionValue(key, value)
        count = len(model.cost)
        self._highs.addVars(count, model.lower, model.upper)
        self._highs.changeColsCost(count, np.arange(count, dtype=np.int32), model.cost)
        self._add(*model.rows.stacked())
        self._fixed_rows = self._highs.getNumRow()

    def add_initial_tangents(self, tables: Iterable[BoolArray]) -> float:
        """Gather tangents without whole numbers, and at some configurations; return the score."""
        result = self._solve_linear()
        self._drop_slack_tangents()
        for closed in tables:
            self.score_at(closed)
        return self._score(result)

    @property
    def rows(self) -> int:
        """How many rows there are; every tangent adds one."""
        return int(self._highs.getNumRow())

    def score_at(self, closed: BoolArray) -> float:
        """Return what a configuration scores in the relaxation, infinity where it is too bad.

        The tangents that it needs are added.

        Parameters
        ----------
        closed : array of bool (B,)
            A radial configuration.
        """
        at, branch = self._model.columns.closed, self._feeder.branch
        own = branch < len(closed)
        state = np.ones(len(branch))
        state[own] = closed[branch[own]]
        self._set_bounds(at, state, state)
        result = self._solve_linear()
        self._set_bounds(at, self._model.lower[at], self._model.upper[at])
        return self._score(result)

    def solve_integer(self, nodes: int, gap: float) -> tuple[float, BoolArray | None]:
        """Solve with whole numbers, then add the tangents that the point breaks.

        Parameters
        ----------
        nodes : int
            Most nodes of the search.
        gap : float
            Relative, at which it may stop.

        Returns
        -------
        float, array of bool (B,) or None
            What no score is below, infinity where nothing is as good as the best known; and the
            configuration of the last point.
        """
        at, highs = self._model.columns, self._highs
        columns = np.r_[at.closed, at.forward, at.backward].astype(np.int32)
        self._set_types(columns, highspy.HighsVarType.kInteger)
        highs.setOptionValue("mip_max_nodes", nodes)
        highs.setOptionValue("mip_rel_gap", gap)
        failed = in_own_thread(highs.run) == highspy.HighsStatus.kError
        impossible = highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible and not failed
        info = highs.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        feasible = feasible and not (impossible or failed)
        closed = self._closed() if feasible else None
        point = self._point()
        self._set_types(columns, highspy.HighsVarType.kContinuous)
        if closed is not None:
            self._add_tangents(point)
        # A failure of the solver proves nothing.
        bound = -np.inf if failed else self._score(info.mip_dual_bound)
        return np.inf if impossible else bound, closed

    def _solve_linear(self) -> float:
        """Solve without whole numbers, with new tangents until none is broken; return the cost."""
        for _ in range(_LINEAR_ROUNDS):
            in_own_thread(self._highs.run)
            ended, kinds = self._highs.getModelStatus(), highspy.HighsModelStatus
            if ended != kinds.kOptimal:
                return np.inf if ended == kinds.kInfeasible else -np.inf
            if not self._add_tangents(self._point()):
                break
        return float(self._highs.getObjectiveValue())

    def _score(self, cost: float) -> float:
        """Return a cost of the relaxation as a score of the evaluator."""
        if self._objective == "loss":
            return cost * self._feeder.base_mva
        if self._objective == "voltage":
            return -float(np.sqrt(max(-cost, 0.0))) if np.isfinite(cost) else cost
        return cost

    def _closed(self) -> BoolArray:
        result, branch = self._fixed_closed.copy(), self._feeder.branch
        own = branch < len(result)
        result[branch[own]] = self._point()[self._model.columns.closed][own] > 0.5
        return result

    def _point(self) -> FloatArray:
        return np.array(self._highs.getSolution().col_value)

    def _drop_slack_tangents(self) -> None:
        """Delete the tangents that do not touch the last point."""
        values = np.array(self._highs.getSolution().row_value)[self._fixed_rows :]
        slack = np.flatnonzero(values < -_SLACK) + self._fixed_rows
        self._highs.deleteRows(len(slack), slack.astype(np.int32))

    def _add_tangents(self, point: FloatArray) -> int:
        rows = tangents(self._feeder, self._model.columns, point, _BROKEN)
        count = int(rows.shape[0])
        if count:
            self._add(rows, np.full(count, -np.inf), np.zeros(count))
        return count

    def _add(self, matrix: csr_array, low: FloatArray, high: FloatArray) -> None:
        firsts, indices = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        self._highs.addRows(len(low), low, high, matrix.nnz, firsts, indices, matrix.data)

    def _set_bounds(self, columns: Any, low: FloatArray, high: FloatArray) -> None:
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), low, high)

    def _set_types(self, columns: Any, kind: Any) -> None:
        self._highs.changeColsIntegrality(len(columns), columns, np.array([kind] * len(columns)))
