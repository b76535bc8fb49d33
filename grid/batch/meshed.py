"""Power flow of meshed rows by power-grid-model; currents and losses from its voltages."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import power_grid_model as pgm

from equigrid.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from equigrid.grid.batch.kernels.kernel_network import LOADING, LOSSY, KernelNetwork
from equigrid.grid.batch.kernels.sweep import (
    FIGURES,
    LOADING_MAX,
    LOSS,
    UNSUPPLIED,
    VOLTAGE_MAX,
    VOLTAGE_MIN,
)
from equigrid.grid.batch.two_ports import TwoPorts

_TOLERANCE, _ITERATIONS = 1e-10, 50
# Nodes are given 1 kV, so that ohm and siemens are p.u. on 1 MVA.
_KV, _MVA = 1e3, 1e6
# Short-circuit power of a source: behind it voltage drops by 1e-12 p.u. for each MVA of load. An
# ideal source, or a much stronger one, power-grid-model takes for a singular matrix.
_SHORT_CIRCUIT_VA = 1e18


@dataclass(frozen=True)
class MeshedRows:
    """Results of rows; NaN in those without a solution and at buses that nothing feeds.

    Attributes
    ----------
    solved : array of bool (M,)
    voltage_pu, branch_current_ka, branch_active_mw : array (M, N), (M, branches), (M, branches)
    figures : array (FIGURES, M)
        As in :class:`~equigrid.grid.batch.kernels.tables.FlowResults`.
    """

    solved: BoolArray
    voltage_pu: FloatArray
    branch_current_ka: FloatArray
    branch_active_mw: FloatArray
    figures: FloatArray


def solve_meshed(
    ports: TwoPorts,
    network: KernelNetwork,
    closed: BoolArray,
    load_mw: FloatArray,
    load_mvar: FloatArray,
) -> MeshedRows:
    """Solve rows that need not be radial.

    Parameters
    ----------
    ports, network : TwoPorts, KernelNetwork
        The network, twice.
    closed : array of bool (M, branches) or (1, branches)
        Which branches are closed; one row for all.
    load_mw, load_mvar : array (M, N)
        Net consumption.
    """
    in_service = network.bus_node >= 0
    load = np.zeros((len(load_mw), len(network.node)), np.complex128)
    np.add.at(load.T, network.bus_node[in_service], (load_mw + 1j * load_mvar).T[in_service])
    at_node = _Model(ports, network).voltages(closed, load)
    solved = np.asarray(np.isfinite(at_node).any(axis=1))
    live = np.nan_to_num(at_node)  # what nothing feeds carries nothing
    at_from, at_to = (np.where(closed, i, 0) for i in _end_currents(ports, live))
    ka = np.maximum(np.abs(at_from) * ports.end_ka[:, 0], np.abs(at_to) * ports.end_ka[:, 1])
    mw_from = (live[:, ports.from_node] * at_from.conj()).real
    mw_to = (live[:, ports.to_node] * at_to.conj()).real
    magnitude = np.abs(at_node)
    voltage_pu = np.where(in_service, magnitude[:, network.bus_node], np.nan)
    dark = in_service & np.isnan(voltage_pu)
    figures = np.empty((FIGURES, len(load)))
    figures[LOSS] = ((mw_from + mw_to) * network.branch[:, LOSSY]).sum(axis=1)
    figures[VOLTAGE_MIN] = np.fmin.reduce(magnitude, axis=1)
    figures[VOLTAGE_MAX] = np.fmax.reduce(magnitude, axis=1)
    figures[LOADING_MAX] = (ka * np.sqrt(network.branch[:, LOADING])).max(axis=1, initial=0)
    figures[UNSUPPLIED] = np.where(dark, load_mw.clip(min=0), 0).sum(axis=1)
    figures[:, ~solved], ka[~solved], mw_from[~solved] = np.nan, np.nan, np.nan
    return MeshedRows(solved, voltage_pu, ka, mw_from, figures)


def _end_currents(ports: TwoPorts, voltage: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Return the currents (p.u.) into all branches at both ends."""
    y_ff, y_ft, y_tf, y_tt = ports.admittances()
    alone = ports.end_admittances()
    at_from, at_to = ports.from_node >= 0, ports.to_node >= 0
    v_from, v_to = voltage[:, ports.from_node], voltage[:, ports.to_node]
    both = at_from & at_to
    return (
        np.where(both, y_ff * v_from + y_ft * v_to, np.where(at_from, alone[:, 0] * v_from, 0)),
        np.where(both, y_tf * v_from + y_tt * v_to, np.where(at_to, alone[:, 1] * v_to, 0)),
    )


class _Model:
    """The network in power-grid-model's terms: nodes, branches in series, shunts at their ends."""

    def __init__(self, ports: TwoPorts, network: KernelNetwork) -> None:
        self._nodes = len(network.node)
        self._network = network
        self._branches = np.flatnonzero(
            (ports.from_node >= 0) & (ports.to_node >= 0) & (ports.from_node != ports.to_node)
        )
        self._shunt_branch, shunt_node, shunt = _shunts(ports, network)
        self._input = {
            "node": _filled("node", id=np.arange(self._nodes), u_rated=_KV),
            "generic_branch": _branches(ports, self._branches, self._ids("generic_branch")),
            "shunt": _filled(
                "shunt",
                id=self._ids("shunt"),
                node=shunt_node,
                status=1,
                g1=shunt.real,
                b1=shunt.imag,
            ),
            "source": _filled(
                "source",
                id=self._ids("source"),
                node=network.source_node,
                status=1,
                u_ref=np.sqrt(network.source_squared),
                sk=_SHORT_CIRCUIT_VA,
            ),
            "sym_load": _filled(
                "sym_load",
                id=self._ids("sym_load"),
                node=np.arange(self._nodes),
                status=1,
                type=pgm.LoadGenType.const_power,
                p_specified=0.0,
                q_specified=0.0,
            ),
        }

    def _ids(self, kind: str) -> IntArray:
        """Number the elements of all kinds, one kind behind the other."""
        counts = {
            "node": self._nodes,
            "generic_branch": len(self._branches),
            "shunt": len(self._shunt_branch),
            "source": len(self._network.source_node),
            "sym_load": self._nodes,
        }
        kinds = list(counts)
        start = sum(counts[other] for other in kinds[: kinds.index(kind)])
        return np.arange(start, start + counts[kind])

    def voltages(self, closed: BoolArray, load: ComplexArray) -> ComplexArray:
        """Return (M, nodes) in p.u., NaN where nothing feeds or nothing converged."""
        loads = _filled(
            "sym_load",
            "update",
            len(load),
            id=self._ids("sym_load"),
            p_specified=load.real * _MVA,
            q_specified=load.imag * _MVA,
        )
        update: dict[Any, Any] = {"sym_load": loads}
        states = self._states(closed)
        if len(closed) == 1:  # the topology is examined once then, not for every row
            for kind, columns in states.items():
                for name, values in columns.items():
                    self._input[kind][name] = values[0]
        else:
            for kind, columns in states.items():
                ids = self._ids(kind)
                update[kind] = _filled(kind, "update", len(closed), id=ids, **columns)
        return _run(pgm.PowerGridModel(self._input), update)

    def _states(self, closed: BoolArray) -> dict[str, dict[str, Any]]:
        """Return which elements are there, (M, elements)."""
        there = closed[:, self._branches]
        # A shunt that is no branch's has the branch -1, which is always there.
        always = np.concatenate([closed, np.ones((len(closed), 1), bool)], axis=1)
        return {
            "generic_branch": {"from_status": there, "to_status": there},
            "shunt": {"status": always[:, self._shunt_branch]},
        }


def _filled(kind: Any, use: Any = "input", rows: int = 0, **columns: Any) -> Any:
    """Return power-grid-model's array of a kind of element."""
    shape = (rows, len(columns["id"])) if rows else len(columns["id"])
    array = pgm.initialize_array(use, kind, shape)
    for name, values in columns.items():
        array[name] = values
    return array


def _branches(ports: TwoPorts, which: IntArray, ids: IntArray) -> Any:
    series, ratio = ports.series[which], ports.ratio[which]
    return _filled(
        "generic_branch",
        id=ids,
        from_node=ports.from_node[which],
        to_node=ports.to_node[which],
        from_status=1,
        to_status=1,
        r1=series.real,
        x1=series.imag,
        g1=0.0,
        b1=0.0,
        k=np.abs(ratio),
        theta=np.angle(ratio),
        sn=_MVA,
    )


def _shunts(ports: TwoPorts, network: KernelNetwork) -> tuple[IntArray, IntArray, ComplexArray]:
    """Return the branch (-1 for none), node and admittance of everything that is a shunt."""
    both = np.arange(len(ports.series))
    inner = (ports.from_node == ports.to_node) & (ports.from_node >= 0)
    around = np.abs(1 / ports.ratio - 1) ** 2 / ports.series
    ends = ports.end_admittances()
    branch = np.concatenate([both, both, both[inner], np.full(len(network.node), -1)])
    node = np.concatenate(
        [ports.from_node, ports.to_node, ports.from_node[inner], np.arange(len(network.node))]
    )
    shunt = np.concatenate(
        [ends[:, 0], ends[:, 1], around[inner], network.node[:, 0] + 1j * network.node[:, 1]]
    )
    kept = (node >= 0) & (shunt != 0)
    return branch[kept], node[kept], shunt[kept]


def _run(model: Any, update: Any) -> ComplexArray:
    result = model.calculate_power_flow(
        update_data=update,
        error_tolerance=_TOLERANCE,
        max_iterations=_ITERATIONS,
        threading=0,
        output_component_types={"node": ["energized", "u_pu", "u_angle"]},
        continue_on_batch_error=True,
    )["node"]
    voltage: ComplexArray = result["u_pu"] * np.exp(1j * result["u_angle"])
    voltage[result["energized"] == 0] = np.nan
    if model.batch_error is not None:
        voltage[model.batch_error.failed_scenarios] = np.nan
    return voltage
