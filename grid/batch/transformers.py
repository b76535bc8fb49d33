"""Transformers as two-ports, by the same conventions as pandapower's T model.

Shunt arm and leakage impedances form a T on the low-voltage side, which becomes a pi; the ratio,
taps included, is ideal and stands on the high-voltage side.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from equigrid.arrays import ComplexArray, FloatArray


@dataclass(frozen=True)
class Taps:
    """Rated voltages in the present tap positions (kV) and the phase shift (radians)."""

    hv_kv: FloatArray
    lv_kv: FloatArray
    shift: FloatArray


@dataclass(frozen=True)
class Ports:
    """Per unit on 1 MVA and the nominal voltage of the low-voltage bus; ratio at the hv side.

    Attributes
    ----------
    series, shunt_from, shunt_to : complex array (T,)
        Impedance, and admittances at its two ends.
    ratio : complex array (T,)
        Of the high-voltage bus to the ends of the impedance.
    """

    series: ComplexArray
    shunt_from: ComplexArray
    shunt_to: ComplexArray
    ratio: ComplexArray


def transformer_ports(rows: pd.DataFrame, from_kv: FloatArray, to_kv: FloatArray) -> Ports:
    """Return the two-ports of transformers.

    Parameters
    ----------
    rows : DataFrame
        The table ``transformers`` of a network.
    from_kv, to_kv : array (T,)
        Nominal voltages of their buses.
    """
    taps = _taps(rows)
    series = _short_circuit(rows) * (taps.lv_kv / to_kv) ** 2
    excitation = _excitation(rows) * (to_kv / taps.lv_kv) ** 2
    series, shunt_from, shunt_to = _pi_of_t(rows, series, excitation)
    ratio = taps.hv_kv / taps.lv_kv * to_kv / from_kv
    return Ports(series, shunt_from, shunt_to, ratio * np.exp(1j * taps.shift))


def _short_circuit(rows: pd.DataFrame) -> ComplexArray:
    """Impedance on 1 MVA and the rated voltages."""
    rated_mva = (rows["sn_mva"] * rows["parallel"]).to_numpy(np.float64)
    whole, real = (rows[c].to_numpy(np.float64) for c in ("vk_percent", "vkr_percent"))
    return np.asarray((real + 1j * np.sqrt(whole**2 - real**2)) / 100 / rated_mva)


def _excitation(rows: pd.DataFrame) -> ComplexArray:
    """Admittance of iron losses and magnetising current on 1 MVA and the rated voltages."""
    iron_mw = rows["pfe_kw"].to_numpy(np.float64) / 1e3
    no_load_mva = (rows["i0_percent"] / 100 * rows["sn_mva"]).to_numpy(np.float64)
    reactive_mvar = np.sqrt(np.clip(no_load_mva**2 - iron_mw**2, 0, None))
    return np.asarray((iron_mw - 1j * reactive_mvar) * rows["parallel"].to_numpy())


def _pi_of_t(
    rows: pd.DataFrame, series: ComplexArray, excitation: ComplexArray
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Return impedance and shunts of the pi that equals the T."""
    share = (
        rows["leakage_resistance_ratio_hv"].to_numpy(np.float64),
        rows["leakage_reactance_ratio_hv"].to_numpy(np.float64),
    )
    near = series.real * share[0] + 1j * series.imag * share[1]
    far = series - near
    # Of the star with arms near, far and 1 / excitation; written so that no excitation is no case.
    weight = 1 + excitation * near * far / series
    return series * weight, excitation * far / series / weight, excitation * near / series / weight


def _taps(rows: pd.DataFrame) -> Taps:
    """Apply both tap changers to the rated voltages and the shift."""
    kv = {side: rows[f"vn_{side}_kv"].to_numpy(np.float64).copy() for side in ("hv", "lv")}
    degrees = rows["shift_degree"].to_numpy(np.float64).copy()
    for prefix in ("tap", "tap2"):
        for side, sign in (("hv", 1.0), ("lv", -1.0)):
            here = (rows[f"{prefix}_side"] == side).to_numpy()
            kind = rows[f"{prefix}_changer_type"].to_numpy()
            in_ratio = here & np.isin(kind.astype(str), ("Ratio", "Symmetrical"))
            factor = _tap_factor(rows, prefix)
            degrees += np.where(
                in_ratio, sign * np.degrees(np.arctan(factor.imag / factor.real)), 0
            )
            kv[side] = np.where(in_ratio, kv[side] * np.abs(factor), kv[side])
            ideal = here & (kind == "Ideal")
            degrees += np.where(ideal, sign * _ideal_shift(rows, prefix), 0)
    return Taps(kv["hv"], kv["lv"], np.radians(degrees))


def _steps(rows: pd.DataFrame, prefix: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return steps off neutral, and what a step is in percent and degrees; 0 where unknown."""
    position, neutral, percent, degree = (
        rows[f"{prefix}_{name}"].to_numpy(np.float64)
        for name in ("pos", "neutral", "step_percent", "step_degree")
    )
    return np.nan_to_num(position - neutral), np.nan_to_num(percent), np.nan_to_num(degree)


def _tap_factor(rows: pd.DataFrame, prefix: str) -> ComplexArray:
    """Return by what a tap changer that adds a voltage multiplies the rated one."""
    steps, percent, degree = _steps(rows, prefix)
    return np.asarray(1 + steps * percent / 100 * np.exp(1j * np.radians(degree)))


def _ideal_shift(rows: pd.DataFrame, prefix: str) -> FloatArray:
    """Return the degrees by which a tap changer turns that leaves the magnitude alone."""
    steps, percent, degree = _steps(rows, prefix)
    by_percent = 2 * np.degrees(np.arcsin(steps * percent / 200))
    return np.where(degree != 0, steps * degree, by_percent)
