"""What every study file holds: the schema is the documentation.

What a published system adds stands in the `schema` of its own sub-package.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_serializer

from equigrid.experiments.reading import Strict, exactly

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
NotNegative = Annotated[float, Field(ge=0, le=1e6)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
Series = Annotated[tuple[NotNegative, ...], exactly("hours")]
Bus = Annotated[int, Field(ge=0)]


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


class Stage(Strict):
    """One entry of the timetable."""

    name: Name
    minute: Annotated[int, Field(ge=0, lt=1440)]
    method: Literal["announce", "best-response", "exact"]


class ExactSettings(Strict):
    """Settings of the exact method."""

    gap: Annotated[float, Field(gt=0, lt=1)]
    node_limit: Annotated[int, Field(ge=1)]
    route: Literal["auto", "branching", "milp"] = "auto"
    margin: Annotated[float, Field(ge=0)] = 0.0
    work_limit: Annotated[int, Field(ge=1)] | None = None

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["ExactSettings"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out a limit in work that is not set, as a study file may."""
        return {name: value for name, value in write(self).items() if value is not None}


class BestResponseSettings(Strict):
    """Settings of the negotiation."""

    rounds: Annotated[int, Field(ge=1, le=10_000)]
    gap: Annotated[float, Field(gt=0, lt=1)]


class Methods(Strict):
    """Settings of the methods; a system adds those of its others."""

    exact: ExactSettings


class Case(Strict):
    """One variant of the question; a system adds what varies."""

    name: Name
    ac: Literal["enforce", "report"]

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["Case"], dict[str, Any]]) -> dict[str, Any]:
        """Write what a system adds before what is asked of AC."""
        return _last(write(self), "ac")


class Tolerance(Strict):
    """What a certificate has to meet."""

    regret: Positive
    gap: Positive
    settlement: Positive
    ac_voltage_pu: NotNegative
    ac_loading_percent: NotNegative


class Linearisation(Strict):
    """How often, and how well, the linear network is fitted to AC power flow.

    Where it is fitted in one case only, the others use the linear network of that case.
    """

    rounds: Annotated[int, Field(ge=1, le=50)]
    tolerance_pu: Annotated[float, Field(gt=0)]
    case: Name | None = None

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["Linearisation"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out a case that is not named, as a study file may."""
        return {name: value for name, value in write(self).items() if value is not None}


class NetworkChoice(Strict):
    """A shipped feeder or a file, with its switches and voltage limits.

    `generation_profile` is what the feeder's own generation feeds in, hour by hour, relative to
    its nominal power; all of it in every hour if left out.
    """

    feeder: Text
    open_branches: tuple[Text, ...]
    closed_branches: tuple[Text, ...]
    voltage_min_pu: Annotated[float, Field(gt=0, lt=2)]
    voltage_max_pu: Annotated[float, Field(gt=0, lt=2)]
    ratings_ka: dict[Text, Positive] = Field(default_factory=dict)
    generation_profile: Series | None = None
    linearisation: Linearisation | None = None

    @field_validator("voltage_max_pu")
    @classmethod
    def _above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("voltage_min_pu", value, info)

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["NetworkChoice"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out what is not asked for, as a study file may."""
        optional = ("ratings_ka", "generation_profile", "linearisation")
        return {k: value for k, value in write(self).items() if value or k not in optional}


def _distribution(weights: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(weights) - 1) > 1e-9:
        raise ValueError(f"must add up to 1, not to {sum(weights):g}")
    return weights


Weights = Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_distribution)]


class SilentParty(Strict):
    """A party that says nothing after a round of a bargaining."""

    name: Name
    after_round: Annotated[int, Field(ge=0)]


class Messages(Strict):
    """What may happen to the messages of a bargaining, drawn from the seed of the study.

    The log keeps the last `rounds_kept` rounds of each bargaining, all if that is left out.
    """

    loss: Probability = 0.0
    delay_rounds: Annotated[int, Field(ge=0, le=1000)] = 0
    duplicate: Probability = 0.0
    silent: tuple[SilentParty, ...] = ()
    rounds_kept: Annotated[int, Field(ge=0)] | None = None

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["Messages"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out a number of rounds that is not set, as a study file may."""
        return {name: value for name, value in write(self).items() if value is not None}


class Party(Strict):
    """Whoever takes part; a system says of each kind what it has."""

    kind: Name
    name: Name


class StudySpec(Strict):
    """A configured question: who plays, on which feeder, in which cases, by which methods.

    Each system narrows `system`, `methods`, `cases` and `agents` to its own, and adds fields.
    """

    study: Name
    title: Text
    system: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    hours: Annotated[int, Field(ge=2, le=168)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    methods: Methods
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    certificate: Tolerance
    network: NetworkChoice
    messages: Messages = Messages()
    agents: Annotated[tuple[Party, ...], Field(min_length=1)]

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["StudySpec"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out messages to which nothing happens, as a study file may; parties come last."""
        written = _last(write(self), "messages", "agents")
        if self.messages == Messages():
            written.pop("messages", None)
        return written


def _last(written: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Move fields to the end: pydantic writes those of a base class first."""
    moved = {field: written.pop(field) for field in fields if field in written}
    return {**written, **moved}
