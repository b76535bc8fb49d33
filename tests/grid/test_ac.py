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
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.scenarios.seeds import stream


def _column(network: Network, column: str, factors: list[float]) -> Any:
    return network.buses[[column]].to_numpy() * np.array(factors)


@pytest.mark.slow
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
        entering = [*net.res_line["p_from_mw"], *trafo["p_hv_mw"]]
        assert result.active_mw[:, number] == pytest.approx(np.nan_to_num(entering), abs=1e-6)
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
    for figures in (result.loading_percent, result.active_mw, result.unsupplied_mw[None]):
        assert np.isnan(figures[:, 1]).all()
        assert np.isfinite(figures[:, [0, 2]]).all()
    assert not result.unsupplied.any()
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


def test_a_bus_that_nothing_feeds_is_unsupplied_not_out_of_limits(feeder33: Network) -> None:
    cut = feeder33.with_closed({"line 17": False})
    loads = (
        _column(feeder33, "load_mw", [1.0, 0.9]),
        _column(feeder33, "load_mvar", [1.0, 0.9]),
    )
    result = ac_check(cut, *loads)
    assert result.converged.all()
    assert not result.voltage_pu[17].any()
    assert (result.voltage_pu[:17] > 0.9).all()
    assert np.argwhere(result.unsupplied).tolist() == [[17, 0], [17, 1]]
    assert result.unsupplied_mw == pytest.approx(loads[0][17])
    assert not result.violations(0.9, 1.1).voltage_pu[17].any()
    low = result.violations(0.95, 1.1)
    known = np.delete(result.voltage_pu, 17, axis=0)
    assert low.worst_voltage_pu == pytest.approx(0.95 - known.min())


def test_a_bus_out_of_service_lacks_nothing(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    three_buses["buses"].append({"bus": 1, "name": "old", "vn_kv": 20.0, "in_service": False})
    result = ac_check(Network("four", three_buses), np.ones((4, 1)) / 10, np.zeros((4, 1)))
    assert result.voltage_pu[3] == 0
    assert not result.unsupplied.any()
    assert result.unsupplied_mw.tolist() == [0]
    assert result.violations(0.9, 1.1).worst_voltage_pu == 0


def test_active_power_enters_at_from_bus(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    """The cable is told from its far end, so power comes out at its from_bus."""
    network = Network("three", three_buses)
    loads = np.array([[0.0], [0.1], [0.2]]), np.zeros((3, 1))
    result = ac_check(network, *loads)
    cable, tie, station = result.active_mw[:, 0]
    assert tie == 0
    assert 0.2 < station < 0.21
    assert cable == pytest.approx(-(station + 0.1), abs=1e-8)
    flow = power_flow_batch(network, *(load.T for load in loads), results=["branch_active_mw"])
    assert flow.branch_active_mw[0] == pytest.approx(result.active_mw[:, 0], abs=1e-8)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baran-wu-33", pytest.param("das-70", marks=pytest.mark.slow)])
def test_states_by_column_are_networks_of_their_own(name: str) -> None:
    """Trees, loops, islands, sources that meet, as if each state alone had been asked for."""
    network = feeder(name)
    opened = stream(1, f"states of {name}").random((len(network.branches), 4)) < [0, 0.1, 0.3, 0]
    states = network.branches[["closed"]].to_numpy() ^ opened
    level = [1.0, 0.5, 0.3, 20.0]
    active, reactive = _column(network, "load_mw", level), _column(network, "load_mvar", level)
    result = ac_check(network, active, reactive, states)
    assert list(result.converged)[::3] == [True, False]
    assert result.unsupplied_mw[1:3].all()
    for number, state in enumerate(states.T):
        closed = dict(zip(network.branches["name"], state.tolist(), strict=True))
        loads = active[:, [number]], reactive[:, [number]]
        alone = ac_check(network.with_closed(closed), *loads)
        for figure, values in vars(alone).items():
            off = 1e-5 if figure == "loading_percent" else 1e-7
            found = getattr(result, figure)[..., number]
            assert found == pytest.approx(values[..., 0], abs=off, nan_ok=True), figure


def test_a_state_closes_and_opens_both_ends(
    three_buses: dict[str, list[dict[str, Any]]],
) -> None:
    three_buses["lines"][1] |= {"in_service": True, "to_closed": False, "c_nf": 300.0, "g_us": 9.0}
    network = Network("three", three_buses)
    loads = np.array([[0.0] * 3, [0.1] * 3, [0.2] * 3]), np.zeros((3, 3))
    own = ac_check(network, *loads)
    assert own.active_mw[1, 0] == pytest.approx(9e-6 * (1.02 * 20) ** 2, rel=1e-3)
    states = np.array([[True, False, False], [True, True, False], [True, True, True]])
    result = ac_check(network, *loads, states)
    assert result.active_mw[1, 0] > 0.1  # half of what the cable carried
    assert result.active_mw[1, 1] > 0.3
    assert result.active_mw[:, 2].tolist() == [0, 0, 0]
    assert result.unsupplied[:, 2].tolist() == [False, True, True]
    assert result.unsupplied_mw == pytest.approx([0, 0, 0.3])


def test_bad_states_are_refused(feeder33: Network) -> None:
    zero = np.zeros((33, 2))
    rows = "give 37 rows, one for each branch, ties included, and one state for all or as many"
    for wrong in (np.ones((2, 37), bool), np.ones((37, 3), bool), np.ones(36, bool), True):
        with pytest.raises(NetworkError, match=rows):
            ac_check(feeder33, zero, zero, wrong)
    masked = np.ma.masked_array(np.ones(37, bool), mask=np.eye(37)[0])
    unknown_states: list[Any] = [np.ones(37), [None] * 37, masked]
    for unknown in unknown_states:
        with pytest.raises(NetworkError, match="give true or false"):
            ac_check(feeder33, zero, zero, unknown)
    with pytest.raises(NetworkError) as refusal:
        ac_check(feeder33, zero.T, zero.T, [[True], [True, False]])
    assert len(refusal.value.findings) == 3
    assert ac_check(feeder33, zero, zero, feeder33.branches[["closed"]]).converged.all()


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
