"""Cancellation: what is left where figures cancel is a last digit of them, and no figure.

3 × 0.1 - 0.3 leaves 6e-17, and a cost, a limit or a coefficient of that size says nothing. It would
do harm all the same: units are found from a program's own figures, and where such a digit is all
that there is, they make a one of it. A multiplier of -4e-15 that may not be negative, 0 to any
solver, would then be -1, and the program infeasible.
"""

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray

# What is left of terms that cancel, as a share of their sizes.
_DIGITS = 1e-13


def cleared(sums: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return sums with 0 in place of what is left where their terms cancel.

    Parameters
    ----------
    sums : array
    sizes : array
        Of the same shape: sums of the sizes of the same terms.
    """
    left = np.isfinite(sums) & (np.abs(sums) <= _DIGITS * sizes)
    return np.where(left, 0.0, sums)


def plus(kept: FloatArray, terms: sparse.sparray, values: FloatArray) -> FloatArray:
    """Return kept + terms @ values, with 0 where they cancel."""
    return cleared(kept + terms @ values, np.abs(kept) + abs(terms) @ np.abs(values))


def plus_product(
    kept: sparse.sparray, terms: sparse.sparray, values: sparse.sparray
) -> sparse.csr_array:
    """Return kept + terms @ values, matrices, without the entries that cancel.

    Each entry is held against what it is made of: rows hold figures in many units, so that one
    entry says nothing of another.
    """
    matrix = sparse.csr_array(kept + terms @ values)
    sizes = sparse.csr_array(abs(kept) + abs(terms) @ abs(values))
    stays = sparse.csr_array(abs(matrix) > _DIGITS * sizes)
    matrix = sparse.csr_array(matrix.multiply(stays))
    matrix.eliminate_zeros()
    return matrix
