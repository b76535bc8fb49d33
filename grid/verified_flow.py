"""AC power flow of many columns by the batch, verified by pandapower where it matters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.ac import AcResult, ac_columns, loading_percent
from equigrid.grid.batch.flow import power_flow_batch, sources_meet
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.flow_columns import Columns, read_columns
from equigrid.grid.network.network import Network

_JUDGED = 50  # columns judged for each kind of limit, and of those that the batch cannot solve
_ASKED = ("voltage_pu", "branch_current_ka", "branch_active_mw", "loss_mw", "unsupplied_mw")
_ALONE = 250  # up to so many columns pandapower needs less time than kernels to be compiled once


@dataclass(frozen=True, eq=False)
class VerifiedFlow:
    """AC power flows by two routes that share nothing.

    Attributes
    ----------
    result : AcResult
        By the batch power flow, in the judged columns by pandapower.
    judged : array of bool (C,)
        Where pandapower was asked.
    difference_pu : float or None
        Largest difference of a voltage magnitude between the routes, over judged columns that both
        solve; None where pandapower alone was asked.
    disagreeing : int
        Columns that only one route solves. pandapower has the last word.
    """

    result: AcResult
    judged: BoolArray
    difference_pu: float | None
    disagreeing: int = 0


def verified_flow(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    voltage_min_pu: ArrayLike,
    voltage_max_pu: ArrayLike,
    parts: ArrayLike | None = None,
    branch_closed: ArrayLike | None = None,
) -> VerifiedFlow:
    """Run the AC power flow of every column by the batch, and by pandapower where it matters.

    pandapower judges the 50 columns that come nearest to a voltage limit or go furthest beyond,
    the 50 with the greatest loadings, the 50 where the greatest load is not supplied, and the first
    50 that the batch cannot solve. It alone takes up to 250 columns, and all columns of networks
    where sources feed the same island in one of them, which the batch refuses.

    Parameters
    ----------
    network : Network
        Any network, meshed or not.
    load_mw, load_mvar : array (N, C)
        Net consumption per bus and column, MW and MVAr, as for :func:`ac_check`.
    voltage_min_pu, voltage_max_pu : float or array (N,)
        What "near" is measured from, p.u.
    parts : array of int or bool (C,), optional
        Columns of the same number are reported together; each part has an equal share of what is
        judged, so that pandapower sees what matters in all of them.
    branch_closed : array of bool (B,) or (B, C), optional
        Which branches are closed, as for :func:`ac_check`, in all columns or column by column.

    Raises
    ------
    NetworkError
        As :func:`ac_check`.
    """
    columns = read_columns(network, load_mw, load_mvar, branch_closed)
    states = None if columns.closed is None else columns.closed.T
    if len(columns) <= _ALONE or sources_meet(network, states):
        return VerifiedFlow(ac_columns(network, columns), np.ones(len(columns), bool), None)
    result = _by_batch(network, columns, states)
    distances = _distances(result, voltage_min_pu, voltage_max_pu)
    judged = _chosen(distances, result.converged, parts)
    exact = ac_columns(network, columns.only(judged))
    voltage, converged = result.voltage_pu[:, judged], result.converged[judged]
    apart = np.abs(exact.voltage_pu - voltage)[:, exact.converged & converged]
    disagreeing = int(np.count_nonzero(exact.converged != converged))
    _replace(result, judged, exact)
    return VerifiedFlow(result, judged, float(apart.max(initial=0.0)), disagreeing)


def _by_batch(network: Network, columns: Columns, states: BoolArray | None) -> AcResult:
    """Return what the batch says, as pandapower would say it; states are (S, B) or (1, B)."""
    loads = columns.load_mw.T, columns.load_mvar.T
    flow = power_flow_batch(network, *loads, states, results=_ASKED)
    converged = flow.status != FlowStatus.DIVERGED
    voltage, current = flow.voltage_pu.T, flow.branch_current_ka.T
    no_voltage = np.isnan(voltage) & converged
    voltage[no_voltage] = 0.0
    return AcResult(
        voltage_pu=voltage,
        active_mw=flow.branch_active_mw.T,
        current_ka=current,
        loading_percent=loading_percent(network, current),
        loss_mw=flow.loss_mw,
        unsupplied=no_voltage & network.buses["in_service"].to_numpy()[:, None],
        unsupplied_mw=flow.unsupplied_mw,
        converged=converged,
    )


def _distances(result: AcResult, low: ArrayLike, high: ArrayLike) -> list[FloatArray]:
    """Return what each column (C,) is ranked by for each kind of limit, the worst greatest."""
    off = result.beyond_limits_pu(low, high).max(axis=0)
    loading = result.loading_percent.max(axis=0, initial=0.0)
    return [off, *(other for other in (loading, result.unsupplied_mw) if np.any(other > 0))]


def _chosen(
    distances: list[FloatArray], converged: BoolArray, parts: ArrayLike | None
) -> BoolArray:
    """Return which columns pandapower judges; of equal ones the first."""
    chosen = np.zeros(len(converged), bool)
    part_of = np.zeros(len(converged)) if parts is None else np.asarray(parts)
    names = np.unique(part_of)
    share = max(1, _JUDGED // len(names))
    for name in names:
        solved = np.flatnonzero((part_of == name) & converged)
        for distance in distances:
            chosen[solved[np.argsort(-distance[solved], kind="stable")[:share]]] = True
        chosen[np.flatnonzero((part_of == name) & ~converged)[:share]] = True
    return chosen


def _replace(result: AcResult, columns: BoolArray, exact: AcResult) -> None:
    """Write what pandapower says over what the batch says."""
    for name, value in vars(exact).items():
        getattr(result, name)[..., columns] = value
