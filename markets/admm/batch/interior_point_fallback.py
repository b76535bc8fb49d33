"""Fallback for members that the batch does not solve: one by one by an interior-point method."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp
from scipy import sparse

from equigrid.arrays import FloatArray

# Relative to the greatest number at hand; below the small one they are compared absolutely.
_NEAR, _SMALL = 1e-6, 1e-3
_ACCURACY = ("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel")


@dataclass(frozen=True, eq=False)
class Single:
    """One member's problem: minimise ½x'Qx + cost'x subject to its rows and bounds."""

    quadratic: sparse.csr_array
    cost: FloatArray
    matrix: sparse.csr_array
    equal: int
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Rescued:
    """Columns, and multipliers of rows and of bounds (positive at the upper one)."""

    x: FloatArray
    rows: FloatArray
    bounds: FloatArray


def rescued(single: Single) -> Rescued | None:
    """Return the answer of one member, None if it has no feasible or no bounded one."""
    equal, matrix, solver = single.equal, single.matrix, _solver()
    curved = sparse.triu(sparse.coo_array(single.quadratic))
    some = len(single.rhs) > equal
    solver.setup(
        sparse.csc_matrix(curved),
        single.cost,
        sparse.csc_matrix(matrix[:equal]) if equal else None,
        single.rhs[:equal] if equal else None,
        sparse.csc_matrix(matrix[equal:]) if some else None,
        None,
        single.rhs[equal:] if some else None,
        single.lower,
        single.upper,
    )
    solver.solve()
    result = solver.result
    rows = np.concatenate([result.y, result.z_u - result.z_l])
    outcome = Rescued(np.array(result.x), rows, np.asarray(result.z_bu - result.z_bl))
    # Whether it met the tightest tolerance or not: what counts is how near it came.
    return outcome if _holds(single, outcome) else None


def _holds(single: Single, found: Rescued) -> bool:
    """Whether an answer is feasible and balances the costs."""
    excess = single.matrix @ found.x - single.rhs
    excess[single.equal :] = np.maximum(0.0, excess[single.equal :])
    slope = single.quadratic @ found.x + single.cost + single.matrix.T @ found.rows + found.bounds
    near = _greatest(excess) <= _NEAR * max(_SMALL, _greatest(found.x), _greatest(single.rhs))
    return near and _greatest(slope) <= _NEAR * max(_SMALL, _greatest(single.cost))


def _greatest(values: FloatArray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _solver() -> Any:
    solver = piqp.SparseSolver()
    for name in _ACCURACY:
        setattr(solver.settings, name, 1e-11)
    return solver
