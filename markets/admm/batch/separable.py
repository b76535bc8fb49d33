"""Exact proximal step of separable members: one row at most, a Hessian without cross terms.

At a multiplier λ of the row a'x ≤ b, each column is -(c + λa)/h, put within its bounds. What the
row then adds up to falls as λ grows, in straight pieces, and its root is found by Newton's method
within a bracket.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from equigrid.arrays import FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import choose, larger, largest, magnitude, smaller, store
from equigrid.markets.admm.batch.batch_width import WIDTH, fill, load
from equigrid.markets.admm.batch.chunks import BLOCKS, set_cost, tell
from equigrid.markets.admm.batch.plan import Plan

_TRIALS = 80


def is_clipped(plan: Plan, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether all members are such that their columns follow from one multiplier."""
    count = len(plan.column_unit)
    diagonal = np.array_equal(plan.h_ptr, np.arange(count + 1)) and bool((plan.h_val > 0).all())
    diagonal = diagonal and np.array_equal(plan.h_col, np.arange(count))
    bounded = np.isfinite(lower).all() and np.isfinite(upper).all()
    return diagonal and (len(plan.row_unit) == 0 or (len(plan.row_unit) == 1 and bool(bounded)))


@inner
def _put(plan: Plan, chunk: Any, along: FloatArray, multiplier: Any) -> Any:
    """Set the columns at a multiplier; return by how much the row is missed, and its slope."""
    x, _, _, lower, upper, rhs, cost, _ = chunk
    total, slope, zero = fill(0.0), fill(0.0), fill(0.0)
    for j in range(len(plan.column_unit)):
        entry, inverse = along[j], 1.0 / plan.h_val[j]
        free = (load(cost, j) + multiplier * entry) * (0.0 - inverse)
        low, high = load(lower, j), load(upper, j)
        here = larger(smaller(free, high), low)
        store(x, j, here)
        total = total + here * entry
        inside = choose(free, low, choose(high, free, fill(inverse), zero), zero)
        slope = slope + inside * (entry * entry)
    return total - load(rhs, 0), slope


@inner
def _bracket(plan: Plan, chunk: Any, along: FloatArray) -> Any:
    """Return multipliers beyond which all columns of the row are at a bound."""
    lower, upper, cost = chunk[3], chunk[4], chunk[6]
    low, high = fill(0.0), fill(0.0)
    for j in range(len(plan.column_unit)):
        if along[j] != 0.0:
            ends = (load(lower, j) * plan.h_val[j] + load(cost, j)) * (-1.0 / along[j])
            others = (load(upper, j) * plan.h_val[j] + load(cost, j)) * (-1.0 / along[j])
            low = smaller(low, smaller(ends, others))
            high = larger(high, larger(ends, others))
    return low, high


@inner
def _balance(plan: Plan, chunk: Any, along: FloatArray, tolerance: float) -> int:
    """Find the row's multiplier from the last one; return the number of trials."""
    y, left, zero = chunk[2], chunk[7], fill(0.0)
    low, high = _bracket(plan, chunk, along)
    if plan.equal == 0:
        low = zero
    at = larger(smaller(load(y, 0), high), low)
    for trial in range(_TRIALS):
        missed, slope = _put(plan, chunk, along, at)
        # Where the multiplier is at 0 already, an inequality may hold with room.
        off = missed
        if plan.equal == 0:
            off = choose(at, zero, missed, larger(missed, zero))
        off = magnitude(off) * (1.0 / plan.row_unit[0])
        store(y, 0, at)
        store(left, 0, off)
        if largest(off) <= tolerance:
            return trial
        low, high = choose(missed, zero, at, low), choose(missed, zero, high, at)
        newton = at + missed / larger(slope, fill(1e-300))
        newton = larger(smaller(newton, high), low)
        # Two points may send Newton's method to each other: now and then the bracket is halved.
        if trial % 3 == 2:
            newton = (low + high) * 0.5
        at = choose(off, fill(tolerance), newton, at)
    return _TRIALS


@inner
def _straight(plan: Plan, chunk: Any) -> None:
    """Set the columns of members without rows."""
    x, _, _, lower, upper, _, cost, left = chunk
    for j in range(len(plan.column_unit)):
        free = load(cost, j) * (-1.0 / plan.h_val[j])
        store(x, j, larger(smaller(free, load(upper, j)), load(lower, j)))
    store(left, 0, fill(0.0))


@inner
def _clip_range(
    plan: Plan,
    chunks: Any,
    own: FloatArray,
    asked: Any,
    tolerance: float,
    first: int,
    steps: FloatArray,
) -> None:
    """Solve as many chunks as there are steps to be told, from the first one on."""
    columns, along = len(plan.column_unit), np.zeros(len(plan.column_unit))
    for p in range(len(plan.a_val)):
        along[plan.a_col[p]] = plan.a_val[p]
    terms, cost = np.empty((max(1, len(plan.rho)), WIDTH)), np.empty((columns, WIDTH))
    for k in range(len(steps)):
        c = first + k
        set_cost(plan, own[c], c * WIDTH, asked, terms, cost)
        parts = (chunks.x[c], chunks.w[c], chunks.y[c], chunks.lower[c], chunks.upper[c])
        chunk = (*parts, chunks.rhs[c], cost, chunks.left[c])
        if len(plan.row_unit):
            steps[k] = _balance(plan, chunk, along, tolerance)
        else:
            _straight(plan, chunk)
        tell(plan, chunk, c * WIDTH, asked, terms)


@njit(cache=True)
def clip_few(plan: Plan, chunks: Any, own: FloatArray, asked: Any, tolerance: float) -> FloatArray:
    """Solve all members in one thread; see `clip_all`."""
    steps = np.zeros(len(own))
    _clip_range(plan, chunks, own, asked, tolerance, 0, steps)
    return steps


@njit(cache=True, parallel=True)
def clip_all(plan: Plan, chunks: Any, own: FloatArray, asked: Any, tolerance: float) -> FloatArray:
    """Solve all members and write their terms, as `solve_all` does; return trials by chunk."""
    count = len(own)
    steps = np.zeros(count)
    for block in prange(BLOCKS):
        first, last = block * count // BLOCKS, (block + 1) * count // BLOCKS
        if last > first:
            _clip_range(plan, chunks, own, asked, tolerance, first, steps[first:last])
    return steps
