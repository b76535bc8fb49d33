"""The tree of closed branches of a row, laid out from its sources, compiled.

Every node that a source reaches gets a position behind its parent's, subtree by subtree. Position 0
is no node: what nothing feeds is sent there. Voltages are scaled by a factor of their node so that
every source stands at 1 and every transformer's ratio is 1; then only impedances and shunts remain.

Arrays are taken out of tuples before loops, here and in all kernels: numba counts the references
to an array whenever it is. What is done once a node is inlined: handing over arrays costs more.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.compiled.compiling import inner
from equigrid.grid.batch.kernels.kernel_network import (
    BEYOND,
    END,
    END_KA,
    INVERSE_RATIO_SQUARED,
    LOADING,
    LOSSY,
    RATIO_SQUARED,
    SHUNT_B,
    SHUNT_G,
    KernelNetwork,
    R,
    X,
)
from equigrid.grid.batch.result import FlowStatus

# Statuses of rows, as plain numbers, and that of a layout whose sources feed the same island. Those
# up to ISLANDED are radial.
FED, ISLANDED = int(FlowStatus.CONVERGED), int(FlowStatus.ISLANDED)
MESHED, DIVERGED = int(FlowStatus.MESHED), int(FlowStatus.DIVERGED)
TWICE_FED = len(FlowStatus)
# Columns of the arrays of `Tree`.
PARENT, VIA, CHAINED, FORKED = range(4)
R_ABOVE, X_ABOVE, Z_SQUARED, G_HERE, B_HERE, SCALE_SQUARED, INVERSE_SCALE = range(7)
G_BELOW, B_BELOW, KA_BELOW, G_ABOVE, B_ABOVE, KA_ABOVE, SCALE_ABOVE, LOSS_SHARE, PERCENT = range(9)
FROM_HERE = PERCENT + 1
ENDS = FROM_HERE + 1
COUNT, FIRST = range(2)
_NODE, _BELOW, _BY = range(3)
# Position, node, end by which it was reached, and height of the stack.
Task: TypeAlias = tuple[int, int, int, int]


class Tree(NamedTuple):
    """The layout of a row; j is a position, i a node, k a branch.

    Attributes
    ----------
    size : array of int (2,)
        COUNT of positions, position 0 included; FIRST one behind the sources.
    links : array of int (positions, 4)
        PARENT, its position; VIA, the end here of the branch above; CHAINED, whether the parent is
        the position before; FORKED, whether a child stands elsewhere than behind.
    parameters : array (positions, 7)
        R_ABOVE, X_ABOVE, Z_SQUARED of the branch above, G_HERE and B_HERE of all shunts, scaled
        p.u.; SCALE_SQUARED, the square of what scaled voltages are multiplied with to be p.u., and
        its inverse, so that nothing is divided row by row.
    ends : array (positions, ENDS)
        Of the branch above, by :func:`set_ends`: shunt at its end here, G_BELOW and B_BELOW, and
        KA_BELOW, what squares of scaled power over voltage are multiplied with to be squares of kA;
        the same at its other end; SCALE_ABOVE, the square of that node's scale; LOSS_SHARE, 0 for
        bus switches; PERCENT, what squares of kA are multiplied with to be squares of percent;
        FROM_HERE, whether its end here is that at ``from_bus``.
    bus_position : array of int (N,)
        0 for buses that nothing feeds.
    branch_position : array of int (branches,)
        Position below the branch, 0 for branches that are in no tree.
    node_position : array of int (nodes,)
        0 for nodes that nothing feeds.
    fed_by : array of int (nodes + 1,)
        The number of the source that feeds a node, from 1; 0 if none does. The last stands for
        "no node", which is -1, and counts as fed: nobody goes there.
    stack : array of int (nodes + 1, 3)
        Nodes to be placed, the positions of their parents and the ends by which they are reached.
    """

    size: IntArray
    links: IntArray
    parameters: FloatArray
    ends: FloatArray
    bus_position: IntArray
    branch_position: IntArray
    node_position: IntArray
    fed_by: IntArray
    stack: IntArray


@inner
def empty_tree(network: KernelNetwork) -> Tree:
    """Return room for a layout."""
    nodes = len(network.node)
    return Tree(
        np.zeros(2, np.int64),
        np.zeros((nodes + 1, FORKED + 1), np.int64),
        np.ones((nodes + 1, INVERSE_SCALE + 1)),
        np.zeros((nodes + 1, ENDS)),
        np.zeros(len(network.bus_node), np.int64),
        np.zeros(len(network.branch), np.int64),
        np.zeros(nodes, np.int64),
        np.zeros(nodes + 1, np.int64),
        np.zeros((nodes + 1, _BY + 1), np.int64),
    )


@njit(cache=True, inline="always")
def _set_node(
    links: IntArray,
    parameters: FloatArray,
    shunts: FloatArray,
    i: int,
    j: int,
    parent: int,
    via: int,
) -> None:
    """Put node i, whose scale is known, at position j."""
    elsewhere = parent != j - 1
    links[j, PARENT], links[j, VIA] = parent, via
    links[j, CHAINED], links[j, FORKED] = not elsewhere, 0
    links[parent, FORKED] |= elsewhere
    parameters[j, G_HERE] = shunts[i, SHUNT_G] * parameters[j, SCALE_SQUARED]
    parameters[j, B_HERE] = shunts[i, SHUNT_B] * parameters[j, SCALE_SQUARED]


@njit(cache=True, inline="always")
def _set_branch(parameters: FloatArray, branch: FloatArray, j: int, parent: int, via: int) -> None:
    """Set scale and impedance of position j, which a branch joins to its parent."""
    k = via // 2
    above, inverse_above = parameters[parent, SCALE_SQUARED], parameters[parent, INVERSE_SCALE]
    squared, inverse = branch[k, RATIO_SQUARED], branch[k, INVERSE_RATIO_SQUARED]
    if via % 2:
        squared, inverse = inverse, squared
    parameters[j, SCALE_SQUARED], parameters[j, INVERSE_SCALE] = (
        above * squared,
        inverse_above * inverse,
    )
    at_to = inverse_above * inverse if via % 2 else inverse_above
    r, x = branch[k, R] * at_to, branch[k, X] * at_to
    parameters[j, R_ABOVE], parameters[j, X_ABOVE], parameters[j, Z_SQUARED] = r, x, r * r + x * x


@njit(cache=True, inline="always")
def _visit(
    first: IntArray,
    ends: IntArray,
    shunts: FloatArray,
    closed: BoolArray,
    parameters: FloatArray,
    fed_by: IntArray,
    stack: IntArray,
    task: Task,
) -> tuple[int, int]:
    """Add the shunts of the branches at a node, and push the nodes behind them.

    Return the new height, and the status of what was met: FED, MESHED or TWICE_FED.
    """
    j, node, via, height = task
    status, g, b, source = FED, 0.0, 0.0, fed_by[node]
    for number in range(first[node], first[node + 1]):
        end, other = ends[number, END], ends[number, BEYOND]
        is_closed, fed = closed[end // 2], fed_by[other]
        g, b = g + is_closed * shunts[end, SHUNT_G], b + is_closed * shunts[end, SHUNT_B]
        # Written in any case, and kept if it is new: a processor guesses wrong half the time.
        stack[height, _NODE], stack[height, _BELOW], stack[height, _BY] = other, j, end ^ 1
        new = is_closed & (fed == 0)
        fed_by[other] = source if new else fed
        height += new
        if is_closed & (fed != 0) & (end != via) & (other >= 0):
            status = max(status, MESHED if fed == source else TWICE_FED)
    parameters[j, G_HERE] += g * parameters[j, SCALE_SQUARED]
    parameters[j, B_HERE] += b * parameters[j, SCALE_SQUARED]
    return height, status


@inner
def _place_sources(network: KernelNetwork, tree: Tree) -> bool:
    """Place the sources; whether one stands at the node of another."""
    links, parameters, fed_by, node = tree.links, tree.parameters, tree.fed_by, network.node
    node_position = tree.node_position
    fed_by[:], node_position[:], tree.branch_position[:] = 0, 0, 0
    fed_by[-1] = 1
    for number in range(len(network.source_node)):
        i = network.source_node[number]
        if fed_by[i]:
            return True
        parameters[number + 1, SCALE_SQUARED] = network.source_squared[number]
        parameters[number + 1, INVERSE_SCALE] = 1 / network.source_squared[number]
        _set_node(links, parameters, node, i, number + 1, 0, -1)
        fed_by[i] = node_position[i] = number + 1
    return False


@inner
def _place_fed_nodes(network: KernelNetwork, closed: BoolArray, tree: Tree) -> int:
    """Place all that the sources reach; return FED, MESHED or TWICE_FED."""
    links, parameters, fed_by, stack = tree.links, tree.parameters, tree.fed_by, tree.stack
    node, branch, end = network.node, network.branch, network.end
    first, ends = network.first, network.at_node
    sources, node_position, branch_position = (
        network.source_node,
        tree.node_position,
        tree.branch_position,
    )
    count, status = len(sources) + 1, FED
    for source in range(len(sources)):
        i, j, via, height = sources[source], source + 1, -1, 0
        while True:
            task = (j, i, via, height)
            height, here = _visit(first, ends, end, closed, parameters, fed_by, stack, task)
            status = max(status, here)
            if height == 0:
                break
            height -= 1
            i, via, j = stack[height, _NODE], stack[height, _BY], count
            _set_branch(parameters, branch, j, stack[height, _BELOW], via)
            _set_node(links, parameters, node, i, j, stack[height, _BELOW], via)
            node_position[i] = branch_position[via // 2] = j
            count += 1
    tree.size[COUNT], tree.size[FIRST] = count, len(sources) + 1
    return status


@inner
def lay_out(network: KernelNetwork, closed: BoolArray, tree: Tree) -> int:
    """Lay out the branches that are closed; return FED, ISLANDED, MESHED or TWICE_FED."""
    if _place_sources(network, tree):
        return TWICE_FED
    status = _place_fed_nodes(network, closed, tree)
    bus_node, bus_position, node_position = network.bus_node, tree.bus_position, tree.node_position
    for bus in range(len(bus_node)):
        node = bus_node[bus]
        bus_position[bus] = node_position[node] if node >= 0 else 0
    if status == FED and tree.size[COUNT] <= len(network.node):
        return ISLANDED
    return status


@inner
def set_ends(network: KernelNetwork, tree: Tree) -> None:
    """Set what turns the powers of branches into currents and losses."""
    links, parameters, ends = tree.links, tree.parameters, tree.ends
    end, branch = network.end, network.branch
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        i, near = links[j, PARENT], links[j, VIA]
        far, k = near ^ 1, near // 2
        ends[j, G_BELOW], ends[j, B_BELOW] = end[near, SHUNT_G], end[near, SHUNT_B]
        ends[j, KA_BELOW] = end[near, END_KA] ** 2 * parameters[j, INVERSE_SCALE]
        ends[j, G_ABOVE], ends[j, B_ABOVE] = end[far, SHUNT_G], end[far, SHUNT_B]
        ends[j, KA_ABOVE] = end[far, END_KA] ** 2 * parameters[i, INVERSE_SCALE]
        ends[j, SCALE_ABOVE] = parameters[i, SCALE_SQUARED]
        ends[j, LOSS_SHARE], ends[j, PERCENT] = branch[k, LOSSY], branch[k, LOADING]
        ends[j, FROM_HERE] = 1 - near % 2
