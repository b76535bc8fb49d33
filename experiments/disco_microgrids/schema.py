"""What a study of paper E holds: its parties, cases and scenarios."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from equigrid.arrays import FloatArray
from equigrid.experiments.spec import methods, study_spec
from equigrid.experiments.spec.checks import kinds, references
from equigrid.experiments.spec.feeder import linear_network_problems
from equigrid.experiments.spec.fields import (
    Bus,
    Efficiency,
    Fraction,
    Name,
    NotNegative,
    Positive,
    no_less_than,
    no_more_than,
)
from equigrid.experiments.spec.findings import Document, Problem
from equigrid.experiments.spec.limits import Limits
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.part import Part
from equigrid.experiments.spec.series import NotNegativeSeries, SeriesField
from equigrid.experiments.spec.study_spec import Timetable, Weights

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network

# Each kind that must be there once, and who refers to it by which field.
_ONCE = ("iso", "customers", "ders-manager", "disco")
_REFERENCES = (
    ("disco", "buys_from", "iso"),
    ("disco", "dispatches", "ders-manager"),
    ("disco", "serves", "customers"),
    ("microgrid", "buys_from", "disco"),
)


class Generator(Part):
    """A dispatchable unit of a microgrid."""

    power_min_mw: NotNegative
    power_max_mw: NotNegative
    ramp_up_mw_per_h: Positive
    ramp_down_mw_per_h: Positive
    output_initial_mw: NotNegative
    bid_per_mwh: NotNegative

    @field_validator("power_max_mw")
    @classmethod
    def _above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("power_min_mw", value, info)

    @field_validator("output_initial_mw")
    @classmethod
    def _within_limits(cls, value: float, info: ValidationInfo) -> float:
        return no_more_than("power_max_mw", no_less_than("power_min_mw", value, info), info)


class NetworkGenerator(Generator):
    """A dispatchable unit that the Disco orders through the DERs manager."""

    name: Name
    bus: Bus


class Photovoltaic(Part):
    """A PV unit on the network."""

    name: Name
    bus: Bus
    power_max_mw: NotNegative


class Battery(Part):
    """Storage of a microgrid."""

    power_max_mw: NotNegative
    energy_min_mwh: NotNegative
    energy_max_mwh: NotNegative
    energy_initial_mwh: NotNegative
    charge_efficiency: Efficiency
    discharge_efficiency: Efficiency

    @field_validator("energy_max_mwh")
    @classmethod
    def _above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("energy_min_mwh", value, info)

    @field_validator("energy_initial_mwh")
    @classmethod
    def _within_limits(cls, value: float, info: ValidationInfo) -> float:
        return no_more_than("energy_max_mwh", no_less_than("energy_min_mwh", value, info), info)


class Iso(study_spec.Party):
    """Publishes the wholesale price and what a ramp costs, and receives the schedule."""

    kind: Literal["iso"]
    wholesale_price_per_mwh: NotNegativeSeries
    ramp_penalty_fraction: NotNegative


class Customers(study_spec.Party):
    """The network's own load, which pays a tariff."""

    kind: Literal["customers"]
    tariff_fraction: NotNegative
    peak_load_fraction: NotNegative
    load_profile: NotNegativeSeries


class DersManager(study_spec.Party):
    """Submits the bids of generators and interruptible loads on the network."""

    kind: Literal["ders-manager"]
    interruption_price_per_mwh: NotNegativeSeries
    interruptible_fraction: Fraction
    generators: Annotated[tuple[NetworkGenerator, ...], Field(min_length=1)]
    photovoltaics: tuple[Photovoltaic, ...]


class Disco(study_spec.Party):
    """Buys on the wholesale market and prices the exchange with microgrids."""

    kind: Literal["disco"]
    buys_from: Name
    dispatches: Name
    serves: Name
    purchase_max_mw: Positive
    price_max_per_mwh: Positive


class Microgrid(study_spec.Party):
    """Trades with the Disco at the price it announces."""

    kind: Literal["microgrid"]
    buys_from: Name
    bus: Bus
    exchange_max_mw: NotNegative
    demand_mw: NotNegativeSeries
    photovoltaic_max_mw: NotNegative
    interruptible_fraction: Fraction
    interruption_price_fraction: NotNegative
    generator: Generator
    battery: Battery


Agent = Annotated[Iso | Customers | DersManager | Disco | Microgrid, Field(discriminator="kind")]


class ExactSettings(methods.ExactSettings):
    """Settings of the exact method that a study has to state."""

    gap: methods.Gap
    node_limit: methods.Count


class BestResponseSettings(methods.BestResponseSettings):
    """Settings of the negotiation that a study has to state."""

    rounds: Annotated[int, Field(ge=1, le=10_000)]
    gap: methods.Gap


class Methods(methods.Methods):
    """Settings of both methods."""

    exact: ExactSettings
    best_response: BestResponseSettings


class LoadUncertainty(Part):
    """A normal distribution around the forecast."""

    relative_deviation: Annotated[float, Field(ge=0, lt=0.3)]
    weights: Weights


class IrradianceUncertainty(Part):
    """A beta distribution in every step of daylight."""

    mean: Annotated[FloatArray, SeriesField(Limits(ge=0, lt=1))]
    relative_deviation: Annotated[float, Field(gt=0, lt=1)]
    weights: Weights


class Scenarios(Part):
    """What is uncertain, cut into intervals and combined."""

    load: LoadUncertainty
    irradiance: IrradianceUncertainty


class DiscoMicrogridsSpec(study_spec.StudySpec):
    """A Disco and its microgrids: who plays, in which cases, under which scenarios.

    `ramp_penalty` says whether the ISO charges for ramps.
    """

    system: Literal["disco-microgrids"]
    steps: Annotated[int, Field(ge=2, le=168)] = 24
    timetable: Timetable
    methods: Methods
    network: NetworkChoice
    ramp_penalty: bool = False
    scenarios: Scenarios
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]

    @property
    def microgrids(self) -> tuple[Microgrid, ...]:
        """All microgrids, in the order given."""
        return tuple(agent for agent in self.agents if isinstance(agent, Microgrid))

    @classmethod
    def document_problems(cls, document: Document) -> Iterator[Problem]:
        """Yield what is wrong between parties: kinds, and who refers to whom."""
        yield from kinds(document, _ONCE, ["microgrid"])
        yield from references(document, _REFERENCES)

    @classmethod
    def network_problems(cls, network: "Network") -> Iterator[Problem]:
        """Yield why the Disco could not decide on a feeder."""
        return linear_network_problems(network)
