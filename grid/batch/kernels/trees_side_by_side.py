"""Trees of eight rows side by side, one in each lane, compiled.

A bus of a tree waits for the one before it, so a tree alone would leave a processor idle most of
the time. Positions of eight trees go together: what a
:class:`~equigrid.grid.batch.kernels.tree.Tree` has once is there lane by lane.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

from equigrid.arrays import FloatArray, IntArray
from equigrid.compiled.compiling import inner
from equigrid.grid.batch.kernels.kernel_network import KernelNetwork
from equigrid.grid.batch.kernels.simd_rows import WIDTH
from equigrid.grid.batch.kernels.tree import (
    CHAINED,
    COUNT,
    ENDS,
    FIRST,
    INVERSE_SCALE,
    ISLANDED,
    PARENT,
    SCALE_SQUARED,
    Tree,
)
from equigrid.grid.batch.kernels.tree_access import ABOVE, JUMP


class SideBySide(NamedTuple):
    """The layouts; names are those of `Tree`.

    Attributes
    ----------
    size : array of int (2,)
        COUNT of the largest tree, FIRST.
    links : array of int (positions, 2, WIDTH)
        ABOVE and JUMP.
    parameters, ends : array (positions, 7, WIDTH), (positions, ENDS, WIDTH)
    bus_position, branch_position, node_position : array of int (WIDTH, N or branches or nodes)
    counts : array of int (WIDTH,)
        Positions of each tree, 0 where the branches make none.
    """

    size: IntArray
    links: IntArray
    parameters: FloatArray
    ends: FloatArray
    bus_position: IntArray
    branch_position: IntArray
    node_position: IntArray
    counts: IntArray


Trees: TypeAlias = Tree | SideBySide


@inner
def empty_side_by_side(network: KernelNetwork) -> SideBySide:
    """Return room for layouts."""
    nodes = len(network.node)
    return SideBySide(
        np.zeros(2, np.int64),
        np.zeros((nodes + 1, JUMP + 1, WIDTH), np.int64),
        np.ones((nodes + 1, INVERSE_SCALE + 1, WIDTH)),
        np.zeros((nodes + 1, ENDS, WIDTH)),
        np.zeros((WIDTH, len(network.bus_node)), np.int64),
        np.zeros((WIDTH, len(network.branch)), np.int64),
        np.zeros((WIDTH, nodes), np.int64),
        np.zeros(WIDTH, np.int64),
    )


@njit(cache=True, inline="always")
def _copy_positions(positions: IntArray, lane: int, of_tree: IntArray, status: int) -> None:
    """Copy positions into a lane, 0 if there is no tree."""
    for number in range(len(of_tree)):
        positions[lane, number] = of_tree[number] if status <= ISLANDED else 0


@inner
def put_tree(trees: SideBySide, lane: int, tree: Tree, status: int, with_ends: bool) -> None:
    """Put a tree into a lane, nothing if it is none."""
    links, parameters, ends = trees.links, trees.parameters, trees.ends
    tree_links, tree_figures, tree_ends = tree.links, tree.parameters, tree.ends
    trees.counts[lane] = tree.size[COUNT] if status <= ISLANDED else 0
    for j in range(1, trees.counts[lane]):
        links[j, ABOVE, lane] = tree_links[j, PARENT]
        links[j, JUMP, lane] = 0 if tree_links[j, CHAINED] else tree_links[j, PARENT]
        for column in range(parameters.shape[1]):
            parameters[j, column, lane] = tree_figures[j, column]
        if with_ends:
            for column in range(ends.shape[1]):
                ends[j, column, lane] = tree_ends[j, column]
    _copy_positions(trees.bus_position, lane, tree.bus_position, status)
    _copy_positions(trees.branch_position, lane, tree.branch_position, status)
    _copy_positions(trees.node_position, lane, tree.node_position, status)


@inner
def pad_lanes(trees: SideBySide, lanes: int, first: int) -> None:
    """Let every lane have as many positions as the largest tree, which is then known.

    Those that a lane has too many hang in a row below its last one.
    """
    links, parameters, ends, counts = trees.links, trees.parameters, trees.ends, trees.counts
    counts[lanes:] = 0
    most = max(counts.max(), first)
    for lane in range(WIDTH):
        last = max(counts[lane], first) - 1
        for j in range(last + 1, most):
            links[j, ABOVE, lane], links[j, JUMP, lane] = j - 1, 0
            parameters[j, :, lane], ends[j, :, lane] = 0.0, 0.0
            parameters[j, SCALE_SQUARED, lane] = parameters[last, SCALE_SQUARED, lane]
    trees.size[COUNT], trees.size[FIRST] = most, first
