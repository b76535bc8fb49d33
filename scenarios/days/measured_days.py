"""Measured hourly series from CSV files, cut into days."""

from pathlib import Path

import numpy as np
import pandas as pd

from equigrid.arrays import BoolArray, FloatArray

HOURS = 24


def read_daily_profiles(
    path: Path | str, column: str, installed: float, *, hour_column: str | None = None
) -> FloatArray:
    """Read an hourly series of generation and cut it into days.

    Parameters
    ----------
    path : Path or str
        A CSV file with one header line, gzipped if it ends in ``.gz``, one line an hour from the
        first hour of a day on.
    column : str
        The column to read.
    installed : float
        Rated power, in the unit of that column: 1000 for a column in W per kW.
    hour_column : str, optional
        A column with the hour of the day, from 0 or from 1. It shows lines that are missing,
        which nothing else does.

    Returns
    -------
    array of shape (days, 24)
        Relative to the rated power.

    Raises
    ------
    ValueError
        When a column is missing, days are not whole, or a value is missing, negative or more
        than the rated power. Everything that is wrong is told at once, with its lines.
    """
    wanted = [column] if hour_column is None else [column, hour_column]
    table = pd.read_csv(path, dtype=str, skip_blank_lines=False)
    missing = [name for name in wanted if name not in table.columns]
    if missing or not 0 < installed < np.inf:
        result = [f"{path} has no column '{name}'; it has {_listed(table)}" for name in missing]
        if not 0 < installed < np.inf:
            result += [
                f"the installed power is {installed}; it must be positive, unit of the column"
            ]
        raise ValueError("\n".join(result))
    values = _numbers(table[column])
    result = _value_findings(column, values, installed)
    if hour_column is not None:
        result += _hour_findings(hour_column, _numbers(table[hour_column]))
    if result:
        raise ValueError("\n".join(f"{path}: {text}" for text in result))
    return values.reshape(-1, HOURS) / installed


def _numbers(texts: "pd.Series[str]") -> FloatArray:
    return np.asarray(pd.to_numeric(texts, errors="coerce"), dtype=float)


def _value_findings(column: str, values: FloatArray, installed: float) -> list[str]:
    wrong = {
        "no number; fill the gap or leave the day out": ~np.isfinite(values),
        "negative; generation is at least 0": values < 0,
        f"above the installed power {installed:g}; state that in the unit of the column": (
            values > installed
        ),
    }
    findings = [
        f"column '{column}' is, at {_lines(at)}, {what}" for what, at in wrong.items() if at.any()
    ]
    if len(values) % HOURS or not len(values):
        findings += [f"there are {len(values)} hours; whole days of {HOURS} are needed"]
    return findings


def _hour_findings(column: str, hours: FloatArray) -> list[str]:
    """Say where hours do not follow each other through the day, 0 … 23 or 1 … 24."""
    first = 0 if len(hours) and hours[0] == 0 else 1
    broken = np.ones(len(hours), dtype=bool)
    broken[1:] = hours[1:] != (hours[:-1] - first + 1) % HOURS + first
    broken[:1] = hours[:1] != first
    if not broken.any():
        return []
    return [f"column '{column}' leaves the order of the hours at {_lines(broken)}"]


def _lines(where: BoolArray, most: int = 5) -> str:
    """Name the lines of the file, whose first is the header."""
    lines = np.flatnonzero(where) + 2
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return f"line {', '.join(map(str, lines[:most].tolist()))}{more}"


def _listed(table: pd.DataFrame) -> str:
    return ", ".join(f"'{name}'" for name in table.columns)
