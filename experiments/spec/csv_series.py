"""Series in a CSV file beside a study: a column of it, its rows in order or picked by time."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.field_errors import FieldErrors
from equigrid.experiments.spec.fields import bus_position
from equigrid.experiments.spec.files import CsvTable, Row, UnusableFile
from equigrid.experiments.spec.findings import Loc, suggestion
from equigrid.experiments.spec.limits import Limits
from equigrid.experiments.spec.surroundings import Surroundings
from equigrid.experiments.spec.times import is_twofold, moment_of

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MOST_GAPS = 5


def column_of(
    said: Mapping[str, Any], loc: Loc, limits: Limits, here: Surroundings, errors: FieldErrors
) -> FloatArray:
    """Return the series that ``{file: prices.csv, column: price, time: time}`` names.

    Parameters
    ----------
    said : mapping
        `time` may be left out; rows are then the steps in order.
    loc : tuple
        Of the mapping, below the field.
    limits, here : Limits, Surroundings
    errors : FieldErrors
        Notes what is wrong, with the line of the CSV where it stands there.
    """
    chosen = _chosen(said, loc, ("file", "column", "time"), here, errors)
    if chosen is None or not _has_column(chosen[0], said["column"], (*loc, "column"), errors):
        return np.zeros(0)
    table, rows = chosen
    return _numbers(table, rows, str(said["column"]), limits, errors)


def bus_columns(
    said: Mapping[str, Any], limits: Limits, here: Surroundings, errors: FieldErrors
) -> dict[int, FloatArray]:
    """Return the series of each bus, by its position, from a CSV with a column for each bus."""
    chosen = _chosen(said, (), ("file", "time"), here, errors)
    if chosen is None:
        return {}
    table, rows = chosen
    series: dict[int, FloatArray] = {}
    for column in (name for name in table.columns if name != said.get("time")):
        position, problem = bus_position(column, here.buses)
        if problem or position in series:
            told = problem or "its bus has a column already; keep one"
            errors.in_file(table.file, 1, f"column {column!r}: {told}")
        else:
            series[position] = _numbers(table, rows, column, limits, errors)
    return series


def _chosen(
    said: Mapping[str, Any],
    loc: Loc,
    fields: Sequence[str],
    here: Surroundings,
    errors: FieldErrors,
) -> tuple[CsvTable, list[Row]] | None:
    """Return the table and its rows for the steps; None where something is wrong with them."""
    before = len(errors.items)
    _fields(said, loc, fields, errors)
    if here.files is None:
        errors.say((*loc, "file"), "a file is looked for beside a study; give a list here")
    if len(errors.items) > before or here.files is None:
        return None
    try:
        table = here.files.table(said["file"])
    except UnusableFile as error:
        if error.line:
            errors.in_file(str(here.files.folder / said["file"]), error.line, error.sentence)
        else:
            errors.say((*loc, "file"), error.sentence, said["file"])
        return None
    for row in table.uneven:
        has, wanted = len(row.cells), len(table.columns)
        errors.in_file(table.file, row.line, f"has {has} cells, the header has {wanted}")
    if table.uneven:
        return None
    rows = _rows(table, said.get("time"), loc, here, errors)
    return None if rows is None else (table, rows)


def _fields(said: Mapping[str, Any], loc: Loc, fields: Sequence[str], errors: FieldErrors) -> None:
    for name in said:
        if name not in fields:
            near = suggestion(name, fields) or f"; fields here are: {', '.join(fields)}"
            errors.say((*loc, name), f"unknown field {name!r}{near}")
    for name in fields:
        if name not in said and name != "time":
            errors.say((*loc, name), f"missing field {name!r}", absent=True)
        elif not isinstance(said.get(name), str | None) or said.get(name) == "":
            errors.say((*loc, name), "must be text", said[name])
        elif name in said and said[name] is None and name != "time":
            errors.say((*loc, name), "must be text", "null")


def _has_column(table: CsvTable, name: str, loc: Loc, errors: FieldErrors) -> bool:
    if name in table.columns:
        return True
    near = suggestion(name, table.columns) or f"; there is: {', '.join(table.columns)}"
    errors.say(loc, f"no column of {table.file} has this name{near}", name)
    return False


def _numbers(
    table: CsvTable, rows: Iterable[Row], name: str, limits: Limits, errors: FieldErrors
) -> FloatArray:
    column = table.columns.index(name)
    values = []
    for row in rows:
        cell = row.cells[column]
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        problem = limits.sentence(value) if math.isfinite(value) else _no_number(cell)
        if problem:
            errors.in_file(table.file, row.line, f"column {name!r}: {problem}", cell)
        values.append(value)
    return np.array(values)


def _no_number(cell: str) -> str:
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", cell):
        return "must be a number; write its decimals after a point"
    return "must be a number" if cell else "is empty; give a number"


def _rows(
    table: CsvTable, time: str | None, loc: Loc, here: Surroundings, errors: FieldErrors
) -> list[Row] | None:
    """Return the row of each step, in order."""
    if time is None:
        return _in_order(table, here, errors)
    if not here.starts:
        words = "rows are picked by time, so the study has to say when it starts; give start"
        errors.say((*loc, "time"), words, time)
        return None
    if not _has_column(table, time, (*loc, "time"), errors) or here.times is None:
        return None  # what is wrong with the start is told there
    return _by_time(table, time, here.times, errors)


def _in_order(table: CsvTable, here: Surroundings, errors: FieldErrors) -> list[Row]:
    if here.steps is not None and len(table.rows) != here.steps:
        last = table.rows[-1].line if table.rows else 1
        errors.in_file(
            table.file,
            table.rows[here.steps].line if len(table.rows) > here.steps else last,
            f"the file has {len(table.rows)} rows below its header, the study has {here.steps} "
            "steps; give a row for each, or name the column of times (time: …)",
        )
    return list(table.rows)


def _by_time(
    table: CsvTable, time: str, times: Sequence[datetime], errors: FieldErrors
) -> list[Row] | None:
    before, column = len(errors.items), table.columns.index(time)
    found = _at_moments(table, column, times[0].tzinfo, errors)
    steps = [moment.astimezone(UTC) for moment in times]
    _refuse_between(table, column, found, steps, errors)
    missing = [k for k, moment in enumerate(steps[:-1]) if moment not in found]
    for run in list(_runs(missing))[:_MOST_GAPS]:
        line = max((r.line for m, r in found.items() if m < steps[run[0]]), default=1)
        errors.in_file(table.file, line, _gap(run, times))
    if len(errors.items) > before:
        return None
    return [found[moment] for moment in steps[:-1]]


def _at_moments(
    table: CsvTable, column: int, zone: Any, errors: FieldErrors
) -> dict[datetime, Row]:
    """Return the rows by their moment in UTC."""
    found: dict[datetime, Row] = {}
    for row in table.rows:
        text = row.cells[column]
        moment = moment_of(text, zone)
        if moment is None:
            words = "must be a time like 2026-03-28T13:00, with an offset like +01:00 or local"
            errors.in_file(table.file, row.line, words, text)
        elif found.setdefault(moment, row) is not row and not is_twofold(text, zone):
            words = f"the time occurs twice, first on line {found[moment].line}; keep one"
            errors.in_file(table.file, row.line, words, text)
    return found


def _refuse_between(
    table: CsvTable,
    column: int,
    found: Mapping[datetime, Row],
    steps: Sequence[datetime],
    errors: FieldErrors,
) -> None:
    """Refuse rows that no step begins at, rather than leave values out without a word."""
    begins = set(steps)
    between = [m for m in found if steps[0] <= m < steps[-1] and m not in begins]
    if between:
        row = found[min(between)]
        minutes = (steps[1] - steps[0]).total_seconds() / 60
        words = f"no step begins here, steps are of {minutes:g} minutes; give one row for each"
        errors.in_file(table.file, row.line, words, row.cells[column])


def _runs(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Yield numbers that follow one another together."""
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _gap(run: Sequence[int], times: Sequence[datetime]) -> str:
    first, last = (times[k].isoformat(timespec="minutes") for k in (run[0], run[-1]))
    if len(run) == 1:
        return f"below this line the row of {first} is missing (step {run[0] + 1})"
    steps = f"steps {run[0] + 1} to {run[-1] + 1}"
    return f"below this line rows are missing, from {first} to {last} ({steps})"
