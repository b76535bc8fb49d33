"""A feeder in operation: what flows at its nominal loads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equigrid.grid.ac import ac_check
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.network import Network

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operation:
    """The AC power flow of a network as it is switched.

    Attributes
    ----------
    network : Network
        With its loads and its switch state.
    status : FlowStatus
        Figures are NaN where it did not converge.
    voltage_pu : array (N,)
        NaN at buses nothing feeds.
    current_ka : array (B,)
        The larger of both ends.
    loss_mw, loading_max_percent, loss_ac_mw : float
        Losses by the batch power flow and by pandapower; the greatest loading, 0 without ratings.
    """

    network: Network
    status: FlowStatus
    voltage_pu: Array
    current_ka: Array
    loss_mw: float
    loading_max_percent: float
    loss_ac_mw: float

    @classmethod
    def of(cls, network: Network) -> "Operation":
        """Run both power flows."""
        buses = network.buses
        load_mw, load_mvar = (
            np.asarray(buses[f"load_{unit}"] - buses[f"generation_{unit}"], np.float64)
            for unit in ("mw", "mvar")
        )
        names = ("voltage_pu", "branch_current_ka", "loss_mw", "loading_max_percent")
        flow = power_flow_batch(network, load_mw[None], load_mvar[None], results=names)
        judged = ac_check(network, load_mw[:, None], load_mvar[:, None])
        return cls(
            network,
            FlowStatus(int(flow.status[0])),
            flow.voltage_pu[0],
            flow.branch_current_ka[0],
            float(flow.loss_mw[0]),
            float(flow.loading_max_percent[0]),
            float(judged.loss_mw[0]),
        )

    @property
    def voltage_min_pu(self) -> float:
        """The least voltage; NaN where nothing is known."""
        known = self.voltage_pu[np.isfinite(self.voltage_pu)]
        return float(known.min()) if len(known) else np.nan

    @property
    def open_branches(self) -> list[str]:
        """Names of the open branches."""
        branches = self.network.branches
        return list(branches["name"][~branches["closed"]])
