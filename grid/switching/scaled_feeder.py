"""A feeder as the relaxation takes it: branches that can carry current, powers as shares."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from equigrid.grid.batch.kernels.kernel_network import END_KA, LOADING, LOSSY, prepare
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph


@dataclass(frozen=True, eq=False)
class ScaledFeeder:
    """Branches with a bus at both ends that are closed or switchable: m; nodes: n.

    Attributes
    ----------
    base_mva : float
        Sum of what is consumed and injected, in which all powers are.
    branch : array of int (m,)
        Position among the branches of the network; bus switches with an impedance stand behind.
    from_node, to_node : array of int (m,)
        Nodes at ``from_bus`` and ``to_bus``.
    fixed : array of bool (m,)
        Closed for good.
    r, x, ratio_squared : array (m,)
        Series impedance as seen from ``to_bus`` and squared ratio at ``from_bus``.
    shunt_from, shunt_to : complex array (m,)
        Admittances at both ends, behind the ratio.
    lossy : array (m,)
        1 for branches, 0 for bus switches, whose losses nobody counts.
    loading : array (m,)
        Squared loading (1 at the rating) by squared current; 0 without rating or with shunts.
    p, q : array (n,)
        Consumption.
    shunt : complex array (n,)
        Admittance at nodes, of branches open at one end as well.
    one_ended : array (n,)
        Losses of branches open at one end, by squared voltage.
    source, source_squared : array (sources,)
        Nodes of the sources and their squared voltages.
    """

    base_mva: float
    branch: IntArray
    from_node: IntArray
    to_node: IntArray
    fixed: BoolArray
    r: FloatArray
    x: FloatArray
    ratio_squared: FloatArray
    shunt_from: ComplexArray
    shunt_to: ComplexArray
    lossy: FloatArray
    loading: FloatArray
    p: FloatArray
    q: FloatArray
    shunt: ComplexArray
    one_ended: FloatArray
    source: IntArray
    source_squared: FloatArray

    @property
    def total(self) -> float:
        """Consumption, injection and charging together, at 1.5 p.u."""
        ends = np.abs(self.shunt_from) / self.ratio_squared + np.abs(self.shunt_to)
        return float(1.0 + 1.5**2 * (ends.sum() + np.abs(self.shunt).sum()))


def scaled_feeder(evaluator: Evaluator, graph: LoopGraph) -> ScaledFeeder:
    """Return the feeder that an evaluator evaluates."""
    ports, kernel_network = prepare(evaluator.network, as_switched=False)
    power = np.zeros(len(kernel_network.node), np.complex128)
    fed = ports.bus_node >= 0
    np.add.at(power, ports.bus_node[fed], (evaluator.load_mw + 1j * evaluator.load_mvar)[fed])
    base = float(np.abs(power).sum()) or 1.0
    switches = np.ones(len(ports.series) - len(graph.fixed_closed), np.bool_)
    closed = np.r_[graph.fixed_closed, switches]
    two_ended = (ports.from_node >= 0) & (ports.to_node >= 0)
    k = np.flatnonzero(two_ended & (closed | np.r_[graph.switchable, ~switches]))
    ratio_squared = np.abs(ports.ratio[k]) ** 2
    one_ended = np.zeros(len(power), np.complex128)
    in_use = closed[kernel_network.one_ended // 2]
    ends = kernel_network.end[kernel_network.one_ended[in_use]]
    np.add.at(one_ended, kernel_network.one_ended_node[in_use], ends[:, 0] + 1j * ends[:, 1])
    plain = (ports.shunt_from[k] == 0) & (ports.shunt_to[k] == 0)
    ka = kernel_network.end[:, END_KA].reshape(-1, 2)[k]
    ampere = np.maximum(ka[:, 0] ** 2 / ratio_squared, ka[:, 1] ** 2)
    return ScaledFeeder(
        base_mva=base,
        branch=k,
        from_node=ports.from_node[k],
        to_node=ports.to_node[k],
        fixed=closed[k],
        r=ports.series[k].real * base,
        x=ports.series[k].imag * base,
        ratio_squared=ratio_squared,
        shunt_from=ports.shunt_from[k] / base,
        shunt_to=ports.shunt_to[k] / base,
        lossy=kernel_network.branch[k, LOSSY],
        loading=kernel_network.branch[k, LOADING] * ampere * plain * (base / 100) ** 2,
        p=power.real / base,
        q=power.imag / base,
        shunt=(kernel_network.node[:, 0] + 1j * kernel_network.node[:, 1] + one_ended) / base,
        one_ended=one_ended.real / base,
        source=kernel_network.source_node,
        source_squared=kernel_network.source_squared,
    )
