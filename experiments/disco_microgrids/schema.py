"""What a study of paper E holds: its parties, cases and scenarios."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from equigrid.experiments import schema
from equigrid.experiments.reading import Strict, exactly
from equigrid.experiments.schema import (
    BestResponseSettings,
    Bus,
    Efficiency,
    Fraction,
    Name,
    NotNegative,
    Positive,
    Series,
    Weights,
    no_less_than,
    no_more_than,
)


class Generator(Strict):
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


class Photovoltaic(Strict):
    """A PV unit on the network."""

    name: Name
    bus: Bus
    power_max_mw: NotNegative


class Battery(Strict):
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


class Iso(schema.Party):
    """Publishes the wholesale price and what a ramp costs, and receives the schedule."""

    kind: Literal["iso"]
    wholesale_price_per_mwh: Series
    ramp_penalty_fraction: NotNegative


class Customers(schema.Party):
    """The network's own load, which pays a tariff."""

    kind: Literal["customers"]
    tariff_fraction: NotNegative
    peak_load_fraction: NotNegative
    load_profile: Series


class DersManager(schema.Party):
    """Submits the bids of generators and interruptible loads on the network."""

    kind: Literal["ders-manager"]
    interruption_price_per_mwh: Series
    interruptible_fraction: Fraction
    generators: Annotated[tuple[NetworkGenerator, ...], Field(min_length=1)]
    photovoltaics: tuple[Photovoltaic, ...]


class Disco(schema.Party):
    """Buys on the wholesale market and prices the exchange with microgrids."""

    kind: Literal["disco"]
    buys_from: Name
    dispatches: Name
    serves: Name
    purchase_max_mw: Positive
    price_max_per_mwh: Positive


class Microgrid(schema.Party):
    """Trades with the Disco at the price it announces."""

    kind: Literal["microgrid"]
    buys_from: Name
    bus: Bus
    exchange_max_mw: NotNegative
    demand_mw: Series
    photovoltaic_max_mw: NotNegative
    interruptible_fraction: Fraction
    interruption_price_fraction: NotNegative
    generator: Generator
    battery: Battery


Agent = Annotated[Iso | Customers | DersManager | Disco | Microgrid, Field(discriminator="kind")]


class Methods(schema.Methods):
    """Settings of both methods."""

    best_response: BestResponseSettings


class Case(schema.Case):
    """One variant of the question: whether the ISO charges for ramps."""

    ramp_penalty: bool


class LoadUncertainty(Strict):
    """A normal distribution around the forecast."""

    relative_deviation: Annotated[float, Field(ge=0, lt=0.3)]
    weights: Weights


class IrradianceUncertainty(Strict):
    """A beta distribution in every hour of daylight."""

    mean: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], exactly("hours")]
    relative_deviation: Annotated[float, Field(gt=0, lt=1)]
    weights: Weights


class Scenarios(Strict):
    """What is uncertain, cut into intervals and combined."""

    load: LoadUncertainty
    irradiance: IrradianceUncertainty


class DiscoMicrogridsSpec(schema.StudySpec):
    """A Disco and its microgrids: who plays, in which cases, under which scenarios."""

    system: Literal["disco-microgrids"]
    methods: Methods
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    scenarios: Scenarios
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]

    @property
    def microgrids(self) -> tuple[Microgrid, ...]:
        """All microgrids, in the order given."""
        return tuple(agent for agent in self.agents if isinstance(agent, Microgrid))
