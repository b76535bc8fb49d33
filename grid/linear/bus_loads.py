"""Net loads of buses from powers of resources: bus incidence, and scenario-hours as columns."""

from collections.abc import Sequence

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.grid.network.network import Network


def bus_incidence(network: Network, buses: Sequence[int]) -> FloatArray:
    """Return the incidence of resources on buses, (N, resources).

    Parameters
    ----------
    network : Network
    buses : sequence of int
        The bus of each resource.
    """
    rows = list(network.buses.index)
    incidence = np.zeros((len(rows), len(buses)))
    for column, bus in enumerate(buses):
        incidence[rows.index(bus), column] = 1.0
    return incidence


def scenario_hours(power: cp.Expression) -> cp.Expression:
    """Return powers (S, T) as one row of scenario-hours, scenario by scenario: s T + t."""
    return cp.reshape(power, (power.size,), order="C")
