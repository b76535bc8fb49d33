"""Paper E as a study: who the parties are, the game between them, and their day."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import cvxpy as cp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equigrid.agents import assets, disco, microgrid
from equigrid.experiments.disco_microgrids import schema
from equigrid.experiments.disco_microgrids.kpis import case_kpis
from equigrid.experiments.disco_microgrids.tables import case_tables
from equigrid.experiments.result import Kpi
from equigrid.experiments.schema import Case
from equigrid.experiments.study import Study
from equigrid.experiments.systems import Dispatch, System
from equigrid.grid.ac import AcResult
from equigrid.markets.agent import Agent
from equigrid.markets.equilibrium.best_response import BestResponse
from equigrid.markets.equilibrium.exact import Exact, Progress
from equigrid.markets.equilibrium.method import Equilibrium, Method
from equigrid.markets.game import Game, Link, Payment
from equigrid.scenarios.intervals import beta_intervals, normal_intervals
from equigrid.scenarios.scenario_set import Branch, ScenarioSet, scenario_tree

if TYPE_CHECKING:
    from equigrid.experiments.world import World

Vector = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class DiscoMicrogrids:
    """The parties of one case, built from what the study says.

    Attributes
    ----------
    study : Study
    ramp_penalty : bool
        Whether the ISO charges for ramps in this case.
    """

    study: Study
    ramp_penalty: bool

    @cached_property
    def spec(self) -> schema.Study:
        """What the study file says."""
        assert isinstance(self.study.spec, schema.Study)
        return self.study.spec

    @cached_property
    def scenarios(self) -> ScenarioSet:
        """Load factor and irradiance, all combinations of their intervals."""
        load, sun = self.spec.scenarios.load, self.spec.scenarios.irradiance
        ones, mean = np.ones(self.spec.hours), np.array(sun.mean)
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
    def wholesale_price_per_mwh(self) -> Vector:
        """Shape (T,)."""
        return np.array(self.iso.wholesale_price_per_mwh)

    @cached_property
    def interruption_price_per_mwh(self) -> Vector:
        """Of the network's own load, shape (T,)."""
        return np.array(self.manager.interruption_price_per_mwh)

    @cached_property
    def tariff_per_mwh(self) -> Vector:
        """What the network's own load pays, shape (T,)."""
        return self.customers.tariff_fraction * self.wholesale_price_per_mwh

    @cached_property
    def ramp_penalty_per_mw(self) -> Vector:
        """For the ramps into hours 2 to T, shape (T-1,)."""
        fraction = self.iso.ramp_penalty_fraction if self.ramp_penalty else 0.0
        return np.asarray(fraction * self.wholesale_price_per_mwh[1:])

    @cached_property
    def disco(self) -> disco.Disco:
        """The Disco with its feeder, loads and resources."""
        network, spec = self.study.network, self.spec
        profile = self.customers.peak_load_fraction * np.array(self.customers.load_profile)
        buses = network.buses
        rated = dict.fromkeys(buses.index, 0.0)
        for unit in self.manager.photovoltaics:
            rated[unit.bus] += unit.power_max_mw
        return disco.Disco(
            name=self.company.name,
            network=network,
            voltage_min_pu=spec.network.voltage_min_pu,
            voltage_max_pu=spec.network.voltage_max_pu,
            load_mw=np.outer(buses["load_mw"], profile),
            load_mvar=np.outer(buses["load_mvar"], profile),
            scenarios=self.scenarios,
            photovoltaic_mw=np.array(list(rated.values())),
            generators=tuple(_generator(unit.name, unit) for unit in self.manager.generators),
            generator_buses=tuple(unit.bus for unit in self.manager.generators),
            interruptible_fraction=self.manager.interruptible_fraction,
            microgrid_buses={m.name: m.bus for m in spec.microgrids},
            microgrid_exchange_max_mw={m.name: m.exchange_max_mw for m in spec.microgrids},
            purchase_max_mw=self.company.purchase_max_mw,
            price_max_per_mwh=self.company.price_max_per_mwh,
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
        )

    @cached_property
    def game(self) -> Game:
        """The game between all parties, the Disco leading."""
        spec, leader = self.spec, self.company.name
        parties = [self._iso(), self._manager(), self._customers(), self.disco.agent()]
        links, payments = self._market()
        for site in spec.microgrids:
            more = _exchange(leader, site.name)
            links, payments = links + more[0], [*payments, more[1]]
        followers = [site.agent() for site in self.microgrids]
        return Game([*parties, *followers], leader=leader, links=links, payments=payments)

    def day(self, world: "World") -> Generator[Any, Any, None]:
        """Go through the stages of the study: the only place that knows the order of events."""
        for stage in self.spec.stages:
            yield world.at(minute=stage.minute)
            if stage.method == "announce":
                world.publish(self.game, stage.name)
            else:
                method = _method(self.spec, stage.method, world.search_progress(stage.name))
                yield from world.play(stage.name, self.game, method)

    def dispatch(self, outcome: Equilibrium) -> Dispatch:
        """Return what the network takes in every scenario-hour, and its linear voltages."""
        values, name = outcome.values, self.company.name
        voltage_pu = np.sqrt(values[f"{name}.voltage_squared_pu"])
        return Dispatch(values[f"{name}.net_load_mw"], values[f"{name}.net_load_mvar"], voltage_pu)

    def kpis(self, outcome: Equilibrium, ac: AcResult) -> dict[str, Kpi]:
        """Return the KPIs of the case."""
        return case_kpis(self, outcome)

    def tables(
        self, case: str, outcomes: Mapping[str, Equilibrium], ac: AcResult
    ) -> dict[str, pd.DataFrame]:
        """Return the tables of the case."""
        return case_tables(self, case, outcomes, ac)

    def _iso(self) -> Agent:
        hours = self.spec.hours
        return Agent(
            self.iso.name,
            hears={
                "purchase_mw": cp.Parameter(hours),
                "ramp_limit_mw_per_h": cp.Parameter(hours - 1),
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
                "interruption_order_mw": cp.Parameter(self.spec.hours),
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

    def _market(self) -> tuple[list[Link], list[Payment]]:
        """Everything between the Disco and the parties that only announce or receive."""
        iso, manager, load = self.iso.name, self.manager.name, self.customers.name
        leader = self.company.name
        links = [
            Link(f"{iso}.wholesale_price_per_mwh", f"{leader}.wholesale_price_per_mwh"),
            Link(f"{iso}.ramp_penalty_per_mw", f"{leader}.ramp_penalty_per_mw"),
            Link(f"{manager}.generator_bid_per_mwh", f"{leader}.generator_bid_per_mwh"),
            Link(f"{manager}.interruption_bid_per_mwh", f"{leader}.interruption_bid_per_mwh"),
            Link("network-load", f"{leader}.income"),
            Link(f"{leader}.purchase_mw", f"{iso}.purchase_mw"),
            Link(f"{leader}.ramp_limit_mw_per_h", f"{iso}.ramp_limit_mw_per_h"),
            Link(f"{leader}.generator_order_mwh", f"{manager}.generator_order_mwh"),
            Link(f"{leader}.interruption_order_mw", f"{manager}.interruption_order_mw"),
        ]
        owed = (
            ("wholesale", iso, "wholesale_price_per_mwh", "purchase_mw"),
            ("ramp-penalty", iso, "ramp_penalty_per_mw", "ramp_limit_mw_per_h"),
            ("generators", manager, "generator_bid_per_mwh", "generator_order_mwh"),
            ("interruptions", manager, "interruption_bid_per_mwh", "interruption_order_mw"),
        )
        payments = [
            Payment(name, leader, to, f"{to}.{price}", f"{leader}.{quantity}")
            for name, to, price, quantity in owed
        ]
        sales = Payment("network-load", load, leader, f"{load}.tariff_per_mwh", f"{load}.load_mw")
        return links, [*payments, sales]


def parties(study: Study, case: Case) -> System:
    """Return the parties of one case."""
    assert isinstance(case, schema.Case)
    return DiscoMicrogrids(study, case.ramp_penalty)


def _method(spec: schema.Study, name: str, progress: Progress) -> Method:
    if name == "exact":
        return Exact(**spec.methods.exact.model_dump(), progress=progress)
    return BestResponse(**spec.methods.best_response.model_dump())


def _exchange(leader: str, site: str) -> tuple[list[Link], Payment]:
    """What the Disco and one microgrid tell each other, and its bill."""
    bill = Payment(f"bill-{site}", site, leader, f"{leader}.price_per_mwh", f"{site}.import_mw")
    links = [
        Link(f"{leader}.price_per_mwh", f"{site}.price"),
        Link(f"{site}.import_mw", f"{leader}.{site}_import_mw"),
        Link(f"{site}.ramp_mw_per_h", f"{leader}.{site}_ramp_mw_per_h"),
        Link(bill.name, f"{leader}.income"),
    ]
    return links, bill


def _generator(name: str, unit: schema.Generator) -> assets.Generator:
    limits = unit.model_dump(exclude={"name", "bus", "bid_per_mwh"})
    return assets.Generator(name=name, cost_per_mwh=unit.bid_per_mwh, **limits)


def _one(spec: schema.Study, kind: type[T]) -> T:
    return next(agent for agent in spec.agents if isinstance(agent, kind))
