"""The two-ports of a network between nodes, per unit on 1 MVA and the nominal voltages.

Buses that closed bus switches without impedance join are one node; a bus out of service is none.
Bus switches with an impedance follow the branches as further two-ports.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from equigrid.arrays import ComplexArray, FloatArray, IntArray
from equigrid.grid.batch.transformers import transformer_ports
from equigrid.grid.network.components import component_labels
from equigrid.grid.network.network import Network

# Resistance over reactance of a bus switch with an impedance, as pandapower has it.
_SWITCH_R_TO_X = 2.0


@dataclass(frozen=True)
class TwoPorts:
    """All branches, bus switches with an impedance behind them.

    Attributes
    ----------
    bus_node : array of int (N,)
        Node of each bus, -1 for those out of service.
    from_node, to_node : array of int (branches,)
        -1 where an end is open or its bus out of service.
    series, shunt_from, shunt_to, ratio : complex array (branches,)
        As in :class:`~equigrid.grid.batch.transformers.Ports`.
    end_ka : array (branches, 2)
        kA per p.u. of current at each end, that of transformers referred to ``from_bus``.
    """

    bus_node: IntArray
    from_node: IntArray
    to_node: IntArray
    series: ComplexArray
    shunt_from: ComplexArray
    shunt_to: ComplexArray
    ratio: ComplexArray
    end_ka: FloatArray

    def admittances(self) -> tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]:
        """Return Y_ff, Y_ft, Y_tf, Y_tt."""
        through = 1 / self.series
        return (
            (through + self.shunt_from) / np.abs(self.ratio) ** 2,
            -through / self.ratio.conj(),
            -through / self.ratio,
            through + self.shunt_to,
        )

    def end_admittances(self) -> ComplexArray:
        """Return (branches, 2): shunts at both ends, or of the whole branch at its only one."""
        through_from = self.shunt_to / (1 + self.series * self.shunt_to)
        through_to = self.shunt_from / (1 + self.series * self.shunt_from)
        at_from = self.shunt_from + np.where(self.to_node < 0, through_from, 0)
        at_to = self.shunt_to + np.where(self.from_node < 0, through_to, 0)
        return np.stack([at_from / np.abs(self.ratio) ** 2, at_to], axis=1)


def two_ports(network: Network, as_switched: bool) -> TwoPorts:
    """Return the branches of a network.

    Parameters
    ----------
    network : Network
        Its state decides on bus switches and on what is in service at buses.
    as_switched : bool
        Whether ends that the network's own state has open are open; otherwise both ends of every
        branch stand at their buses, for a table to say which branches are closed.
    """
    buses, branches = network.buses, network.branches
    switches = network.tables["bus_switches"]
    in_service = buses["in_service"]
    both_in_service = switches["from_bus"].map(in_service) & switches["to_bus"].map(in_service)
    switches = switches[switches["closed"] & both_in_service.astype(bool)]
    nodes = _nodes(buses, switches[switches["z_ohm"] == 0])
    impeding = switches[switches["z_ohm"] > 0]
    from_node, to_node = _branch_nodes(branches, nodes, as_switched)
    kv = buses["vn_kv"]
    kinds = (
        _lines(network.tables["lines"], kv, network.f_hz),
        _transformers(network.tables["transformers"], kv),
        _impedances(impeding, kv),
    )
    return TwoPorts(
        nodes.to_numpy(copy=True),
        np.concatenate([from_node, impeding["from_bus"].map(nodes)]).astype(np.int64),
        np.concatenate([to_node, impeding["to_bus"].map(nodes)]).astype(np.int64),
        *(np.concatenate(column) for column in zip(*kinds, strict=True)),
    )


def _nodes(buses: pd.DataFrame, joined: pd.DataFrame) -> "pd.Series[int]":
    """Number what buses in service are after joining, by bus; -1 for those out of service."""
    position = pd.Series(np.arange(len(buses)), index=buses.index)
    one, other = (position[joined[end]].to_numpy() for end in ("from_bus", "to_bus"))
    component = component_labels(one, other, len(buses))[1]
    in_service = buses["in_service"].to_numpy()
    number = np.full(len(buses), -1)
    number[in_service] = np.unique(component[in_service], return_inverse=True)[1]
    return pd.Series(number, index=buses.index)


def _branch_nodes(
    branches: pd.DataFrame, nodes: "pd.Series[int]", as_switched: bool
) -> tuple[IntArray, IntArray]:
    ends = [branches[f"{end}_bus"].map(nodes).to_numpy(np.int64) for end in ("from", "to")]
    if as_switched:
        for i, end in enumerate(("from", "to")):
            connected = branches["in_service"] & branches[f"{end}_closed"]
            ends[i] = np.where(connected, ends[i], -1)
    # As in pandapower, a line may end at a bus out of service, a transformer may not.
    stray = (branches["kind"] == "transformer").to_numpy() & (
        (branches["from_bus"].map(nodes) < 0) | (branches["to_bus"].map(nodes) < 0)
    ).to_numpy()
    return np.where(stray, -1, ends[0]), np.where(stray, -1, ends[1])


_Columns = tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray, FloatArray]


def _ka(kv: "pd.Series[float]", rows: pd.DataFrame) -> FloatArray:
    return np.stack([1 / (np.sqrt(3) * rows[f"{e}_bus"].map(kv)) for e in ("from", "to")], axis=1)


def _lines(lines: pd.DataFrame, kv: "pd.Series[float]", f_hz: float) -> _Columns:
    """Return columns of two-ports; impedances refer to the voltage of ``from_bus``."""
    base_ohm = lines["from_bus"].map(kv).to_numpy(np.float64) ** 2
    series = (lines["r_ohm"].to_numpy() + 1j * lines["x_ohm"].to_numpy()) / base_ohm
    siemens = lines["g_us"].to_numpy() * 1e-6 + 2j * np.pi * f_hz * lines["c_nf"].to_numpy() * 1e-9
    half = siemens / 2 * base_ohm
    return series, half, half, np.ones(len(lines), np.complex128), _ka(kv, lines)


def _transformers(rows: pd.DataFrame, kv: "pd.Series[float]") -> _Columns:
    from_kv, to_kv = (rows[f"{e}_bus"].map(kv).to_numpy(np.float64) for e in ("from", "to"))
    ports = transformer_ports(rows, from_kv, to_kv)
    ka = _ka(kv, rows)
    ka[:, 1] *= (rows["vn_lv_kv"] / rows["vn_hv_kv"]).to_numpy()
    return ports.series, ports.shunt_from, ports.shunt_to, ports.ratio, ka


def _impedances(switches: pd.DataFrame, kv: "pd.Series[float]") -> _Columns:
    """Return columns of two-ports for bus switches, whose currents nobody asks for."""
    direction = (_SWITCH_R_TO_X + 1j) / np.abs(_SWITCH_R_TO_X + 1j)
    base_ohm = switches["from_bus"].map(kv).to_numpy(np.float64) ** 2
    none = np.zeros(len(switches), np.complex128)
    series = switches["z_ohm"].to_numpy() * direction / base_ohm
    return series, none, none, none + 1, np.zeros((len(switches), 2))
