"""A distribution network operator that clears energy and ramping products, A(15)-A(33).

The duals of what it hears as withdrawals are the locational prices (DLMPs) at their buses, per MWh
in a game with the same ``step_hours``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.grid.linear.bus_loads import bus_incidence, scenario_hours
from equigrid.grid.linear.tangents import Tangents, tangents
from equigrid.grid.network.network import Network
from equigrid.markets.model.agent import Agent

# Before delivery, after delivery of all upward offers, after delivery of all downward offers.
STATES = ("before", "up", "down")
_LABELS = {
    "before": ("A(27) voltage", "A(31) branch flow"),
    "up": ("A(28) voltage after upward delivery", "A(32) branch flow after upward delivery"),
    "down": ("A(29) voltage after downward delivery", "A(33) branch flow after downward delivery"),
}


@dataclass(frozen=True, eq=False)
class NetworkOperator:
    """What a distribution network operator knows of one day.

    Columns of bus quantities are scenario-hours, scenario by scenario: column s T + t.

    Attributes
    ----------
    name : str
    network : Network
    voltage_min_pu, voltage_max_pu : float
    load_mw, load_mvar : array of shape (N, T)
        Less what the feeder itself generates.
    photovoltaic_buses : tuple of int
    photovoltaic_mw : array of shape (J, S, T)
        Available power of each unit.
    prosumer_buses : dict of str to int
    prosumer_limits_mw : dict of str to pair of float
        Least and greatest power of each prosumer, delivery included.
    exchange_max_mw : float
    secured : tuple of str
        States in which the limits hold, of STATES.
    step_hours : float
        Length of a step; T is the number of steps.
    """

    name: str
    network: Network
    voltage_min_pu: float
    voltage_max_pu: float
    load_mw: FloatArray
    load_mvar: FloatArray
    photovoltaic_buses: tuple[int, ...]
    photovoltaic_mw: FloatArray
    prosumer_buses: dict[str, int]
    prosumer_limits_mw: dict[str, tuple[float, float]]
    exchange_max_mw: float
    secured: tuple[str, ...] = STATES
    step_hours: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Scenarios and steps, (S, T)."""
        return self.photovoltaic_mw.shape[1], self.photovoltaic_mw.shape[2]

    def scenario_load_mw(self) -> FloatArray:
        """Return the load by bus and scenario-hour, shape (N, S T)."""
        return np.tile(self.load_mw, self.shape[0])

    def scenario_load_mvar(self) -> FloatArray:
        """Return the reactive load by bus and scenario-hour, shape (N, S T)."""
        return np.tile(self.load_mvar, self.shape[0])

    def linearised(self, net_load_mw: Mapping[str, FloatArray]) -> dict[str, Tangents]:
        """Return the tangents of every state at its own net load (N, S T)."""
        reactive = self.scenario_load_mvar()
        return {state: tangents(self.network, net_load_mw[state], reactive) for state in STATES}

    def at_rest(self) -> dict[str, Tangents]:
        """Return tangents with all PV fed in and no prosumer, the same in every state."""
        net = (
            self.scenario_load_mw()
            - bus_incidence(self.network, self.photovoltaic_buses) @ self._available()
        )
        return dict.fromkeys(STATES, tangents(self.network, net, self.scenario_load_mvar()))

    def renewed(
        self, at: Mapping[str, Tangents], net_load_mw: Mapping[str, FloatArray], tolerance_pu: float
    ) -> tuple[dict[str, Tangents], float]:
        """Expand anew where AC power flow at an answer and the linear model differ too much.

        States whose limits do not hold play no part.

        Parameters
        ----------
        at : Mapping of str to Tangents
        net_load_mw : Mapping of str to array (N, S T)
            Of every state at the answer.
        tolerance_pu : float
            Allowed difference of voltages, of nominal, and of flows, of their limits; a
            twentieth of it where AC is beyond a limit.

        Returns
        -------
        tangents : dict of str to Tangents
        error : float
            Greatest difference before.
        """
        by_name, greatest, reactive = dict(at), 0.0, self.scenario_load_mvar()
        for state in self.secured:
            limits = self.voltage_min_pu, self.voltage_max_pu
            errors = at[state].errors(net_load_mw[state], reactive, limits)
            greatest = max(greatest, float(errors.max()))
            off = np.flatnonzero(errors > tolerance_pu)
            by_name[state] = at[state].renewed(net_load_mw[state], reactive, off)
        return by_name, greatest

    def agent(self, at: Mapping[str, Tangents]) -> Agent:
        """Return the operator as a decision maker that clears every scenario by itself.

        It hears the ``load_mw`` (N, S T), the market's prices (T,), and of each prosumer
        ``NAME_import_mw``, ``NAME_up_mw`` and ``NAME_down_mw`` (S, T).

        Parameters
        ----------
        at : Mapping of str to Tangents
            For every state.
        """
        hears = self._hears()
        sold = {state: self._offers(hears, state) for state in ("up", "down")}
        units = self._units()
        purchase = cp.Variable(
            self.shape,
            name="A(23) exchange with the grid",
            bounds=[-self.exchange_max_mw, self.exchange_max_mw],
        )
        loss = cp.Variable(purchase.size, name="A(24) network losses")
        nets = self._nets(hears, units, sold)
        net = nets["before"]
        up = cp.Variable(self.shape, name="A(16) upward product sold")
        down = cp.Variable(self.shape, name="A(17) downward product sold")
        constraints = [
            _sum_of(up, units["up"], sold["up"], "A(16) upward product sold"),
            _sum_of(down, units["down"], sold["down"], "A(17) downward product sold"),
            (scenario_hours(purchase) == cp.sum(net, axis=0) + loss).set_label("A(22) balance"),
            *(
                row.set_label("A(24) network losses")
                for row in at["before"].losses(loss, net, self.scenario_load_mvar())
            ),
            (units["power"] + units["up"] <= self._available()).set_label(
                "A(20) upward offer within what the sun gives"
            ),
            (units["power"] - units["down"] >= 0).set_label("A(21) downward offer within output"),
            *(
                constraint
                for state in self.secured
                for constraint in self._limits(state, at[state], nets[state])
            ),
        ]
        cost = self._cost(hears, purchase, up, down)
        return Agent(
            self.name,
            cp.Problem(cp.Minimize(cost), constraints),
            hears=hears,
            says={
                "purchase_mw": purchase,
                "up_mw": up,
                "down_mw": down,
                "loss_mw": loss,
                "photovoltaic_mw": units["power"],
                "photovoltaic_up_mw": units["up"],
                "photovoltaic_down_mw": units["down"],
                **{f"net_load_{state}_mw": nets[state] for state in STATES},
            },
        )

    def _cost(
        self,
        hears: Mapping[str, cp.Parameter],
        purchase: cp.Variable,
        up: cp.Variable,
        down: cp.Variable,
    ) -> cp.Expression:
        """Return what all scenarios cost together, A(15)."""
        length = self.step_hours
        return (
            cp.sum((length * purchase) @ hears["energy_price_per_mwh"])
            - cp.sum((length * up) @ hears["up_price_per_mwh"])
            - cp.sum((length * down) @ hears["down_price_per_mwh"])
        ).set_label("A(15) operating cost")

    def _nets(
        self,
        hears: Mapping[str, cp.Parameter],
        units: Mapping[str, cp.Variable],
        sold: Mapping[str, cp.Expression],
    ) -> dict[str, cp.Expression]:
        """Net load (N, S T) of every state, A(25)."""
        at_units = bus_incidence(self.network, self.photovoltaic_buses)
        at_prosumers = self._at_prosumers()
        taken = self._offers(hears, "import")
        net = hears["load_mw"] - at_units @ units["power"] + at_prosumers @ taken
        return {
            "before": net,
            "up": net - at_units @ units["up"] - at_prosumers @ sold["up"],
            "down": net + at_units @ units["down"] + at_prosumers @ sold["down"],
        }

    def _limits(self, state: str, at: Tangents, net: cp.Expression) -> list[cp.Constraint]:
        """A(25)-A(33) of one state."""
        voltage_pu, bounds = (self.voltage_min_pu, self.voltage_max_pu), self._net_load_bounds()
        return at.limits(net, self.scenario_load_mvar(), voltage_pu, bounds, _LABELS[state])

    def _hears(self) -> dict[str, cp.Parameter]:
        _, hours = self.shape
        shapes: dict[str, tuple[int, ...]] = {
            "load_mw": self.scenario_load_mw().shape,
            "energy_price_per_mwh": (hours,),
            "up_price_per_mwh": (hours,),
            "down_price_per_mwh": (hours,),
        }
        for prosumer in self.prosumer_buses:
            shapes |= {f"{prosumer}_{what}_mw": self.shape for what in ("import", "up", "down")}
        return {name: cp.Parameter(shape, name=name) for name, shape in shapes.items()}

    def _offers(self, hears: Mapping[str, cp.Parameter], what: str) -> cp.Expression:
        """What prosumers take or sell, by prosumer and scenario-hour."""
        return cp.vstack([scenario_hours(hears[f"{p}_{what}_mw"]) for p in self.prosumer_buses])

    def _units(self) -> dict[str, cp.Variable]:
        """Power, upward and downward offer of each PV unit, shape (J, S T)."""
        available = self._available()
        labels = {
            "power": "A(18) PV output",
            "up": "A(19) upward offer of PV",
            "down": "A(19) downward offer of PV",
        }
        return {
            key: cp.Variable(available.shape, name=label, bounds=[0 * available, available])
            for key, label in labels.items()
        }

    def _available(self) -> FloatArray:
        return self.photovoltaic_mw.reshape(len(self.photovoltaic_buses), -1)

    def _net_load_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest net load of any state, delivery included, (N, S T) each."""
        load = self.scenario_load_mw()
        least, most = (
            np.array([self.prosumer_limits_mw[p][end] for p in self.prosumer_buses])
            for end in (0, 1)
        )
        at = self._at_prosumers()
        lower = load - bus_incidence(self.network, self.photovoltaic_buses) @ self._available()
        return lower + (at @ least)[:, None], load + (at @ most)[:, None]

    def _at_prosumers(self) -> FloatArray:
        return bus_incidence(self.network, tuple(self.prosumer_buses.values()))


def _sum_of(
    product: cp.Variable, of_units: cp.Expression, of_prosumers: cp.Expression, label: str
) -> cp.Constraint:
    total = cp.sum(of_units, axis=0) + cp.sum(of_prosumers, axis=0)
    return (scenario_hours(product) == total).set_label(label)
