"""Semismooth Newton method for WIDTH members at a time, compiled; proximal.py says how it is used.

Every function works on one chunk: rows of arrays of shape (entries, WIDTH) are its members.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from equigrid.arrays import FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import choose, larger, largest, magnitude, store
from equigrid.markets.admm.batch.batch_width import WIDTH, fill, load
from equigrid.markets.admm.batch.chunks import BLOCKS, product, set_cost, tell
from equigrid.markets.admm.batch.factor import back, factorise
from equigrid.markets.admm.batch.plan import Plan

PASSES, SHORTENINGS = 80, 12
# The weight of a row that is not at its limit; a slope that is small enough along a step.
_LOOSE, _FLAT = 1e12, 0.3


class Work(NamedTuple):
    """Scratch of one chunk."""

    anchor: FloatArray
    base: FloatArray
    wt: FloatArray
    excess: FloatArray
    yt: FloatArray
    diagonal: FloatArray
    factor: FloatArray
    z: FloatArray
    across: FloatArray
    bend: FloatArray
    going: FloatArray


@inner
def scratch(plan: Plan) -> Any:
    """Return empty scratch for a chunk."""
    columns, rows, size = len(plan.column_unit), len(plan.row_unit), len(plan.base)
    return Work(
        np.empty((columns, WIDTH)),
        np.empty((columns, WIDTH)),
        np.empty((columns, WIDTH)),
        np.empty((rows, WIDTH)),
        np.empty((rows, WIDTH)),
        np.zeros((size, WIDTH)),
        np.empty((size + len(plan.base_off), WIDTH)),
        np.empty((size, WIDTH)),
        np.empty((rows, WIDTH)),
        np.empty((columns, WIDTH)),
        np.empty((1, WIDTH)),
    )


@inner
def _start(plan: Plan, x: FloatArray, cost: FloatArray, rhs: FloatArray, work: Any) -> None:
    """Take the present columns as anchor; slopes and excesses from scratch."""
    for j in range(len(plan.column_unit)):
        store(work.anchor, j, load(x, j))
        bent = product(plan.h_ptr, plan.h_col, plan.h_val, j, x)
        store(work.base, j, bent + load(cost, j))
    for i in range(len(plan.row_unit)):
        total = product(plan.a_ptr, plan.a_col, plan.a_val, i, x)
        store(work.excess, i, total - load(rhs, i))


@inner
def _tilt_rows(plan: Plan, y: FloatArray, work: Any) -> Any:
    """Find the rows' multipliers after a step of their own.

    Return by how much they are off, and whether the Newton system has changed.
    """
    off, zero = fill(0.0), fill(0.0)
    for i in range(len(plan.row_unit)):
        old = load(y, i)
        new = old + load(work.excess, i) * plan.mu
        if i >= plan.equal:
            new = choose(new, zero, new, zero)
        store(work.yt, i, new)
        off = larger(off, magnitude(new - old) * (1.0 / (plan.mu * plan.row_unit[i])))
    columns, loose, tight = len(plan.column_unit), fill(-_LOOSE), fill(-1.0 / plan.mu)
    changed = zero
    for k in range(len(plan.kept)):
        i = plan.kept[k]
        weight = tight
        if i >= plan.equal:
            weight = choose(load(work.yt, i), zero, tight, loose)
        at = plan.node[columns + k]
        changed = larger(changed, magnitude(weight - load(work.diagonal, at)))
        store(work.diagonal, at, weight)
        store(work.z, at, zero)
    return off, changed


@inner
def _tilt_columns(
    plan: Plan, x: FloatArray, w: FloatArray, lower: FloatArray, upper: FloatArray, work: Any
) -> Any:
    """Find the bounds' multipliers after a step of their own, and the slope of each column.

    Return the greatest slope, by how much the bounds are off, and whether the system has changed.
    """
    off, steep, zero, mu = fill(0.0), fill(0.0), fill(0.0), plan.mu
    heavy, changed = fill(mu), zero
    for j in range(len(plan.column_unit)):
        here, old = load(x, j), load(w, j)
        moved = here + old * (1.0 / mu)
        over, under = moved - load(upper, j), moved - load(lower, j)
        new = (larger(over, zero) - larger(zero - under, zero)) * mu
        store(work.wt, j, new)
        at = plan.node[j]
        weight = choose(magnitude(new), zero, heavy, zero) + plan.base[at]
        changed = larger(changed, magnitude(weight - load(work.diagonal, at)))
        store(work.diagonal, at, weight)
        slope = load(work.base, j) + new
        slope = slope + product(plan.at_ptr, plan.at_row, plan.at_val, j, work.yt)
        store(work.z, at, zero - slope)
        unit = plan.column_unit[j]
        steep = larger(steep, magnitude(slope) * (1.0 / unit))
        drawn = magnitude(here - load(work.anchor, j)) * (plan.sigma / unit)
        off = larger(off, larger(drawn, magnitude(new - old) * (unit / mu)))
    return steep, off, changed


@inner
def _settle(plan: Plan, x: FloatArray, w: FloatArray, y: FloatArray, work: Any, ready: Any) -> None:
    """Move the anchors of all members whose slopes are small enough, those with ready ≥ 0."""
    late = fill(0.0) - ready
    zero = fill(0.0)
    for i in range(len(plan.row_unit)):
        store(y, i, choose(late, zero, load(y, i), load(work.yt, i)))
    for j in range(len(plan.column_unit)):
        store(w, j, choose(late, zero, load(w, j), load(work.wt, j)))
        old, here = load(work.anchor, j), load(x, j)
        new = choose(late, zero, old, here)
        store(work.base, j, load(work.base, j) - (new - old) * plan.sigma)
        store(work.anchor, j, new)


@inner
def _along(plan: Plan, work: Any) -> None:
    """Find what a unit step does to slopes and rows; the step of column j is put in row j of wt."""
    zero = fill(0.0)
    for j in range(len(plan.column_unit)):
        store(work.wt, j, choose(load(work.going, 0), zero, load(work.z, plan.node[j]), zero))
    for j in range(len(plan.column_unit)):
        bent = product(plan.h_ptr, plan.h_col, plan.h_val, j, work.wt)
        store(work.bend, j, bent + load(work.wt, j) * plan.sigma)
    for i in range(len(plan.row_unit)):
        store(work.across, i, product(plan.a_ptr, plan.a_col, plan.a_val, i, work.wt))


@inner
def _slope(plan: Plan, chunk: Any, work: Any, alpha: Any) -> Any:
    """Return the slope of the function that is minimised, after a share alpha of the step."""
    x, w, y, lower, upper = chunk[:5]
    total, zero, mu = fill(0.0), fill(0.0), plan.mu
    for j in range(len(plan.column_unit)):
        step = load(work.wt, j)
        moved = load(x, j) + step * alpha + load(w, j) * (1.0 / mu)
        over, under = moved - load(upper, j), moved - load(lower, j)
        held = (larger(over, zero) - larger(zero - under, zero)) * mu
        total = total + step * (load(work.base, j) + load(work.bend, j) * alpha + held)
    for i in range(len(plan.row_unit)):
        step = load(work.across, i)
        held = load(y, i) + (load(work.excess, i) + step * alpha) * mu
        if i >= plan.equal:
            held = larger(held, zero)
        total = total + step * held
    return total


@inner
def _length(plan: Plan, chunk: Any, work: Any, fall: Any) -> Any:
    """Return the share of the step at which the slope along it is nearly 0, at most 1.

    At its beginning it falls by ``fall``.
    """
    low, high, alpha = fill(0.0), fill(1.0), fill(1.0)
    falling, rising = fill(0.0) - fall, _slope(plan, chunk, work, high)
    flat = (fill(0.0) - falling) * _FLAT
    value = rising
    for _ in range(SHORTENINGS):
        if largest(value - flat) <= 0.0:
            break
        steep = larger(rising - falling, fill(1e-300))
        share = larger(fill(0.0) - falling, fill(0.0)) / steep
        share = choose(share, fill(0.99), fill(0.99), share)
        trial = low + (high - low) * larger(share, fill(1e-12))
        alpha = choose(value, flat, trial, alpha)
        now = _slope(plan, chunk, work, alpha)
        above = now - flat
        below = fill(0.0) - flat - now
        # An end that stays is taken half as steep the next time (the Illinois rule).
        busy = choose(value, flat, fill(1.0), fill(0.0))
        high_moves = choose(above, fill(0.0), busy, fill(0.0))
        low_moves = choose(below, fill(0.0), busy, fill(0.0))
        half = fill(0.5)
        falling = choose(low_moves, half, now, choose(high_moves, half, falling * 0.5, falling))
        rising = choose(high_moves, half, now, choose(low_moves, half, rising * 0.5, rising))
        high, low = choose(high_moves, half, alpha, high), choose(low_moves, half, alpha, low)
        value = choose(busy, half, choose(low_moves, half, flat * 2.0 + 1e-300, now), value)
    return alpha


@inner
def _move(plan: Plan, x: FloatArray, work: Any, alpha: Any) -> None:
    for j in range(len(plan.column_unit)):
        store(x, j, load(x, j) + load(work.wt, j) * alpha)
        store(work.base, j, load(work.base, j) + load(work.bend, j) * alpha)
    for i in range(len(plan.row_unit)):
        store(work.excess, i, load(work.excess, i) + load(work.across, i) * alpha)


@inner
def solve_chunk(plan: Plan, chunk: Any, work: Any, tolerance: float) -> int:
    """Solve one chunk from where it was left; return the number of Newton steps."""
    x, w, y, lower, upper, rhs, cost, left = chunk
    _start(plan, x, cost, rhs, work)
    yes, no, allowed = fill(1.0), fill(0.0), fill(tolerance)
    store(work.going, 0, yes)
    fresh = True
    for steps in range(PASSES):
        off, changed = _tilt_rows(plan, y, work)
        steep, off_columns, changed_columns = _tilt_columns(plan, x, w, lower, upper, work)
        off, changed = larger(off, off_columns), larger(changed, changed_columns)
        worst, going = larger(steep, off), load(work.going, 0)
        store(left, 0, choose(going, no, worst, load(left, 0)))
        # Who is done stays as it is: moved on, its multipliers would drift off again.
        ready = choose(going, no, larger(allowed, off * 0.1) - steep, fill(-1.0))
        going = choose(worst, allowed, going, no)
        store(work.going, 0, going)
        if largest(ready) >= 0.0:
            _settle(plan, x, w, y, work, ready)
            if largest(going) <= 0.0:
                return steps
            _, again = _tilt_rows(plan, y, work)
            _, _, again_columns = _tilt_columns(plan, x, w, lower, upper, work)
            changed = larger(changed, larger(again, again_columns))
        if fresh or largest(changed) > 0.0:
            factorise(plan, work.diagonal, work.factor)
            fresh = False
        fall = choose(going, no, back(plan, work.factor, work.z), no)
        _along(plan, work)
        _move(plan, x, work, _length(plan, chunk, work, fall))
    return PASSES


@inner
def _solve_range(
    plan: Plan,
    chunks: Any,
    own: FloatArray,
    asked: Any,
    tolerance: float,
    first: int,
    steps: FloatArray,
) -> None:
    """Solve as many chunks as there are steps to be told, from the first one on."""
    work, terms = scratch(plan), np.empty((max(1, len(plan.rho)), WIDTH))
    cost = np.empty((len(plan.column_unit), WIDTH))
    for k in range(len(steps)):
        c = first + k
        set_cost(plan, own[c], c * WIDTH, asked, terms, cost)
        parts = (chunks.x[c], chunks.w[c], chunks.y[c], chunks.lower[c], chunks.upper[c])
        chunk = (*parts, chunks.rhs[c], cost, chunks.left[c])
        steps[k] = solve_chunk(plan, chunk, work, tolerance)
        tell(plan, chunk, c * WIDTH, asked, terms)


@njit(cache=True)
def solve_few(plan: Plan, chunks: Any, own: FloatArray, asked: Any, tolerance: float) -> FloatArray:
    """Solve all members in one thread; see `solve_all`."""
    steps = np.zeros(len(own))
    _solve_range(plan, chunks, own, asked, tolerance, 0, steps)
    return steps


@njit(cache=True, parallel=True)
def solve_all(plan: Plan, chunks: Any, own: FloatArray, asked: Any, tolerance: float) -> FloatArray:
    """Solve all members and write their terms; return Newton steps by chunk.

    Parameters
    ----------
    own : array of shape (chunks, columns, WIDTH)
        Costs without pull.
    """
    count = len(own)
    steps = np.zeros(count)
    for block in prange(BLOCKS):
        first, last = block * count // BLOCKS, (block + 1) * count // BLOCKS
        if last > first:
            _solve_range(plan, chunks, own, asked, tolerance, first, steps[first:last])
    return steps
