"""Settings of a pandapower net that would change its answer are refused by name."""

from typing import Any

import pandapower as pp
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network


def _net() -> pp.pandapowerNet:
    """Return a net in which every setting has something to change."""
    net = pp.create_empty_network()
    high, low, far = (pp.create_bus(net, kv) for kv in (20.0, 0.4, 0.4))
    pp.create_ext_grid(net, high)
    pp.create_transformer(net, high, low, "0.63 MVA 20/0.4 kV")
    pp.create_switch(net, low, far, et="b", z_ohm=0.01)
    pp.create_load(net, far, 0.3, 0.1, const_z_p_percent=40)
    return net


CHANGING: dict[str, Any] = {
    "trafo_model": "pi",
    "trafo_loading": "power",
    "voltage_depend_loads": False,
    "calculate_voltage_angles": False,
    "switch_rx_ratio": 5,
    "consider_line_temperature": True,
    "distributed_slack": True,
    "tdpf": True,
    "neglect_open_switch_branches": True,
    "unheard_of": 1,
}


@pytest.mark.parametrize(
    "name",
    [n if k % 3 == 0 else pytest.param(n, marks=pytest.mark.slow) for k, n in enumerate(CHANGING)],
)
def test_what_would_change_the_answer_is_refused(name: str) -> None:
    net = _net()
    pp.set_user_pf_options(net, **{name: CHANGING[name]})
    with pytest.raises(NetworkError, match=f"user_pf_options ask for {name}="):
        Network.from_pandapower(net)


@pytest.mark.parametrize("name", ["trafo_model", "voltage_depend_loads", "switch_rx_ratio"])
def test_what_has_nothing_to_change_is_accepted(name: str) -> None:
    net = pp.create_empty_network()
    start, end = pp.create_bus(net, 20.0), pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, start)
    pp.create_line(net, start, end, 1.0, "NA2XS2Y 1x185 RM/25 12/20 kV")
    pp.set_user_pf_options(net, **{name: CHANGING[name]}, init="flat", tolerance_mva=1e-6)
    assert Network.from_pandapower(net).is_radial()


def test_columns_of_names_may_be_missing() -> None:
    net = _net()
    for table in ("bus", "trafo", "switch", "load", "ext_grid", "line", "sgen", "shunt"):
        net[table] = net[table].drop(columns="name")
    network = Network.from_pandapower(net)
    assert list(network.buses["name"]) == ["bus 0", "bus 1", "bus 2"]
    assert list(network.branches["name"]) == ["transformer 0"]


def test_other_columns_that_are_missing_are_named() -> None:
    net = _net()
    net["load"] = net["load"].drop(columns="p_mw")
    with pytest.raises(NetworkError, match="'load' has no column 'p_mw'"):
        Network.from_pandapower(net)


def test_a_bus_switch_joins_one_voltage() -> None:
    net = _net()
    pp.create_switch(net, 0, 1, et="b")
    with pytest.raises(NetworkError, match=r"bus 0 with 20 kV and bus 1 with 0\.4 kV"):
        Network.from_pandapower(net)
