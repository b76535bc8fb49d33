"""AC power flow of a dispatch by pandapower, independent of the models that made it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandapower
import pandas as pd
from numpy.typing import ArrayLike
from pandapower.powerflow import LoadflowNotConverged

from equigrid.arrays import BoolArray, FloatArray
from equigrid.errors import NetworkError
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
        Distance beyond the voltage limits in p.u., 0 within; infinite where nothing converged.
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
        Voltage magnitudes, 0 at buses nothing feeds.
    current_ka : array (B, C)
        The larger current of a branch's two ends, that of transformers as seen from ``from_bus``.
    loading_percent : array (B, C)
        Of the rating, 0 for branches without one.
    loss_mw : array (C,)
        Losses of all branches.
    converged : array of bool (C,)
        Columns that did not converge hold NaN everywhere else.
    """

    voltage_pu: FloatArray
    current_ka: FloatArray
    loading_percent: FloatArray
    loss_mw: FloatArray
    converged: BoolArray

    def violations(self, voltage_min_pu: ArrayLike, voltage_max_pu: ArrayLike) -> AcViolations:
        """Measure against voltage limits (float or (N,), p.u.) and ratings."""
        low, high = (np.reshape(v, (-1, 1)) for v in (voltage_min_pu, voltage_max_pu))
        voltage = np.maximum(low - self.voltage_pu, self.voltage_pu - high).clip(min=0)
        loading = (self.loading_percent - 100).clip(min=0)
        return AcViolations(
            np.where(self.converged, voltage, np.inf), np.where(self.converged, loading, np.inf)
        )


def ac_check(network: Network, load_mw: ArrayLike, load_mvar: ArrayLike) -> AcResult:
    """Run the AC power flow for every column.

    Parameters
    ----------
    network : Network
        Any network, meshed or not.
    load_mw, load_mvar : array (N, C)
        Net consumption per bus and column, MW and MVAr; replaces the network's own loads and
        generation.

    Raises
    ------
    NetworkError
        When the arrays are not of shape (N, C) or hold no finite numbers.
    """
    active, reactive = np.asarray(load_mw, float), np.asarray(load_mvar, float)
    check_loads(network, active, reactive)
    net = network.with_loads(active[:, 0], reactive[:, 0]).to_pandapower()
    with _quiet():
        columns = [
            _column(net, load_mw, load_mvar)
            for load_mw, load_mvar in zip(active.T, reactive.T, strict=True)
        ]
    voltage, current, loss = (np.stack(rows, axis=-1) for rows in zip(*columns, strict=True))
    loading = loading_percent(network, current)
    return AcResult(voltage, current, loading, loss, converged=np.isfinite(loss))


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


def check_loads(network: Network, active: FloatArray, reactive: FloatArray) -> None:
    """Refuse loads that are not of shape (N, C) or not finite."""
    buses = len(network.buses)
    if (
        active.ndim != 2
        or active.shape != reactive.shape
        or len(active) != buses
        or not active.size
    ):
        raise NetworkError(
            [
                f"load_mw has shape {active.shape} and load_mvar {reactive.shape}: give both for "
                f"{buses} buses and at least one column."
            ]
        )
    bad = ~np.isfinite(active + reactive).all(axis=0)
    if bad.any():
        raise NetworkError(
            [f"The loads of column {', '.join(map(str, np.flatnonzero(bad)))} are not finite."]
        )


def _column(
    net: pandapower.pandapowerNet, load_mw: FloatArray, load_mvar: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return voltages, currents and loss of one column, NaN when it does not converge."""
    net.load["p_mw"], net.load["q_mvar"] = load_mw, load_mvar
    if not (_converges_warm(net) or _converges_cold(net)):
        lost = np.full(len(net.bus), np.nan), np.full(len(net.line) + len(net.trafo), np.nan)
        return *lost, np.nan
    voltage = np.nan_to_num(net.res_bus["vm_pu"].to_numpy())
    loss = net.res_line["pl_mw"].sum() + net.res_trafo["pl_mw"].sum()
    return voltage, _currents_ka(net), float(loss)


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
