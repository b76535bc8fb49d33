"""Batches of members in chunks of WIDTH: their state, what they are asked, what they answer."""

from typing import Any, NamedTuple

from equigrid.arrays import FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import larger, smaller, store
from equigrid.markets.admm.batch.batch_width import WIDTH, fill, load
from equigrid.markets.admm.batch.plan import Plan

# Chunks are dealt to threads in so many parts; answers do not depend on it.
BLOCKS = 64


class Chunks(NamedTuple):
    """All members in chunks: arrays of shape (chunks, entries, WIDTH), in scaled units.

    Columns x with the multipliers w of their bounds, rows with multipliers y, and the residual
    at which each member was left, (chunks, 1, WIDTH).
    """

    x: FloatArray
    w: FloatArray
    y: FloatArray
    lower: FloatArray
    upper: FloatArray
    rhs: FloatArray
    left: FloatArray


class Asked(NamedTuple):
    """What is asked of all members, and what they answer: arrays of shape (n, t)."""

    price: FloatArray
    target: FloatArray
    constant: FloatArray
    terms: FloatArray


@inner
def product(ptr: Any, col: Any, val: Any, row: int, z: FloatArray) -> Any:
    """Return a row of a sparse matrix times z."""
    total = fill(0.0)
    for p in range(ptr[row], ptr[row + 1]):
        total = total + load(z, col[p]) * val[p]
    return total


@inner
def set_cost(
    plan: Plan, own: FloatArray, first: int, asked: Any, pull: FloatArray, cost: FloatArray
) -> None:
    """Add the pull of price and target to the members' own costs."""
    last = len(asked.price) - 1
    for lane in range(WIDTH):
        k = min(first + lane, last)
        for t in range(len(plan.rho)):
            aim = asked.target[k, t] - asked.constant[k, t]
            pull[t, lane] = asked.price[k, t] + plan.rho[t] * aim
    for j in range(len(plan.column_unit)):
        drawn = product(plan.s_ptr, plan.s_term, plan.s_val, j, pull)
        store(cost, j, (load(own, j) * plan.column_unit[j] - drawn) * plan.kappa)


@inner
def tell(plan: Plan, chunk: Any, first: int, asked: Any, terms: FloatArray) -> None:
    """Write what the members' columns, put within their bounds, mean for their terms."""
    x, _, _, lower, upper = chunk[:5]
    for t in range(len(plan.rho)):
        store(terms, t, fill(0.0))
    for j in range(len(plan.column_unit)):
        low, high, here = load(lower, j), load(upper, j), load(x, j)
        here = larger(smaller(here, high), low)
        for p in range(plan.s_ptr[j], plan.s_ptr[j + 1]):
            t = plan.s_term[p]
            store(terms, t, load(terms, t) + here * plan.s_val[p])
    for lane in range(min(WIDTH, len(asked.price) - first)):
        for t in range(len(plan.rho)):
            asked.terms[first + lane, t] = terms[t, lane] + asked.constant[first + lane, t]
