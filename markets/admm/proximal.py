"""The proximal step of one agent: its own problem with a quadratic pull to a target."""

from typing import Any

import numpy as np
import piqp
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.admm.balance_terms import BalanceTerms
from equigrid.markets.forms.linear_program import LinearProgram
from equigrid.markets.forms.scaled_solve import ModelInOwnUnits
from equigrid.markets.forms.scaling import Figures, Units, ends

# Above this many columns PIQP may stall at the last digits for a hundred steps, unless all its
# linear systems are refined; below, refining costs as much as all the rest.
_REFINED = 300
# What an interior point leaves of a term that is 0.
_ROOM = 1e-6
_GOOD = (piqp.PIQP_SOLVED,)
# Short of the tightest tolerance an answer is used all the same: rounds go on.
_USABLE = (piqp.PIQP_MAX_ITER_REACHED, piqp.PIQP_NUMERICS)


class Proximal:
    """An agent's problem with a quadratic pull on its terms, kept in an interior-point solver.

    Whole numbers are relaxed until they are fixed by `fix_whole`.

    Parameters
    ----------
    stakes : BalanceTerms
        Of one member.
    """

    def __init__(self, stakes: BalanceTerms) -> None:
        self.stakes, form = stakes, stakes.form
        self.columns = np.zeros((1, form.columns))
        self._cost, self._shares = stakes.cost[0], stakes.shares
        # Turned once: a product in every round shall not turn it again.
        self._turned = sparse.csr_array(stakes.shares.T)
        self._rho = np.ones(stakes.shares.shape[0])
        self._lower, self._upper = form.lower.copy(), form.upper.copy()
        self._solver: Any = None

    def set_rho(self, rho: FloatArray) -> None:
        """Set the weight of the pull on each term, shape (t,)."""
        if not np.array_equal(rho, self._rho):
            # PIQP answers wrongly after an update of the curvature alone, so it is set up anew.
            self._rho, self._solver = rho, None

    def fix_whole(self, price: FloatArray, *, beyond: bool) -> None:
        """Fix whole numbers for good, where the terms stay nearest to the last ones.

        Among equally near ones the cheapest at the price is taken.

        Parameters
        ----------
        price : array of shape (t,)
        beyond : bool
            Whether terms may be greater in size than the last ones.

        Raises
        ------
        NoAnswer
            Naming the agent when no whole numbers fit.
        """
        form, rhs, whole = self.stakes.form, self.stakes.rhs[0], self.stakes.form.integer
        aim = (self.terms() - self.stakes.constant)[0]
        linear = self._cost - self._turned @ price
        program = LinearProgram()
        own = program.add_columns(form.columns, form.lower, form.upper, linear, whole)
        # Being near counts more than all money that the columns move, where anything costs.
        worth = 1e3 * (float(np.abs(linear).max(initial=0.0)) or 1.0)
        off = program.add_columns(len(aim), 0.0, np.inf, worth)
        equal, eye = np.arange(len(rhs)) < form.equal_rows, sparse.eye_array(len(aim), format="csr")
        program.add_rows([(form.matrix, own)], np.where(equal, rhs, -np.inf), rhs)
        program.add_rows([(self._shares, own), (-eye, off)], -np.inf, aim)
        program.add_rows([(self._shares, own), (eye, off)], aim, np.inf)
        if not beyond:
            room = _ROOM * (1.0 if not aim.any() else float(np.abs(aim).max()))
            low, high = np.minimum(aim, 0.0) - room, np.maximum(aim, 0.0) + room
            program.add_rows([(self._shares, own)], low, high)
        solution = ModelInOwnUnits(program.assembled(), mip_abs_gap=0.0).solve()
        if solution.status == "failed":
            raise SolverFailed.on("HiGHS", solution.words, form.agent.name)
        if not solution.found:
            raise self._no_answer(piqp.PIQP_PRIMAL_INFEASIBLE)
        values = np.round(solution.columns[own][whole])
        self._lower[whole] = self._upper[whole] = values
        self._solver = None

    def solve(self, price: FloatArray, target: FloatArray, tolerance: float) -> FloatArray:
        """Return the terms p that minimise own cost - price'p + ½ ρ'(p - target)².

        Parameters
        ----------
        price, target : array of shape (1, t)
        tolerance : float
            Not used: an interior point is exact at little more cost.

        Raises
        ------
        NoAnswer
            Naming the agent when it has no feasible answer, or none that is bounded.
        """
        del tolerance
        constant = self.stakes.constant[0]
        pull = price[0] + self._rho * (target[0] - constant)
        linear = self._cost - self._turned @ pull
        if self._solver is None:
            self._solver = self._stated(linear)
        else:
            self._solver.update(c=self._units.cost(linear))
        status = self._solver.solve()
        if status not in (*_GOOD, *_USABLE):
            raise self._no_answer(status)
        # An interior point may be beyond a bound by the last digits.
        result = self._solver.result.x * self._units.columns
        inside = np.clip(result, self._lower, self._upper)
        self.columns = inside[np.newaxis]
        return self.terms()

    def terms(self) -> FloatArray:
        """Return the terms at the last columns, shape (1, t)."""
        return np.asarray(self._shares @ self.columns[0] + self.stakes.constant)

    def _curvature(self) -> sparse.csr_array:
        pull = self._turned @ sparse.diags_array(self._rho) @ self._shares
        return sparse.csr_array(self.stakes.form.quadratic + pull)

    def _own_units(self, linear: FloatArray, curved: sparse.csr_array) -> Units:
        """Return units in which the step's figures are nearest to 1."""
        form, rhs = self.stakes.form, self.stakes.rhs[0]
        figures = Figures(form.matrix, np.ones(form.columns, dtype=bool))
        figures.add_rows([rhs])
        figures.add_columns(ends(self._lower, self._upper))
        figures.add_costs([linear])
        figures.add_curvature(curved)
        return figures.units()

    def _stated(self, linear: FloatArray) -> Any:
        form, curved = self.stakes.form, self._curvature()
        self._units = units = self._own_units(linear, curved)
        scale = sparse.diags_array(units.columns)
        curved = sparse.csr_array(scale @ curved @ scale / units.money)
        matrix, rhs = units.matrix(form.matrix), self.stakes.rhs[0] / units.rows
        solver = piqp.SparseSolver()
        for name in ("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel"):
            setattr(solver.settings, name, 1e-10)
        solver.settings.iterative_refinement_always_enabled = form.columns > _REFINED
        equal = form.equal_rows
        solver.setup(
            sparse.csc_matrix(sparse.triu(sparse.coo_array(curved))),
            units.cost(linear),
            sparse.csc_matrix(matrix[:equal]) if equal else None,
            rhs[:equal] if equal else None,
            sparse.csc_matrix(matrix[equal:]) if len(rhs) > equal else None,
            None,
            rhs[equal:] if len(rhs) > equal else None,
            self._lower / units.columns,
            self._upper / units.columns,
        )
        return solver

    def _no_answer(self, status: Any) -> NoAnswer:
        name = self.stakes.form.agent.name
        if status == piqp.PIQP_PRIMAL_INFEASIBLE:
            text = "has no feasible answer, whatever the prices; relax its constraints"
        elif status == piqp.PIQP_DUAL_INFEASIBLE:
            text = "has no bounded answer; bound its variables"
        else:
            return SolverFailed.on("PIQP", status.name, name)
        return NoAnswer(f"agent '{name}' {text}", name)
