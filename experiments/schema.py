"""What a study file may hold: the schema is the documentation."""

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


def _no_less_than(least: str, value: float, info: ValidationInfo) -> float:
    """Refuse a value below another field of the same mapping."""
    if info.data.get(least, value) > value:
        raise ValueError(f"must be at least {least}, which is {info.data[least]:g}")
    return value


def _no_more_than(most: str, value: float, info: ValidationInfo) -> float:
    """Refuse a value above another field of the same mapping."""
    if info.data.get(most, value) < value:
        raise ValueError(f"must be at most {most}, which is {info.data[most]:g}")
    return value


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
        return _no_less_than("power_min_mw", value, info)

    @field_validator("output_initial_mw")
    @classmethod
    def _within_limits(cls, value: float, info: ValidationInfo) -> float:
        return _no_more_than("power_max_mw", _no_less_than("power_min_mw", value, info), info)


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
        return _no_less_than("energy_min_mwh", value, info)

    @field_validator("energy_initial_mwh")
    @classmethod
    def _within_limits(cls, value: float, info: ValidationInfo) -> float:
        return _no_more_than("energy_max_mwh", _no_less_than("energy_min_mwh", value, info), info)


class Iso(Strict):
    """Publishes the wholesale price and what a ramp costs, and receives the schedule."""

    kind: Literal["iso"]
    name: Name
    wholesale_price_per_mwh: Series
    ramp_penalty_fraction: NotNegative


class Customers(Strict):
    """The network's own load, which pays a tariff."""

    kind: Literal["customers"]
    name: Name
    tariff_fraction: NotNegative
    peak_load_fraction: NotNegative
    load_profile: Series


class DersManager(Strict):
    """Submits the bids of generators and interruptible loads on the network."""

    kind: Literal["ders-manager"]
    name: Name
    interruption_price_per_mwh: Series
    interruptible_fraction: Fraction
    generators: Annotated[tuple[NetworkGenerator, ...], Field(min_length=1)]
    photovoltaics: tuple[Photovoltaic, ...]


class Disco(Strict):
    """Buys on the wholesale market and prices the exchange with microgrids."""

    kind: Literal["disco"]
    name: Name
    buys_from: Name
    dispatches: Name
    serves: Name
    purchase_max_mw: Positive
    price_max_per_mwh: Positive


class Microgrid(Strict):
    """Trades with the Disco at the price it announces."""

    kind: Literal["microgrid"]
    name: Name
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


class BestResponseSettings(Strict):
    """Settings of the negotiation."""

    rounds: Annotated[int, Field(ge=1, le=10_000)]
    gap: Annotated[float, Field(gt=0, lt=1)]


class Methods(Strict):
    """Settings of both methods."""

    exact: ExactSettings
    best_response: BestResponseSettings


class Case(Strict):
    """One variant of the question."""

    name: Name
    ramp_penalty: bool
    ac: Literal["enforce", "report"]


class Tolerance(Strict):
    """What a certificate has to meet."""

    regret: Positive
    gap: Positive
    settlement: Positive
    ac_voltage_pu: NotNegative
    ac_loading_percent: NotNegative


class NetworkChoice(Strict):
    """A shipped feeder or a file, with its switches and voltage limits."""

    feeder: Text
    open_branches: tuple[Text, ...]
    closed_branches: tuple[Text, ...]
    voltage_min_pu: Annotated[float, Field(gt=0, lt=2)]
    voltage_max_pu: Annotated[float, Field(gt=0, lt=2)]

    @field_validator("voltage_max_pu")
    @classmethod
    def _above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return _no_less_than("voltage_min_pu", value, info)


def _distribution(weights: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(weights) - 1) > 1e-9:
        raise ValueError(f"must add up to 1, not to {sum(weights):g}")
    return weights


Weights = Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_distribution)]


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


class SilentParty(Strict):
    """A party that says nothing after a round of a bargaining."""

    name: Name
    after_round: Annotated[int, Field(ge=0)]


class Messages(Strict):
    """What may happen to the messages of a bargaining, drawn from the seed of the study."""

    loss: Probability = 0.0
    delay_rounds: Annotated[int, Field(ge=0, le=1000)] = 0
    duplicate: Probability = 0.0
    silent: tuple[SilentParty, ...] = ()


class Study(Strict):
    """A configured question: who plays, on which feeder, in which cases, by which methods."""

    study: Name
    title: Text
    system: Literal["disco-microgrids"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    hours: Annotated[int, Field(ge=2, le=168)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    methods: Methods
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    certificate: Tolerance
    network: NetworkChoice
    scenarios: Scenarios
    messages: Messages = Messages()
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]

    def one(self, kind: type[Strict]) -> Strict:
        """Return the only agent of a kind."""
        return next(agent for agent in self.agents if isinstance(agent, kind))

    @property
    def microgrids(self) -> tuple[Microgrid, ...]:
        """All microgrids, in the order given."""
        return tuple(agent for agent in self.agents if isinstance(agent, Microgrid))

    @model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["Study"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out the messages when nothing happens to them, as a study file may."""
        written = write(self)
        if self.messages == Messages():
            written.pop("messages", None)
        return written
