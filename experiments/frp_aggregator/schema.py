"""What a study of paper A holds: its parties, cases and scenarios."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from equigrid.experiments.frp_aggregator.checks import scenario_problems
from equigrid.experiments.frp_aggregator.stored_energy import what_cannot_be_stored
from equigrid.experiments.spec import methods, study_spec
from equigrid.experiments.spec.checks import kinds, references
from equigrid.experiments.spec.feeder import linear_network_problems
from equigrid.experiments.spec.fields import (
    Bus,
    Efficiency,
    Name,
    NotNegative,
    Path,
    Positive,
    Text,
    no_less_than,
    no_more_than,
)
from equigrid.experiments.spec.findings import Document, Problem
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.part import Part
from equigrid.experiments.spec.series import FractionSeries, NotNegativeSeries, PositiveSeries
from equigrid.experiments.spec.study_spec import Timetable
from equigrid.experiments.spec.surroundings import around

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network

# Each kind that must be there once, and who refers to it by which field.
_ONCE = ("market", "network-operator", "prosumer-aggregator")
_REFERENCES = (
    ("network-operator", "buys_from", "market"),
    ("prosumer-aggregator", "buys_from", "network-operator"),
    ("prosumer", "represented_by", "prosumer-aggregator"),
)

State = Literal["before", "up", "down"]
Power = Annotated[float, Field(ge=-1e6, le=1e6)]
DayOfYear = Annotated[int, Field(ge=1, le=365)]
Hour = Annotated[int, Field(ge=1, le=24)]
Count = Annotated[int, Field(ge=1, le=100_000)]


def _before_delivery(states: tuple[State, ...]) -> tuple[State, ...]:
    if "before" not in states:
        raise ValueError("must contain before: limits always hold before delivery")
    if len(set(states)) < len(states):
        raise ValueError("must name each state once")
    return states


def _distribution(probability: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(probability) - 1) > 1e-9:
        raise ValueError(f"probabilities must add up to 1, not to {sum(probability):.9g}")
    return probability


class Market(study_spec.Party):
    """Publishes what energy costs and what ramping products are worth at the substation."""

    kind: Literal["market"]
    energy_price_per_mwh: PositiveSeries
    up_price_per_mwh: NotNegativeSeries
    down_price_per_mwh: NotNegativeSeries


class Photovoltaic(Part):
    """A PV unit that the network operator dispatches."""

    name: Name
    bus: Bus
    power_max_mw: Positive


class NetworkOperator(study_spec.Party):
    """Clears energy and ramping products within the limits of its feeder."""

    kind: Literal["network-operator"]
    buys_from: Name
    exchange_max_mw: Positive
    peak_load_fraction: NotNegative
    load_profile: NotNegativeSeries
    photovoltaics: Annotated[tuple[Photovoltaic, ...], Field(min_length=1)]


class ProsumerAggregator(study_spec.Party):
    """Buys energy and sells ramping products for its prosumers."""

    kind: Literal["prosumer-aggregator"]
    buys_from: Name


class Prosumer(study_spec.Party):
    """A virtual battery at a bus."""

    kind: Literal["prosumer"]
    represented_by: Name
    bus: Bus
    power_min_mw: Power
    power_max_mw: Power
    energy_min_mwh: NotNegative
    energy_max_mwh: NotNegative
    energy_initial_mwh: NotNegative
    energy_final_mwh: NotNegative
    efficiency: Efficiency
    retention: Efficiency

    @field_validator("power_max_mw")
    @classmethod
    def _power_above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("power_min_mw", value, info)

    @field_validator("energy_max_mwh")
    @classmethod
    def _energy_above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("energy_min_mwh", value, info)

    @field_validator("energy_final_mwh")
    @classmethod
    def _within_limits(cls, value: float, info: ValidationInfo) -> float:
        return no_more_than("energy_max_mwh", no_less_than("energy_min_mwh", value, info), info)

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        """Refuse a battery that no schedule keeps within its limits."""
        here = around(info)
        if here.steps is None or here.step_hours is None:  # which is told elsewhere
            return self
        if result := what_cannot_be_stored(self, here.steps, here.step_hours):
            raise ValueError(f"the virtual battery '{self.name}' is infeasible: {result}")
        return self


Agent = Annotated[
    Market | NetworkOperator | ProsumerAggregator | Prosumer, Field(discriminator="kind")
]


class _Days(Part):
    """Days of irradiance that are clustered, and which of their hours the study covers."""

    clusters: Count
    first_hour: Hour = 1


class DrawnDays(_Days):
    """Days drawn from a process, by the seed of the study."""

    kind: Literal["drawn"]
    days: Count
    first_day: DayOfYear = 1
    last_day: DayOfYear = 365

    @field_validator("days")
    @classmethod
    def _enough(cls, value: int, info: ValidationInfo) -> int:
        return int(no_less_than("clusters", value, info))


class MeasuredDays(_Days):
    """Days of a measured hourly series, in a CSV file beside the study."""

    kind: Literal["measured"]
    file: Path
    column: Text
    installed: Positive
    hour_column: Text | None = None


class GivenScenarios(Part):
    """Scenarios as they are, with the number of days behind their probabilities."""

    kind: Literal["given"]
    samples: Count
    probability: Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_distribution)]
    irradiance: Annotated[tuple[FractionSeries, ...], Field(min_length=1)]

    @field_validator("irradiance")
    @classmethod
    def _one_each(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        probability = info.data.get("probability")
        if probability is not None and len(value) != len(probability):
            raise ValueError(
                f"must have a series for each of the {len(probability)} probabilities, "
                f"has {len(value)}"
            )
        return value


Scenarios = Annotated[DrawnDays | MeasuredDays | GivenScenarios, Field(discriminator="kind")]


class ExactSettings(methods.ExactSettings):
    """Settings of the exact method to state in a study.

    The worst tie is looked for once, at the last answer; ``ties: false`` leaves it out.
    """

    gap: methods.Gap
    node_limit: methods.Count
    ties: bool = True


class Methods(methods.Methods):
    """Settings of the method."""

    exact: ExactSettings


class FrpAggregatorSpec(study_spec.StudySpec):
    """An aggregator, a network operator and a market: who plays, in which cases.

    `secured` names the states in which limits hold. `confidence` says how far probabilities are
    trusted: 1 trusts none, and all distributions are in the set.
    """

    system: Literal["frp-aggregator"]
    steps: Annotated[int, Field(ge=2, le=168)] = 24
    timetable: Timetable
    methods: Methods
    network: NetworkChoice
    secured: Annotated[tuple[State, ...], AfterValidator(_before_delivery)] = (
        "before",
        "up",
        "down",
    )
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.9
    offers: Literal["per-scenario", "here-and-now"]
    scenarios: Scenarios
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]

    @property
    def prosumers(self) -> tuple[Prosumer, ...]:
        """All prosumers, in the order given."""
        return tuple(agent for agent in self.agents if isinstance(agent, Prosumer))

    @classmethod
    def document_problems(cls, document: Document) -> Iterator[Problem]:
        """Yield what is wrong between parties, with the hours of days, with a measured series."""
        yield from kinds(document, _ONCE, ["prosumer"])
        yield from references(document, _REFERENCES)
        yield from scenario_problems(document)

    @classmethod
    def network_problems(cls, network: "Network") -> Iterator[Problem]:
        """Yield why the operator could not clear on a feeder."""
        return linear_network_problems(network)
