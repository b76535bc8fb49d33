"""Radial configurations at which branch exchange begins, always the same."""

import numpy as np

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.batch.kernels.kernel_network import prepare
from equigrid.grid.network.components import spanning_tree
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph


def starting_configurations(
    evaluator: Evaluator, graph: LoopGraph, restarts: int, seed: int
) -> BoolArray:
    """Return radial configurations to search from.

    The first is as near to the network's own state as a radial one can be. The second opens, one
    after the other, the branch with the least current of the feeder with all loops closed
    (Shirmohammadi and Hong, 1989); currents are those of a linear network at nominal voltage. The
    third ranks the branches by those currents once. The others are drawn at random.

    Parameters
    ----------
    restarts : int
        So many are drawn.
    seed : int
        Of their stream, which is named after them.
    """
    own = evaluator.network.branches["closed"].to_numpy()
    # The key keeps the stream apart from whatever else is drawn from the same seed.
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"switching")))
    once = _currents(evaluator, graph, graph.switchable)
    ranks = [own.astype(np.float64), once, *stream.random((restarts, len(own)))]
    trees = [_tree(graph, rank) for rank in ranks]
    trees.insert(1, _opened_in_turn(evaluator, graph))
    return np.unique(trees, axis=0)


def _tree(graph: LoopGraph, rank: FloatArray) -> BoolArray:
    """Return the spanning tree of the highest ranks, with what is closed for good."""
    order = np.argsort(-rank, kind="stable")
    order = order[graph.switchable[order]]
    return graph.fixed_closed | spanning_tree(graph.ends, graph.nodes, order)


def _opened_in_turn(evaluator: Evaluator, graph: LoopGraph) -> BoolArray:
    closed = graph.switchable.copy()
    while closed.sum() >= graph.nodes:
        current = _currents(evaluator, graph, closed)
        # The least current on a loop is in no spanning tree of the highest currents.
        beside = np.flatnonzero(closed & ~_tree(graph, np.where(closed, current, -1.0)))
        closed[beside[current[beside].argmin()]] = False
    return closed | graph.fixed_closed


def _currents(evaluator: Evaluator, graph: LoopGraph, closed: BoolArray) -> FloatArray:
    """Return the currents of branches in a linear network at nominal voltage, 0 of open ones."""
    ports, _ = prepare(evaluator.network, as_switched=False)
    fed = graph.bus_node >= 0
    power = np.zeros(graph.nodes, np.complex128)
    np.add.at(power, graph.bus_node[fed], (evaluator.load_mw - 1j * evaluator.load_mvar)[fed])
    k = np.flatnonzero(closed)
    one, other = graph.ends[k].T
    through = 1 / ports.series[k]
    laplacian = np.zeros((graph.nodes, graph.nodes), np.complex128)
    for here, there in ((one, other), (other, one)):
        np.add.at(laplacian, (here, here), through)
        np.add.at(laplacian, (here, there), -through)
    drop = np.zeros(graph.nodes, np.complex128)
    drop[1:] = np.linalg.solve(laplacian[1:, 1:], power[1:])
    result = np.zeros(len(closed))
    result[k] = np.abs(through * (drop[one] - drop[other]))
    return result
