"""The proximal step of one agent: its own problem, drawn towards what was asked of it."""

from typing import Any

import numpy as np
import piqp
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.exchange.stakes import Stakes
from equigrid.markets.findings import NoAnswer

Vector = NDArray[np.float64]
_GOOD = (piqp.PIQP_SOLVED,)
# Short of the tightest tolerance an answer is used all the same: rounds go on.
_USABLE = (piqp.PIQP_MAX_ITER_REACHED, piqp.PIQP_NUMERICS)


class Proximal:
    """An agent's problem with a quadratic pull on its terms, kept in an interior-point solver.

    Whole numbers are relaxed until they are fixed.

    Parameters
    ----------
    stakes : Stakes
        Of one member.
    """

    def __init__(self, stakes: Stakes) -> None:
        self.stakes, form = stakes, stakes.form
        self.columns = np.zeros((1, form.columns))
        self._cost, self._shares = stakes.cost[0], stakes.shares
        # Turned once: a product in every round shall not turn it again.
        self._turned = sparse.csr_array(stakes.shares.T)
        self._rho = np.ones(stakes.shares.shape[0])
        self._lower, self._upper = form.lower.copy(), form.upper.copy()
        self._solver: Any = None

    def set_rho(self, rho: Vector) -> None:
        """Set the weight of the pull on each term, shape (t,)."""
        if not np.array_equal(rho, self._rho):
            self._rho = rho
            if self._solver is not None:
                self._solver.update(P=self._curvature())

    def fix(self, columns: NDArray[np.int64], values: Vector) -> None:
        """Fix some columns for good."""
        self._lower[columns] = self._upper[columns] = values
        self._solver = None

    def solve(self, price: Vector, target: Vector, tolerance: float) -> Vector:
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
            self._solver.update(c=linear)
        status = self._solver.solve()
        if status not in (*_GOOD, *_USABLE):
            raise self._no_answer(status)
        # An interior point may be beyond a bound by the last digits.
        inside = np.clip(self._solver.result.x, self._lower, self._upper)
        self.columns = inside[np.newaxis]
        return self.terms()

    def terms(self) -> Vector:
        """Return the terms at the last columns, shape (1, t)."""
        return np.asarray(self._shares @ self.columns[0] + self.stakes.constant)

    def _curvature(self) -> sparse.csc_matrix:
        pull = self._turned @ sparse.diags_array(self._rho) @ self._shares
        return sparse.csc_matrix(sparse.triu(sparse.coo_array(self.stakes.form.quadratic + pull)))

    def _stated(self, linear: Vector) -> Any:
        form, rhs = self.stakes.form, self.stakes.rhs[0]
        solver = piqp.SparseSolver()
        for name in ("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel"):
            setattr(solver.settings, name, 1e-10)
        equal, matrix = form.equal_rows, form.matrix
        solver.setup(
            self._curvature(),
            linear,
            sparse.csc_matrix(matrix[:equal]) if equal else None,
            rhs[:equal] if equal else None,
            sparse.csc_matrix(matrix[equal:]) if len(rhs) > equal else None,
            None,
            rhs[equal:] if len(rhs) > equal else None,
            self._lower,
            self._upper,
        )
        return solver

    def _no_answer(self, status: Any) -> NoAnswer:
        name = self.stakes.form.agent.name
        if status == piqp.PIQP_PRIMAL_INFEASIBLE:
            text = "has no feasible answer, whatever the prices; relax its constraints"
        else:
            text = f"has no bounded answer ({status.name}); bound its variables"
        return NoAnswer(f"agent '{name}' {text}", name)
