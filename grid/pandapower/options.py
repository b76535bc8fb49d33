"""Options of a pandapower net that change its power flow, and that no network has."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pandas as pd
from pandapower import pandapowerNet

_Holds: TypeAlias = Callable[[pandapowerNet, Any], bool]

# What runpp takes as well, and what leaves a balanced answer as it is: how it is looked for, how
# exactly, and limits and controllers of elements that a network does not have.
_HARMLESS = {
    "algorithm",
    "check_connectivity",
    "copy_constraints_to_ppc",
    "delta",
    "enforce_p_lims",
    "enforce_q_lims",
    "init",
    "init_results",
    "init_va_degree",
    "init_vm_pu",
    "lightsim2grid",
    "max_iteration",
    "mode",
    "numba",
    "recycle",
    "run_control",
    "tdpf_delay_s",
    "tdpf_update_r_theta",
    "tolerance_mva",
    "trafo3w_losses",
    "v_debug",
}


def foreign_options(net: pandapowerNet) -> list[str]:
    """Return a sentence for each of ``net.user_pf_options`` that would change the answer."""
    options = net.get("user_pf_options") or {}
    if not isinstance(options, Mapping):
        return [f"The net's user_pf_options are {type(options).__name__}, no mapping: remove them."]
    return [
        sentence
        for name, value in options.items()
        if (sentence := _foreign_option(net, str(name), value))
    ]


def _foreign_option(net: pandapowerNet, name: str, value: Any) -> str:
    if name in _CHANGES:
        holds, remedy = _CHANGES[name]
        if not holds(net, value):
            return ""
    elif name in _HARMLESS:
        return ""
    else:
        remedy = "a network has no such setting; remove it"
    return f"The net's user_pf_options ask for {name}={value!r}: {remedy}."


def _is_true(net: pandapowerNet, value: Any) -> bool:
    return bool(value)


def _has_trafos(net: pandapowerNet) -> bool:
    return bool(len(net.trafo))


def _has_shares(net: pandapowerNet) -> bool:
    shares = net.load.filter(regex=r"^const_.*percent$")
    return bool((shares.fillna(0) != 0).to_numpy().any())


def _has_angles(net: pandapowerNet) -> bool:
    columns = (
        net.trafo.get("shift_degree"),
        net.trafo.get("tap_step_degree"),
        net.ext_grid.get("va_degree"),
    )
    return any(bool((pd.Series(c).fillna(0) != 0).any()) for c in columns if c is not None)


def _has_impedant_switches(net: pandapowerNet) -> bool:
    z_ohm = net.switch.get("z_ohm", pd.Series(dtype=float))
    return bool((z_ohm.fillna(0) > 0).any())


_CHANGES: dict[str, tuple[_Holds, str]] = {
    "ac": (
        lambda net, value: not value,
        "a network has AC power flow only; remove it",
    ),
    "trafo_model": (
        lambda net, value: value != "t" and _has_trafos(net),
        "transformers of a network are T equivalents; remove it",
    ),
    "trafo_loading": (
        lambda net, value: value != "current" and _has_trafos(net),
        "loadings of a network are those of currents; remove it",
    ),
    "voltage_depend_loads": (
        lambda net, value: not value and _has_shares(net),
        "set the const_z and const_i percents of the loads to 0 instead, and remove it",
    ),
    "calculate_voltage_angles": (
        lambda net, value: value is False and _has_angles(net),
        "phase shifts of a network always count; set shift_degree and va_degree to 0 instead, "
        "and remove it",
    ),
    "switch_rx_ratio": (
        lambda net, value: value != 2 and _has_impedant_switches(net),
        "a switch with z_ohm has the ratio 2 in a network; remove it, or make the switch a line",
    ),
    "consider_line_temperature": (
        _is_true,
        "write r_ohm_per_km as it is at the temperature of the line, and remove it",
    ),
    "tdpf": (_is_true, "write r_ohm_per_km as it is at the temperature of the line, and remove it"),
    "distributed_slack": (
        _is_true,
        "each source of a network covers what its own island lacks; remove it",
    ),
    "neglect_open_switch_branches": (
        _is_true,
        "lines that are open at one end keep their charging in a network; set in_service to "
        "False there instead, and remove it",
    ),
}
