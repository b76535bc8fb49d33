"""Spanning trees of a graph of chains: their number, and a list of them."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from equigrid.arrays import BoolArray
from equigrid.grid.switching.loops import Chain, junctions

Labels = npt.NDArray[np.int16]


def tree_count(chains: Sequence[Chain]) -> int:
    """Count the ways to open branches that leave a tree, by Kirchhoff's matrix-tree theorem.

    A tree of chains leaves every chain beside it with one open branch, any of them. So the count
    is the product of the lengths of all chains, times the trees counted with one over the lengths
    of their chains: a determinant, here of exact fractions.
    """
    nodes = junctions(chains)
    laplacian = [[Fraction(0)] * nodes for _ in range(nodes)]
    product = 1
    for chain in chains:
        product *= len(chain.branches)
        weight = Fraction(1, len(chain.branches))
        for one, other in ((chain.one, chain.other), (chain.other, chain.one)):
            laplacian[one][one] += weight
            laplacian[one][other] -= weight
    return int(product * _determinant([row[1:] for row in laplacian[1:]]))


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    """Return the determinant of a Laplacian without a row and column: pivots are no zeros."""
    result = Fraction(1)
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot == 0:
            return pivot
        result *= pivot
        for i in range(k + 1, len(rows)):
            if factor := rows[i][k] / pivot:
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return result


def spanning_trees(chains: Sequence[Chain]) -> BoolArray:
    """Return which chains each tree has, (trees, chains), always in the same order.

    All partial choices are carried along chain by chain, as labels of the junctions that they
    join; what cannot become a tree any more is dropped at once.
    """
    nodes = junctions(chains)
    labels = np.arange(nodes, dtype=np.int16)[None]
    chosen = np.zeros((1, 0), np.bool_)
    for at, chain in enumerate(chains):
        apart = labels[:, chain.one] != labels[:, chain.other]
        joined = _join(labels[apart], chain)
        still = _connectable(labels, chains[at + 1 :], nodes)
        labels = np.concatenate([joined, labels[still]])
        chosen = np.concatenate([chosen[apart], chosen[still]])
        taken = np.arange(len(labels)) < len(joined)
        chosen = np.concatenate([chosen, taken[:, None]], axis=1)
    return chosen


def _join(labels: Labels, chain: Chain) -> Labels:
    """Give the junctions at both ends of a chain, and what they are joined to, one label."""
    one, other = labels[:, [chain.one]], labels[:, [chain.other]]
    return np.where(labels == np.maximum(one, other), np.minimum(one, other), labels)


def _connectable(labels: Labels, chains: Sequence[Chain], nodes: int) -> BoolArray:
    """Return whether all junctions are joined once all these chains are closed."""
    for chain in chains:
        labels = _join(labels, chain)
    return np.asarray((labels == 0).all(axis=1) if nodes else np.ones(len(labels), np.bool_))
