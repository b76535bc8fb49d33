"""pandapower as the judge of a batch: one row, one run of its own."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandapower
import pytest
from pandapower.powerflow import LoadflowNotConverged

from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.request import RESULTS
from equigrid.grid.batch.result import BatchFlow, FlowStatus
from equigrid.grid.network.network import Network

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Judged:
    """What pandapower says of a row."""

    voltage_pu: Array
    branch_current_ka: Array
    branch_active_mw: Array
    loss_mw: float
    loading_max_percent: float
    unsupplied_mw: float


class Judge:
    """A pandapower net whose loads and generation a row replaces."""

    def __init__(self, net: pandapower.pandapowerNet) -> None:
        self.net = copy.deepcopy(net)
        for table in ("load", "sgen"):
            self.net[table] = self.net[table].iloc[:0]
        pandapower.create_loads(self.net, self.net.bus.index, p_mw=0.0, q_mvar=0.0)

    def close(self, closed: Array) -> None:
        """Close some branches at both ends and take the others out of service."""
        net = self.net
        net.switch.loc[net.switch["et"] != "b", "closed"] = True
        net.line["in_service"] = closed[: len(net.line)]
        net.trafo["in_service"] = closed[len(net.line) :]

    def run(self, load_mw: Array, load_mvar: Array) -> Judged | None:
        """Return nothing if the power flow does not converge."""
        net = self.net
        net.load["p_mw"], net.load["q_mvar"] = load_mw, load_mvar
        try:
            pandapower.runpp(
                net,
                numba=False,
                tolerance_mva=1e-10,
                max_iteration=40,
                voltage_depend_loads=False,
                init="dc",
                calculate_voltage_angles=True,
            )
        except LoadflowNotConverged:
            return None
        ratio = net.trafo["vn_lv_kv"] / net.trafo["vn_hv_kv"]
        trafo_ka = np.maximum(net.res_trafo["i_hv_ka"], net.res_trafo["i_lv_ka"] * ratio)
        loading = [*net.res_line["loading_percent"], *net.res_trafo["loading_percent"]]
        unrated = [*(net.line["max_i_ka"] > 9e4), *np.zeros(len(net.trafo), bool)]
        voltage_pu = net.res_bus["vm_pu"].to_numpy().copy()
        dark = np.isnan(voltage_pu) & net.bus["in_service"].to_numpy()
        return Judged(
            voltage_pu,
            np.nan_to_num(np.concatenate([net.res_line["i_ka"], trafo_ka])),
            np.nan_to_num([*net.res_line["p_from_mw"], *net.res_trafo["p_hv_mw"]]),
            float(net.res_line["pl_mw"].sum() + net.res_trafo["pl_mw"].sum()),
            float(np.nan_to_num(np.where(unrated, 0, loading)).max(initial=0)),
            sum(max(load, 0) for load in load_mw[dark]),
        )


def _agree(flow: BatchFlow, row: int, said: Judged) -> None:
    dead = np.isnan(said.voltage_pu)
    assert (np.isnan(flow.voltage_pu[row]) == dead).all()
    assert np.abs(flow.voltage_pu[row] - said.voltage_pu)[~dead].max() < 1e-8
    assert flow.branch_current_ka[row] == pytest.approx(said.branch_current_ka, rel=1e-7, abs=1e-8)
    assert flow.branch_active_mw[row] == pytest.approx(said.branch_active_mw, rel=1e-7, abs=1e-7)
    assert flow.loss_mw[row] == pytest.approx(said.loss_mw, rel=1e-7, abs=1e-8)
    assert flow.loading_max_percent[row] == pytest.approx(said.loading_max_percent, abs=1e-5)
    assert flow.unsupplied_mw[row] == pytest.approx(said.unsupplied_mw)
    assert flow.voltage_min_pu[row] == np.nanmin(flow.voltage_pu[row])
    assert flow.voltage_max_pu[row] == np.nanmax(flow.voltage_pu[row])


Compare = Callable[..., BatchFlow]


@pytest.fixture(scope="session")
def compare() -> Compare:
    """Run a batch and hold every row against pandapower's net, or against the network's own."""

    def compared(
        network: Network,
        load_mw: Array,
        load_mvar: Array,
        closed: Array | None = None,
        net: pandapower.pandapowerNet | None = None,
    ) -> BatchFlow:
        flow = power_flow_batch(network, load_mw, load_mvar, closed, results=RESULTS)
        judge = Judge(network.to_pandapower() if net is None else net)
        for row, (active, reactive) in enumerate(zip(load_mw, load_mvar, strict=True)):
            if closed is not None:
                judge.close(closed if closed.ndim == 1 else closed[row])
            said = judge.run(active, reactive)
            if said is None:
                assert flow.status[row] == FlowStatus.DIVERGED
                assert np.isnan(flow.voltage_pu[row]).all()
                assert np.isnan(flow.branch_active_mw[row]).all()
                assert np.isnan(flow.loss_mw[row])
                assert np.isnan(flow.unsupplied_mw[row])
            else:
                assert flow.status[row] != FlowStatus.DIVERGED
                _agree(flow, row, said)
        return flow

    return compared


Draw = Callable[[Network, np.random.Generator, int], Array]


@pytest.fixture(scope="session")
def radial_states() -> Draw:
    """Draw spanning trees of a network without transformers, (rows, branches)."""

    def drawn(network: Network, random: np.random.Generator, rows: int) -> Array:
        branches = network.branches
        states = np.zeros((rows, len(branches)), bool)
        for state in states:
            wires: nx.Graph[int] = nx.Graph()
            # One source is enough for all: the others are joined to it, and are one node so.
            wires.add_edges_from(
                [(bus, "grid", {"weight": -1.0}) for bus in network.sources["bus"]]
            )
            for k, weight in enumerate(random.random(len(branches))):
                ends = branches["from_bus"][k], branches["to_bus"][k]
                wires.add_edge(*ends, weight=weight, branch=k)
            for *_, data in nx.minimum_spanning_edges(wires, data=True):
                if "branch" in data:
                    state[data["branch"]] = True
        return states

    return drawn
