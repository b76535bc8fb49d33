"""Checks of all rows in parallel, compiled: sources that feed the same island, finite numbers."""

import numpy as np
from numba import njit, prange

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.batch.kernels.kernel_network import KernelNetwork
from equigrid.grid.batch.kernels.rows import PARTS
from equigrid.grid.batch.kernels.tree import TWICE_FED, empty_tree, lay_out


@njit(cache=True, parallel=True)
def twice_fed(network: KernelNetwork, closed: BoolArray) -> BoolArray:
    """Return which rows of switch states join two sources, (S,) or (1,)."""
    joined = np.zeros(len(closed), np.bool_)
    for part in prange(PARTS):
        first, last = part * len(closed) // PARTS, (part + 1) * len(closed) // PARTS
        if first < last:
            tree = empty_tree(network)
            for row in range(first, last):
                joined[row] = lay_out(network, closed[row], tree) == TWICE_FED
    return joined


@njit(cache=True, parallel=True)
def all_finite(table: FloatArray) -> bool:
    """Whether an array has no NaN and no infinity."""
    flat = table.ravel()
    wrong = 0
    for part in prange(PARTS):
        count = 0
        for i in range(part * len(flat) // PARTS, (part + 1) * len(flat) // PARTS):
            count += not abs(flat[i]) < np.inf
        wrong += count
    return wrong == 0
