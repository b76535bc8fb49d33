"""Resources behind a meter: frozen data, and the piece of a model that each adds.

Every block takes the labels of its equations from the agent that owns it, because the same
battery is E(25)-E(28) in one paper and has other numbers in the next.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.grid.block import Block


@dataclass(frozen=True)
class Generator:
    """A dispatchable unit with output limits and ramps.

    Attributes
    ----------
    name : str
    power_min_mw, power_max_mw : float
    ramp_up_mw_per_h, ramp_down_mw_per_h : float
    output_initial_mw : float
        Output in the hour before the first.
    cost_per_mwh : float
        Its bid.
    """

    name: str
    power_min_mw: float
    power_max_mw: float
    ramp_up_mw_per_h: float
    ramp_down_mw_per_h: float
    output_initial_mw: float
    cost_per_mwh: float

    def block(self, shape: tuple[int, ...], *, output: str, ramp: str, initial: str) -> Block:
        """Return output over hours (the last axis of ``shape``) and its constraints.

        Parameters
        ----------
        shape : tuple of int
            (T,) or (S, T).
        output, ramp, initial : str
            Labels of the limits (on the variable), of ramps and of the first ramps.
        """
        power = cp.Variable(shape, name=output, bounds=[self.power_min_mw, self.power_max_mw])
        first, rise = power[..., 0], cp.diff(power, axis=len(shape) - 1)
        constraints = (
            (rise <= self.ramp_up_mw_per_h).set_label(f"{ramp} up"),
            (-rise <= self.ramp_down_mw_per_h).set_label(f"{ramp} down"),
            (first - self.output_initial_mw <= self.ramp_up_mw_per_h).set_label(f"{initial} up"),
            (self.output_initial_mw - first <= self.ramp_down_mw_per_h).set_label(
                f"{initial} down"
            ),
        )
        return Block({"power_mw": power}, constraints, self.cost_per_mwh * cp.sum(power))


@dataclass(frozen=True)
class Battery:
    """Storage with losses on both ways.

    Attributes
    ----------
    power_max_mw : float
        For charging and for discharging.
    energy_min_mwh, energy_max_mwh, energy_initial_mwh : float
    charge_efficiency, discharge_efficiency : float
        In (0, 1].
    """

    power_max_mw: float
    energy_min_mwh: float
    energy_max_mwh: float
    energy_initial_mwh: float
    charge_efficiency: float
    discharge_efficiency: float

    def block(self, hours: int, *, power: str, energy: str, dynamics: str, initial: str) -> Block:
        """Return charging, discharging and stored energy, each of shape (T,).

        Parameters
        ----------
        hours : int
        power, energy, dynamics, initial : str
            Labels of the power limits, the energy limits, the balance from hour to hour, and
            the balance of the first hour.
        """
        charge = cp.Variable(hours, name=f"{power}, charging", bounds=[0, self.power_max_mw])
        discharge = cp.Variable(hours, name=f"{power}, discharging", bounds=[0, self.power_max_mw])
        stored = cp.Variable(hours, name=energy, bounds=[self.energy_min_mwh, self.energy_max_mwh])
        gained = self.charge_efficiency * charge - discharge / self.discharge_efficiency
        constraints = (
            (stored[1:] == stored[:-1] + gained[1:]).set_label(dynamics),
            (stored[0] == self.energy_initial_mwh + gained[0]).set_label(initial),
        )
        quantities = {"charge_mw": charge, "discharge_mw": discharge, "stored_mwh": stored}
        return Block(quantities, constraints)


@dataclass(frozen=True, eq=False)
class InterruptibleLoad:
    """Demand that may be left unserved at a price.

    Attributes
    ----------
    power_max_mw : array
        Most that may be interrupted, of any shape.
    cost_per_mwh : array or float
        Broadcast against ``power_max_mw``.
    """

    power_max_mw: FloatArray
    cost_per_mwh: FloatArray | float

    def block(self, *, power: str) -> Block:
        """Return the interrupted power, of the shape of its limit.

        Parameters
        ----------
        power : str
            Label of the limits (on the variable).
        """
        shape = self.power_max_mw.shape
        interrupted = cp.Variable(shape, name=power, bounds=[np.zeros(shape), self.power_max_mw])
        cost = cp.sum(cp.multiply(np.broadcast_to(self.cost_per_mwh, shape), interrupted))
        return Block({"power_mw": interrupted}, cost=cost)


@dataclass(frozen=True)
class VirtualBattery:
    """A prosumer's flexibility: what it may take when, and how much it may hold back or add.

    Attributes
    ----------
    name : str
    power_min_mw, power_max_mw : float
        Of its net consumption.
    energy_min_mwh, energy_max_mwh, energy_initial_mwh, energy_final_mwh : float
    efficiency : float
        Energy gained per energy consumed, in (0, 1].
    retention : float
        Share of the stored energy that is left after an hour, in (0, 1].
    """

    name: str
    power_min_mw: float
    power_max_mw: float
    energy_min_mwh: float
    energy_max_mwh: float
    energy_initial_mwh: float
    energy_final_mwh: float
    efficiency: float = 1.0
    retention: float = 1.0

    def block(self, scenarios: int, hours: int) -> Block:
        """Return A(6)-A(14): energy taken and ramping offered, each of shape (S, T).

        Whatever is offered can be delivered in full, in power and in energy.
        """
        shape = (scenarios, hours)
        power = cp.Variable(
            shape, name="A(6) power limits", bounds=[self.power_min_mw, self.power_max_mw]
        )
        up = cp.Variable(shape, name="A(9) upward offer", nonneg=True)
        down = cp.Variable(shape, name="A(9) downward offer", nonneg=True)
        stored = cp.Variable(
            shape, name="A(12) energy limits", bounds=[self.energy_min_mwh, self.energy_max_mwh]
        )
        gained = self.efficiency * power
        before = self.retention * stored[:, :-1]
        constraints = (
            (power - up >= self.power_min_mw).set_label("A(7) upward offer within power"),
            (power + down <= self.power_max_mw).set_label("A(8) downward offer within power"),
            (stored[:, 1:] == before + gained[:, 1:]).set_label("A(10) stored energy"),
            (stored[:, 0] == self.retention * self.energy_initial_mwh + gained[:, 0]).set_label(
                "A(13) initial stored energy"
            ),
            (stored[:, -1] == self.energy_final_mwh).set_label("A(14) final stored energy"),
            (stored - self.efficiency * up >= self.energy_min_mwh).set_label(
                "A(11) upward offer within energy"
            ),
            (stored + self.efficiency * down <= self.energy_max_mwh).set_label(
                "A(11) downward offer within energy"
            ),
        )
        quantities = {"import_mw": power, "up_mw": up, "down_mw": down, "stored_mwh": stored}
        return Block(quantities, constraints)
