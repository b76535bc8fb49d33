"""Eight trees of different shape side by side, one in each lane, compiled.

A bus of a tree waits for the one before it, so a tree alone would leave a processor idle most of
the time. IntArray of eight trees go together: what a
:class:`~equigrid.grid.batch.kernels.tree.Tree` says once is said lane by lane.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from equigrid.arrays import FloatArray, IntArray
from equigrid.compiled.compiling import inner
from equigrid.grid.batch.kernels.kernel_network import KernelNetwork
from equigrid.grid.batch.kernels.simd import WIDTH
from equigrid.grid.batch.kernels.tree import (
    CHAINED,
    COUNT,
    FIRST,
    INVERSE_SCALE,
    ISLANDED,
    PARENT,
    PERCENT,
    SCALE_SQUARED,
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
    figures, ends : array (positions, 7, WIDTH), (positions, 9, WIDTH)
    bus_position, branch_position, node_position : array of int (WIDTH, N or branches or nodes)
    counts : array of int (WIDTH,)
        IntArray of each tree, 0 where branches make none.
    """

    size: IntArray
    links: IntArray
    figures: FloatArray
    ends: FloatArray
    bus_position: IntArray
    branch_position: IntArray
    node_position: IntArray
    counts: IntArray


@inner
def empty_side_by_side(wires: KernelNetwork) -> Any:
    """Return room for layouts."""
    nodes = len(wires.node)
    return SideBySide(
        np.zeros(2, np.int64),
        np.zeros((nodes + 1, JUMP + 1, WIDTH), np.int64),
        np.ones((nodes + 1, INVERSE_SCALE + 1, WIDTH)),
        np.zeros((nodes + 1, PERCENT + 1, WIDTH)),
        np.zeros((WIDTH, len(wires.bus_node)), np.int64),
        np.zeros((WIDTH, len(wires.branch)), np.int64),
        np.zeros((WIDTH, nodes), np.int64),
        np.zeros(WIDTH, np.int64),
    )


@njit(cache=True, inline="always")
def _place_all(positions: Any, lane: int, there: Any, layout: int) -> None:
    """Copy positions into a lane, 0 if there is no tree."""
    for number in range(len(there)):
        positions[lane, number] = there[number] if layout <= ISLANDED else 0


@inner
def plant(grove: Any, lane: int, tree: Any, layout: int, with_ends: bool) -> None:
    """Put a tree into a lane, nothing if it is none."""
    links, figures, ends = grove.links, grove.figures, grove.ends
    tree_links, tree_figures, tree_ends = tree.links, tree.figures, tree.ends
    grove.counts[lane] = tree.size[COUNT] if layout <= ISLANDED else 0
    for j in range(1, grove.counts[lane]):
        links[j, ABOVE, lane] = tree_links[j, PARENT]
        links[j, JUMP, lane] = 0 if tree_links[j, CHAINED] else tree_links[j, PARENT]
        for column in range(figures.shape[1]):
            figures[j, column, lane] = tree_figures[j, column]
        if with_ends:
            for column in range(ends.shape[1]):
                ends[j, column, lane] = tree_ends[j, column]
    _place_all(grove.bus_position, lane, tree.bus_position, layout)
    _place_all(grove.branch_position, lane, tree.branch_position, layout)
    _place_all(grove.node_position, lane, tree.node_position, layout)


@inner
def fill_up(grove: Any, lanes: int, first: int) -> None:
    """Let every lane have as many positions as the largest tree, which is then known.

    Those that a lane has too many hang in a row below its last one.
    """
    links, figures, ends, counts = grove.links, grove.figures, grove.ends, grove.counts
    counts[lanes:] = 0
    most = max(counts.max(), first)
    for lane in range(WIDTH):
        last = max(counts[lane], first) - 1
        for j in range(last + 1, most):
            links[j, ABOVE, lane], links[j, JUMP, lane] = j - 1, 0
            figures[j, :, lane], ends[j, :, lane] = 0.0, 0.0
            figures[j, SCALE_SQUARED, lane] = figures[last, SCALE_SQUARED, lane]
    grove.size[COUNT], grove.size[FIRST] = most, first
