"""Persistent convex quadratic programs: Clarabel in scaled units, PIQP in need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import clarabel
import numpy as np
import piqp
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.forms.scaling import Figures, Units, ends

_TIGHT = 1e-10
# Where less than this share of a unit of money moves, money is counted anew.
_LITTLE = 0.1
# What is only almost proven is not proven.
_STATUS = {
    "Solved": "optimal",
    "AlmostSolved": "optimal",
    "PrimalInfeasible": "infeasible",
    "DualInfeasible": "unbounded",
}
_STATUS_OF_PIQP = {
    piqp.PIQP_SOLVED: "optimal",
    piqp.PIQP_PRIMAL_INFEASIBLE: "infeasible",
    piqp.PIQP_DUAL_INFEASIBLE: "unbounded",
}


@dataclass(frozen=True, eq=False)
class CurvedSolution:
    """What a solver returned.

    Attributes
    ----------
    status : str
        ``optimal``, ``infeasible``, ``unbounded`` or ``failed``.
    words : str
        How the solver itself says that it ended.
    columns : array of shape (n,)
    row_duals : array of shape (m,)
        What one unit more of each row's limit is worth.
    objective, bound : float
        Of the answer, and of its dual.
    """

    status: str
    words: str
    columns: FloatArray
    row_duals: FloatArray
    objective: float = np.nan
    bound: float = np.nan


class QuadraticModel:
    """Minimise ½x'Qx + c'x subject to the rows and bounds of a program.

    Its units are found when it is solved first; money is counted anew each time, by the greatest
    of what costs and curvature come to.

    Parameters
    ----------
    program : Assembled
        Rows are equalities or "at most".
    quadratic : array of shape (n, n)
    """

    def __init__(self, program: Assembled, quadratic: sparse.csr_array) -> None:
        self._program, self._quadratic = program, sparse.csr_array(quadratic)
        self._cost, self._rhs = program.cost, program.row_upper
        self._equal = program.row_lower == program.row_upper
        self._above, self._below = (
            np.flatnonzero(np.isfinite(end)) for end in (program.upper, program.lower)
        )
        self._units: Units | None = None
        self._curved = sparse.csc_matrix(quadratic.shape)
        self._solver: Any = None

    def set_cost(self, cost: FloatArray) -> None:
        """Change all costs."""
        self._cost = cost

    def set_rhs(self, rhs: FloatArray) -> None:
        """Change the limits of all rows."""
        self._rhs = rhs

    def solve(self) -> CurvedSolution:
        """Solve with the costs and limits that are set now."""
        if self._units is None:
            self._units = self._own_units()
        self._count_money(self._greatest_term())
        result = self._by_clarabel()
        if result.status == "optimal" and 0 < (moved := self._moved(result)) < _LITTLE:
            # Next to nothing moves beside what could: exact in that measure, not in this.
            self._count_money(self._units.money * moved)
            again = self._by_clarabel()
            result = again if again.status == "optimal" else result
        return self._by_piqp(result) if result.status == "failed" else result

    def _moved(self, found: CurvedSolution) -> float:
        """Return the sizes of all terms at an answer, in the present unit of money."""
        assert self._units is not None
        linear = float(np.abs(self._cost) @ np.abs(found.columns))
        curved = float(found.columns @ (self._quadratic @ found.columns)) / 2
        return (linear + curved) / self._units.money

    def _own_units(self) -> Units:
        program = self._program
        figures = Figures(program.matrix, np.ones(len(self._cost), dtype=bool))
        figures.add_rows([self._rhs])
        figures.add_columns(ends(program.lower, program.upper))
        figures.add_costs([self._cost])
        figures.add_curvature(self._quadratic)
        return figures.units()

    def _scaled(self) -> sparse.csr_array:
        assert self._units is not None
        unit = sparse.diags_array(self._units.columns)
        return sparse.csr_array(unit @ self._quadratic @ unit)

    def _greatest_term(self) -> float:
        """Return the greatest of what costs and curvature come to at one unit of everything."""
        assert self._units is not None
        linear = np.abs(self._cost * self._units.columns).max(initial=0.0)
        return max(float(linear), float(np.abs(self._scaled().data).max(initial=0.0)))

    def _count_money(self, unit: float) -> None:
        """Measure money in about this unit from now on."""
        assert self._units is not None
        money = float(np.exp2(np.round(np.log2(unit)))) if unit > 0 else 1.0
        if money != self._units.money or self._solver is None:
            self._units = replace(self._units, money=money)
            self._curved = sparse.csc_matrix(sparse.triu(sparse.coo_array(self._scaled() / money)))
            if self._solver is not None:
                self._solver.update(P=self._curved)

    def _by_clarabel(self) -> CurvedSolution:
        units, rhs = self._measured()
        cost = units.cost(self._cost)
        if self._solver is None:
            self._solver = clarabel.DefaultSolver(
                self._curved, cost, self._limits(units), rhs, self._cones(), _settings()
            )
        else:
            self._solver.update(q=cost, b=rhs)
        solution = self._solver.solve()
        words = str(solution.status)
        # Of equalities Clarabel's multipliers have the other sign.
        duals = -np.array(solution.z)[: len(self._rhs)]
        return self._declared(
            _STATUS.get(words, "failed"),
            words,
            np.array(solution.x),
            self._in_order(duals),
            (solution.obj_val, solution.obj_val_dual),
        )

    def _by_piqp(self, failed: CurvedSolution) -> CurvedSolution:
        """Try another interior point where one did not get to its end."""
        units, _ = self._measured()
        matrix, rhs = units.matrix(self._program.matrix), self._rhs / units.rows
        equal, solver = self._equal, piqp.SparseSolver()
        for name in ("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel"):
            setattr(solver.settings, name, _TIGHT)
        solver.settings.iterative_refinement_always_enabled = True
        solver.setup(
            self._curved,
            units.cost(self._cost),
            sparse.csc_matrix(matrix[equal]) if equal.any() else None,
            rhs[equal] if equal.any() else None,
            sparse.csc_matrix(matrix[~equal]) if not equal.all() else None,
            None,
            rhs[~equal] if not equal.all() else None,
            self._program.lower / units.columns,
            self._program.upper / units.columns,
        )
        status = solver.solve()
        result = solver.result
        if status not in _STATUS_OF_PIQP:
            return failed
        duals = -np.concatenate([result.y, result.z_u])
        value = (result.info.primal_obj, result.info.dual_obj)
        columns, words = np.array(result.x), f"{failed.words}, then {status.name}"
        return self._declared(_STATUS_OF_PIQP[status], words, columns, self._in_order(duals), value)

    def _measured(self) -> tuple[Units, FloatArray]:
        """Return the units, and all limits measured in them."""
        units, program = self._units, self._program
        assert units is not None
        rhs = self._rhs / units.rows
        upper, lower = program.upper / units.columns, program.lower / units.columns
        parts = [rhs[self._equal], rhs[~self._equal], upper[self._above], -lower[self._below]]
        return units, np.concatenate(parts)

    def _limits(self, units: Units) -> sparse.csc_matrix:
        matrix = units.matrix(self._program.matrix)
        eye = sparse.eye_array(len(self._cost), format="csr")
        parts = [matrix[self._equal], matrix[~self._equal], eye[self._above], -eye[self._below]]
        return sparse.csc_matrix(sparse.vstack(parts))

    def _cones(self) -> list[Any]:
        equal = int(self._equal.sum())
        most = len(self._rhs) - equal + len(self._above) + len(self._below)
        cones = [clarabel.ZeroConeT(equal), clarabel.NonnegativeConeT(most)]
        return [cone for cone in cones if cone.dim]

    def _in_order(self, duals: FloatArray) -> FloatArray:
        """Put multipliers of equalities and of the other rows where the rows stand."""
        result = np.zeros(len(self._rhs))
        result[np.concatenate([np.flatnonzero(self._equal), np.flatnonzero(~self._equal)])] = duals
        return result

    def _declared(
        self,
        status: str,
        words: str,
        columns: FloatArray,
        duals: FloatArray,
        value: tuple[float, float],
    ) -> CurvedSolution:
        """Return a solution in the units of the declaration."""
        units = self._units
        assert units is not None
        # An interior point may be beyond a bound by the last digits.
        inside = np.clip(columns * units.columns, self._program.lower, self._program.upper)
        return CurvedSolution(
            status,
            words,
            inside,
            duals * units.money / units.rows,
            value[0] * units.money,
            value[1] * units.money,
        )


def _settings() -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.presolve_enable = False, False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TIGHT
    return settings
