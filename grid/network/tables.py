"""Tables that describe a network: their columns, and the reading of rows with findings."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from equigrid.errors import nearest
from equigrid.grid.network.columns import Column

UNRATED_KA = 99999.0
"""A rating at or above this figure (kA), which pandapower writes for "no limit", limits nothing."""

Rows: TypeAlias = pd.DataFrame | Iterable[Mapping[str, Any]]
Record = dict[str, Any]


_BUS = Column(int)
_IN_SERVICE = Column(bool, True)
_ENDS = {"from_closed": Column(bool, True), "to_closed": Column(bool, True)}
_SHARE = Column(float, 0.0, "nonnegative")
_UNKNOWN = Column(float, math.nan)


def _tap_changer(prefix: str) -> dict[str, Column]:
    """Return the columns of one tap changer (pandapower allows two)."""
    figures = ("neutral", "min", "max", "step_percent", "step_degree", "pos")
    return {
        f"{prefix}_side": Column(str, None),
        **{f"{prefix}_{figure}": _UNKNOWN for figure in figures},
        f"{prefix}_changer_type": Column(str, None),
    }


TRANSFORMER_FIGURES: dict[str, Column] = {
    "sn_mva": Column(float, sign="positive"),
    "vn_hv_kv": Column(float, sign="positive"),
    "vn_lv_kv": Column(float, sign="positive"),
    "vk_percent": Column(float, sign="positive"),
    "vkr_percent": Column(float, sign="nonnegative"),
    "pfe_kw": Column(float, 0.0, "nonnegative"),
    "i0_percent": Column(float, 0.0, "nonnegative"),
    "shift_degree": Column(float, 0.0),
    **_tap_changer("tap"),
    **_tap_changer("tap2"),
    "leakage_resistance_ratio_hv": Column(float, 0.5, "nonnegative"),
    "leakage_reactance_ratio_hv": Column(float, 0.5, "nonnegative"),
    "parallel": Column(int, 1, "positive"),
    "df": Column(float, 1.0, "positive"),
}

SCHEMAS: dict[str, dict[str, Column]] = {
    "buses": {
        "bus": _BUS,
        "name": Column(str),
        "vn_kv": Column(float, sign="positive"),
        "in_service": _IN_SERVICE,
    },
    "lines": {
        "name": Column(str),
        "from_bus": _BUS,
        "to_bus": _BUS,
        "r_ohm": Column(float, sign="nonnegative"),
        "x_ohm": Column(float),
        "c_nf": Column(float, 0.0, "nonnegative"),
        "g_us": Column(float, 0.0, "nonnegative"),
        "rating_ka": Column(float, math.inf, "positive"),
        "in_service": _IN_SERVICE,
        **_ENDS,
        "element": Column(int, -1),
    },
    "transformers": {
        "name": Column(str),
        "from_bus": _BUS,
        "to_bus": _BUS,
        **TRANSFORMER_FIGURES,
        "in_service": _IN_SERVICE,
        **_ENDS,
        "element": Column(int, -1),
    },
    "bus_switches": {
        "name": Column(str, ""),
        "from_bus": _BUS,
        "to_bus": _BUS,
        "closed": Column(bool, True),
        "z_ohm": Column(float, 0.0, "nonnegative"),
    },
    "sources": {
        "name": Column(str, ""),
        "bus": _BUS,
        "vm_pu": Column(float, 1.0, "positive"),
        "va_degree": Column(float, 0.0),
        "in_service": _IN_SERVICE,
    },
    "loads": {
        "name": Column(str, ""),
        "bus": _BUS,
        "p_mw": Column(float),
        "q_mvar": Column(float, 0.0),
        "const_z_p_percent": _SHARE,
        "const_i_p_percent": _SHARE,
        "const_z_q_percent": _SHARE,
        "const_i_q_percent": _SHARE,
        "in_service": _IN_SERVICE,
    },
    "generators": {
        "name": Column(str, ""),
        "bus": _BUS,
        "p_mw": Column(float),
        "q_mvar": Column(float, 0.0),
        "in_service": _IN_SERVICE,
    },
    "shunts": {
        "name": Column(str, ""),
        "bus": _BUS,
        "p_mw": Column(float, 0.0),
        "q_mvar": Column(float, 0.0),
        "vn_kv": Column(float, sign="positive"),
        "in_service": _IN_SERVICE,
    },
}


class CopiedTables(Mapping[str, pd.DataFrame]):
    """Tables by name that hand out copies, so that nobody can change the originals."""

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._frames = dict(frames)

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._frames[name].copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


def read_tables(tables: Mapping[str, Rows]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Read every table of a network.

    Parameters
    ----------
    tables : mapping of str to rows
        Rows are a data frame or mappings from column to value. Tables not named are empty.

    Returns
    -------
    dict of str to DataFrame
        Each with all columns of its schema, defaults filled in; rows with findings left out.
    list of str
        Findings, empty when everything could be read.
    """
    findings = [
        f"There is no table {name!r}{did_you_mean(name, SCHEMAS)}: a network has the tables "
        f"{', '.join(SCHEMAS)}."
        for name in tables
        if name not in SCHEMAS
    ]
    frames = {name: _read_table(name, tables.get(name, ()), findings) for name in SCHEMAS}
    return frames, findings


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean ...?)`` or nothing."""
    close = nearest(word, known)
    return f" (did you mean {close!r}?)" if close else ""


def _read_table(table: str, rows: Rows, findings: list[str]) -> pd.DataFrame:
    schema = SCHEMAS[table]
    complete = []
    for number, record in enumerate(_records(table, rows)):
        row, wrong = _read_row(schema, record)
        if wrong:
            who = row_label(table, number, record)
            findings.extend(f"{who}: {sentence}" for sentence in wrong)
        else:
            complete.append(row)
    frame = pd.DataFrame(complete, columns=list(schema)).astype(
        {name: object if column.kind is str else column.kind for name, column in schema.items()}
    )
    if "element" in schema:  # unnumbered branches count from 0, as pandapower would
        frame["element"] = np.where(frame["element"] < 0, frame.index, frame["element"])
    return frame


def _records(table: str, rows: Rows) -> list[Record]:
    if isinstance(rows, pd.DataFrame):
        if table == "buses" and "bus" not in rows.columns:
            rows = rows.rename_axis("bus").reset_index()
        return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    return [dict(row) if isinstance(row, Mapping) else {"": row} for row in rows]


def _read_row(schema: Mapping[str, Column], record: Record) -> tuple[list[Any], list[str]]:
    """Return the values in the order of the schema, and what is wrong with the row."""
    values = []
    findings = [
        f"there is no column {key!r}{did_you_mean(key, schema)}; use {', '.join(schema)}."
        for key in record
        if key not in schema
    ]
    for key, column in schema.items():
        try:
            values.append(column.read(record.get(key)))
        except ValueError as reason:
            findings.append(f"{key} {reason}; give {column.wanted}.")
    return values, findings


def row_label(table: str, number: int, record: Mapping[str, Any]) -> str:
    """Return what to call a row in a sentence: its name, else its bus, else its position."""
    noun = {"buses": "Bus", "bus_switches": "Bus switch"}.get(table, table[:-1].capitalize())
    name, bus = record.get("name"), record.get("bus")
    if name:
        return f"{noun} {name!r}"
    return f"{noun} {bus}" if table == "buses" else f"{noun} number {number} (bus {bus})"
