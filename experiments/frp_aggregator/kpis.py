"""The figures of paper A's study, each with its unit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from equigrid.agents.network_operator import STATES
from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator.parties import PRODUCTS
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.kpi import Kpi
from equigrid.experiments.world.operation import Operation
from equigrid.markets.model.sources import Dual

if TYPE_CHECKING:
    from equigrid.experiments.frp_aggregator.case_parties import FrpAggregator


def case_kpis(system: "FrpAggregator", run: CaseRun) -> dict[str, Kpi]:
    """Return the KPIs of one case; expectations are over the nominal probabilities."""
    outcome, ac = run.answer, run.operation
    owed, chance = bills(system, outcome.values), system.near.probability
    energy, income = owed["energy"], -(owed["up"] + owed["down"])
    currency = system.spec.currency
    sold = {product: offered_mwh(system, outcome.values, product) for product in ("up", "down")}
    return {
        "energy_cost": Kpi(float(chance @ energy), currency),
        "frp_revenue": Kpi(float(chance @ income), currency),
        "expected_total_cost": Kpi(float(chance @ (energy - income)), currency),
        "worst_case_total_cost": Kpi(system.near.worst_value(energy - income), currency),
        **{f"frp_{p}_mwh": Kpi(float(chance @ amount), "MWh") for p, amount in sold.items()},
        **_violations(system, ac),
    }


def bills(system: "FrpAggregator", values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what the aggregator owes for each product in each scenario, (S,); income < 0."""
    return {
        product: np.sum(
            [_owed(system, values, p.name, said) for p in system.spec.prosumers], axis=0
        )
        for product, said in PRODUCTS.items()
    }


def _owed(
    system: "FrpAggregator", values: Mapping[str, FloatArray], prosumer: str, said: str
) -> FloatArray:
    price = values[Dual(f"{system.operator.name}.{prosumer}_{said}_mw")]
    owed = price * values[f"{system.leader}.{prosumer}_{said}_mw"]
    return np.asarray(system.spec.step_hours * owed.sum(axis=1))


def offered_mwh(
    system: "FrpAggregator", values: Mapping[str, FloatArray], product: str
) -> FloatArray:
    """Return what all prosumers offer of a product in each scenario, (S,)."""
    offers = [values[f"{system.leader}.{p.name}_{product}_mw"] for p in system.spec.prosumers]
    return np.asarray(system.spec.step_hours * np.sum(offers, axis=(0, 2)))


def _violations(system: "FrpAggregator", ac: Operation) -> dict[str, Kpi]:
    """Return how far AC after delivery is beyond limits; what converges nowhere is told beside."""
    operator = system.operator
    off = ac.violations()
    width, converged = operator.scenario_load_mw().shape[1], ac.converged
    voltages, loadings = {}, {}
    for at, state in enumerate(STATES):
        columns = np.flatnonzero(converged[at * width : (at + 1) * width]) + at * width
        voltage = float(off.voltage_pu[:, columns].max(initial=0.0))
        loading = float(off.loading_percent[:, columns].max(initial=0.0))
        if state != "before":
            voltages[f"ac_voltage_violation_after_{state}_pu"] = Kpi(voltage, "p.u.")
            loadings[f"ac_loading_violation_after_{state}_percent"] = Kpi(loading, "%")
    return {**voltages, **loadings}
