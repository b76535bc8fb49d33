"""The AC power flow as judge."""

import copy
import logging
from typing import Any

import numpy as np
import pandapower
import pandapower.networks
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.ac import ac_check
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.network.network import Network


def _column(network: Network, column: str, factors: list[float]) -> Any:
    return network.buses[[column]].to_numpy() * np.array(factors)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(pandapower.networks.case33bw, marks=pytest.mark.slow),
        pandapower.networks.create_cigre_network_mv,
    ],
)
def test_every_column_is_a_power_flow_of_its_own(case: Any) -> None:
    """Starting from the column before must not show in the result."""
    original = case()
    network = Network.from_pandapower(original)
    factors = [1.0, 0.2, 1.3]
    result = ac_check(
        network, _column(network, "load_mw", factors), _column(network, "load_mvar", factors)
    )
    for number, factor in enumerate(factors):
        net = copy.deepcopy(original)
        net.load["scaling"] = factor
        pandapower.runpp(net, numba=False)
        line, trafo = len(net.line), net.res_trafo
        assert result.voltage_pu[:, number] == pytest.approx(net.res_bus["vm_pu"], abs=1e-7)
        assert result.current_ka[:line, number] == pytest.approx(net.res_line["i_ka"], abs=1e-7)
        loading = trafo["loading_percent"].to_numpy()
        assert result.loading_percent[line:, number] == pytest.approx(loading, abs=1e-5)
        losses = net.res_line["pl_mw"].sum() + trafo["pl_mw"].sum()
        assert result.loss_mw[number] == pytest.approx(losses, abs=1e-6)


def test_given_loads_replace_loads_and_generation(
    three_buses: dict[str, list[dict[str, Any]]],
) -> None:
    three_buses["generators"] = [{"bus": 20, "p_mw": 5.0}]
    nothing = ac_check(Network("three", three_buses), np.zeros((3, 1)), np.zeros((3, 1)))
    assert nothing.loss_mw == pytest.approx([0], abs=1e-6)
    assert nothing.voltage_pu == pytest.approx(1.02, abs=1e-6)


@pytest.mark.slow
def test_unrated_branches_have_no_loading(feeder33: Network) -> None:
    unrated = Network.from_pandapower(pandapower.networks.case33bw())
    loads = _column(unrated, "load_mw", [1.0]), _column(unrated, "load_mvar", [1.0])
    assert not ac_check(unrated, *loads).loading_percent.any()
    rated = ac_check(feeder33, *loads)
    assert rated.loading_percent[:, 0] == pytest.approx(
        100 * rated.current_ka[:, 0] / feeder33.branches["rating_ka"].to_numpy()
    )
    assert rated.loading_percent[0, 0] > 40


def test_columns_that_do_not_converge(feeder33: Network) -> None:
    """An impossible column leaves its neighbours alone and is an infinite violation."""
    factors = [1.0, 30.0, 1.0]
    loads = _column(feeder33, "load_mw", factors), _column(feeder33, "load_mvar", factors)
    result = ac_check(feeder33, *loads)
    assert list(result.converged) == [True, False, True]
    assert np.isnan(result.voltage_pu[:, 1]).all()
    assert np.isnan(result.loading_percent[:, 1]).all()
    assert result.voltage_pu[:, 2] == pytest.approx(result.voltage_pu[:, 0], abs=1e-7)
    assert result.violations(0.9, 1.05).worst_voltage_pu == np.inf
    assert result.violations(0.9, 1.05).worst_loading_percent == np.inf


def test_violations_are_distances(feeder33: Network) -> None:
    loads = _column(feeder33, "load_mw", [1.0, 0.1]), _column(feeder33, "load_mvar", [1.0, 0.1])
    loads[0][24, 1] += 7.0
    result = ac_check(feeder33, *loads)
    none = result.violations(0.5, 1.05)
    assert none.worst_voltage_pu == 0
    low = result.violations(0.95, 1.05)
    assert low.voltage_pu[17, 0] == pytest.approx(0.95 - 0.913090, abs=1e-5)
    assert low.worst_voltage_pu >= low.voltage_pu[17, 0]
    high = result.violations(np.full(33, 0.0), np.full(33, 0.99))
    assert high.worst_voltage_pu == pytest.approx(0.01)
    branch = np.flatnonzero(feeder33.branches["name"] == "line 24")[0]
    assert none.loading_percent[branch, 1] == result.loading_percent[branch, 1] - 100 > 0
    assert not none.loading_percent[:, 0].any()


def test_dead_buses_have_no_voltage(feeder33: Network) -> None:
    cut = feeder33.with_closed({"line 17": False})
    loads = (
        _column(feeder33, "load_mw", [1.0, 0.9]),
        _column(feeder33, "load_mvar", [1.0, 0.9]),
    )
    result = ac_check(cut, *loads)
    assert result.converged.all()
    assert not result.voltage_pu[17].any()
    assert (result.voltage_pu[:17] > 0.9).all()
    assert result.violations(0.9, 1.1).worst_voltage_pu == pytest.approx(0.9)


def test_meshed_networks(feeder33: Network) -> None:
    loads = _column(feeder33, "load_mw", [1.0]), _column(feeder33, "load_mvar", [1.0])
    meshed = feeder33.with_closed(dict.fromkeys(feeder33.branches["name"], True))
    assert ac_check(meshed, *loads).loss_mw < ac_check(feeder33, *loads).loss_mw


def test_lines_without_reactance(feeder33: Network) -> None:
    """pandapower's start divides by reactances; cables of low voltage are told without."""
    tables = dict(feeder33.tables)
    tables["lines"] = tables["lines"].assign(x_ohm=0.0)
    loads = _column(feeder33, "load_mw", [1.0, 0.5]), _column(feeder33, "load_mvar", [1.0, 0.5])
    network = Network("no reactance", tables)
    flow = power_flow_batch(network, *(load.T for load in loads))
    assert np.abs(ac_check(network, *loads).voltage_pu - flow.voltage_pu.T).max() < 1e-8


def test_bad_loads_and_quiet_log(feeder33: Network) -> None:
    zero = np.zeros((33, 2))
    for wrong in (zero[:, 0], zero[:4], zero[:, :1], zero[:, :0]):
        with pytest.raises(NetworkError, match="give both for 33 buses"):
            ac_check(feeder33, wrong, zero)
    broken = zero.copy()
    broken[3, 1] = np.nan
    with pytest.raises(NetworkError, match="column 1 are not finite"):
        ac_check(feeder33, zero, broken)
    level = logging.getLogger("pandapower").level
    ac_check(feeder33, zero, zero)
    assert logging.getLogger("pandapower").level == level
