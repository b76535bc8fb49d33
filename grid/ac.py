"""AC power flow of a dispatch by pandapower, independent of the models that made it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandapower
import pandas as pd
from numpy.typing import ArrayLike
from pandapower.powerflow import LoadflowNotConverged

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.flow_columns import Columns, read_columns
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA

_OPTIONS = {"numba": False, "voltage_depend_loads": False, "tolerance_mva": 1e-9}
_REUSE_MATRICES = {"bus_pq": True, "trafo": False, "gen": False}
_ITERATIONS = 30


@dataclass(frozen=True)
class AcViolations:
    """How far an AC power flow is beyond the limits.

    Attributes
    ----------
    voltage_pu : array (N, C)
        Distance beyond the voltage limits in p.u., 0 within and where there is no voltage; infinite
        where nothing converged.
    loading_percent : array (B, C)
        Loading above 100 %, 0 below; infinite where nothing converged.
    """

    voltage_pu: FloatArray
    loading_percent: FloatArray

    @property
    def worst_voltage_pu(self) -> float:
        """The largest distance beyond a voltage limit, p.u."""
        return float(self.voltage_pu.max(initial=0.0))

    @property
    def worst_loading_percent(self) -> float:
        """The largest loading above 100 %."""
        return float(self.loading_percent.max(initial=0.0))


@dataclass(frozen=True)
class AcResult:
    """What the AC power flow says, column by column.

    Attributes
    ----------
    voltage_pu : array (N, C)
        Voltage magnitudes, 0 at buses that nothing feeds or that are out of service.
    active_mw : array (B, C)
        Active power that enters a branch at its ``from_bus``; negative where it comes out there.
    current_ka : array (B, C)
        The larger current of a branch's two ends, that of transformers as seen from ``from_bus``.
    loading_percent : array (B, C)
        Of the rating, 0 for branches without one.
    loss_mw : array (C,)
        Losses of all branches.
    unsupplied : array of bool (N, C)
        Buses in service that nothing feeds; false where nothing converged.
    unsupplied_mw : array (C,)
        Net loads of these buses, without those that inject.
    converged : array of bool (C,)
        Columns that did not converge hold NaN in all figures.
    """

    voltage_pu: FloatArray
    active_mw: FloatArray
    current_ka: FloatArray
    loading_percent: FloatArray
    loss_mw: FloatArray
    unsupplied: BoolArray
    unsupplied_mw: FloatArray
    converged: BoolArray

    def violations(self, voltage_min_pu: ArrayLike, voltage_max_pu: ArrayLike) -> AcViolations:
        """Measure against voltage limits (float or (N,), p.u.) and ratings.

        A bus that nothing feeds is beyond no voltage limit: ``unsupplied_mw`` says what it lacks.
        """
        voltage = self.beyond_limits_pu(voltage_min_pu, voltage_max_pu).clip(min=0)
        loading = (self.loading_percent - 100).clip(min=0)
        return AcViolations(
            np.where(self.converged, voltage, np.inf), np.where(self.converged, loading, np.inf)
        )

    def beyond_limits_pu(self, voltage_min_pu: ArrayLike, voltage_max_pu: ArrayLike) -> FloatArray:
        """Return how far voltages (N, C) are beyond limits in p.u.: within, below 0.

        It is minus infinity where there is no voltage.
        """
        low, high = (np.reshape(v, (-1, 1)) for v in (voltage_min_pu, voltage_max_pu))
        beyond = np.maximum(low - self.voltage_pu, self.voltage_pu - high)
        return np.where(self.voltage_pu > 0, beyond, -np.inf)


def ac_check(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    branch_closed: ArrayLike | None = None,
) -> AcResult:
    """Run the AC power flow for every column.

    Parameters
    ----------
    network : Network
        Any network, meshed or not.
    load_mw, load_mvar : array (N, C)
        Net consumption per bus and column, MW and MVAr; replaces the network's own loads and
        generation.
    branch_closed : array of bool (B,) or (B, C), optional
        Which branches are closed, in the order of ``network.branches``, ties included; the others
        are open at both ends. Without it the network's own state holds.

    Raises
    ------
    NetworkError
        When the loads are not of shape (N, C) or hold no finite numbers, or the states are not of
        shape (B,) or (B, C) or hold anything but true and false.
    """
    return ac_columns(network, read_columns(network, load_mw, load_mvar, branch_closed))


def ac_columns(network: Network, columns: Columns) -> AcResult:
    """Do what :func:`ac_check` does with columns that are read already."""
    each = _by_pandapower(network, columns)
    unsupplied = each.no_voltage & network.buses["in_service"].to_numpy()[:, None]
    lacking = np.where(unsupplied, columns.load_mw.clip(min=0), 0).sum(axis=0)
    return AcResult(
        voltage_pu=each.voltage_pu,
        active_mw=each.active_mw,
        current_ka=each.current_ka,
        loading_percent=loading_percent(network, each.current_ka),
        loss_mw=each.loss_mw,
        unsupplied=unsupplied,
        unsupplied_mw=np.where(np.isfinite(each.loss_mw), lacking, np.nan),
        converged=np.isfinite(each.loss_mw),
    )


def loading_percent(network: Network, current_ka: FloatArray) -> FloatArray:
    """Return currents (B, C) in percent of the ratings, 0 for branches without one."""
    rating_ka = network.branches["rating_ka"].to_numpy()[:, None]
    return np.where(rating_ka < UNRATED_KA, 100 * current_ka / rating_ka, 0 * current_ka)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back pandapower's log: what it would say is in the result."""
    logger = logging.getLogger("pandapower")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _net(network: Network, columns: Columns) -> pandapower.pandapowerNet:
    """Return the network for pandapower; where columns have states, with everything closed."""
    if columns.closed is not None:
        network = network.with_closed(dict.fromkeys(network.branches["name"], True))
    return network.with_loads(columns.load_mw[:, 0], columns.load_mvar[:, 0]).to_pandapower()


def _switch(net: pandapower.pandapowerNet, closed: BoolArray | None) -> None:
    """Give branches a state; out of service is as good as open at both ends."""
    if closed is not None:
        lines = len(net.line)
        net.line["in_service"], net.trafo["in_service"] = closed[:lines], closed[lines:]
        net["_ppc"] = None  # matrices of another state


class _Column(NamedTuple):
    """What pandapower says of a column, NaN where it does not converge; or of all of them."""

    voltage_pu: FloatArray
    no_voltage: BoolArray
    active_mw: FloatArray
    current_ka: FloatArray
    loss_mw: FloatArray


def _by_pandapower(network: Network, columns: Columns) -> _Column:
    """Return what pandapower says of all columns, those of the same state one after another."""
    net, found = _net(network, columns), {}
    with _quiet():
        for state, numbers in columns.by_state():
            _switch(net, state)
            for number in numbers:
                loads = columns.load_mw[:, number], columns.load_mvar[:, number]
                found[number] = _column(net, *loads)
    in_order = (found[number] for number in range(len(columns)))
    return _Column(*(np.stack(rows, axis=-1) for rows in zip(*in_order, strict=True)))


def _column(net: pandapower.pandapowerNet, load_mw: FloatArray, load_mvar: FloatArray) -> _Column:
    net.load["p_mw"], net.load["q_mvar"] = load_mw, load_mvar
    buses, branches = len(net.bus), len(net.line) + len(net.trafo)
    if not (_converges_warm(net) or _converges_cold(net)):
        lost = np.full(branches, np.nan)
        nowhere = np.zeros(buses, np.bool_)
        return _Column(np.full(buses, np.nan), nowhere, lost, lost, np.asarray(np.nan))
    voltage = net.res_bus["vm_pu"].to_numpy()
    loss = net.res_line["pl_mw"].sum() + net.res_trafo["pl_mw"].sum()
    active = np.concatenate([net.res_line["p_from_mw"], net.res_trafo["p_hv_mw"]])
    return _Column(
        np.nan_to_num(voltage),
        np.isnan(voltage),
        np.nan_to_num(active),
        _currents_ka(net),
        np.asarray(loss),
    )


def _converges_warm(net: pandapower.pandapowerNet) -> bool:
    """Start from the column before, with its matrices; False where there is none."""
    return net["_ppc"] is not None and _converges(net, recycle=_REUSE_MATRICES)


def _converges_cold(net: pandapower.pandapowerNet) -> bool:
    net["_ppc"] = None
    try:
        return _converges(net)
    except FloatingPointError:  # its DC start divides by reactances, and a line may have none
        return _converges(net, init="flat")


def _converges(net: pandapower.pandapowerNet, **options: object) -> bool:
    try:
        pandapower.runpp(net, max_iteration=_ITERATIONS, **_OPTIONS, **options)
    except LoadflowNotConverged:
        net["_ppc"] = None
        return False
    return True


def _currents_ka(net: pandapower.pandapowerNet) -> FloatArray:
    ratio = net.trafo["vn_lv_kv"] / net.trafo["vn_hv_kv"]
    transformers = pd.concat([net.res_trafo["i_hv_ka"], net.res_trafo["i_lv_ka"] * ratio], axis=1)
    currents = np.concatenate([net.res_line["i_ka"], transformers.max(axis=1)])
    return np.asarray(np.nan_to_num(currents), np.float64)
