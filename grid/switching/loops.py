"""The graph of a feeder's loops: switchable branches between junctions, in chains.

Fixed closed branches and closed bus switches join their buses, and all sources are one junction: a
radial configuration is then a spanning tree of the switchable branches. A branch that lies on no
loop is in every tree. The others form chains, of which at most one branch is open at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from equigrid.arrays import BoolArray, IntArray
from equigrid.errors import NetworkError
from equigrid.grid.batch.kernels.kernel_network import prepare
from equigrid.grid.network.components import component_labels
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import did_you_mean
from equigrid.grid.network.topology import (
    loop_findings,
    network_graph,
    twice_fed_islands,
    unfed_islands,
)


@dataclass(frozen=True)
class Chain:
    """Branches in a row, from one junction to another or to the same.

    Attributes
    ----------
    one, other : int
        Junctions.
    branches : tuple of int
        Positions among the branches of the network.
    """

    one: int
    other: int
    branches: tuple[int, ...]


@dataclass(frozen=True)
class LoopGraph:
    """What switching can change.

    Attributes
    ----------
    switchable : array of bool (B,)
        Branches that may be opened and closed.
    fixed_closed : array of bool (B,)
        State of the others; false for those that are switchable.
    ends : array of int (B, 2)
        Joined nodes at the ends of each branch, 0 that of the sources, -1 where an end is at no
        bus in service.
    bus_node : array of int (N,)
        Joined node of each bus, -1 for those out of service.
    nodes : int
        So many there are.
    """

    switchable: BoolArray
    fixed_closed: BoolArray
    ends: IntArray
    bus_node: IntArray
    nodes: int

    def chains(self) -> list[Chain]:
        """Return the chains between junctions, 0 to the number of junctions - 1.

        Branches that lie on no loop and are not between two loops are left out.
        """
        return _numbered(_merged(_without_dead_ends(self._edges())))

    def _edges(self) -> list[Chain]:
        return [
            Chain(int(self.ends[k, 0]), int(self.ends[k, 1]), (int(k),))
            for k in np.flatnonzero(self.switchable)
        ]


def loop_graph(network: Network, switchable: Sequence[str] | None = None) -> LoopGraph:
    """Reduce a feeder to what switching can change.

    Parameters
    ----------
    network : Network
        Its state decides on bus switches and on branches that are not switchable.
    switchable : sequence of str, optional
        Names of the branches that may be opened and closed, those out of service included; every
        line when left out.

    Raises
    ------
    NetworkError
        When a name is unknown, when branches that cannot be opened form a loop or join sources,
        or when buses cannot be reached.
    """
    branches = network.branches
    mask, state = _switchable(branches, switchable), branches["closed"].to_numpy()
    fixed_closed = state & ~mask
    _refuse_hopeless(network, branches, mask)
    ports, kernel_network = prepare(network, as_switched=False)
    # Bus switches with an impedance, which stand behind the branches, are always closed.
    closed = np.r_[fixed_closed, np.ones(len(ports.from_node) - len(fixed_closed), np.bool_)]
    ends = np.stack([ports.from_node, ports.to_node], axis=1)
    node, nodes = _joined_nodes(
        ends[closed & (ends >= 0).all(axis=1)],
        kernel_network.source_node,
        len(kernel_network.node),
    )
    joined = np.where(ends >= 0, node[ends], -1)[: len(fixed_closed)]
    bus_node = np.where(ports.bus_node >= 0, node[ports.bus_node], -1)
    # A branch that ends nowhere joins nothing, whether it is closed or not.
    two_ended = (joined >= 0).all(axis=1)
    fixed_closed = fixed_closed | (mask & ~two_ended & state)
    return LoopGraph(mask & two_ended, fixed_closed, joined, bus_node, nodes)


def _switchable(branches: pd.DataFrame, names: Sequence[str] | None) -> BoolArray:
    if names is None:
        return np.asarray(branches["kind"] == "line")
    known = list(branches["name"])
    if isinstance(names, str):
        names = [names]
    if unknown := [name for name in names if name not in known]:
        raise NetworkError(
            f"There is no branch {name!r}{did_you_mean(str(name), known)} to switch: see "
            f"network.branches."
            for name in unknown
        )
    return np.asarray(branches["name"].isin(list(names)))


def _refuse_hopeless(network: Network, branches: pd.DataFrame, mask: BoolArray) -> None:
    """Refuse loops that cannot be opened and buses that cannot be reached."""
    buses, switches = network.buses, network.tables["bus_switches"]
    state = branches["closed"] & ~mask
    opened = network_graph(buses, branches.assign(closed=state), switches)
    closed = network_graph(buses, branches.assign(closed=state | mask), switches)
    findings = [*loop_findings(opened), *twice_fed_islands(opened, network.sources)]
    unfed = list(unfed_islands(closed, network.sources))
    if findings or unfed:
        raise NetworkError(
            [f"With every switchable branch open: {finding}" for finding in findings]
            + [f"With every switchable branch closed: {finding}" for finding in unfed]
        )


def _joined_nodes(ends: IntArray, sources: IntArray, nodes: int) -> tuple[IntArray, int]:
    """Number what nodes are after joining ends of branches and sources, which get 0."""
    one = np.r_[ends[:, 0], sources[1:]]
    other = np.r_[ends[:, 1], np.repeat(sources[:1], len(sources) - 1)]
    count, label = component_labels(one, other, nodes)
    order = np.r_[label[sources[0]], np.delete(np.arange(count), label[sources[0]])]
    return np.argsort(order)[label], count


def _without_dead_ends(chains: list[Chain]) -> list[Chain]:
    """Take off branches with nothing behind them, again and again."""
    incidence = _incidence(chains)
    gone: set[int] = set()
    waiting = sorted(node for node, number in incidence.items() if len(number) == 1)
    while waiting:
        node = waiting.pop()
        for number in [n for n in incidence[node] if n not in gone]:
            gone.add(number)
            ends = {chains[number].one, chains[number].other} - {node}
            waiting += [end for end in ends if sum(n not in gone for n in incidence[end]) == 1]
    return [chain for number, chain in enumerate(chains) if number not in gone]


def _merged(chains: list[Chain]) -> list[Chain]:
    """Join what meets where nothing else does; a loop of its own keeps one junction."""
    alive = dict(enumerate(chains))
    incidence = _incidence(chains)
    for node in sorted(incidence):
        if len(incidence[node]) != 2 or incidence[node][0] == incidence[node][1]:
            continue
        first, second = sorted(incidence[node])
        one, other = alive[first], alive.pop(second)
        ends = [_other_end(one, node), _other_end(other, node)]
        alive[first] = Chain(ends[0], ends[1], one.branches + other.branches)
        incidence[ends[1]][incidence[ends[1]].index(second)] = first
        incidence[node] = []
    return list(alive.values())


def _incidence(chains: list[Chain]) -> dict[int, list[int]]:
    """Return the numbers of the chains at every node, those of both ends."""
    result: dict[int, list[int]] = {}
    for number, chain in enumerate(chains):
        result.setdefault(chain.one, []).append(number)
        result.setdefault(chain.other, []).append(number)
    return result


def _other_end(chain: Chain, node: int) -> int:
    return chain.other if chain.one == node else chain.one


def _numbered(chains: list[Chain]) -> list[Chain]:
    """Number junctions from 0."""
    nodes = sorted({end for chain in chains for end in (chain.one, chain.other)})
    number = {node: number for number, node in enumerate(nodes)}
    return [Chain(number[c.one], number[c.other], c.branches) for c in chains]


def junctions(chains: Sequence[Chain]) -> int:
    """Return how many junctions chains have."""
    return 1 + max((end for chain in chains for end in (chain.one, chain.other)), default=-1)
