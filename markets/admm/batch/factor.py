"""Sparse factorisation of the Newton systems of WIDTH members: one pattern and order for all."""

from typing import Any

from equigrid.arrays import FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import store
from equigrid.markets.admm.batch.batch_width import fill, load
from equigrid.markets.admm.batch.plan import Plan


@inner
def factorise(plan: Plan, diagonal: FloatArray, factor: FloatArray) -> None:
    """Eliminate node after node; L and 1/D take the place of the matrix."""
    size, t = len(plan.base), 0
    for j in range(size):
        store(factor, j, load(diagonal, j))
    for p in range(len(plan.base_off)):
        store(factor, size + p, fill(plan.base_off[p]))
    for j in range(size):
        inverse = 1.0 / load(factor, j)
        store(factor, j, inverse)
        for p in range(size + plan.l_ptr[j], size + plan.l_ptr[j + 1]):
            scaled = load(factor, p) * inverse
            for q in range(p, size + plan.l_ptr[j + 1]):
                at = plan.target[t]
                store(factor, at, load(factor, at) - load(factor, q) * scaled)
                t += 1
            store(factor, p, scaled)


@inner
def back(plan: Plan, factor: FloatArray, z: FloatArray) -> Any:
    """Solve with the factors in place; return the solution times what was solved for."""
    size, total = len(plan.base), fill(0.0)
    for j in range(size):
        here = load(z, j)
        for p in range(plan.l_ptr[j], plan.l_ptr[j + 1]):
            i = plan.l_node[p]
            store(z, i, load(z, i) - load(factor, size + p) * here)
        divided = here * load(factor, j)
        total = total + here * divided
        store(z, j, divided)
    for j in range(size - 1, -1, -1):
        here = load(z, j)
        for p in range(plan.l_ptr[j], plan.l_ptr[j + 1]):
            here = here - load(factor, size + p) * load(z, plan.l_node[p])
        store(z, j, here)
    return total
