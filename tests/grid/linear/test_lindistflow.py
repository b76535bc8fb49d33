"""E(2)-E(7): exact where it is expanded, close around, and without a way to burn energy."""

from typing import Any

import cvxpy as cp
import numpy as np
import pandapower
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.errors import NetworkError
from equigrid.grid.ac import ac_check
from equigrid.grid.linear.lindistflow import LABELS, LinearNetwork, linearise
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network


def _loads(network: Network, columns: int = 6, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Return the network's loads, every bus and column scaled at random."""
    share = np.random.default_rng(seed).uniform(0.4, 1.2, (len(network.buses), columns))
    buses = network.buses
    return (
        buses["load_mw"].to_numpy()[:, None] * share,
        buses["load_mvar"].to_numpy()[:, None] * share,
    )


def _assert_exact(network: Network, load_mw: FloatArray, load_mvar: FloatArray) -> None:
    linear = linearise(network, load_mw, load_mvar)
    exact, values = ac_check(network, load_mw, load_mvar), linear.values(load_mw, load_mvar)
    assert exact.converged.all()
    assert np.sqrt(values["voltage_squared_pu"]) == pytest.approx(exact.voltage_pu, abs=1e-7)
    supplied = _supplied_mw(network, load_mw, load_mvar)
    assert values["import_mw"] == pytest.approx(supplied, abs=1e-6)


def _supplied_mw(network: Network, load_mw: FloatArray, load_mvar: FloatArray) -> list[float]:
    """Return what pandapower says that the sources supply, column by column."""
    found = []
    for column in zip(load_mw.T, load_mvar.T, strict=True):
        net = network.with_loads(*column).to_pandapower()
        pandapower.runpp(net, numba=False, voltage_depend_loads=False, tolerance_mva=1e-9)
        found.append(net.res_ext_grid["p_mw"].sum())
    return found


@pytest.mark.slow
def test_exact_at_the_operating_point(feeder33: Network) -> None:
    loads = _loads(feeder33)
    _assert_exact(feeder33, *loads)
    exact, values = ac_check(feeder33, *loads), linearise(feeder33, *loads).values(*loads)
    assert values["loss_mw"].sum(axis=0) == pytest.approx(exact.loss_mw, abs=1e-6)
    assert np.sqrt(values["current_squared_ka"]) == pytest.approx(exact.current_ka, abs=1e-7)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_close_around_the_operating_point(feeder33: Network, factor: float) -> None:
    load_mw, load_mvar = _loads(feeder33)
    linear = linearise(feeder33, load_mw, load_mvar)
    loads = factor * load_mw, factor * load_mvar
    voltage = np.sqrt(linear.values(*loads)["voltage_squared_pu"])
    assert voltage == pytest.approx(ac_check(feeder33, *loads).voltage_pu, abs=0.003)


def test_published_losses(feeder33: Network) -> None:
    """Baran and Wu 1989: 202.677 kW."""
    buses = feeder33.buses
    loads = buses[["load_mw"]].to_numpy(), buses[["load_mvar"]].to_numpy()
    values = linearise(feeder33, *loads).values(*loads)
    assert values["loss_mw"].sum() == pytest.approx(0.202677, abs=1e-6)
    assert values["voltage_squared_pu"].min() == pytest.approx(0.91309**2, abs=1e-5)


@pytest.mark.slow
def test_each_source_holds_the_voltage_of_its_own_tree() -> None:
    das = feeder("das-70")
    network = Network("two", {**das.tables, "sources": das.sources.assign(vm_pu=[0.98, 1.03])})
    _assert_exact(network, *_loads(network))


@st.composite
def radial_networks(draw: st.DrawFn) -> Network:
    """Draw trees of 2 to 9 buses in all: random cables, charging, a shunt, branches either way."""
    size = draw(st.integers(2, 9))
    numbers = draw(st.permutations(range(1, size + 1)))
    figure, vm_pu = st.floats(0.01, 0.6), st.floats(0.97, 1.05)
    lines: list[dict[str, Any]] = []
    sources = [{"bus": numbers[0], "vm_pu": draw(vm_pu)}]
    for child in range(1, size):
        if lines and draw(st.integers(0, 4)) == 4:
            sources.append({"bus": numbers[child], "vm_pu": draw(vm_pu)})
            continue
        parent = draw(st.integers(0, child - 1))
        ends = draw(st.permutations([numbers[parent], numbers[child]]))
        lines.append(
            {
                "name": f"line {child}",
                "from_bus": ends[0],
                "to_bus": ends[1],
                "r_ohm": draw(figure),
                "x_ohm": draw(figure),
                "c_nf": draw(st.sampled_from([0.0, 30.0, 500.0])),
                "g_us": draw(st.sampled_from([0.0, 5.0])),
            }
        )
    half_open = {**lines[0], "name": "spur", draw(st.sampled_from(["from_closed", "to_closed"])): 0}
    half_open = {key: bool(v) if key.endswith("closed") else v for key, v in half_open.items()}
    return Network(
        "random",
        {
            "buses": [{"bus": bus, "name": str(bus), "vn_kv": 11.0} for bus in sorted(numbers)],
            "lines": [*lines, half_open],
            "sources": sources,
            "shunts": [{"bus": numbers[-1], "q_mvar": -0.1, "p_mw": 0.01, "vn_kv": 10.0}],
        },
    )


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(network=radial_networks(), seed=st.integers(0, 999))
def test_exact_on_random_networks(network: Network, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = (len(network.buses), 2)
    _assert_exact(network, random.uniform(-0.5, 0.5, shape), random.uniform(-0.3, 0.3, shape))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(network=radial_networks(), seed=st.integers(0, 999))
def test_the_slope_is_the_derivative(network: Network, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = (len(network.buses), 1)
    load_mw, load_mvar, step = (random.uniform(-0.4, 0.4, shape) for _ in range(3))
    linear, small = linearise(network, load_mw, load_mvar), 1e-4
    moved = load_mw + small * step, load_mvar - small * step
    exact = linearise(network, *moved).values(*moved)
    for name, value in linear.values(*moved).items():
        assert value == pytest.approx(exact[name], abs=1e-7), name


def test_a_transformer_at_neutral_tap(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    network = Network("three", three_buses)
    buses = network.buses
    loads = buses[["load_mw"]].to_numpy(), buses[["load_mvar"]].to_numpy()
    _assert_exact(network, *loads)
    flow = linearise(network, *loads).values(*loads)["flow_mw"][:, 0]
    assert flow[0] < -0.3, "the cable is named from its far end"
    assert flow[1] == 0, "the tie is open"


def test_block_says_what_values_say(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33, columns=3)
    linear, other = linearise(feeder33, load_mw, load_mvar), 1.1 * load_mw
    values = linear.values(other, load_mvar)
    active, reactive = cp.Variable(load_mw.shape), cp.Variable(load_mw.shape)
    active.value, reactive.value = other, load_mvar
    for loads in ((active, reactive), (active, load_mvar), (other, load_mvar)):
        block = linear.block(loads[0], loads[1], 0.9, 1.05)
        assert set(block.quantities) == set(values) == set(LABELS)
        for name, expected in values.items():
            assert block[name].shape == expected.shape
            assert block[name].value == pytest.approx(expected, abs=1e-9)
            assert block[name].label == LABELS[name]


def _dispatch(
    linear: LinearNetwork, load_mw: FloatArray, load_mvar: FloatArray, screen: bool
) -> Any:
    """Buy dear energy with a cheap generator at bus 18, within the limits; return the problem."""
    at = np.zeros((33, 1))
    at[17] = 1.0
    columns = load_mw.shape[1]
    output_mw = cp.Variable((1, columns), bounds=[0, 1.5])
    bounds = (load_mw - 1.5 * at, load_mw) if screen else None
    block = linear.block(load_mw - at @ output_mw, load_mvar, 0.93, 1.0, net_load_bounds=bounds)
    price = np.where(np.arange(columns) % 2, 50.0, -10.0)
    problem = cp.Problem(cp.Minimize(price @ block["import_mw"]), list(block.constraints))
    problem.solve(solver=cp.HIGHS)
    return problem


def test_screening_drops_only_what_cannot_bind(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33)
    linear = linearise(feeder33, load_mw, load_mvar)
    full, screened = (_dispatch(linear, load_mw, load_mvar, s) for s in (False, True))
    assert screened.value == pytest.approx(full.value, rel=1e-9)
    rows = [sum(c.size for c in problem.constraints) for problem in (full, screened)]
    assert 0 < rows[1] < rows[0] / 2
    labels = {c.label for c in screened.constraints}
    assert (
        labels
        <= {c.label for c in full.constraints}
        == {
            "E(6) branch current",
            "E(7) lower voltage limit",
            "E(7) upper voltage limit",
        }
    )
    assert any(np.abs(c.dual_value).max() > 1 for c in screened.constraints), "the limits bind"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_bounds_hold_whatever_the_loads(feeder33: Network, seed: int) -> None:
    load_mw, load_mvar = _loads(feeder33, columns=2)
    linear = linearise(feeder33, load_mw, load_mvar)
    random = np.random.default_rng(seed)
    corners = random.choice([0.5, 1.5], load_mw.shape)
    bounds = (0.5 * load_mw, 1.5 * load_mw), (0.5 * load_mvar, 1.5 * load_mvar)
    for name, quantity in linear.maps.items():
        low, high = quantity.range(*bounds)
        value = quantity.values(corners * load_mw, corners * load_mvar)
        assert (low <= value + 1e-12).all(), name
        assert (value <= high + 1e-12).all(), name


def test_no_constraint_left_when_nothing_can_bind(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33)
    linear = linearise(feeder33, load_mw, load_mvar)
    assert linear.block(load_mw, load_mvar, 0.9, 1.05).constraints == ()
    active = cp.Variable(load_mw.shape)
    bounds = (load_mw, load_mw)
    assert not linear.block(active, load_mvar, 0.9, 1.05, net_load_bounds=bounds).constraints
    (lower,) = linear.block(load_mw, load_mvar, 0.97, 1.05).constraints
    assert lower.label == "E(7) lower voltage limit"
    assert not lower.value()


def test_a_surplus_cannot_be_burnt(feeder33: Network) -> None:
    """Whoever gains from losses still has none but those of the loads."""
    load_mw, load_mvar = _loads(feeder33)
    linear = linearise(feeder33, load_mw, load_mvar)
    net_load_mw = cp.Variable(load_mw.shape)
    block = linear.block(net_load_mw, load_mvar, 0.5, 1.5)
    loss_mw = cp.sum(block["loss_mw"])
    most, least = (
        cp.Problem(sense(loss_mw), [*block.constraints, net_load_mw == load_mw])
        for sense in (cp.Maximize, cp.Minimize)
    )
    expected = linear.values(load_mw, load_mvar)["loss_mw"].sum()
    for problem in (most, least):
        assert problem.solve(solver=cp.HIGHS) == pytest.approx(expected, abs=1e-9)


def test_unrated_branches_have_no_limit(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    network = Network("three", three_buses)
    load = np.array([[0.0], [0.1], [0.2]])
    linear = linearise(network, load, 0 * load)
    (current,) = linear.block(cp.Variable((3, 1)), 0 * load, 0, 9).constraints[:1]
    assert current.size == 1, "only the transformer is rated and closed"
    three_buses["lines"][0]["rating_ka"] = 99999.0
    same = linearise(Network("three", three_buses), load, 0 * load)
    assert same.block(cp.Variable((3, 1)), 0 * load, 0, 9).constraints[0].size == 1


def test_a_parameter_may_be_heard(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33, columns=2)
    heard = cp.Parameter(load_mw.shape)
    block = linearise(feeder33, load_mw, load_mvar).block(heard, load_mvar, 0.9, 1.05)
    bought = cp.Variable(2)
    problem = cp.Problem(
        cp.Minimize(cp.sum(bought)), [bought == block["import_mw"], *block.constraints]
    )
    assert problem.is_dcp(dpp=True)


def test_refusals(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    three_buses["transformers"][0].update(tap_pos=1, tap_neutral=0, pfe_kw=1.0, vn_lv_kv=0.42)
    three_buses["lines"][1].update(in_service=True, to_bus=7)
    three_buses["buses"].append({"bus": 8, "name": "dark", "vn_kv": 20.0, "in_service": False})
    three_buses["buses"].append({"bus": 9, "name": "joined", "vn_kv": 20.0})
    three_buses["bus_switches"] = [{"from_bus": 9, "to_bus": 10}]
    with pytest.raises(NetworkError) as caught:
        linearise(Network("three", three_buses), np.zeros((5, 1)), np.zeros((5, 1)))
    fragments = [
        "A loop runs over",
        "Bus 8 is out of service",
        "bus switch between 9 and 10",
        "'tie' joins 20.0 kV and 0.4 kV",
        "'station' stands off its neutral tap",
        "'station' has a ratio",
        "'station' has iron losses",
    ]
    assert len(caught.value.findings) == len(fragments)
    for fragment, finding in zip(fragments, caught.value.findings, strict=True):
        assert fragment in finding


def test_overload_names_the_column(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33, columns=3)
    load_mw[:, 1] *= 20
    with pytest.raises(NetworkError, match="no operating point in column 1: lower"):
        linearise(feeder33, load_mw, load_mvar)


def test_wrong_shapes_and_limits(feeder33: Network) -> None:
    load_mw, load_mvar = _loads(feeder33, columns=3)
    for wrong in (load_mw[:, 0], load_mw[:5], load_mw[:, :2]):
        with pytest.raises(NetworkError, match=r"shape \(33, columns\)"):
            linearise(feeder33, wrong, load_mvar)
    linear = linearise(feeder33, load_mw, load_mvar)
    with pytest.raises(ValueError, match=r"net_load_mvar has shape \(33, 2\)"):
        linear.values(load_mw, load_mvar[:, :2])
    with pytest.raises(ValueError, match="net_load_bounds has shape"):
        linear.block(load_mw, load_mvar, 0.9, 1.1, net_load_bounds=(load_mw[0], load_mw))
    low = np.full(33, 0.9)
    low[4] = 1.2
    with pytest.raises(ValueError, match="exceeds the upper at the buses 5:"):
        linear.block(load_mw, load_mvar, low, 1.1)
