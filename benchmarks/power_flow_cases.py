"""Feeders, loads and switch states for power_flow.py."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

import equigrid as eg
from equigrid.scenarios.seeds import stream

Array = npt.NDArray[Any]
SHIPPED = {33: "baran-wu-33", 69: "baran-wu-69", 118: "zhang-118"}
# The lowest voltage of the 33 buses, which drawn feeders have as well.
_VOLTAGE_MIN_PU = 0.9131


@dataclass(frozen=True)
class Case:
    """Rows of loads, MW and MVAr (S, N), and perhaps a switch state for each (S, B)."""

    network: eg.Network
    load_mw: Array
    load_mvar: Array
    closed: Array | None = None

    def __len__(self) -> int:
        return len(self.load_mw)

    def first(self, rows: int) -> "Case":
        """Return only some rows."""
        closed = None if self.closed is None else self.closed[:rows]
        return Case(self.network, self.load_mw[:rows], self.load_mvar[:rows], closed)


def draws(buses: int, rows: int) -> Case:
    """Return 0.2 to 1.6 of the loads, bus by bus and row by row."""
    network, load_mw, load_mvar = _feeder(buses)
    factor = stream(1, f"loads of {buses} buses").uniform(0.2, 1.6, (rows, buses))
    return Case(network, factor * load_mw, factor * load_mvar)


def own_topologies(rows: int) -> Case:
    """Return another tree of the 33 buses in every row; most are long, so loads are 0.2 to 0.8."""
    network, load_mw, load_mvar = _feeder(33)
    random = stream(1, "own topologies")
    factor = random.uniform(0.2, 0.8, (rows, 33))
    trees = np.stack([_tree(network, random) for _ in range(500)])
    states = trees[random.integers(len(trees), size=rows)]
    return Case(network, factor * load_mw, factor * load_mvar, states)


@cache
def _feeder(buses: int) -> tuple[eg.Network, Array, Array]:
    if buses not in SHIPPED:
        return _drawn_feeder(buses)
    network = eg.feeder(SHIPPED[buses])
    return network, *network.buses[["load_mw", "load_mvar"]].to_numpy().T


def _drawn_feeder(buses: int) -> tuple[eg.Network, Array, Array]:
    """Hang each bus to the one before it, one in ten to any earlier one.

    Lines and loads are those of the 33 buses, drawn at random; all loads are scaled alike until the
    lowest voltage is that of the 33 buses.
    """
    small, random = eg.feeder("baran-wu-33"), stream(1, f"a feeder of {buses} buses")
    wires = small.branches[small.branches["closed"]].iloc[random.integers(32, size=buses - 1)]
    before = np.arange(buses - 1)
    anywhere = (random.random(buses - 1) * (before + 1)).astype(int)
    parent = np.where(random.random(buses - 1) < 0.9, before, anywhere)
    lines = wires[["r_ohm", "x_ohm"]].assign(
        name=[f"line {k}" for k in before], from_bus=parent, to_bus=before + 1
    )
    kv = small.buses["vn_kv"].iloc[0]
    network = eg.Network(
        f"{buses} buses",
        {
            "buses": [{"bus": k, "name": str(k), "vn_kv": kv} for k in range(buses)],
            "lines": lines,
            "sources": [{"bus": 0}],
        },
    )
    load = small.buses[["load_mw", "load_mvar"]].to_numpy()[random.integers(1, 33, size=buses)].T
    level = np.geomspace(1e-5, 3, 300)[:, None]
    flow = eg.power_flow_batch(network, level * load[0], level * load[1], results="voltage_min_pu")
    carried = level[flow.voltage_min_pu >= _VOLTAGE_MIN_PU].max()
    return network, carried * load[0], carried * load[1]


def _tree(network: eg.Network, random: np.random.Generator) -> Array:
    wires: nx.Graph[int] = nx.Graph()
    branches = network.branches
    ends = zip(branches["from_bus"], branches["to_bus"], random.random(len(branches)), strict=True)
    for k, (one, other, weight) in enumerate(ends):
        wires.add_edge(one, other, weight=weight, branch=k)
    state = np.zeros(len(branches), bool)
    state[[data["branch"] for *_, data in nx.minimum_spanning_edges(wires)]] = True
    return state
