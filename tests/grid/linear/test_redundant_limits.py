"""Rows that are left out never bind: wherever any row exceeds its limit, one that is kept does."""

import numpy as np
import pytest

from equigrid.grid.linear.redundant_limits import needed
from equigrid.grid.linear.sensitivities import sensitivities
from equigrid.grid.network.feeders import feeder


@pytest.mark.parametrize("name", ["baran-wu-33", "zhang-118"])
def test_what_is_left_out_is_implied(name: str) -> None:
    network, random = feeder(name), np.random.default_rng(11)
    load = network.buses[["load_mw", "load_mvar"]].to_numpy().T[:, :, None]
    active, reactive = (part * np.array([0.6, 1.0]) for part in load)
    found = sensitivities(network, active, reactive)
    reach = np.zeros_like(active)
    reach[random.choice(len(reach), 5, replace=False)] = 0.08 * active.sum(axis=0)
    bounds = active - reach, active + reach
    voltage = -found.voltage_pu.at_reactive(reactive)
    # A limit that some points of the box keep and others do not.
    limit = np.full((1, 1), -np.quantile(-voltage.values(active, active), 0.02))
    kept = needed(voltage, limit, bounds)
    by_bounds = voltage.range(bounds, (active, active))[1] > limit
    assert 0 < kept.sum() < by_bounds.sum()
    beyond = 0
    for _ in range(300):
        drawn = np.where(random.uniform(size=active.shape) < 0.5, *bounds)
        excess = voltage.values(drawn, drawn) - limit
        every = excess.max(axis=0)
        of_kept = np.where(kept, excess, -np.inf).max(axis=0)
        assert (of_kept[every > 0] >= every[every > 0] - 1e-12).all()
        beyond += int((every > 0).any())
    assert beyond > 0


def test_of_two_equal_rows_one_stays() -> None:
    network = feeder("baran-wu-33")
    load = network.buses[["load_mw", "load_mvar"]].to_numpy().T[:, :, None]
    found = sensitivities(network, load[0], load[1])
    twice = found.flow_mw.at_reactive(load[1])
    twice.active[:, 1], twice.constant[1] = twice.active[:, 0], twice.constant[0]
    kept = needed(twice, np.full((1, 1), 3.8), (0.5 * load[0], 1.5 * load[0]))
    assert kept[0, 0] != kept[1, 0]
