"""A feeder in operation: what flows at its nominal loads."""

from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.grid.ac import AcResult, ac_check
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.result import BatchFlow, FlowStatus
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA
from equigrid.grid.network.topology import twice_fed_islands

_ASKED = ("voltage_pu", "branch_current_ka", "loss_mw", "loading_max_percent")


@dataclass(frozen=True, eq=False)
class Operation:
    """The AC power flow of a network as it is switched.

    Attributes
    ----------
    network : Network
        With its loads and its switch state.
    status : str
        The name of a FlowStatus; figures are NaN where it did not converge. TWICE_FED where sources
        feed the same island: the batch power flow refuses that, and all figures are pandapower's.
    voltage_pu : array (N,)
        NaN at buses nothing feeds.
    current_ka : array (B,)
        The larger of both ends.
    loss_mw, loading_max_percent, loss_ac_mw : float
        Losses by the batch power flow and by pandapower; the greatest loading, NaN where no
        branch has a rating.
    """

    network: Network
    status: str
    voltage_pu: FloatArray
    current_ka: FloatArray
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
        judged = ac_check(network, load_mw[:, None], load_mvar[:, None])
        loss_ac_mw = float(judged.loss_mw[0])
        if any(twice_fed_islands(network.graph(), network.sources)):
            result = cls(network, *_by_pandapower(judged), loss_ac_mw)
        else:
            flow = power_flow_batch(network, load_mw[None], load_mvar[None], results=_ASKED)
            result = cls(network, *_by_batch(flow), loss_ac_mw)
        rated = (network.branches["rating_ka"] < UNRATED_KA).any()
        return result if rated else replace(result, loading_max_percent=np.nan)

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


def _by_batch(flow: BatchFlow) -> tuple[str, FloatArray, FloatArray, float, float]:
    return (
        FlowStatus(int(flow.status[0])).name,
        flow.voltage_pu[0],
        flow.branch_current_ka[0],
        float(flow.loss_mw[0]),
        float(flow.loading_max_percent[0]),
    )


def _by_pandapower(judged: AcResult) -> tuple[str, FloatArray, FloatArray, float, float]:
    voltage = judged.voltage_pu[:, 0]
    return (
        "TWICE_FED" if judged.converged[0] else FlowStatus.DIVERGED.name,
        np.where(voltage > 0, voltage, np.nan),
        judged.current_ka[:, 0],
        float(judged.loss_mw[0]),
        float(judged.loading_percent[:, 0].max(initial=0.0)),
    )
