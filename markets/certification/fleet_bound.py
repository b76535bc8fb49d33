"""Weak duality for fleets: what members cost at least at given prices, from any multipliers."""

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.certification.fleet_rows import Rows

_ROUNDS = 20
# A slope this small, against the greatest cost, is what rounding leaves of 0.
_NOTHING = 1e-12


def lower_bounds(
    quadratic: sparse.csr_array, slopes: FloatArray, x: FloatArray, y: FloatArray, rows: Rows
) -> FloatArray:
    """Return lower bounds of ½x'Qx + slopes[k]'x over what each member can do, shape (n,).

    A tangent at x lies below ½x'Qx, and the least of tangent and y'(Ax - b) over the columns' box
    is found column by column.

    Parameters
    ----------
    slopes : array of shape (n, columns)
    x : array of shape (n, columns)
        Where the tangents are taken.
    y : array of shape (n, m)
        Multipliers of the rows; below 0 they count as 0 for an inequality.
    rows : Rows
        With finite bounds as far as there are any, see `with_derived_bounds`.
    """
    y = np.where(np.arange(y.shape[1]) >= rows.equal, np.maximum(y, 0.0), y)
    bent = (quadratic @ x.T).T
    reduced = slopes + bent
    y = _balanced(y, reduced, rows)
    reduced = reduced + (rows.matrix.T @ y.T).T
    small = _NOTHING * np.maximum(1e-300, np.abs(slopes).max(axis=1, initial=0.0))[:, None]
    end = np.where(reduced > 0, rows.lower, rows.upper)
    open_ = np.isinf(end)
    reduced = np.where(open_ & (np.abs(reduced) <= small), 0.0, reduced)
    least = np.where(reduced == 0, 0.0, reduced * np.where(reduced == 0, 0.0, end))
    constant = -np.einsum("kj,kj->k", bent, x) / 2 - np.einsum("ki,ki->k", y, rows.rhs)
    return np.asarray(least.sum(axis=1) + constant)


def _balanced(y: FloatArray, reduced: FloatArray, rows: Rows) -> FloatArray:
    """Change multipliers of equalities so that columns without bounds have no slope left."""
    free = np.flatnonzero((np.isinf(rows.lower) & np.isinf(rows.upper)).all(axis=0))
    if not free.size or not rows.equal:
        return y
    part = rows.matrix[: rows.equal][:, free].toarray()
    left = reduced[:, free] + (rows.matrix[:, free].T @ y.T).T
    changed = y.copy()
    changed[:, : rows.equal] -= left @ np.linalg.pinv(part)
    return changed


def with_derived_bounds(rows: Rows) -> Rows:
    """Return the rows with bounds that they imply themselves, where columns have none."""
    lower, upper = rows.lower.copy(), rows.upper.copy()
    for _ in range(_ROUNDS):
        before = np.isinf(lower).sum() + np.isinf(upper).sum()
        for i in range(rows.matrix.shape[0] if before else 0):
            _imply(rows, i, 1.0, lower, upper)
            if i < rows.equal:
                _imply(rows, i, -1.0, lower, upper)
        if np.isinf(lower).sum() + np.isinf(upper).sum() == before:
            break
    return Rows(rows.matrix, rows.equal, rows.rhs, lower, upper)


def _imply(rows: Rows, i: int, sign: float, lower: FloatArray, upper: FloatArray) -> None:
    """Tighten open ends by row i, read as sign · a'x ≤ sign · b."""
    place = slice(rows.matrix.indptr[i], rows.matrix.indptr[i + 1])
    columns, entries = rows.matrix.indices[place], sign * rows.matrix.data[place]
    ends = np.where(entries > 0, lower[:, columns], upper[:, columns])
    least = entries * ends
    for k, column in enumerate(columns):
        others = least.sum(axis=1) - least[:, k] if np.isfinite(least).all() else _without(least, k)
        end = (sign * rows.rhs[:, i] - others) / entries[k]
        if entries[k] > 0:
            open_ = np.isinf(upper[:, column])
            upper[open_, column] = end[open_]
        else:
            open_ = np.isinf(lower[:, column])
            lower[open_, column] = end[open_]


def _without(least: FloatArray, k: int) -> FloatArray:
    return np.asarray(np.delete(least, k, axis=1).sum(axis=1))
