"""A microgrid that buys from or sells to its Disco at the price it hears, E(18)-E(29)."""

from dataclasses import dataclass

import cvxpy as cp

from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.arrays import FloatArray
from equigrid.grid.block import Block
from equigrid.markets.model.agent import Agent


@dataclass(frozen=True, eq=False)
class Microgrid:
    """What a microgrid operator knows of its own site.

    Attributes
    ----------
    name : str
    demand_mw, photovoltaic_mw : array of shape (T,)
    generator : Generator
    battery : Battery
    interruptible : InterruptibleLoad
        With limits of shape (T,).
    exchange_max_mw : float
        Most it may take from or give to the Disco.
    step_hours : float
        Length of a step; T is the number of steps.
    """

    name: str
    demand_mw: FloatArray
    photovoltaic_mw: FloatArray
    generator: Generator
    battery: Battery
    interruptible: InterruptibleLoad
    exchange_max_mw: float
    step_hours: float = 1.0

    def agent(self) -> Agent:
        """Return the microgrid as a decision maker.

        It hears ``price`` (T,) in currency per MWh and says ``import_mw`` and
        ``ramp_mw_per_h`` (T,), imports positive, with the dispatch of its resources beside.
        """
        steps, length = len(self.demand_mw), self.step_hours
        limit = self.exchange_max_mw
        price = cp.Parameter(steps, name="price")
        bought = cp.Variable(steps, name="E(20) exchange", bounds=[-limit, limit])
        rise = cp.Variable(steps - 1, name="E(29) exchange ramp")
        generator, interrupted, battery = self._resources()
        supply = (
            bought
            + generator["power_mw"]
            + self.photovoltaic_mw
            + interrupted["power_mw"]
            + battery["discharge_mw"]
        )
        constraints = [
            (supply == self.demand_mw + battery["charge_mw"]).set_label("E(19) balance"),
            (rise == cp.diff(bought) / length).set_label("E(29) exchange ramp"),
            *generator.constraints,
            *battery.constraints,
        ]
        cost = (price @ (length * bought) + generator.cost + interrupted.cost).set_label(
            "E(18) operating cost"
        )
        return Agent(
            self.name,
            cp.Problem(cp.Minimize(cost), constraints),
            hears={"price": price},
            says={
                "import_mw": bought,
                "ramp_mw_per_h": rise,
                "generator_mw": generator["power_mw"],
                "interrupted_mw": interrupted["power_mw"],
                **battery.quantities,
                "own_cost": generator.cost + interrupted.cost,
                "photovoltaic_mw": self.photovoltaic_mw,
                "demand_mw": self.demand_mw,
            },
        )

    def _resources(self) -> tuple[Block, Block, Block]:
        """Generator, interruptible load and battery."""
        steps, length = len(self.demand_mw), self.step_hours
        generator = self.generator.block(
            (steps,),
            length,
            output="E(21) generator output",
            ramp="E(22) generator ramp",
            initial="E(23) first generator ramp",
        )
        interrupted = self.interruptible.block(power="E(24) interrupted demand", step_hours=length)
        battery = self.battery.block(
            steps,
            length,
            power="E(25) battery power",
            energy="E(26) stored energy limits",
            dynamics="E(27) stored energy",
            initial="E(28) initial stored energy",
        )
        return generator, interrupted, battery
