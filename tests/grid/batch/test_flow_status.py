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


def test_nothing_is_fed(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    """The only source stands at a bus that is out of service."""
    three_buses["buses"][0]["in_service"] = False
    network = Network("dark", three_buses)
    flow = power_flow_batch(
        network,
        np.ones((2, 3)),
        np.ones((2, 3)),
        results=("voltage_pu", "voltage_min_pu", "loss_mw"),
    )
    assert (flow.status == FlowStatus.ISLANDED).all()
    assert np.isnan(flow.voltage_pu).all()
    assert np.isnan(flow.voltage_min_pu).all()
    assert not flow.loss_mw.any()


def test_no_loads_no_branches_no_rows(feeder33: Network) -> None:
    still = power_flow_batch(feeder33, np.zeros((2, 33)), np.zeros((2, 33)))
    assert (still.voltage_pu == 1).all()
    assert not still.loss_mw.any()
    alone = power_flow_batch(feeder33, *_nominal(feeder33, 1), np.zeros(37, bool))
    assert np.isfinite(alone.voltage_pu[0]).tolist() == [True] + [False] * 32
    none = power_flow_batch(feeder33, np.zeros((0, 33)), np.zeros((0, 33)))
    assert none.voltage_pu.shape == (0, 33)
    assert "no rows" in repr(none)
