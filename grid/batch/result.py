"""The result of a batch of power flows: statuses, voltages, currents, powers and losses by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from equigrid.arrays import FloatArray, StateArray


class FlowStatus(IntEnum):
    """What became of a row; where several hold, the last of them.

    ``CONVERGED``: every bus in service is fed and has its voltage. ``ISLANDED``: some are not fed;
    they are NaN, the others solved. ``MESHED``: branches close a loop; solved as well, and buses
    that are not fed are NaN. ``DIVERGED``: no solution was found, everything is NaN. Loads cannot
    be carried then; generation that lifts voltages beyond about 1.5 p.u., and loops with an
    impedance of next to nothing, may have a solution all the same.
    """

    CONVERGED = 0
    ISLANDED = 1
    MESHED = 2
    DIVERGED = 3


@dataclass(frozen=True, eq=False)
class BatchFlow:
    """Power flows, one a row.

    Results that were not asked for raise a ValueError.

    Attributes
    ----------
    status : array of int8 (S,)
        Values of :class:`FlowStatus`.
    results : mapping of str to array
        What was asked for, by name.
    """

    status: StateArray
    results: Mapping[str, FloatArray]

    @property
    def voltage_pu(self) -> FloatArray:
        """Voltage magnitudes (S, N) by row of ``network.buses``, NaN at buses nothing feeds."""
        return self._result("voltage_pu")

    @property
    def branch_current_ka(self) -> FloatArray:
        """Currents (S, B) by row of ``network.branches``: the larger of the two ends.

        That of a transformer is as seen from its high-voltage side. Branches that are open or that
        nothing feeds have 0.
        """
        return self._result("branch_current_ka")

    @property
    def branch_active_mw(self) -> FloatArray:
        """Active powers (S, B), in MW, that enter branches at their ``from_bus``.

        They are negative where power comes out there. Branches that are open, or that nothing
        feeds, have 0; one that is open at its ``to_bus`` alone takes what its charging loses.
        """
        return self._result("branch_active_mw")

    @property
    def loss_mw(self) -> FloatArray:
        """Losses of all branches (S,)."""
        return self._result("loss_mw")

    @property
    def voltage_min_pu(self) -> FloatArray:
        """The least voltage of each row (S,)."""
        return self._result("voltage_min_pu")

    @property
    def voltage_max_pu(self) -> FloatArray:
        """The greatest voltage of each row (S,)."""
        return self._result("voltage_max_pu")

    @property
    def loading_max_percent(self) -> FloatArray:
        """The greatest loading of each row (S,), in percent of the ratings; 0 without any."""
        return self._result("loading_max_percent")

    @property
    def unsupplied_mw(self) -> FloatArray:
        """What is not supplied (S,): net loads, in MW, of buses in service that nothing feeds.

        A bus that nothing feeds counts with its net load where that is consumption. One that
        injects counts 0: it lacks nothing, and what it injects reaches nobody else. Buses out of
        service do not count. NaN in rows that are DIVERGED.
        """
        return self._result("unsupplied_mw")

    def _result(self, name: str) -> FloatArray:
        if name not in self.results:
            raise ValueError(f"{name} was not asked for: name it in results.")
        return self.results[name]

    def __repr__(self) -> str:
        counts = np.bincount(self.status, minlength=len(FlowStatus))
        named = [f"{counts[state]} {state.name}" for state in FlowStatus if counts[state]]
        return f"BatchFlow({', '.join(named) or 'no rows'}; {', '.join(self.results)})"
