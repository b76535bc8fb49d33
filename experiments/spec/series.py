"""Series: a value for each step, in place, as one number, or from a CSV file beside the study."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.csv_series import bus_columns, column_of
from equigrid.experiments.spec.field_errors import FieldErrors
from equigrid.experiments.spec.fields import bus_number, bus_position
from equigrid.experiments.spec.findings import Loc
from equigrid.experiments.spec.limits import NO_LIMITS, Limits
from equigrid.experiments.spec.surroundings import Surroundings, around

_KINDS = "a list of numbers, one number, or {file: …, column: …}"


@dataclass(frozen=True)
class _Field:
    """How pydantic reads and writes an array of values: the metadata of its annotation.

    Parameters
    ----------
    limits : Limits
        Of every value.
    """

    limits: Limits = NO_LIMITS

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return what reads it and writes it as lists."""
        return core_schema.with_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda series: series.tolist()
            ),
        )

    def _read(self, value: Any, info: ValidationInfo) -> FloatArray:
        raise NotImplementedError


class SeriesField(_Field):
    """How pydantic reads a series."""

    def _read(self, value: Any, info: ValidationInfo) -> FloatArray:
        errors = FieldErrors()
        series = _series(value, (), self.limits, around(info), errors)
        errors.raise_if_any()
        return _frozen(series)


class BusSeriesField(_Field):
    """How pydantic reads a series for each bus of the feeder."""

    def _read(self, value: Any, info: ValidationInfo) -> FloatArray:
        errors, here = FieldErrors(), around(info)
        if here.buses.state in ("absent", "outside"):
            errors.say((), bus_number(0, here.buses)[1] or "needs a study with a network")
            errors.raise_if_any()
        if here.buses.state == "unreadable":
            return _frozen(np.zeros((0, here.steps or 0)))
        rows = self._rows(value, here, errors)
        errors.raise_if_any()
        return _frozen(_stacked(rows, here))

    def _rows(self, value: Any, here: Surroundings, errors: FieldErrors) -> dict[int, FloatArray]:
        """Return the series by position of its bus."""
        if isinstance(value, Mapping) and isinstance(value.get("file"), str):
            return bus_columns(value, self.limits, here, errors)
        if isinstance(value, Mapping):
            return _by_bus(value, self.limits, here, errors)
        if isinstance(value, list | tuple | np.ndarray):
            return self._listed(value, here, errors)
        words = "must map buses to series, or be {file: …} with a column for each bus"
        errors.say((), words, "null" if value is None else value)
        return {}

    def _listed(self, value: Any, here: Surroundings, errors: FieldErrors) -> dict[int, FloatArray]:
        if len(value) != len(here.buses.numbers):
            buses = len(here.buses.numbers)
            errors.say((), f"must have a series for each of {buses} buses, has {len(value)}")
        rows = enumerate(value)
        return {k: _series(row, (k,), self.limits, here, errors) for k, row in rows}


def _by_bus(
    value: Mapping[Any, Any], limits: Limits, here: Surroundings, errors: FieldErrors
) -> dict[int, FloatArray]:
    rows: dict[int, FloatArray] = {}
    for key, said in value.items():
        position, problem = bus_position(str(key), here.buses)
        if problem or position in rows:
            errors.say((str(key),), problem or "its bus is named already; name it once")
        else:
            rows[position] = _series(said, (str(key),), limits, here, errors)
    return rows


def _stacked(rows: Mapping[int, FloatArray], here: Surroundings) -> FloatArray:
    if here.steps is None:  # which is told elsewhere
        return np.zeros((len(here.buses.numbers), 0))
    stacked = np.zeros((len(here.buses.numbers), here.steps))
    for position, row in rows.items():
        stacked[position] = row
    return stacked


def _frozen(series: FloatArray) -> FloatArray:
    series.flags.writeable = False
    return series


def _series(
    value: Any, loc: Loc, limits: Limits, here: Surroundings, errors: FieldErrors
) -> FloatArray:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return _listed(value, loc, limits, here, errors)
    if isinstance(value, Mapping):
        return column_of(value, loc, limits, here, errors)
    if isinstance(value, bool | str) or not isinstance(value, int | float):
        errors.say(loc, f"must be {_KINDS}", "null" if value is None else value)
        return np.zeros(0)
    if here.files is None:
        errors.say(loc, "one number stands for all steps of a study; give a list here", value)
    limits.check(loc, value, errors)
    return np.full(here.steps or 0, _finite(value))


def _listed(
    value: Any, loc: Loc, limits: Limits, here: Surroundings, errors: FieldErrors
) -> FloatArray:
    if here.steps is not None and len(value) != here.steps:
        errors.say(loc, f"must have {here.steps} values, has {len(value)}", value)
    for k, item in enumerate(value):
        limits.check((*loc, k), item, errors)
    return np.array([_finite(item) for item in value])


def _finite(value: Any) -> float:
    """Return a number as a float, 0 where it is told to be none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0


Series = Annotated[FloatArray, SeriesField()]
"""A value for each step, of either sign; the model holds a read-only array of shape (T,)."""
NotNegativeSeries = Annotated[FloatArray, SeriesField(Limits(ge=0, le=1e6))]
PositiveSeries = Annotated[FloatArray, SeriesField(Limits(gt=0, le=1e6))]
FractionSeries = Annotated[FloatArray, SeriesField(Limits(ge=0, le=1))]
BusSeries = Annotated[FloatArray, BusSeriesField()]
"""A value for each bus and step; the model holds a read-only array of shape (N, T).

Rows are in the order of the feeder's buses; buses that are not named have 0.
"""
