"""The network as plain arrays for compiled kernels: nodes, branches, ends sorted by node."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray, IntArray
from equigrid.grid.batch.two_ports import TwoPorts, two_ports
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA

# Columns of the arrays of `KernelNetwork`.
SHUNT_G, SHUNT_B, END_KA = range(3)
R, X, RATIO_SQUARED, LOSSY, LOADING, INVERSE_RATIO_SQUARED = range(6)
END, BEYOND = range(2)


class KernelNetwork(NamedTuple):
    """A network as compiled kernels take it: plain arrays, per unit on 1 MVA.

    An end is ``2 * branch + side``, side 0 for ``from_bus`` and 1 for ``to_bus``.

    Attributes
    ----------
    bus_node : array of int (N,)
        Node of each bus, -1 for those out of service.
    node : array (nodes, 2)
        Admittance of the shunts at nodes: SHUNT_G, SHUNT_B.
    source_node, source_squared : array (sources,)
        Node and squared voltage of each source in service.
    branch : array (branches, 6)
        R and X as seen from ``to_bus``; RATIO_SQUARED at ``from_bus`` and its inverse; LOSSY, 1
        for branches and 0 for bus switches; LOADING, what squares of kA are multiplied with to be
        squares of percent of the rating, or 0.
    end : array (ends, 3)
        SHUNT_G and SHUNT_B to ground at each end, and END_KA, kA per p.u. of current.
    first, at_node : array of int (nodes + 1,), (ends, 2)
        Rows ``first[i]`` to ``first[i + 1]`` of ``at_node`` are the ends at node i: END, and
        BEYOND, the node at the other end or -1.
    one_ended, one_ended_node : array of int
        Ends of branches that are open at the other end, and the nodes that they stand at.
    """

    bus_node: IntArray
    node: FloatArray
    source_node: IntArray
    source_squared: FloatArray
    branch: FloatArray
    end: FloatArray
    first: IntArray
    at_node: IntArray
    one_ended: IntArray
    one_ended_node: IntArray


@lru_cache(maxsize=8)
def prepare(network: Network, as_switched: bool) -> tuple[TwoPorts, KernelNetwork]:
    """Return the two-ports of a network and the same for compiled code; a network never changes."""
    ports = two_ports(network, as_switched)
    return ports, _kernel_network(network, ports)


def _kernel_network(network: Network, ports: TwoPorts) -> KernelNetwork:
    sources = network.sources[network.sources["in_service"]]
    source_node = _node_of(network, ports, sources["bus"])
    at_end = ports.end_admittances().ravel()
    return KernelNetwork(
        bus_node=ports.bus_node,
        node=_node_shunts(network, ports),
        source_node=source_node[source_node >= 0],
        source_squared=sources["vm_pu"].to_numpy()[source_node >= 0] ** 2,
        branch=_branch_table(network, ports),
        end=np.stack([at_end.real, at_end.imag, ports.end_ka.ravel()], axis=1),
        **_ends(ports),
    )


def _branch_table(network: Network, ports: TwoPorts) -> FloatArray:
    rating_ka = network.branches["rating_ka"].to_numpy()
    result = np.zeros((len(ports.series), INVERSE_RATIO_SQUARED + 1))
    result[:, R], result[:, X] = ports.series.real, ports.series.imag
    result[:, RATIO_SQUARED] = np.abs(ports.ratio) ** 2
    result[:, INVERSE_RATIO_SQUARED] = 1 / result[:, RATIO_SQUARED]
    result[: len(rating_ka), LOSSY] = 1
    result[: len(rating_ka), LOADING] = np.where(rating_ka < UNRATED_KA, 100 / rating_ka, 0) ** 2
    return result


def _ends(ports: TwoPorts) -> dict[str, IntArray]:
    """Sort the ends of branches by node."""
    node = np.stack([ports.from_node, ports.to_node], axis=1).ravel()
    beyond = np.stack([ports.to_node, ports.from_node], axis=1).ravel()
    ends = np.argsort(node, kind="stable")
    ends = ends[node[ends] >= 0]
    nodes = ports.bus_node.max(initial=-1) + 1
    one_ended = np.flatnonzero((node >= 0) & (beyond < 0))
    return {
        "first": np.searchsorted(node[ends], np.arange(nodes + 1)),
        "at_node": np.stack([ends, beyond[ends]], axis=1),
        "one_ended": one_ended,
        "one_ended_node": node[one_ended],
    }


def _node_of(network: Network, ports: TwoPorts, buses: "pd.Series[int]") -> IntArray:
    result: IntArray = ports.bus_node[network.buses.index.get_indexer(buses)]
    return result


def _node_shunts(network: Network, ports: TwoPorts) -> FloatArray:
    shunts = network.tables["shunts"]
    node = _node_of(network, ports, shunts["bus"])
    in_service = shunts["in_service"].to_numpy() & (node >= 0)
    ratio = shunts["bus"].map(network.buses["vn_kv"]).to_numpy(np.float64) / shunts["vn_kv"]
    taken = shunts[["p_mw", "q_mvar"]].to_numpy() * ratio.to_numpy()[:, None] ** 2
    result = np.zeros((ports.bus_node.max(initial=-1) + 1, 2))
    np.add.at(result, node[in_service], taken[in_service] * [1, -1])
    return result
