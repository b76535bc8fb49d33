"""Convex quadratic costs as sums of squares of linear forms."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from equigrid.arrays import IntArray
from equigrid.markets.forms.linear_program import LinearProgram

# Eigenvalues below this share of the greatest are rounding.
_ZERO = 1e-12


@dataclass(frozen=True, eq=False)
class Curve:
    """Columns t that are at least the squares of linear forms: t ≥ (factor @ z)².

    Attributes
    ----------
    epigraph : indices of shape (K,)
        Columns t.
    factor : array of shape (K, n)
    columns : indices of shape (n,)
        Columns z.
    """

    epigraph: IntArray
    factor: sparse.csr_array
    columns: IntArray


def add_curve(
    program: LinearProgram, matrix: sparse.csr_array, columns: IntArray, cost: float = 0.0
) -> Curve:
    """Add columns t whose sum stands for z'Mz, M positive semidefinite, shape (n, n)."""
    factor = square_root(matrix)
    epigraph = program.add_columns(factor.shape[0], lower=0.0, cost=cost)
    return Curve(epigraph, factor, columns)


def square_root(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return F with F'F = M, block by block, without zero rows.

    Examples
    --------
    >>> from scipy import sparse
    >>> square_root(sparse.csr_array([[4.0, 0.0], [0.0, 0.0]])).toarray()
    array([[2., 0.]])
    """
    matrix = sparse.csr_array(matrix)
    matrix.eliminate_zeros()
    count, part = connected_components(matrix, directed=False)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(count + 1))
    rows = [_block_root(matrix, order[a:b]) for a, b in pairwise(starts) if matrix[[order[a]]].nnz]
    if not rows:
        return sparse.csr_array((0, matrix.shape[0]))
    return sparse.csr_array(sparse.vstack(rows))


def _block_root(matrix: sparse.csr_array, at: IntArray) -> sparse.csr_array:
    values, vectors = np.linalg.eigh(matrix[at][:, at].toarray())
    kept = values > _ZERO * max(values.max(), 0.0)
    root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    place = sparse.csr_array(
        (np.ones(len(at)), (np.arange(len(at)), at)), shape=(len(at), matrix.shape[0])
    )
    return sparse.csr_array(root @ place)
