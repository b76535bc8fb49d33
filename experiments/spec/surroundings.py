"""What the fields of a study are checked against: its steps, its feeder, the files beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pydantic

from equigrid.experiments.spec.files import Files


@dataclass(frozen=True)
class Buses:
    """The buses of a study's feeder.

    Attributes
    ----------
    state : str
        ``read`` where they are known; ``absent`` where the study has no network, ``unreadable``
        where that is told elsewhere, ``outside`` where there is no study.
    numbers : tuple of int
        In the order of the feeder.
    named : mapping of str to tuple of int
        The numbers of the buses of each name.
    """

    state: Literal["read", "absent", "unreadable", "outside"] = "outside"
    numbers: tuple[int, ...] = ()
    named: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What stands around a field.

    Attributes
    ----------
    steps : int or None
        T, None where it is not known.
    step_hours : float or None
        Length of a step, None where it is not known.
    times : tuple of datetime or None
        Of the beginnings of the steps and of the end, None where the study has no usable start.
    starts : bool
        Whether the study says when it starts, usable or not.
    buses : Buses
    files : Files or None
        Beside the study, None where there is no study.
    """

    steps: int | None = None
    step_hours: float | None = None
    times: tuple[datetime, ...] | None = None
    starts: bool = False
    buses: Buses = field(default_factory=Buses)
    files: Files | None = None


def around(info: pydantic.ValidationInfo) -> Surroundings:
    """Return what stands around the field that is being checked."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings()
