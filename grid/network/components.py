"""Connected components, loops and spanning trees of nodes joined by branches."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from equigrid.arrays import BoolArray, IntArray

Edge: TypeAlias = tuple[str, str]
"""Kind and name of what joins two buses."""


def component_labels(one: IntArray, other: IntArray, nodes: int) -> tuple[int, IntArray]:
    """Return how many components there are, and that of each node (nodes,), numbered from 0.

    Parameters
    ----------
    one, other : array of int (K,)
        Nodes that are joined.
    nodes : int
        How many there are.
    """
    joined = coo_array((np.ones(len(one)), (one, other)), shape=(nodes, nodes))
    count, label = connected_components(joined, directed=False)
    return count, label


def fed_islands(
    graph: "nx.MultiGraph[int]", sources: pd.DataFrame
) -> Iterator[tuple[set[int], list[int]]]:
    """Return the buses of each island, and those of them with sources, one for each source."""
    feeding = [int(bus) for bus in sources["bus"][sources["in_service"]]]
    for island in nx.connected_components(graph):
        yield island, [bus for bus in feeding if bus in island]


def loops(graph: "nx.MultiGraph[int]") -> Iterator[list[Edge]]:
    """Return the edges of each loop that an edge closes with those before it."""
    forest: nx.Graph[int] = nx.Graph()
    forest.add_nodes_from(graph)
    for one, other, edge in graph.edges(keys=True):
        if not nx.has_path(forest, one, other):
            forest.add_edge(one, other, edge=edge)
            continue
        path = pairwise(nx.shortest_path(forest, one, other))
        yield [edge, *(forest.edges[step]["edge"] for step in path)]


def steps_from(graph: "nx.MultiGraph[int]", roots: Iterable[int]) -> list[tuple[int, int]]:
    """Return parent and child of every step away from each root, breadth first."""
    return [step for root in roots for step in nx.bfs_edges(graph, root)]


def spanning_tree(ends: IntArray, nodes: int, order: IntArray) -> BoolArray:
    """Return which branches (B,) are taken, of those in this order, by Kruskal's algorithm.

    Parameters
    ----------
    ends : array of int (B, 2)
        Nodes at the ends of each branch.
    nodes : int
        How many there are.
    order : array of int
        Branches; each is taken unless those before it join its ends.
    """
    label, taken = np.arange(nodes), np.zeros(len(ends), np.bool_)
    for k in order:
        one, other = label[ends[k]]
        if one != other:
            taken[k] = True
            label[label == other] = one
    return taken
