"""The proximal step of all members of a fleet at once.

Each member's problem is solved by the proximal method of multipliers with a semismooth Newton
method inside. A Newton step costs little: the systems of all members have one pattern, so it is
ordered and eliminated once, on WIDTH members at a time. From where the last round ended, one or two
steps are enough, and unlike a splitting it is exact to the last digits when it is asked to be.
"""

from typing import Any

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.admm.batch.batch_width import WIDTH
from equigrid.markets.admm.batch.chunks import Asked, Chunks
from equigrid.markets.admm.batch.interior_point_fallback import Single, rescued
from equigrid.markets.admm.batch.newton import solve_all, solve_few
from equigrid.markets.admm.batch.plan import Plan, make_plan
from equigrid.markets.admm.batch.rows import rows_of
from equigrid.markets.admm.batch.separable import clip_all, clip_few, is_clipped
from equigrid.markets.forms.standard_form import StandardForm

# With fewer members a second thread is not worth waiting for.
_MANY = 2000


class BatchProximal:
    """Members of one form, each drawn towards what was asked of it.

    Member k minimises ½x'Qx + cost[k]'x subject to Ax {=, ≤} rhs[k] and l ≤ x ≤ u, and has the
    terms p = Sx + share_constant[k]. Whole numbers are relaxed.

    Parameters
    ----------
    form : StandardForm
        Of a member.
    cost : array of shape (n, columns)
    rhs : array of shape (n, rows)
    shares : sparse array of shape (t, columns)
        S.
    share_constant : array of shape (n, t)
    rho : array of shape (t,)
        Weight of the pull on each term.

    Attributes
    ----------
    steps : float
        Newton steps of the last solve, the mean over members.

    Raises
    ------
    NoAnswer
        Naming who has bounds that contradict each other.
    """

    def __init__(
        self,
        form: StandardForm,
        cost: FloatArray,
        rhs: FloatArray,
        shares: sparse.csr_array,
        share_constant: FloatArray,
        rho: FloatArray,
    ) -> None:
        self.form, self.cost, self.size = form, cost, len(cost)
        self.shares, self._constant = sparse.csr_array(shares), _plain(share_constant)
        self.steps = 0.0
        self._rows = rows_of(form, rhs)
        self._refuse(self._rows.impossible)
        self._own = self._chunked(cost)
        self._rho = np.array(rho, dtype=float)
        self._plan = self._planned()
        self._chunks = self._started()
        self._clipped = is_clipped(self._plan, self._rows.lower, self._rows.upper)

    def _planned(self, known: Plan | None = None) -> Plan:
        rows, curved = self._rows, self.form.quadratic
        return make_plan(curved, rows.matrix, rows.equal, self.shares, self._rho, known)

    def _started(self) -> Chunks:
        plan, rows = self._plan, self._rows
        shape = self._own.shape
        lower, upper = self._chunked(rows.lower), self._chunked(rows.upper)
        unit = plan.column_unit[:, None]
        start = np.clip(0.0, lower, upper)
        rhs = self._chunked(rows.rhs) * plan.row_unit[:, None]
        left = np.full((shape[0], 1, WIDTH), np.inf)
        return Chunks(
            start / unit, np.zeros(shape), np.zeros_like(rhs), lower / unit, upper / unit, rhs, left
        )

    def _chunked(self, values: FloatArray) -> FloatArray:
        """Put rows of members side by side: (n, entries) to (chunks, entries, WIDTH)."""
        count = -(-self.size // WIDTH)
        members = np.minimum(np.arange(count * WIDTH), self.size - 1)
        return np.ascontiguousarray(
            values[members].reshape((count, WIDTH, values.shape[1])).transpose(0, 2, 1)
        )

    def _unchunked(self, values: FloatArray) -> FloatArray:
        """Return (n, entries) from (chunks, entries, WIDTH)."""
        count = values.shape[0] * WIDTH
        return values.transpose(0, 2, 1).reshape((count, values.shape[1]))[: self.size]

    def set_rho(self, rho: FloatArray) -> None:
        """Set the weight of the pull on each term, shape (t,)."""
        if np.array_equal(rho, self._rho):
            return
        self._rho, old = np.array(rho, dtype=float), self._plan
        self._plan = new = self._planned(old)
        self._clipped = is_clipped(new, self._rows.lower, self._rows.upper)
        column = (old.column_unit / new.column_unit)[:, None]
        row = (new.row_unit / old.row_unit)[:, None]
        worth = new.kappa / old.kappa
        chunks = self._chunks
        for values in (chunks.x, chunks.lower, chunks.upper):
            np.multiply(values, column, out=values)
        chunks.w[:] *= worth / column
        chunks.y[:] *= worth / row
        chunks.rhs[:] *= row

    def solve(self, price: FloatArray, target: FloatArray, tolerance: float) -> FloatArray:
        """Return the terms p that minimise own cost - price'p + ½ Σ ρ(p - target)².

        Parameters
        ----------
        price, target : array of shape (n, t)
        tolerance : float
            How far columns may be from feasible and terms from best, in their own units.

        Returns
        -------
        terms : array of shape (n, t)

        Raises
        ------
        NoAnswer
            Naming the first member that has none, or the agent where it is one alone.
        """
        told = np.empty(np.shape(price))
        asked = Asked(_plain(price), _plain(target), self._constant, told)
        steps = self._way()(self._plan, self._chunks, self._own, asked, tolerance)
        self.steps = float(np.mean(steps))
        for k in np.flatnonzero(self._unsolved(tolerance)):
            self._rescue(int(k), asked)
        return asked.terms

    def _way(self) -> Any:
        """Return what solves members of this kind and number."""
        few = self.size < _MANY
        if self._clipped:
            return clip_few if few else clip_all
        return solve_few if few else solve_all

    def _unsolved(self, allowed: float) -> BoolArray:
        # Written so that what is not a number is not solved either.
        return ~(self._unchunked(self._chunks.left)[:, 0] <= allowed)

    def _rescue(self, k: int, asked: Asked) -> None:
        """Solve a member by itself and put its answer where the batch goes on from."""
        plan, rows, shares = self._plan, self._rows, self.shares
        pull = asked.price[k] + self._rho * (asked.target[k] - asked.constant[k])
        result = rescued(
            Single(
                self.form.quadratic + shares.T @ sparse.diags_array(self._rho) @ shares,
                self.cost[k] - shares.T @ pull,
                rows.matrix,
                rows.equal,
                rows.rhs[k],
                rows.lower[k],
                rows.upper[k],
            )
        )
        if result is None:
            self._refuse(np.arange(self.size) == k)
            return
        chunk, lane = divmod(k, WIDTH)
        unit, chunks = plan.column_unit, self._chunks
        inside = np.clip(result.x, rows.lower[k], rows.upper[k])
        chunks.x[chunk, :, lane] = inside / unit
        chunks.w[chunk, :, lane] = result.bounds * unit * plan.kappa
        chunks.y[chunk, :, lane] = result.rows / plan.row_unit * plan.kappa
        chunks.left[chunk, 0, lane] = 0.0
        asked.terms[k] = shares @ inside + asked.constant[k]

    @property
    def columns(self) -> FloatArray:
        """Columns of the last answer, within their bounds: shape (n, columns)."""
        inside = np.clip(self._chunks.x, self._chunks.lower, self._chunks.upper)
        return self._unchunked(inside) * self._plan.column_unit

    @property
    def multipliers(self) -> FloatArray:
        """Multipliers of the form's rows at the last answer, shape (n, rows).

        Rows that bound one column are bounds here, and have none.
        """
        unit = self._plan.row_unit / self._plan.kappa
        result = np.zeros((self.size, len(self.form.rhs)))
        result[:, self._rows.kept] = self._unchunked(self._chunks.y) * unit
        return result

    def _refuse(self, without: BoolArray) -> None:
        if without.any():
            name, first = self.form.agent.name, int(np.flatnonzero(without)[0])
            who, remedy = f"member {first} of the fleet of '{name}'", "check its row of data"
            if self.size == 1:
                who, remedy = f"agent '{name}'", "relax its constraints and bound its variables"
            raise NoAnswer(f"{who} has no feasible or no bounded answer; {remedy}", name)


def _plain(values: FloatArray) -> FloatArray:
    """As a contiguous array of floats, which the kernel is compiled for."""
    return np.ascontiguousarray(values, dtype=float)
