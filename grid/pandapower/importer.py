"""Reading a pandapower net into the tables of a network."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd
from pandapower import pandapowerNet

from equigrid.errors import NetworkError
from equigrid.grid.network.tables import TRANSFORMER_FIGURES
from equigrid.grid.pandapower.import_notes import notes
from equigrid.grid.pandapower.options import foreign_options

_READ = {"bus", "line", "trafo", "switch", "load", "sgen", "shunt", "ext_grid"}
# No part of a power flow; costs become a note.
_IGNORED = {"poly_cost", "pwl_cost", "bus_geodata", "line_geodata", "measurement", "group"}
_SHARES = tuple(f"const_{kind}_{power}_percent" for kind in "zi" for power in "pq")


def read_net(net: pandapowerNet) -> tuple[str, dict[str, pd.DataFrame], dict[str, Any]]:
    """Return name, tables, and ``f_hz``, ``base_mva`` and ``notes`` for a network.

    Raises
    ------
    NetworkError
        Naming every table and every setting this framework has no model for.
    """
    if findings := _missing_columns(net):  # nothing else can be looked at without them
        raise NetworkError(findings)
    if findings := [
        *_foreign_tables(net),
        *_foreign_settings(net),
        *foreign_options(net),
    ]:
        raise NetworkError(findings)
    tables = {
        "buses": _buses(net),
        "lines": _lines(net),
        "transformers": _transformers(net),
        "bus_switches": _bus_switches(net),
        "sources": _at_bus(net.ext_grid, "vm_pu", "va_degree"),
        "loads": _at_bus(net.load, *_SHARES, scaled=("p_mw", "q_mvar"), by="scaling"),
        "generators": _at_bus(net.sgen, scaled=("p_mw", "q_mvar"), by="scaling"),
        "shunts": _at_bus(net.shunt, "vn_kv", scaled=("p_mw", "q_mvar"), by="step"),
    }
    figures = {"f_hz": float(net.f_hz), "base_mva": float(net.sn_mva), "notes": notes(net)}
    return str(net.name or "pandapower net"), tables, figures


_REQUIRED = {
    "bus": ("vn_kv", "in_service"),
    "line": (
        *("from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km"),
        *("max_i_ka", "in_service"),
    ),
    "trafo": ("hv_bus", "lv_bus", "in_service"),
    "switch": ("bus", "element", "et", "closed"),
    "load": ("bus", "p_mw", "q_mvar", "in_service"),
    "sgen": ("bus", "p_mw", "q_mvar", "in_service"),
    "shunt": ("bus", "p_mw", "q_mvar", "in_service"),
    "ext_grid": ("bus", "vm_pu", "in_service"),
}


def _missing_columns(net: pandapowerNet) -> list[str]:
    return [
        f"The pandapower table {table!r} has no column {column!r}: add it, or create the elements "
        f"with pandapower.create_..."
        for table, columns in _REQUIRED.items()
        for column in columns
        if column not in net[table]
    ]


def _foreign_tables(net: pandapowerNet) -> list[str]:
    return [
        f"The pandapower net has {len(table)} row{'' if len(table) == 1 else 's'} in {name!r}, "
        "which a network has no model for: "
        f"remove them or replace them by elements it has ({', '.join(sorted(_READ))})."
        for name, table in net.items()
        if isinstance(table, pd.DataFrame)
        and len(table)
        and name not in _READ | _IGNORED
        and not name.startswith(("_", "res_"))
    ]


def _foreign_settings(net: pandapowerNet) -> list[str]:
    """Find what changes a power flow but has no place in the tables."""
    findings = [
        f"The {element} {index} follows a characteristic table ({flag}): set fixed figures."
        for element, flag in (("trafo", "tap_dependency_table"), ("shunt", "step_dependency_table"))
        for index in net[element].index[_flags(net[element], flag)]
    ]
    for index, row in net.switch.iterrows():
        table = {"l": net.line, "t": net.trafo}.get(row["et"])
        ends = {"l": ["from_bus", "to_bus"], "t": ["hv_bus", "lv_bus"]}.get(row["et"])
        if row["et"] == "b":
            continue
        if table is None or row["element"] not in table.index:
            findings.append(
                f"The switch {index} works on {row['et']} {row['element']}, which does not exist: "
                f"remove it."
            )
        elif row["bus"] not in set(table.loc[row["element"], ends]):
            findings.append(
                f"The switch {index} stands at bus {row['bus']}, where {row['et']} "
                f"{row['element']} does not end: correct its bus."
            )
    return findings


def _flags(table: pd.DataFrame, column: str) -> "pd.Series[bool]":
    flags = table.get(column, pd.Series(False, index=table.index))
    return flags.fillna(False).astype(bool)


def _buses(net: pandapowerNet) -> pd.DataFrame:
    names = _unique_names("bus", net.bus.index, _column(net.bus, "name"))
    in_service = net.bus["in_service"].astype(bool)
    return net.bus[["vn_kv"]].assign(bus=net.bus.index, name=names, in_service=in_service)


def _branch_names(net: pandapowerNet) -> list[str]:
    """Name lines and transformers together, so that a name means one branch."""
    names = [*_column(net.line, "name"), *_column(net.trafo, "name")]
    labels = [f"line {i}" for i in net.line.index] + [f"transformer {i}" for i in net.trafo.index]
    return _unique(labels, names)


def _lines(net: pandapowerNet) -> pd.DataFrame:
    """Multiply length and parallel conductors out: only totals are kept."""
    line, parallel = net.line, _column(net.line, "parallel", 1)
    length_km = line["length_km"]
    result = pd.DataFrame(
        {
            "name": pd.Series(_branch_names(net)[: len(line)], index=line.index, dtype=object),
            "from_bus": line["from_bus"],
            "to_bus": line["to_bus"],
            "r_ohm": line["r_ohm_per_km"] * length_km / parallel,
            "x_ohm": line["x_ohm_per_km"] * length_km / parallel,
            "c_nf": line["c_nf_per_km"] * length_km * parallel,
            "g_us": _column(line, "g_us_per_km", 0.0) * length_km * parallel,
            "rating_ka": line["max_i_ka"] * _column(line, "df", 1.0) * parallel,
            "in_service": line["in_service"].astype(bool),
            "from_closed": _end_closed(net, "l", line["from_bus"]),
            "to_closed": _end_closed(net, "l", line["to_bus"]),
        }
    )
    return result.assign(element=line.index)


def _transformers(net: pandapowerNet) -> pd.DataFrame:
    trafo = net.trafo
    known = [column for column in TRANSFORMER_FIGURES if column in trafo]
    return trafo[known].assign(
        name=_branch_names(net)[len(net.line) :],
        from_bus=trafo["hv_bus"],
        to_bus=trafo["lv_bus"],
        in_service=trafo["in_service"].astype(bool),
        from_closed=_end_closed(net, "t", trafo["hv_bus"]),
        to_closed=_end_closed(net, "t", trafo["lv_bus"]),
        element=trafo.index,
    )


def _end_closed(net: pandapowerNet, kind: str, ends: "pd.Series[int]") -> list[bool]:
    """Return, for each branch, whether no switch at this end is open."""
    is_open = (net.switch["et"] == kind) & ~net.switch["closed"].astype(bool)
    opened = set(zip(net.switch["element"][is_open], net.switch["bus"][is_open], strict=True))
    return [(element, bus) not in opened for element, bus in ends.items()]


def _bus_switches(net: pandapowerNet) -> pd.DataFrame:
    switch = net.switch[net.switch["et"] == "b"]
    return pd.DataFrame({"z_ohm": _column(switch, "z_ohm", 0.0)}).assign(
        name=_unique_names("switch", switch.index, _column(switch, "name")),
        from_bus=switch["bus"],
        to_bus=switch["element"],
        closed=switch["closed"].astype(bool),
    )


def _at_bus(
    table: pd.DataFrame, *columns: str, scaled: tuple[str, ...] = (), by: str = ""
) -> pd.DataFrame:
    """Read elements at buses; the scaled columns are multiplied by the column ``by``."""
    present = [column for column in columns if column in table]
    return table[["bus", *present]].assign(
        name=[_text(name) for name in _column(table, "name")],
        in_service=table["in_service"].astype(bool),
        **{column: table[column] * _column(table, by, 1) for column in scaled},
    )


def _column(table: pd.DataFrame, name: str, otherwise: Any = None) -> "pd.Series[Any]":
    """Return a column that a net may lack, as those that were not made by pandapower's own."""
    return table[name] if name in table else pd.Series(otherwise, index=table.index)


def _unique_names(noun: str, index: Iterable[Any], names: Iterable[Any]) -> list[str]:
    """Return the given names, with noun and index where a name is missing or taken."""
    return _unique([f"{noun} {number}" for number in index], names)


def _unique(labels: list[str], names: Iterable[Any]) -> list[str]:
    texts = [_text(name) for name in names]
    count = Counter(texts)
    return [
        label if not text else text if count[text] == 1 else f"{text} ({label})"
        for label, text in zip(labels, texts, strict=True)
    ]


def _text(name: Any) -> str:
    return "" if pd.isna(name) else str(name)
