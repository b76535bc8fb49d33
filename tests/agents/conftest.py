"""A small day of paper A: three prosumers on the 33-bus feeder, a few hours and scenarios."""

from collections.abc import Callable

import numpy as np
import pytest

from equigrid.agents.assets import VirtualBattery
from equigrid.agents.network_operator import STATES, NetworkOperator
from equigrid.agents.prosumer_aggregator import ProsumerAggregator
from equigrid.grid.network.feeders import feeder
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

LOAD = np.array([0.7, 0.8, 1.0, 0.9])
ENERGY, UP, DOWN = [36.0, 50.0, 80.0, 60.0], [6.0, 10.0, 22.0, 12.0], [9.0, 8.0, 6.0, 5.0]
SITES = {"p1": 12, "p2": 17, "p3": 32}
_PRODUCTS = {"energy": "import", "up": "up", "down": "down"}


class Ramping:
    """Builders of the parties and their game."""

    hours = len(LOAD)

    @staticmethod
    def operator(
        scenarios: int, secured: tuple[str, ...] = STATES, **changed: object
    ) -> NetworkOperator:
        network = feeder("baran-wu-33")
        sun = np.array([0.2, 0.7, 0.3, 0.0])
        rated = np.full(2, 0.5)
        parts: dict[str, object] = {
            "name": "dno",
            "network": network,
            "voltage_min_pu": 0.9,
            "voltage_max_pu": 1.05,
            "load_mw": np.outer(network.buses["load_mw"], LOAD),
            "load_mvar": np.outer(network.buses["load_mvar"], LOAD),
            "photovoltaic_buses": (10, 24),
            "photovoltaic_mw": rated[:, None, None] * np.linspace(0.4, 1, scenarios)[:, None] * sun,
            "prosumer_buses": SITES,
            "prosumer_limits_mw": dict.fromkeys(SITES, (0.0, 0.6)),
            "exchange_max_mw": 5.0,
            "secured": secured,
        }
        return NetworkOperator(**{**parts, **changed})  # type: ignore[arg-type]

    @staticmethod
    def aggregator(ambiguity: AmbiguitySet, *, here_and_now: bool = False) -> ProsumerAggregator:
        prosumers = tuple(
            VirtualBattery(name, 0.0, 0.6, 0.1, 1.6, 0.5, 0.7, 0.95, 0.98) for name in SITES
        )
        return ProsumerAggregator(
            "aggregator",
            prosumers,
            len(ambiguity.probability),
            len(LOAD),
            ambiguity.worst_case,
            here_and_now,
        )

    @staticmethod
    def game(operator: NetworkOperator, aggregator: ProsumerAggregator, follower: Agent) -> Game:
        prices = dict(zip(_PRODUCTS, (ENERGY, UP, DOWN), strict=True))
        market = Agent(
            "market", says={f"{k}_price_per_mwh": np.array(v) for k, v in prices.items()}
        )
        links = [Link(f"market.{k}_price_per_mwh", f"dno.{k}_price_per_mwh") for k in prices]
        payments = []
        for product, said in _PRODUCTS.items():
            for site in SITES:
                quantity = f"aggregator.{site}_{said}_mw"
                heard = f"dno.{site}_{said}_mw"
                name = f"{product}-{site}"
                payments.append(Payment(name, "aggregator", "dno", Dual(heard), quantity))
                links += [Link(quantity, heard), Link(name, f"aggregator.{product}_bill")]
        return Game(
            [market, follower, aggregator.agent()],
            leader="aggregator",
            links=links,
            payments=payments,
            given={"dno.load_mw": operator.scenario_load_mw()},
        )


@pytest.fixture(scope="session")
def ramping() -> type[Ramping]:
    return Ramping


@pytest.fixture(scope="session")
def nominal() -> Callable[[int], AmbiguitySet]:
    """Return sets around equal probabilities with a hundred samples behind."""
    return lambda count: AmbiguitySet.from_confidence(np.full(count, 1 / count), 100, 0.9)
