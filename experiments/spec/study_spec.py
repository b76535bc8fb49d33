"""What every study file holds: the schema is the documentation; a system adds its own fields."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, ValidationInfo, field_validator

from equigrid.experiments.spec.fields import Name, NotNegative, Positive, Probability, Text
from equigrid.experiments.spec.findings import Document, Problem
from equigrid.experiments.spec.methods import Methods
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.part import Part
from equigrid.experiments.spec.times import Start, change_of_clocks, times_of

if TYPE_CHECKING:  # networks take long to import, and not every study has one
    from equigrid.grid.network.network import Network

_DAY = 1440  # minutes
_MOST_STEPS = 366 * 96  # quarter-hours of a year


class TimetableEntry(Part):
    """One entry of the timetable of a system that has its stages in the study file."""

    name: Name
    minute: Annotated[int, Field(ge=0, lt=_DAY)]
    method: Literal["announce", "best-response", "exact"]


Timetable = Annotated[tuple[TimetableEntry, ...], Field(min_length=1)]


class Case(Part):
    """One variant of the question: the study with some fields set.

    `set` maps dotted paths, such as ``network.voltage_min_pu`` or ``lots.lot1.energy_mwh``, to
    values.
    """

    left_out: ClassVar[tuple[str, ...]] = ("set",)

    name: Name
    ac: Literal["enforce", "report"] = "enforce"
    set: dict[str, JsonValue] = Field(default_factory=dict)


class Tolerance(Part):
    """What a certificate has to meet."""

    regret: Positive = 1e-4
    gap: Positive = 1e-4
    settlement: Positive = 1e-6
    ac_voltage_pu: NotNegative = 0.005
    ac_loading_percent: NotNegative = 0.0


def _distribution(weights: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(weights) - 1) > 1e-9:
        raise ValueError(f"must add up to 1, not to {sum(weights):g}")
    return weights


Weights = Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_distribution)]


class SilentParty(Part):
    """A party that says nothing after a round of a bargaining."""

    name: Name
    after_round: Annotated[int, Field(ge=0)]


class Messages(Part):
    """What may happen to the messages of a bargaining, drawn from the seed of the study."""

    loss: Probability = 0.0
    delay_rounds: Annotated[int, Field(ge=0, le=1000)] = 0
    duplicate: Probability = 0.0
    silent: tuple[SilentParty, ...] = ()


class Party(Part):
    """Whoever takes part; a system says of each kind what it has."""

    kind: Name
    name: Name


class StudySpec(Part):
    """What every study says: which question, over which time, on which feeder, in which cases.

    A system adds the fields that are its own, and may narrow these.

    Attributes
    ----------
    steps, step_minutes : int
        T, and the length of a step, which divides a day.
    start : datetime or None
        When the first step begins, with a time zone.
    network : NetworkChoice or None
        None for a study without a network.
    methods : Methods
        What the study states of the settings of each method.
    """

    left_out: ClassVar[tuple[str, ...]] = ("step_minutes", "methods", "messages")

    study: Name
    title: Text
    system: Text
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    steps: Annotated[int, Field(ge=1, le=_MOST_STEPS)] = 24
    step_minutes: Annotated[int, Field(ge=1, le=_DAY)] = 60
    start: Start | None = None
    methods: Methods = Methods()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    certificate: Tolerance = Tolerance()
    network: NetworkChoice | None = None
    messages: Messages = Messages()

    @field_validator("step_minutes")
    @classmethod
    def _divides_a_day(cls, value: int) -> int:
        if _DAY % value:
            raise ValueError("must divide a day of 1440 minutes, like 15, 30 or 60")
        return value

    @field_validator("start")
    @classmethod
    def _same_clock(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        """Refuse a horizon within which clocks change."""
        steps, minutes = (info.data.get(name) for name in ("steps", "step_minutes"))
        if value is not None and steps and minutes:
            change = change_of_clocks(times_of(value, steps, minutes))
            if change:
                raise ValueError(f"{change}; choose a horizon of days with 24 hours")
        return value

    @property
    def step_hours(self) -> float:
        """Length of a step in hours."""
        return self.step_minutes / 60

    @property
    def hours(self) -> float:
        """Length of the horizon in hours."""
        return self.steps * self.step_minutes / 60

    @property
    def times(self) -> tuple[datetime, ...] | None:
        """Local times at which the steps begin; None where the study does not say when."""
        if self.start is None:
            return None
        return times_of(self.start, self.steps, self.step_minutes)[:-1]

    @classmethod
    def document_problems(cls, document: Document) -> Iterable[Problem]:
        """Return what one part of a study of this system says wrongly of another.

        Parameters
        ----------
        document : Document
            As read, so that these problems are told together with those of single fields.
        """
        return ()

    @classmethod
    def network_problems(cls, network: "Network") -> Iterable[Problem]:
        """Return why this system cannot use a feeder."""
        return ()
