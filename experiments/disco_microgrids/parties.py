"""Paper E as a study: who the parties are, and the game between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import cvxpy as cp
import numpy as np

from equigrid.agents import assets, disco, microgrid
from equigrid.arrays import FloatArray
from equigrid.experiments.disco_microgrids import schema
from equigrid.experiments.disco_microgrids.deals import exchange_deal, market_deals
from equigrid.experiments.feeder_loads import feeder_loads
from equigrid.experiments.spec.study import Study
from equigrid.grid.linear.lindistflow import linearise
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.intervals import beta_intervals, normal_intervals
from equigrid.scenarios.scenario_set import Branch, ScenarioSet, scenario_tree

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class DiscoMicrogrids:
    """The parties of one case, built from what the study says.

    Attributes
    ----------
    study : Study
        As it is in the case.
    operating_point : pair of arrays of shape (N, S T), or None
        Net loads (MW, MVAr) at which the network is linearised; see `disco.Disco`.
    """

    study: Study
    operating_point: tuple[FloatArray, FloatArray] | None = None

    @cached_property
    def spec(self) -> schema.DiscoMicrogridsSpec:
        """What the study file says."""
        assert isinstance(self.study.spec, schema.DiscoMicrogridsSpec)
        return self.study.spec

    @cached_property
    def scenarios(self) -> ScenarioSet:
        """Load factor and irradiance, all combinations of their intervals."""
        load, sun = self.spec.scenarios.load, self.spec.scenarios.irradiance
        ones, mean = np.ones(self.spec.steps), np.array(sun.mean)
        greatest = np.sqrt(mean * (1 - mean))
        return scenario_tree(
            [
                Branch(
                    "load_factor",
                    normal_intervals(ones, load.relative_deviation * ones, load.weights),
                    np.array(load.weights),
                ),
                Branch(
                    "irradiance",
                    beta_intervals(mean, sun.relative_deviation * greatest, sun.weights),
                    np.array(sun.weights),
                ),
            ]
        )

    @cached_property
    def iso(self) -> schema.Iso:
        """What the study says of the ISO."""
        return _one(self.spec, schema.Iso)

    @cached_property
    def manager(self) -> schema.DersManager:
        """What the study says of the DERs manager."""
        return _one(self.spec, schema.DersManager)

    @cached_property
    def customers(self) -> schema.Customers:
        """What the study says of the network's own load."""
        return _one(self.spec, schema.Customers)

    @cached_property
    def company(self) -> schema.Disco:
        """What the study says of the Disco."""
        return _one(self.spec, schema.Disco)

    @cached_property
    def wholesale_price_per_mwh(self) -> FloatArray:
        """Shape (T,)."""
        return np.array(self.iso.wholesale_price_per_mwh)

    @cached_property
    def interruption_price_per_mwh(self) -> FloatArray:
        """Of the network's own load, shape (T,)."""
        return np.array(self.manager.interruption_price_per_mwh)

    @cached_property
    def tariff_per_mwh(self) -> FloatArray:
        """What the network's own load pays, shape (T,)."""
        return self.customers.tariff_fraction * self.wholesale_price_per_mwh

    @cached_property
    def ramp_penalty_per_mw(self) -> FloatArray:
        """For the ramps into steps 2 to T, shape (T-1,)."""
        fraction = self.iso.ramp_penalty_fraction if self.spec.ramp_penalty else 0.0
        return np.asarray(fraction * self.wholesale_price_per_mwh[1:])

    @cached_property
    def disco(self) -> disco.Disco:
        """The Disco with its feeder, loads and resources."""
        network, spec = self.study.feeder, self.spec
        profile = self.customers.peak_load_fraction * np.array(self.customers.load_profile)
        rated = dict.fromkeys(network.buses.index, 0.0)
        for unit in self.manager.photovoltaics:
            rated[unit.bus] += unit.power_max_mw
        return disco.Disco(
            name=self.company.name,
            network=network,
            voltage_min_pu=spec.network.voltage_min_pu,
            voltage_max_pu=spec.network.voltage_max_pu,
            **vars(feeder_loads(self.study, profile)),
            scenarios=self.scenarios,
            photovoltaic_mw=np.array(list(rated.values())),
            generators=tuple(_generator(unit.name, unit) for unit in self.manager.generators),
            generator_buses=tuple(unit.bus for unit in self.manager.generators),
            interruptible_fraction=self.manager.interruptible_fraction,
            microgrid_buses={m.name: m.bus for m in spec.microgrids},
            microgrid_exchange_max_mw={m.name: m.exchange_max_mw for m in spec.microgrids},
            purchase_max_mw=self.company.purchase_max_mw,
            price_max_per_mwh=self.company.price_max_per_mwh,
            operating_point=self.operating_point,
            step_hours=spec.step_hours,
        )

    @cached_property
    def microgrids(self) -> tuple[microgrid.Microgrid, ...]:
        """The microgrids with their resources."""
        return tuple(self._microgrid(site) for site in self.spec.microgrids)

    def _microgrid(self, site: schema.Microgrid) -> microgrid.Microgrid:
        demand = np.array(site.demand_mw)
        sun = self.scenarios.expected("irradiance")
        return microgrid.Microgrid(
            name=site.name,
            demand_mw=demand,
            photovoltaic_mw=site.photovoltaic_max_mw * sun,
            generator=_generator(site.name, site.generator),
            battery=assets.Battery(**site.battery.model_dump()),
            interruptible=assets.InterruptibleLoad(
                site.interruptible_fraction * demand,
                site.interruption_price_fraction * self.interruption_price_per_mwh,
            ),
            exchange_max_mw=site.exchange_max_mw,
            step_hours=self.spec.step_hours,
        )

    @cached_property
    def game(self) -> Game:
        """The game between all parties, the Disco leading."""
        spec, leader = self.spec, self.company.name
        parties = [self._iso(), self._manager(), self._customers(), self.disco.agent()]
        links, payments = market_deals(
            self.iso.name, self.manager.name, self.customers.name, leader
        )
        for site in spec.microgrids:
            more = exchange_deal(leader, site.name)
            links, payments = links + more[0], [*payments, more[1]]
        followers = [site.agent() for site in self.microgrids]
        return Game(
            [*parties, *followers],
            leader=leader,
            links=links,
            payments=payments,
            step_hours=spec.step_hours,
        )

    def relinearised(
        self, values: Mapping[str, FloatArray], tolerance_pu: float
    ) -> tuple["DiscoMicrogrids", float]:
        """Linearise at the AC operating points of an answer, if AC differs there."""
        *net, voltage_pu = self.load_taken(values)
        exact = linearise(self.study.feeder, *net).values(*net)
        error = np.abs(np.sqrt(exact["voltage_squared_pu"]) - voltage_pu).max()
        return replace(self, operating_point=(net[0], net[1])), float(error)

    def linearised_like(self, other: Any) -> "DiscoMicrogrids":
        """Return the same parties on the linear network of another case."""
        assert isinstance(other, DiscoMicrogrids)
        return replace(self, operating_point=other.operating_point)

    def load_taken(
        self, values: Mapping[str, FloatArray]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what the network takes in every scenario-hour (MW, MVAr), and linear voltages."""
        name = self.company.name
        voltage_pu = np.sqrt(values[f"{name}.voltage_squared_pu"])
        return values[f"{name}.net_load_mw"], values[f"{name}.net_load_mvar"], voltage_pu

    def _iso(self) -> Agent:
        steps = self.spec.steps
        return Agent(
            self.iso.name,
            hears={
                "purchase_mw": cp.Parameter(steps),
                "ramp_limit_mw_per_h": cp.Parameter(steps - 1),
            },
            says={
                "wholesale_price_per_mwh": self.wholesale_price_per_mwh,
                "ramp_penalty_per_mw": self.ramp_penalty_per_mw,
            },
        )

    def _manager(self) -> Agent:
        bids = np.array([unit.bid_per_mwh for unit in self.manager.generators])
        return Agent(
            self.manager.name,
            hears={
                "generator_order_mwh": cp.Parameter(len(bids)),
                "interruption_order_mw": cp.Parameter(self.spec.steps),
            },
            says={
                "generator_bid_per_mwh": bids,
                "interruption_bid_per_mwh": self.interruption_price_per_mwh,
            },
        )

    def _customers(self) -> Agent:
        expected = self.disco.load_mw.sum(axis=0) * self.scenarios.expected("load_factor")
        return Agent(
            self.customers.name,
            says={"tariff_per_mwh": self.tariff_per_mwh, "load_mw": expected},
        )


def _generator(name: str, unit: schema.Generator) -> assets.Generator:
    limits = unit.model_dump(exclude={"name", "bus", "bid_per_mwh"})
    return assets.Generator(name=name, cost_per_mwh=unit.bid_per_mwh, **limits)


def _one(spec: schema.DiscoMicrogridsSpec, kind: type[T]) -> T:
    return next(agent for agent in spec.agents if isinstance(agent, kind))
