"""AC power flow of many columns by the batch, verified by pandapower where it matters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.ac import AcResult, ac_check, check_loads, loading_percent
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.network.network import Network
from equigrid.grid.network.topology import twice_fed_islands

_JUDGED = 50  # columns judged for each kind of limit, and of those that the batch cannot solve
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
) -> VerifiedFlow:
    """Run the AC power flow of every column by the batch, and by pandapower where it matters.

    pandapower judges the 50 columns that come nearest to a voltage limit or go furthest beyond,
    the 50 with the greatest loadings, and the first 50 that the batch cannot solve. It alone takes
    up to 250 columns, and networks where sources feed the same island, which the batch refuses.

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

    Raises
    ------
    NetworkError
        When the arrays are not of shape (N, C) or hold no finite numbers.
    """
    active, reactive = np.asarray(load_mw, float), np.asarray(load_mvar, float)
    check_loads(network, active, reactive)
    columns = active.shape[1]
    if columns <= _ALONE or any(twice_fed_islands(network.graph(), network.sources)):
        return VerifiedFlow(ac_check(network, active, reactive), np.ones(columns, bool), None)
    result = _by_batch(network, active, reactive)
    distances = _distances(result, voltage_min_pu, voltage_max_pu)
    judged = _chosen(distances, result.converged, parts)
    exact = ac_check(network, active[:, judged], reactive[:, judged])
    voltage, converged = result.voltage_pu[:, judged], result.converged[judged]
    apart = np.abs(exact.voltage_pu - voltage)[:, exact.converged & converged]
    disagreeing = int(np.count_nonzero(exact.converged != converged))
    _replace(result, judged, exact)
    return VerifiedFlow(result, judged, float(apart.max(initial=0.0)), disagreeing)


def _by_batch(network: Network, load_mw: FloatArray, load_mvar: FloatArray) -> AcResult:
    """Return what the batch says, as pandapower would say it."""
    flow = power_flow_batch(network, load_mw.T, load_mvar.T)
    converged = flow.status != FlowStatus.DIVERGED
    voltage, current = flow.voltage_pu.T, flow.branch_current_ka.T
    voltage[np.isnan(voltage) & converged] = 0.0
    loading = loading_percent(network, current)
    return AcResult(voltage, current, loading, flow.loss_mw, converged)


def _distances(result: AcResult, low: ArrayLike, high: ArrayLike) -> list[FloatArray]:
    """Return what each column (C,) is ranked by for each kind of limit, the worst greatest."""
    low, high = np.reshape(low, (-1, 1)), np.reshape(high, (-1, 1))
    off = np.maximum(low - result.voltage_pu, result.voltage_pu - high).max(axis=0)
    loading = result.loading_percent.max(axis=0, initial=0.0)
    return [off, loading] if np.any(loading > 0) else [off]


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
