"""All radial configurations of a feeder, numbered."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from numbers import Integral

import numpy as np

from equigrid.arrays import BoolArray, IntArray
from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network, require_network
from equigrid.grid.switching.loops import LoopGraph, loop_graph
from equigrid.grid.switching.spanning_trees import spanning_trees, tree_count

_MOST_SHAPES = 10_000_000


class RadialConfigurations:
    """The radial configurations of a feeder, numbered from 0 in an order that never changes.

    In each of them every bus in service is fed, by one path. They are made when they are asked
    for, so that millions need not fit into memory; only their shapes, the trees of chains of
    branches, are kept, and more than ten million of those are refused.

    Parameters
    ----------
    graph : LoopGraph
        As :func:`~equigrid.grid.switching.loops.loop_graph` makes it.

    Attributes
    ----------
    graph : LoopGraph
        What was given.
    count : int
        So many there are, by the matrix-tree theorem.
    """

    def __init__(self, graph: LoopGraph) -> None:
        self.graph = graph
        self._chains = graph.chains()
        self.count = tree_count(self._chains)

    def table(self, start: int = 0, stop: int | None = None) -> BoolArray:
        """Return which branches are closed, a row for each configuration from start to stop.

        Parameters
        ----------
        start, stop : int
            Numbers from 0 to ``count``; to the end when left out.

        Returns
        -------
        array of bool (S, B)
            Columns follow ``network.branches``.
        """
        stop = self.count if stop is None else stop
        if not (_is_whole(start) and _is_whole(stop) and 0 <= start <= stop <= self.count):
            raise NetworkError(
                [
                    f"There are no configurations {start} to {stop}: give numbers from 0 to "
                    f"{self.count}, the smaller one first."
                ]
            )
        numbers = np.arange(start, stop)
        trees, before = self._trees
        tree = np.searchsorted(before, numbers, side="right") - 1
        return self._rows(trees[tree], numbers - before[tree])

    def chunks(self, rows: int = 100_000) -> Iterator[BoolArray]:
        """Return :meth:`table` a number of rows at a time."""
        if not (_is_whole(rows) and rows > 0):
            raise NetworkError([f"rows is {rows!r}: give a positive whole number."])
        numbers = range(0, self.count, rows)
        return (self.table(start, min(start + rows, self.count)) for start in numbers)

    def __repr__(self) -> str:
        return f"RadialConfigurations({self.count:,})"

    @cached_property
    def _trees(self) -> tuple[BoolArray, IntArray]:
        """Return the trees of chains, and the number of the first configuration of each."""
        shapes = tree_count([replace(chain, branches=(0,)) for chain in self._chains])
        if shapes > _MOST_SHAPES:
            raise NetworkError(
                [
                    f"There are {self.count:,} configurations of {shapes:,} shapes, too many to "
                    f"be numbered: name fewer branches as switchable, or use best_configuration, "
                    f"which need not look at all."
                ]
            )
        trees = spanning_trees(self._chains)
        lengths = np.array([len(chain.branches) for chain in self._chains], np.int64)
        each = np.where(trees, 1, lengths).prod(axis=1)
        return trees, np.r_[0, np.cumsum(each)[:-1]]

    def _rows(self, trees: BoolArray, number: IntArray) -> BoolArray:
        """Open a branch of every chain that is in no tree, each by a digit of the row's number."""
        graph = self.graph
        closed = np.repeat((graph.switchable | graph.fixed_closed)[None], len(number), axis=0)
        for column, chain in enumerate(self._chains):
            beside = np.flatnonzero(~trees[:, column])
            left = number[beside]
            digit = left % len(chain.branches)
            closed[beside, np.array(chain.branches)[digit]] = False
            number[beside] = left // len(chain.branches)
        return closed


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral)


def radial_configurations(
    network: Network, switchable: Sequence[str] | None = None
) -> RadialConfigurations:
    """Return the radial configurations of a feeder.

    Parameters
    ----------
    network : Network
        Ties included; its bus switches keep their state. Several sources feed a tree each.
    switchable : sequence of str, optional
        Names of the branches that may be opened and closed; every line when left out. The others
        keep their state.

    Raises
    ------
    NetworkError
        When a name is unknown, when branches that cannot be opened form a loop or join sources,
        or when buses cannot be reached.

    Examples
    --------
    >>> import equigrid as eg
    >>> configurations = eg.radial_configurations(eg.feeder("baran-wu-33"))
    >>> configurations.count
    50751
    >>> configurations.table(0, 3).shape
    (3, 37)
    """
    require_network(network)
    return RadialConfigurations(loop_graph(network, switchable))
