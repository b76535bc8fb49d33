"""A distribution company that prices its exchange with microgrids, E(1)-E(17)."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.agents.assets import Generator, InterruptibleLoad
from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.grid.block import Block
from equigrid.grid.linear.bus_loads import bus_incidence, scenario_hours
from equigrid.grid.linear.lindistflow import LinearNetwork, NoOperatingPoint, linearise
from equigrid.grid.network.network import Network
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.scenario_set import ScenarioSet


@dataclass(frozen=True, eq=False)
class Disco:
    """What a distribution company knows when it plans a day.

    Columns of bus quantities are scenario-hours, scenario by scenario: column s T + t.

    Attributes
    ----------
    name : str
    network : Network
    voltage_min_pu, voltage_max_pu : float
    load_mw, load_mvar : array of shape (N, T)
        Forecast of the network's own load by bus.
    scenarios : ScenarioSet
        ``load_factor`` (S, T), relative to the forecast, and ``irradiance`` (S, T), relative
        to rated.
    photovoltaic_mw : array of shape (N,)
        Rated power by bus.
    generators : tuple of Generator
    generator_buses : tuple of int
        Bus of each generator.
    interruptible_fraction : float
        Most of each bus's load that may be interrupted.
    microgrid_buses : dict of str to int
    microgrid_exchange_max_mw : dict of str to float
    purchase_max_mw, price_max_per_mwh : float
    operating_point : pair of arrays of shape (N, S T), or None
        Active and reactive net load at which the network is linearised, MW and MVAr; the
        forecast, generators at half power and no exchange if None.
    generation_mw, generation_mvar : array of shape (N, T), or 0
        What feeds in at each bus whatever happens, the same in all scenarios. Nobody is paid
        for it.
    step_hours : float
        Length of a step.
    """

    name: str
    network: Network
    voltage_min_pu: float
    voltage_max_pu: float
    load_mw: FloatArray
    load_mvar: FloatArray
    scenarios: ScenarioSet
    photovoltaic_mw: FloatArray
    generators: tuple[Generator, ...]
    generator_buses: tuple[int, ...]
    interruptible_fraction: float
    microgrid_buses: dict[str, int]
    microgrid_exchange_max_mw: dict[str, float]
    purchase_max_mw: float
    price_max_per_mwh: float
    operating_point: tuple[FloatArray, FloatArray] | None = None
    generation_mw: FloatArray | float = 0.0
    generation_mvar: FloatArray | float = 0.0
    step_hours: float = 1.0

    @property
    def hours(self) -> int:
        """Number of steps T, which are hours where ``step_hours`` is 1."""
        return int(self.load_mw.shape[1])

    def scenario_load_mw(self) -> FloatArray:
        """Return the load by bus and scenario-hour, shape (N, S T)."""
        return _by_scenario(self.load_mw, self.scenarios["load_factor"])

    def scenario_load_mvar(self) -> FloatArray:
        """Return the reactive load by bus and scenario-hour, shape (N, S T)."""
        return _by_scenario(self.load_mvar, self.scenarios["load_factor"])

    def scenario_photovoltaic_mw(self) -> FloatArray:
        """Return PV output by bus and scenario-hour, shape (N, S T)."""
        rated = np.repeat(self.photovoltaic_mw[:, None], self.hours, axis=1)
        return _by_scenario(rated, self.scenarios["irradiance"])

    def fixed_mw(self) -> FloatArray:
        """Return the net load before anybody decides: load less PV and generation, (N, S T)."""
        net = self.scenario_load_mw() - self.scenario_photovoltaic_mw()
        return net - self._in_all_scenarios(self.generation_mw)

    def fixed_mvar(self) -> FloatArray:
        """Return the reactive net load before anybody decides, shape (N, S T)."""
        return self.scenario_load_mvar() - self._in_all_scenarios(self.generation_mvar)

    def _in_all_scenarios(self, given: FloatArray | float) -> FloatArray:
        return np.tile(np.broadcast_to(given, self.load_mw.shape), len(self.scenarios))

    def linear_network(self) -> LinearNetwork:
        """Linearise at the operating point.

        Raises
        ------
        NoAnswer
            Naming the steps in which no power flow can carry the load.
        """
        try:
            return self._expanded()
        except NoOperatingPoint as error:
            steps = sorted({column % self.hours + 1 for column in error.columns})
            named = ", ".join(map(str, steps))
            what = "hour" if self.step_hours == 1 else "step"
            raise NoAnswer(
                f"'{self.name}' has no feasible answer: no power flow can carry what its feeder "
                f"takes or generates in {what} {named}; lower the greater of both",
                self.name,
            ) from error

    def _expanded(self) -> LinearNetwork:
        """Expand at the given point, or at the forecast: generators at half power, or least."""
        if self.operating_point is not None:
            return linearise(self.network, *self.operating_point)
        try:
            return linearise(self.network, *self._forecast_point(0.5))
        except NoOperatingPoint:
            return linearise(self.network, *self._forecast_point(0.0))

    def _forecast_point(self, share: float) -> tuple[FloatArray, FloatArray]:
        """Net load at the forecast, generators at a share of their range, and no exchange."""
        power = [(1 - share) * g.power_min_mw + share * g.power_max_mw for g in self.generators]
        net = (
            self.fixed_mw()
            - (bus_incidence(self.network, self.generator_buses) @ np.array(power))[:, None]
        )
        return net, self.fixed_mvar()

    def agent(self) -> Agent:
        """Return the Disco as a decision maker that maximises its expected profit, E(1).

        It hears ``wholesale_price_per_mwh`` (T,), ``ramp_penalty_per_mw`` (T-1,),
        ``generator_bid_per_mwh`` (G,), ``interruption_bid_per_mwh`` (T,), of each microgrid
        ``NAME_import_mw`` (T,) and ``NAME_ramp_mw_per_h`` (T-1,), and the ``income`` from all
        who pay it. It says its ``price_per_mwh``, ``purchase_mw``, ``ramp_limit_mw_per_h``,
        and the expected orders to its resources.
        """
        hears = self._hears()
        steps, length = self.hours, self.step_hours
        price = cp.Variable(steps, name="E(15) exchange price", bounds=[0, self.price_max_per_mwh])
        purchase = cp.Variable(
            steps, name="E(14) wholesale purchase", bounds=[0, self.purchase_max_mw]
        )
        ramp_limit = cp.Variable(steps - 1, name="E(16) ramp limit", nonneg=True)
        generators = self._generators()
        interrupted = self._interruptible().block(power="E(13) interrupted load")
        network, net_load = self._network(hears, generators, interrupted)
        at_each_scenario = np.tile(np.eye(steps), len(self.scenarios))
        rise = cp.diff(purchase) / length
        exchanged = sum(hears[f"{name}_ramp_mw_per_h"] for name in self.microgrid_buses)
        constraints = [
            (network["import_mw"] == purchase @ at_each_scenario).set_label(
                "E(2) substation balance"
            ),
            (rise <= ramp_limit).set_label("E(16) ramp of the purchase, up"),
            (-rise <= ramp_limit).set_label("E(16) ramp of the purchase, down"),
            (exchanged <= ramp_limit).set_label("E(17) ramp of the microgrids, up"),
            (-exchanged <= ramp_limit).set_label("E(17) ramp of the microgrids, down"),
            *(constraint for block in generators for constraint in block.constraints),
            *network.constraints,
        ]
        expected = self._expected(generators, interrupted)
        profit = (
            hears["income"]
            - hears["wholesale_price_per_mwh"] @ (length * purchase)
            - hears["ramp_penalty_per_mw"] @ (length * ramp_limit)
            - hears["generator_bid_per_mwh"] @ expected["generator_order_mwh"]
            - hears["interruption_bid_per_mwh"] @ (length * expected["interruption_order_mw"])
        ).set_label("E(1) profit")
        return Agent(
            self.name,
            cp.Problem(cp.Maximize(profit), constraints),
            hears=hears,
            says={
                "price_per_mwh": price,
                "purchase_mw": purchase,
                "ramp_limit_mw_per_h": ramp_limit,
                **expected,
                "generator_mw": cp.vstack([scenario_hours(b["power_mw"]) for b in generators]),
                "interrupted_mw": self._at_load_buses() @ interrupted["power_mw"],
                **net_load,
                "voltage_squared_pu": network["voltage_squared_pu"],
            },
        )

    def _hears(self) -> dict[str, cp.Parameter]:
        shapes = {
            "wholesale_price_per_mwh": self.hours,
            "ramp_penalty_per_mw": self.hours - 1,
            "generator_bid_per_mwh": len(self.generators),
            "interruption_bid_per_mwh": self.hours,
        }
        for microgrid in self.microgrid_buses:
            shapes[f"{microgrid}_import_mw"] = self.hours
            shapes[f"{microgrid}_ramp_mw_per_h"] = self.hours - 1
        heard = {name: cp.Parameter(size, name=name) for name, size in shapes.items()}
        return {**heard, "income": cp.Parameter(name="income")}

    def _generators(self) -> list[Block]:
        """Second-stage output of each generator, shape (S, T)."""
        shape = (len(self.scenarios), self.hours)
        return [
            generator.block(
                shape,
                self.step_hours,
                output="E(8) generator output",
                ramp="E(9)/E(11) generator ramp",
                initial="E(10)/E(12) first generator ramp",
            )
            for generator in self.generators
        ]

    def _interruptible(self) -> InterruptibleLoad:
        loaded = self._at_load_buses().T @ self.scenario_load_mw()
        return InterruptibleLoad(self.interruptible_fraction * loaded, 0.0)

    def _expected(self, generators: list[Block], interrupted: Block) -> dict[str, cp.Expression]:
        """Orders to the resources, as expectations over the scenarios."""
        probability = self.scenarios.probability
        weighted = np.kron(probability[:, None], np.eye(self.hours))
        return {
            "generator_order_mwh": cp.hstack(
                [self.step_hours * cp.sum(probability @ block["power_mw"]) for block in generators]
            ),
            "interruption_order_mw": cp.sum(interrupted["power_mw"], axis=0) @ weighted,
        }

    def _network(
        self, hears: dict[str, cp.Parameter], generators: list[Block], interrupted: Block
    ) -> tuple[Block, dict[str, cp.Expression]]:
        """Net load by bus, and what it does to flows, losses and voltages, E(2)-E(7)."""
        load_mw, load_mvar = self.scenario_load_mw(), self.scenario_load_mvar()
        at_load, interruption = self._at_load_buses(), interrupted["power_mw"]
        tangent = np.divide(load_mvar, load_mw, out=np.zeros_like(load_mw), where=load_mw > 0)
        produced = cp.vstack([scenario_hours(block["power_mw"]) for block in generators])
        bought = cp.vstack([hears[f"{name}_import_mw"] for name in self.microgrid_buses])
        at_each_scenario = np.tile(np.eye(self.hours), len(self.scenarios))
        net_mw = (
            self.fixed_mw()
            - at_load @ interruption
            - bus_incidence(self.network, self.generator_buses) @ produced
            + bus_incidence(self.network, tuple(self.microgrid_buses.values()))
            @ (bought @ at_each_scenario)
        )
        # An interrupted customer takes its reactive power along.
        fixed_mvar = self.fixed_mvar()
        net_mvar = fixed_mvar - at_load @ cp.multiply(at_load.T @ tangent, interruption)
        # A load that feeds reactive power in leaves more to be taken when it is interrupted.
        cut_mvar = self.interruptible_fraction * np.where(load_mw > 0, load_mvar, 0.0)
        block = self.linear_network().block(
            net_mw,
            net_mvar,
            self.voltage_min_pu,
            self.voltage_max_pu,
            net_load_bounds=self._net_load_bounds(),
            reactive_load_bounds=(
                fixed_mvar - cut_mvar.clip(min=0),
                fixed_mvar - cut_mvar.clip(max=0),
            ),
        )
        return block, {"net_load_mw": net_mw, "net_load_mvar": net_mvar}

    def _net_load_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest net load that limits of resources allow, (N, S T) each."""
        net = self.fixed_mw()
        cut = self.interruptible_fraction * self.scenario_load_mw().clip(min=0)
        least = [generator.power_min_mw for generator in self.generators]
        most = [generator.power_max_mw for generator in self.generators]
        exchange = bus_incidence(self.network, tuple(self.microgrid_buses.values())) @ np.array(
            [self.microgrid_exchange_max_mw[name] for name in self.microgrid_buses]
        )
        at = bus_incidence(self.network, self.generator_buses)
        lower = net - cut - (at @ most + exchange)[:, None]
        return lower, net - (at @ least - exchange)[:, None]

    def _at_load_buses(self) -> sparse.csr_array:
        """Incidence of loaded buses, shape (N, loaded), of one bus where there is no load."""
        # An array without entries is not to be had in cvxpy.
        loaded = np.flatnonzero(self.load_mw.max(axis=1) > 0) if self.load_mw.any() else [0]
        return sparse.csr_array(sparse.eye_array(len(self.load_mw), format="csc")[:, loaded])


def _by_scenario(forecast: FloatArray, factor: FloatArray) -> FloatArray:
    """Scale (N, T) by (S, T) into (N, S T)."""
    return np.asarray(np.concatenate([forecast * row for row in factor], axis=1))
