"""Quadratic cuts: outer approximation of convex squares by tangents."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Squares:
    """Columns that are at least squares: x[epigraph] ≥ (factor @ x + constant)².

    Attributes
    ----------
    epigraph : indices of shape (K,)
    factor : array of shape (K, n)
    constant : array of shape (K,)
    """

    epigraph: IntArray
    factor: sparse.csr_array
    constant: FloatArray

    def excess(self, columns: FloatArray) -> FloatArray:
        """Return by how much each column lies below its square."""
        form = self.factor @ columns + self.constant
        return np.asarray(form**2 - columns[self.epigraph])


def tangents(
    squares: Squares, columns: FloatArray, tolerance: float
) -> tuple[sparse.csr_array, FloatArray] | None:
    """Return rows matrix @ x ≤ upper that cut off a point below a square, if it is.

    Parameters
    ----------
    squares : Squares
    columns : array of shape (n,)
        The point.
    tolerance : float
        How far below is near enough, absolute.
    """
    excess = squares.excess(columns)
    at = np.flatnonzero(excess > tolerance)
    if not at.size:
        return None
    # t ≥ f(z)² ≥ 2 f° f(z) - f°², with f(z) = factor @ z + constant
    form = squares.factor[at] @ columns + squares.constant[at]
    slope = sparse.diags_array(2.0 * form) @ squares.factor[at]
    shape, ones = slope.shape, np.ones(len(at))
    epigraph = sparse.csr_array((ones, (np.arange(len(at)), squares.epigraph[at])), shape=shape)
    upper = form**2 - 2.0 * form * squares.constant[at]
    return sparse.csr_array(slope - epigraph), upper
