"""Columns of a network's tables: kind, default and sign of values, read or refused."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

REQUIRED = object()


@dataclass(frozen=True)
class Column:
    """What a column of a table may hold.

    Attributes
    ----------
    kind : type
        ``int``, ``float``, ``bool`` or ``str``.
    default : object
        What a row has that does not name the column; a default that is not finite
        also stands for a given NaN ("unknown").
    sign : {"any", "nonnegative", "positive"}
        Which figures make sense.
    """

    kind: type
    default: Any = REQUIRED
    sign: Literal["any", "nonnegative", "positive"] = "any"

    def read(self, value: Any) -> Any:
        """Return the value in the column's kind; a ValueError says what it is instead."""
        if value is None or value is pd.NA:
            value = self.default
        if value is REQUIRED:
            raise ValueError("is missing")
        if _is_unknown(value) and not self._may_be_unknown:
            raise ValueError("is not a number (NaN)")
        return self._figure(value) if self.kind in (int, float) else self._word(value)

    @property
    def wanted(self) -> str:
        """Say what to give instead of a value that was refused."""
        noun = {int: "whole number", float: "finite number", bool: "true or false", str: "text"}
        adjective = "" if self.sign == "any" else f"{self.sign} "
        article = "" if self.kind in (bool, str) else "a "
        return f"{article}{adjective}{noun[self.kind]}"

    @property
    def _may_be_unknown(self) -> bool:
        return self.default is None or (
            isinstance(self.default, float) and not math.isfinite(self.default)
        )

    def _word(self, value: Any) -> Any:
        if value is None or _is_unknown(value):
            return self.default
        if not pd.api.types.is_bool(value) and self.kind is bool:
            raise ValueError(f"is {value!r}, neither true nor false")
        return self.kind(value)

    def _figure(self, value: Any) -> Any:
        if _is_unknown(value):
            return self.default
        if not (pd.api.types.is_float(value) or pd.api.types.is_integer(value)):
            raise ValueError(f"is {value!r}, not a number")
        if math.isinf(value) and not self._may_be_unknown:
            raise ValueError("is infinite")
        if self.kind is int and value != int(value):
            raise ValueError(f"is {value!r}, not a whole number")
        if value < 0 and self.sign != "any":
            raise ValueError(f"is {value}, below zero")
        if value == 0 and self.sign == "positive":
            raise ValueError("is zero")
        return self.kind(value)


def _is_unknown(value: Any) -> bool:
    return bool(pd.api.types.is_float(value) and math.isnan(value))
