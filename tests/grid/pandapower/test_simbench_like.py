"""A feeder laid out as SimBench's are: busbars with switches, aux buses, columns of their own."""

from typing import Any

import numpy as np
import pandapower as pp
import pytest
from numpy.typing import NDArray

from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.network.network import Network


@pytest.fixture(scope="module")
def net() -> pp.pandapowerNet:
    """Two half-rings from a substation, each line between switches and aux buses."""
    net = pp.create_empty_network(f_hz=50, sn_mva=1)
    upper = pp.create_bus(net, 110, name="EHV Bus 1", subnet="HV1", voltLvl=3)
    bar = pp.create_bus(net, 20, name="MV1.101 Bus 1", type="b", subnet="MV1.101", voltLvl=5)
    pp.create_ext_grid(net, upper, vm_pu=1.02)
    pp.create_transformer(net, upper, bar, "25 MVA 110/20 kV", name="HV1-MV1 Trafo 1", tap_pos=-1)
    for feeder, length in enumerate((5, 4), start=1):
        last = bar
        for number in range(length):
            name = f"MV1.101 Line {feeder}.{number}"
            aux = pp.create_bus(net, 20, name=f"{name} aux", type="n", subnet="MV1.101")
            bus = pp.create_bus(net, 20, name=f"MV1.101 Bus {feeder}.{number}", type="b")
            pp.create_switch(net, last, aux, et="b", type="CB", name=f"{name} CB")
            line = pp.create_line(net, aux, bus, 1.3, "NA2XS2Y 1x240 RM/25 12/20 kV", name=name)
            pp.create_switch(net, bus, line, et="l", type="LBS")
            pp.create_load(net, bus, 0.6, 0.2, name=f"Load {feeder}.{number}", profile="mv_semiurb")
            pp.create_sgen(net, bus, 0.3, 0.0, type="PV", scaling=0.7, profile="PV3")
            last = bus
    ends = [int(net.bus.index[net.bus.name == f"MV1.101 Bus {end}"][0]) for end in ("1.4", "2.3")]
    ring = pp.create_line(net, *ends, 2.0, "NA2XS2Y 1x240 RM/25 12/20 kV", name="loop_line")
    pp.create_switch(net, ends[0], ring, et="l", type="LBS", closed=False)
    return net


def _net_load(network: Network) -> list[NDArray[Any]]:
    """Load less generation, MW and MVAr, one row each."""
    buses = network.buses
    return [
        (buses[f"load_{unit}"] - buses[f"generation_{unit}"]).to_numpy()[None]
        for unit in ("mw", "mvar")
    ]


def test_it_is_read_with_its_power_flow(net: pp.pandapowerNet) -> None:
    network = Network.from_pandapower(net)
    assert network.is_radial()
    pp.runpp(net, numba=False, tolerance_mva=1e-10)
    flow = power_flow_batch(network, *_net_load(network))
    assert np.abs(flow.voltage_pu[0] - net.res_bus["vm_pu"].to_numpy()).max() < 1e-8
    losses = net.res_line["pl_mw"].sum() + net.res_trafo["pl_mw"].sum()
    assert flow.loss_mw[0] == pytest.approx(losses, abs=1e-8)


def test_its_ring_may_be_opened_elsewhere(net: pp.pandapowerNet) -> None:
    network = Network.from_pandapower(net)
    moved = network.with_closed({"loop_line": True, "MV1.101 Line 1.2": False})
    assert moved.is_radial()
    pp.runpp(again := moved.to_pandapower(), numba=False, tolerance_mva=1e-10)
    active, reactive = _net_load(network)
    flow = power_flow_batch(network, active, reactive, moved.branches["closed"].to_numpy())
    assert np.abs(flow.voltage_pu[0] - again.res_bus["vm_pu"].to_numpy()).max() < 1e-7
