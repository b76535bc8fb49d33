"""The parties of a study of paper A, built from what it says, and the game between them."""

from typing import TypeVar

import numpy as np

from equigrid.agents import assets, network_operator, prosumer_aggregator
from equigrid.arrays import FloatArray
from equigrid.experiments.feeder_loads import FeederLoads, feeder_loads
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.frp_aggregator.days import Days
from equigrid.experiments.spec.study import Study
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

T = TypeVar("T")
# What is bought or sold, and what an aggregator calls its quantity.
PRODUCTS = {"energy": "import", "up": "up", "down": "down"}


def operator_of(
    study: Study, days: Days, secured: tuple[str, ...]
) -> network_operator.NetworkOperator:
    """Return the network operator with its feeder, loads and PV units.

    Parameters
    ----------
    study : Study
    days : Days
    secured : tuple of str
        States in which limits hold.
    """
    spec = spec_of(study)
    said, load = one(spec, schema.NetworkOperator), loads_of(study)
    rated = np.array([unit.power_max_mw for unit in said.photovoltaics])
    return network_operator.NetworkOperator(
        name=said.name,
        network=study.feeder,
        voltage_min_pu=spec.network.voltage_min_pu,
        voltage_max_pu=spec.network.voltage_max_pu,
        load_mw=load.net_mw,
        load_mvar=load.net_mvar,
        photovoltaic_buses=tuple(unit.bus for unit in said.photovoltaics),
        photovoltaic_mw=rated[:, None, None] * days.scenarios["irradiance"],
        prosumer_buses={p.name: p.bus for p in spec.prosumers},
        prosumer_limits_mw={p.name: (p.power_min_mw, p.power_max_mw) for p in spec.prosumers},
        exchange_max_mw=said.exchange_max_mw,
        secured=secured,
        step_hours=spec.step_hours,
    )


def loads_of(study: Study) -> FeederLoads:
    """Return what the feeder itself takes and feeds in, in every scenario."""
    said = one(spec_of(study), schema.NetworkOperator)
    return feeder_loads(study, said.peak_load_fraction * np.array(said.load_profile))


def aggregator_of(
    spec: schema.FrpAggregatorSpec, near: AmbiguitySet
) -> prosumer_aggregator.ProsumerAggregator:
    """Return the aggregator of all prosumers, who trusts probabilities as far as a set says."""
    prosumers = tuple(
        assets.VirtualBattery(**p.model_dump(exclude={"kind", "bus", "represented_by"}))
        for p in spec.prosumers
    )
    return prosumer_aggregator.ProsumerAggregator(
        name=one(spec, schema.ProsumerAggregator).name,
        prosumers=prosumers,
        scenarios=len(near.probability),
        hours=spec.steps,
        worst_case=near.worst_case,
        here_and_now=spec.offers == "here-and-now",
        step_hours=spec.step_hours,
    )


def game_of(
    spec: schema.FrpAggregatorSpec, follower: Agent, leader: Agent, load_mw: FloatArray
) -> Game:
    """Return the game: the market announces, the aggregator leads, the operator clears."""
    market, operator = one(spec, schema.Market), follower.name
    announced = {
        f"{product}_price_per_mwh": np.array(getattr(market, f"{product}_price_per_mwh"))
        for product in PRODUCTS
    }
    links = [Link(f"{market.name}.{name}", f"{operator}.{name}") for name in announced]
    payments = []
    for product, said in PRODUCTS.items():
        for prosumer in spec.prosumers:
            quantity = f"{leader.name}.{prosumer.name}_{said}_mw"
            heard, bill = f"{operator}.{prosumer.name}_{said}_mw", f"{product}-{prosumer.name}"
            payments.append(Payment(bill, leader.name, operator, Dual(heard), quantity))
            links += [Link(quantity, heard), Link(bill, f"{leader.name}.{product}_bill")]
    return Game(
        [Agent(market.name, says=announced), follower, leader],
        leader=leader.name,
        links=links,
        payments=payments,
        given={f"{operator}.load_mw": load_mw},
        step_hours=spec.step_hours,
    )


def spec_of(study: Study) -> schema.FrpAggregatorSpec:
    """Return what a study of this system says."""
    assert isinstance(study.spec, schema.FrpAggregatorSpec)
    return study.spec


def one(spec: schema.FrpAggregatorSpec, kind: type[T]) -> T:
    """Return the only agent of a kind."""
    return next(agent for agent in spec.agents if isinstance(agent, kind))
