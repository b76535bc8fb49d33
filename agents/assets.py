"""Resources behind a meter: frozen data, and the piece of a model that each adds.

Every block takes the labels of its equations from the agent that owns it, because the same
battery is E(25)-E(28) in one paper and has other numbers in the next. It takes the length of a step
from there, too. Powers are means over a step in MW, whatever its length.
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
        Output in the step before the first.
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

    def block(
        self,
        shape: tuple[int, ...],
        step_hours: float = 1.0,
        /,
        *,
        output: str,
        ramp: str,
        initial: str,
    ) -> Block:
        """Return output over steps (the last axis of ``shape``) and its constraints.

        Parameters
        ----------
        shape : tuple of int
            (T,) or (S, T).
        step_hours : float
            Length of a step.
        output, ramp, initial : str
            Labels of the limits (on the variable), of ramps and of the first ramps.
        """
        most_up = step_hours * self.ramp_up_mw_per_h
        most_down = step_hours * self.ramp_down_mw_per_h
        power = cp.Variable(shape, name=output, bounds=[self.power_min_mw, self.power_max_mw])
        first, rise = power[..., 0], cp.diff(power, axis=len(shape) - 1)
        constraints = (
            (rise <= most_up).set_label(f"{ramp} up"),
            (-rise <= most_down).set_label(f"{ramp} down"),
            (first - self.output_initial_mw <= most_up).set_label(f"{initial} up"),
            (self.output_initial_mw - first <= most_down).set_label(f"{initial} down"),
        )
        cost = step_hours * self.cost_per_mwh * cp.sum(power)
        return Block({"power_mw": power}, constraints, cost)


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

    def block(
        self,
        steps: int,
        step_hours: float = 1.0,
        /,
        *,
        power: str,
        energy: str,
        dynamics: str,
        initial: str,
    ) -> Block:
        """Return charging, discharging and stored energy, each of shape (T,).

        Parameters
        ----------
        steps : int
        step_hours : float
            Length of a step.
        power, energy, dynamics, initial : str
            Labels of the power limits, the energy limits, the balance from step to step, and
            the balance of the first step.
        """
        charge = cp.Variable(steps, name=f"{power}, charging", bounds=[0, self.power_max_mw])
        discharge = cp.Variable(steps, name=f"{power}, discharging", bounds=[0, self.power_max_mw])
        stored = cp.Variable(steps, name=energy, bounds=[self.energy_min_mwh, self.energy_max_mwh])
        charged = step_hours * self.charge_efficiency * charge
        gained = charged - step_hours * discharge / self.discharge_efficiency
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

    def block(self, *, power: str, step_hours: float = 1.0) -> Block:
        """Return the interrupted power, of the shape of its limit.

        Parameters
        ----------
        power : str
            Label of the limits (on the variable).
        step_hours : float
            Length of a step.
        """
        shape = self.power_max_mw.shape
        interrupted = cp.Variable(shape, name=power, bounds=[np.zeros(shape), self.power_max_mw])
        cost_per_mw = step_hours * np.broadcast_to(self.cost_per_mwh, shape)
        cost = cp.sum(cp.multiply(cost_per_mw, interrupted))
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
        Share of the stored energy that is left after an hour, in (0, 1]; after a step it is this
        to the power of the step's hours.
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

    def block(
        self, scenarios: int, steps: int, labels: "OfferLabels", *, step_hours: float = 1.0
    ) -> Block:
        """Return energy taken and ramping offered, each of shape (S, T).

        Whatever is offered can be delivered in full, in power and in energy.

        Parameters
        ----------
        scenarios, steps : int
        labels : OfferLabels
        step_hours : float
            Length of a step.
        """
        shape = (scenarios, steps)
        power = cp.Variable(shape, name=labels.power, bounds=[self.power_min_mw, self.power_max_mw])
        up = cp.Variable(shape, name=labels.up, nonneg=True)
        down = cp.Variable(shape, name=labels.down, nonneg=True)
        stored = cp.Variable(
            shape, name=labels.energy, bounds=[self.energy_min_mwh, self.energy_max_mwh]
        )
        per_mw, kept = step_hours * self.efficiency, self.retention**step_hours
        gained, more, less = per_mw * power, per_mw * down, per_mw * up
        before, first = kept * stored[:, :-1], kept * self.energy_initial_mwh
        constraints = (
            (power - up >= self.power_min_mw).set_label(labels.up_in_power),
            (power + down <= self.power_max_mw).set_label(labels.down_in_power),
            (stored[:, 1:] == before + gained[:, 1:]).set_label(labels.dynamics),
            (stored[:, 0] == first + gained[:, 0]).set_label(labels.initial),
            (stored[:, -1] == self.energy_final_mwh).set_label(labels.final),
            (stored - less >= self.energy_min_mwh).set_label(labels.up_in_energy),
            (stored + more <= self.energy_max_mwh).set_label(labels.down_in_energy),
        )
        quantities = {"import_mw": power, "up_mw": up, "down_mw": down, "stored_mwh": stored}
        return Block(quantities, constraints)


@dataclass(frozen=True)
class OfferLabels:
    """Labels of a virtual battery's equations, which its owner knows.

    Attributes
    ----------
    power, up, down, energy : str
        Of the limits of net consumption, of both offers and of stored energy (on the variables).
    up_in_power, down_in_power, up_in_energy, down_in_energy : str
        That offers can be delivered within power and within energy.
    dynamics, initial, final : str
        Of stored energy from step to step, in the first step and in the last.
    """

    power: str
    up: str
    down: str
    energy: str
    up_in_power: str
    down_in_power: str
    up_in_energy: str
    down_in_energy: str
    dynamics: str
    initial: str
    final: str
