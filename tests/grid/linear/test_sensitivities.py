"""Sensitivities against AC: exact at their point, tangent around it, never too strict."""

import numpy as np
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.ac import ac_check
from equigrid.grid.linear.sensitivities import sensitivities
from equigrid.grid.network.feeders import feeder

NETWORK = feeder("baran-wu-33")
LOAD = NETWORK.buses[["load_mw", "load_mvar"]].to_numpy().T[:, :, None]
FACTORS = np.array([0.5, 1.0, 1.3])
ACTIVE, REACTIVE = LOAD[0] * FACTORS, LOAD[1] * FACTORS


@pytest.mark.slow
def test_they_are_the_power_flow_at_their_point() -> None:
    found, ac = sensitivities(NETWORK, ACTIVE, REACTIVE), ac_check(NETWORK, ACTIVE, REACTIVE)
    assert np.abs(found.voltage_pu.values(ACTIVE, REACTIVE) - ac.voltage_pu).max() < 1e-8
    assert np.abs(found.loss_mw.values(ACTIVE, REACTIVE)[0] - ac.loss_mw).max() < 1e-8


def test_they_are_the_slopes_of_the_power_flow() -> None:
    found, step = sensitivities(NETWORK, ACTIVE, REACTIVE), 1e-3
    for bus in (1, 17, 24, 32):
        ends = []
        for sign in (-1, 1):
            moved = ACTIVE.copy()
            moved[bus] += sign * step
            ends.append(ac_check(NETWORK, moved, REACTIVE))
        slope = (ends[1].voltage_pu - ends[0].voltage_pu) / (2 * step)
        assert np.abs(slope - found.voltage_pu.active[:, :, bus].T).max() < 1e-6
        slope = (ends[1].loss_mw - ends[0].loss_mw) / (2 * step)
        assert np.abs(slope - found.loss_mw.active[:, 0, bus]).max() < 1e-6


@pytest.mark.slow
def test_a_tangent_excludes_nothing_that_ac_allows() -> None:
    found, random = sensitivities(NETWORK, ACTIVE, REACTIVE), np.random.default_rng(5)
    for _ in range(5):
        moved = ACTIVE * random.uniform(0.2, 1.5, ACTIVE.shape)
        ac = ac_check(NETWORK, moved, REACTIVE)
        assert (found.voltage_pu.values(moved, REACTIVE) >= ac.voltage_pu - 1e-8).all()
        assert (found.loss_mw.values(moved, REACTIVE)[0] <= ac.loss_mw + 1e-8).all()


def test_the_flow_limit_is_the_rating_beside_the_reactive_flow() -> None:
    found, ac = sensitivities(NETWORK, ACTIVE, REACTIVE), ac_check(NETWORK, ACTIVE, REACTIVE)
    flow, limit = found.flow_mw.values(ACTIVE, REACTIVE), found.flow_limit_mw
    below = np.abs(flow) <= limit
    assert (below == (ac.loading_percent <= 100)).all()
    # Loads without reactive power: the share of the limit is the loading itself.
    pure, only = (
        sensitivities(NETWORK, ACTIVE, 0 * REACTIVE),
        ac_check(NETWORK, ACTIVE, 0 * REACTIVE),
    )
    share = np.abs(pure.flow_mw.values(ACTIVE, 0 * REACTIVE)) / pure.flow_limit_mw
    assert np.abs(100 * share - only.loading_percent)[:32].max() < 0.05


def test_some_columns_are_those_of_all() -> None:
    some, whole = (
        sensitivities(NETWORK, ACTIVE, REACTIVE, columns) for columns in (np.array([2]), None)
    )
    assert some.columns.tolist() == [2]
    assert np.allclose(some.voltage_pu.active[0], whole.voltage_pu.active[2], atol=1e-9)


def test_reactive_power_beyond_a_rating_is_refused_by_name() -> None:
    with pytest.raises(NetworkError, match="Reactive power alone takes more than the rating of"):
        sensitivities(NETWORK, 0.1 * LOAD[0], 5.0 * LOAD[1])
