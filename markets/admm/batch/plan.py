"""Scaling and symbolic factorisation that members of one form share.

With x = Dz, rows multiplied by E and the cost by κ, a Newton step of every member solves

    | κ D(Q + S'ρS)D + σI + μA_e'A_e + μ diag(at a bound)    A_g' |
    | A_g                                     -diag(1/μ or ∞) |

where the short equalities A_e are condensed and the other rows A_g are kept. Only the diagonal
differs between members, so the order of elimination and the places of all entries are found once.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from equigrid.arrays import FloatArray, IntArray

# Weights of the multiplier method, in scaled units where curvature is about 1.
SIGMA, MU = 1e-3, 5e2
_SHORT, _SWEEPS = 8, 12


class Plan(NamedTuple):
    """All that the kernel reads and no member changes; sparse matrices as pointers and entries."""

    h_ptr: IntArray
    h_col: IntArray
    h_val: FloatArray
    a_ptr: IntArray
    a_col: IntArray
    a_val: FloatArray
    at_ptr: IntArray
    at_row: IntArray
    at_val: FloatArray
    s_ptr: IntArray
    s_term: IntArray
    s_val: FloatArray
    equal: int
    kept: IntArray
    base: FloatArray
    base_off: FloatArray
    node: IntArray
    l_ptr: IntArray
    l_node: IntArray
    target: IntArray
    column_unit: FloatArray
    row_unit: FloatArray
    rho: FloatArray
    kappa: float
    sigma: float
    mu: float


def make_plan(
    quadratic: sparse.csr_array,
    matrix: sparse.csr_array,
    equal: int,
    shares: sparse.csr_array,
    rho: FloatArray,
    known: Plan | None = None,
) -> Plan:
    """Return the plan of members with Q, A, S and ρ; the first rows are equalities.

    A known plan of the same members with another ρ spares the search for an order.
    """
    kappa = 1.0 / max(float(np.mean(rho)) if len(rho) else 1.0, 1e-12)
    pull = (
        sparse.csr_array(shares.T @ sparse.diags_array(rho) @ shares) if len(rho) else 0 * quadratic
    )
    hessian = sparse.csr_array(kappa * (quadratic + pull))
    columns, rows = _equilibrated(hessian, matrix)
    stretch = sparse.diags_array(columns)
    hessian = sparse.csr_array(stretch @ hessian @ stretch)
    scaled = sparse.csr_array(sparse.diags_array(rows) @ matrix @ stretch)
    long = np.diff(matrix.indptr) > _SHORT
    kept = np.flatnonzero(long | (np.arange(len(rows)) >= equal))
    newton = _newton(hessian, scaled, kept)
    if known is None:
        node, l_ptr, l_node, target = _symbolic(newton)
    else:
        node, l_ptr, l_node, target = known.node, known.l_ptr, known.l_node, known.target
    base, base_off = _numbers(newton, node, l_ptr, l_node)
    tall, terms = sparse.csr_array(scaled.T), sparse.csr_array((shares @ stretch).T)
    return Plan(
        *_parts(hessian), *_parts(scaled), *_parts(tall), *_parts(terms),
        equal, kept, base, base_off, node, l_ptr, l_node, target,
        columns, rows, rho.astype(float), kappa, SIGMA, MU,
    )  # fmt: skip


def _parts(matrix: sparse.csr_array) -> tuple[IntArray, IntArray, FloatArray]:
    matrix.sort_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.copy()


def _equilibrated(
    hessian: sparse.csr_array, matrix: sparse.csr_array
) -> tuple[FloatArray, FloatArray]:
    """Return factors of columns and rows that bring the largest entries near 1 (Ruiz)."""
    columns, rows = np.ones(matrix.shape[1]), np.ones(matrix.shape[0])
    curved, entries = abs(hessian), abs(matrix)
    for _ in range(_SWEEPS if matrix.nnz else 0):
        stretch, lift = sparse.diags_array(columns), sparse.diags_array(rows)
        inner = sparse.csc_array(lift @ entries @ stretch)
        across = np.maximum(_tallest(stretch @ curved @ stretch, 0), _tallest(inner, 0))
        columns = columns / np.sqrt(np.where(across > 0, across, 1.0))
        tall = _tallest(inner, 1)
        rows = rows / np.sqrt(np.where(tall > 0, tall, 1.0))
    return columns, rows


def _tallest(matrix: sparse.csr_array, axis: int) -> FloatArray:
    return np.asarray(matrix.max(axis=axis).toarray(), dtype=float).ravel()


def _newton(
    hessian: sparse.csr_array, matrix: sparse.csr_array, kept: IntArray
) -> sparse.csr_array:
    """Return the Newton matrix without what differs between members, all places stored."""
    n, count = hessian.shape[0], len(kept)
    short = np.setdiff1d(np.arange(matrix.shape[0]), kept)
    condensed = matrix[short].T @ matrix[short]
    block = hessian + SIGMA * sparse.eye_array(n) + MU * condensed
    rows = sparse.csr_array(matrix[kept])
    lower = sparse.hstack([rows, sparse.eye_array(count)])
    return sparse.csr_array(sparse.vstack([sparse.hstack([block, rows.T]), lower]))


def _symbolic(newton: sparse.csr_array) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return each row's place in the order of elimination, the pattern of L, and where products go.

    Targets count the diagonal first and then the entries of L column by column.
    """
    size = newton.shape[0]
    node = _order(newton)
    pattern: list[set[int]] = [set() for _ in range(size)]
    for i, j in zip(*newton.nonzero(), strict=True):
        a, b = sorted((int(node[i]), int(node[j])))
        if a != b:
            pattern[a].add(b)
    for j in range(size):
        rest = sorted(pattern[j])
        if rest:
            pattern[rest[0]].update(rest[1:])
    below = [sorted(nodes) for nodes in pattern]
    l_ptr = np.cumsum([0, *(len(nodes) for nodes in below)])
    at = {(i, j): size + int(l_ptr[j]) + k for j in range(size) for k, i in enumerate(below[j])}
    target = [
        p if p == q else at[q, p] for nodes in below for k, p in enumerate(nodes) for q in nodes[k:]
    ]
    entries = [node_ for nodes in below for node_ in nodes]
    return node, l_ptr, np.array(entries, dtype=np.int64), np.array(target, dtype=np.int64)


def _order(newton: sparse.csr_array) -> IntArray:
    """Return places in an order of little fill, that of minimum degree."""
    pattern = sparse.csc_matrix(newton != 0, dtype=float)
    heavy = pattern + (1.0 + pattern.shape[0]) * sparse.eye_array(pattern.shape[0])
    factors = splu(sparse.csc_matrix(heavy), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
    return np.asarray(factors.perm_c, dtype=np.int64)


def _numbers(
    newton: sparse.csr_array, node: IntArray, l_ptr: IntArray, l_node: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the Newton matrix at the places of its factor: diagonal, then below it."""
    size, entries = newton.shape[0], sparse.coo_array(newton)
    a, b = node[entries.row], node[entries.col]
    base, off = np.zeros(size), np.zeros(len(l_node))
    np.add.at(base, a[a == b], entries.data[a == b])
    at: dict[tuple[int, int], int] = {}
    for j in range(size):
        at |= {(int(l_node[p]), j): p for p in range(l_ptr[j], l_ptr[j + 1])}
    for i, j, value in zip(a[a > b], b[a > b], entries.data[a > b], strict=True):
        off[at[int(i), int(j)]] += value
    return base, off
