"""Types of single fields, each of which checks itself; series are in `series`."""

import re
from pathlib import Path as _FilePath
from typing import TYPE_CHECKING, Annotated, Any

import pydantic
from pydantic import Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from equigrid.experiments.spec.field_errors import refused
from equigrid.experiments.spec.files import UnusableFile
from equigrid.experiments.spec.findings import suggestion
from equigrid.experiments.spec.surroundings import Buses, around

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
"""What something is called: a small letter, then small letters, digits, ``-`` and ``_``."""
Text = Annotated[str, Field(min_length=1, max_length=300)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
"""A number above 0."""
NotNegative = Annotated[float, Field(ge=0, le=1e6)]
Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""
Probability = Annotated[float, Field(ge=0, lt=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]


def no_less_than(least: str, value: float, info: ValidationInfo) -> float:
    """Refuse a value below another field of the same mapping."""
    if info.data.get(least, value) > value:
        raise ValueError(f"must be at least {least}, which is {info.data[least]:g}")
    return value


def no_more_than(most: str, value: float, info: ValidationInfo) -> float:
    """Refuse a value above another field of the same mapping."""
    if info.data.get(most, value) < value:
        raise ValueError(f"must be at most {most}, which is {info.data[most]:g}")
    return value


def bus_of(value: object, info: ValidationInfo) -> int:
    """Return the number of a bus of the study's feeder."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise refused("must be the number or the name of a bus", "null" if value is None else value)
    buses = around(info).buses
    number, problem = bus_number(value, buses)
    if problem:
        raise refused(problem, value)
    return number


def bus_number(value: int | str, buses: Buses) -> tuple[int, str]:
    """Return the number of a bus, and what is wrong with how it is named; empty if nothing.

    Parameters
    ----------
    value : int or str
        A number or a name.
    buses : Buses
    """
    if buses.state == "absent":
        return 0, "the study has no network, so it has no buses; name a feeder under network"
    if buses.state == "unreadable":
        return 0, ""
    if isinstance(value, int):
        return value, _no_such_number(value, buses)
    if buses.state == "outside":
        return 0, "a bus has a name in a study only; give its number"
    numbers = buses.named.get(value, ())
    return (numbers[0], "") if len(numbers) == 1 else (0, _no_such_name(value, numbers, buses))


def bus_position(key: str, buses: Buses) -> tuple[int, str]:
    """Return the row of a bus as a key or a column names it, and what is wrong with the name.

    Digits are a number, unless they are the name of a bus.
    """
    is_number = key.isascii() and key.isdigit() and len(key) < 10 and key not in buses.named
    number, problem = bus_number(int(key) if is_number else key, buses)
    return (buses.numbers.index(number) if number in buses.numbers else 0), problem


def _no_such_number(value: int, buses: Buses) -> str:
    if buses.state == "outside":
        return "must be at least 0" if value < 0 else ""
    if value in buses.numbers:
        return ""
    least, most = min(buses.numbers), max(buses.numbers)
    return f"no bus of the feeder has this number (it has {least} to {most})"


def _no_such_name(value: str, numbers: tuple[int, ...], buses: Buses) -> str:
    if numbers:
        listed = ", ".join(map(str, numbers))
        return f"the buses {listed} all have this name; give the number"
    if re.fullmatch(r"[0-9]{1,9}", value) and int(value) in buses.numbers:
        return "no bus of the feeder has this name, one has this number; remove the quotes"
    return f"no bus of the feeder has this name{suggestion(value, buses.named)}"


Bus = Annotated[
    int,
    pydantic.PlainValidator(bus_of),
    pydantic.PlainSerializer(int, return_type=int),
]
"""A bus of the study's feeder, by number or name; the model holds its number."""


if TYPE_CHECKING:
    _PathType = _FilePath
else:  # in Python 3.11 pathlib.Path itself can have no sub-class
    _PathType = type(_FilePath())


class Path(_PathType):
    """A file in the folder of the study or below it, which exists.

    The model holds where it is, so it can be opened; the study is written with what was said.

    Attributes
    ----------
    said : str
        The name as the study says it.
    """

    said: str = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic reads and writes a path."""
        return core_schema.with_info_plain_validator_function(
            _path_of,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _written_path, return_schema=core_schema.str_schema()
            ),
        )


def _path_of(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise refused("must be the name of a file", "null" if value is None else value)
    files = around(info).files
    if files is None:
        raise refused("a file is looked for beside a study, and there is none here", value)
    try:
        files.content(value)
    except UnusableFile as error:
        raise refused(error.sentence, value) from error
    path = Path(files.folder / value)
    path.said = value
    return path


def _written_path(path: Path) -> str:
    return path.said or str(path)
