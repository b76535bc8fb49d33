"""Quantities of a network that are affine in the net loads of its buses, column by column."""

from dataclasses import dataclass
from typing import TypeAlias

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray

Load: TypeAlias = cp.Expression | FloatArray
Bounds: TypeAlias = tuple[FloatArray, FloatArray] | None


@dataclass(frozen=True)
class AffineMap:
    """``constant[:, c] + active[c] @ load_mw[:, c] + reactive[c] @ load_mvar[:, c]``.

    Attributes
    ----------
    constant : array (R, C)
        The quantity at no load.
    active, reactive : array (C, R, N)
        Its change per MW and MVAr of net load at each bus.
    """

    constant: FloatArray
    active: FloatArray
    reactive: FloatArray

    def __neg__(self) -> "AffineMap":
        return AffineMap(-self.constant, -self.active, -self.reactive)

    def values(self, load_mw: FloatArray, load_mvar: FloatArray) -> FloatArray:
        """Return the quantity (R, C) at net loads (N, C)."""
        return self.constant + product(self.active, load_mw) + product(self.reactive, load_mvar)

    def expression(self, load_mw: Load, load_mvar: Load) -> cp.Expression:
        """Return the quantity (R, C) as an expression of net loads (N, C)."""
        everything = np.ones(self.constant.shape, bool)
        flat = self.selected(everything, load_mw, load_mvar)
        return cp.reshape(flat, self.constant.shape, order="F")

    def selected(self, keep: BoolArray, load_mw: Load, load_mvar: Load) -> cp.Expression:
        """Return the entries where ``keep`` (R, C) holds, down the columns, as a vector."""
        result = self.constant.T[keep.T]
        for coefficients, load in ((self.active, load_mw), (self.reactive, load_mvar)):
            if isinstance(load, np.ndarray):  # numbers need no place in the compiled problem
                result = result + product(coefficients, load).T[keep.T]
            else:
                result = result + _block_diagonal(coefficients, keep) @ cp.vec(load, order="F")
        return result if isinstance(result, cp.Expression) else cp.Constant(result)

    def at_reactive(self, load_mvar: FloatArray) -> "AffineMap":
        """Return the quantity at known reactive loads (N, C), a function of the active ones."""
        constant = self.constant + product(self.reactive, load_mvar)
        return AffineMap(constant, self.active, np.zeros_like(self.reactive))

    def of(self, keep: BoolArray) -> "AffineMap":
        """Return the quantity in the columns where ``keep`` (C,) holds."""
        return AffineMap(self.constant[:, keep], self.active[keep], self.reactive[keep])

    def range(
        self, active_bounds: Bounds, reactive_bounds: Bounds
    ) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest value (R, C) for net loads within bounds.

        Parameters
        ----------
        active_bounds, reactive_bounds : pair of arrays (N, C), or None
            Least and greatest net load in MW and MVAr; None for no bounds.
        """
        active_low, active_high = _spread(self.active, active_bounds)
        reactive_low, reactive_high = _spread(self.reactive, reactive_bounds)
        return (
            self.constant + active_low + reactive_low,
            self.constant + active_high + reactive_high,
        )


def product(coefficients: FloatArray, load: FloatArray) -> FloatArray:
    """Multiply coefficients (C, R, N) and loads (N, C) column by column, to (R, C)."""
    return np.asarray(np.einsum("crn,nc->rc", coefficients, load), dtype=np.float64)


def _spread(coefficients: FloatArray, bounds: Bounds) -> tuple[FloatArray, FloatArray]:
    if bounds is None:
        reach = np.where((coefficients != 0).any(axis=2).T, np.inf, 0.0)
        return -reach, reach
    lower, upper = bounds
    rising, falling = coefficients.clip(min=0), coefficients.clip(max=0)
    return (
        product(rising, lower) + product(falling, upper),
        product(rising, upper) + product(falling, lower),
    )


def _block_diagonal(coefficients: FloatArray, keep: BoolArray) -> sparse.csr_array:
    """Return the kept rows of the matrix that has one block (R, N) per column."""
    columns, _, buses = coefficients.shape
    column = np.nonzero(keep.T)[0]
    data = coefficients[keep.T]
    indices = column[:, None] * buses + np.arange(buses)
    row_pointers = np.arange(len(column) + 1) * buses
    shape = (len(column), columns * buses)
    matrix = sparse.csr_array((data.ravel(), indices.ravel(), row_pointers), shape=shape)
    matrix.eliminate_zeros()
    return matrix
