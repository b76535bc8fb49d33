"""Statuses, row by row, and what rows of each kind hold."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.kernels import tree
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.scenarios.seeds import stream

Array = npt.NDArray[Any]


def _nominal(network: Network, *levels: float) -> tuple[Array, Array]:
    buses, level = network.buses, np.array(levels)[:, None]
    return level * buses["load_mw"].to_numpy(), level * buses["load_mvar"].to_numpy()


def _state(network: Network, opened: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> Array:
    branches = network.branches
    found: Array = (
        branches["closed"] & ~branches["name"].isin(opened) | branches["name"].isin(closed)
    ).to_numpy()
    return found


def test_kernels_and_statuses_have_the_same_numbers() -> None:
    numbers = (tree.FED, tree.ISLANDED, tree.MESHED, tree.DIVERGED)
    assert numbers == tuple(FlowStatus)
    assert tree.TWICE_FED not in numbers


@pytest.mark.smoke
def test_each_kind_beside_the_others(feeder33: Network, compare: Any) -> None:
    states = np.stack(
        [
            _state(feeder33),
            _state(feeder33, opened=("line 17",)),
            _state(feeder33, closed=("tie 33",)),
            _state(feeder33, opened=("line 17",), closed=("tie 33",)),
            _state(feeder33),
            _state(feeder33, closed=("tie 33",)),
            _state(feeder33),
        ]
    )
    flow = compare(feeder33, *_nominal(feeder33, 1, 1, 1, 1, 30, 30, 0.4), states)
    assert [FlowStatus(status).name for status in flow.status] == [
        "CONVERGED",
        "ISLANDED",
        "MESHED",
        "MESHED",
        "DIVERGED",
        "DIVERGED",
        "CONVERGED",
    ]
    assert np.flatnonzero(np.isnan(flow.voltage_pu[1])).tolist() == [17]
    assert np.flatnonzero(np.isnan(flow.voltage_pu[3])).tolist() == [17]
    assert "2 CONVERGED, 1 ISLANDED, 2 MESHED, 2 DIVERGED" in repr(flow)


def test_a_dead_branch_carries_nothing(feeder33: Network) -> None:
    """Closed, but behind an open one."""
    flow = power_flow_batch(feeder33, *_nominal(feeder33, 1), _state(feeder33, opened=("line 15",)))
    dead = feeder33.branches["name"].isin(["line 15", "line 16", "line 17"])
    assert not flow.branch_current_ka[0][dead].any()
    assert np.isnan(flow.voltage_pu[0, 15:18]).all()
    assert np.isfinite(flow.loss_mw).all()


@pytest.mark.parametrize("name", ["baran-wu-33", pytest.param("das-70", marks=pytest.mark.slow)])
def test_random_meshed_rows(name: str, compare: Any, radial_states: Callable[..., Array]) -> None:
    """A tree and some ties: by power-grid-model, which pandapower confirms."""
    network, random = feeder(name), stream(1, f"meshes of {name}")
    states = radial_states(network, random, 6)
    if len(network.sources) == 1:  # else a tie may join the substations
        states |= random.random(states.shape) < 0.5
    else:
        within = network.branches["name"].isin(["tie 71", "tie 75", "tie 76"]).to_numpy()
        states = _state(network)[None] | within[None].repeat(6, axis=0)
    random_level = random.uniform(0.2, 1.2, 6)
    flow = compare(network, *_nominal(network, *random_level), states)
    assert FlowStatus.MESHED in flow.status
    same = compare(network, *_nominal(network, *random_level), states[-1])
    assert np.abs(same.voltage_pu[-1] - flow.voltage_pu[-1]).max() < 1e-9


def test_two_substations_feed_a_tree_each(
    compare: Any, radial_states: Callable[..., Array]
) -> None:
    network = feeder("das-70")
    states = radial_states(network, stream(2, "two trees"), 5)
    states[1, np.flatnonzero(states[1])[3]] = False
    flow = compare(network, *_nominal(network, 0.2, 0.3, 0.2, 0.5, 0.1), states)
    assert flow.status.tolist() == [0, FlowStatus.ISLANDED, 0, 0, 0]


def test_what_counts_as_unsupplied(feeder33: Network) -> None:
    """Consumption, bus by bus: what one bus injects supplies no other, whatever the status."""
    cut, loop = ("line 15",), ("tie 33",)
    states = np.stack(
        [
            _state(feeder33),
            _state(feeder33, opened=cut),
            _state(feeder33, opened=cut, closed=loop),
            _state(feeder33, opened=cut),
        ]
    )
    active, reactive = _nominal(feeder33, 1, 1, 1, 30)
    active[1:, 16] = -5.0
    flow = power_flow_batch(feeder33, active, reactive, states, results=["unsupplied_mw"])
    assert flow.status.tolist() == [0, FlowStatus.ISLANDED, FlowStatus.MESHED, FlowStatus.DIVERGED]
    lacking = active[1, 15] + active[1, 17]
    assert flow.unsupplied_mw == pytest.approx([0, lacking, lacking, np.nan], nan_ok=True)


def test_open_ends_take_what_their_charging_loses(
    three_buses: dict[str, list[dict[str, Any]]], compare: Any
) -> None:
    """It enters at the closed end; at an open from_bus nothing does."""
    three_buses["lines"][1] |= {"in_service": True, "c_nf": 300.0, "g_us": 9.0}
    for open_end, active_mw in (("to", 9e-6 * (1.02 * 20) ** 2), ("from", 0.0)):
        three_buses["lines"][1] |= {"from_closed": True, "to_closed": True}
        three_buses["lines"][1][f"{open_end}_closed"] = False
        flow = compare(Network("three", three_buses), np.full((9, 3), 0.1), np.zeros((9, 3)))
        assert flow.status.tolist() == [FlowStatus.CONVERGED] * 9
        assert flow.branch_active_mw[:, 1] == pytest.approx(active_mw, rel=1e-3)


def test_nothing_is_fed(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    """The only source stands at a bus that is out of service."""
    three_buses["buses"][0]["in_service"] = False
    network = Network("dark", three_buses)
    flow = power_flow_batch(
        network,
        np.ones((2, 3)),
        np.ones((2, 3)),
        results=("voltage_pu", "voltage_min_pu", "loss_mw", "branch_active_mw", "unsupplied_mw"),
    )
    assert (flow.status == FlowStatus.ISLANDED).all()
    assert np.isnan(flow.voltage_pu).all()
    assert np.isnan(flow.voltage_min_pu).all()
    assert not flow.loss_mw.any()
    assert not flow.branch_active_mw.any()
    assert flow.unsupplied_mw.tolist() == [2, 2]  # the third bus is out of service


def test_no_loads_no_branches_no_rows(feeder33: Network) -> None:
    still = power_flow_batch(feeder33, np.zeros((2, 33)), np.zeros((2, 33)))
    assert (still.voltage_pu == 1).all()
    assert not still.loss_mw.any()
    alone = power_flow_batch(feeder33, *_nominal(feeder33, 1), np.zeros(37, bool))
    assert np.isfinite(alone.voltage_pu[0]).tolist() == [True] + [False] * 32
    none = power_flow_batch(feeder33, np.zeros((0, 33)), np.zeros((0, 33)))
    assert none.voltage_pu.shape == (0, 33)
    assert "no rows" in repr(none)
