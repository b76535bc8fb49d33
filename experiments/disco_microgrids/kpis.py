"""The figures of paper E's study, each with its unit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.disco_microgrids import schema
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.kpi import Kpi
from equigrid.markets.equilibrium import Equilibrium

if TYPE_CHECKING:
    from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids


def case_kpis(system: "DiscoMicrogrids", outcome: Equilibrium) -> dict[str, Kpi]:
    """Return the KPIs of one case; energies and costs are expectations over the scenarios."""
    values, name = outcome.values, system.company.name
    currency = system.spec.currency
    sites = [site.name for site in system.microgrids]
    purchase = values[f"{name}.purchase_mw"]
    hours = system.spec.step_hours
    rise = np.diff(purchase) / hours
    assert outcome.leader_objective is not None
    return {
        "disco_profit": Kpi(outcome.leader_objective, currency),
        **{f"microgrid_cost.{site}": Kpi(_cost(outcome, site), currency) for site in sites},
        "microgrid_import_mwh": Kpi(hours * _total(values, sites, "import_mw"), "MWh"),
        "microgrid_der_energy_mwh": Kpi(hours * _own_power(values, sites), "MWh"),
        "wholesale_energy_mwh": Kpi(hours * float(purchase.sum()), "MWh"),
        "max_ramp_up_mw_per_h": Kpi(float(max(rise.max(), 0.0)), "MW/h"),
        "max_ramp_down_mw_per_h": Kpi(float(max(-rise.min(), 0.0)), "MW/h"),
        "ramp_penalty": Kpi(outcome.payments["ramp-penalty"], currency),
        "interrupted_energy_mwh": Kpi(
            hours * _total(values, [name], "interruption_order_mw"), "MWh"
        ),
        "disco_dg_energy_mwh": Kpi(_total(values, [name], "generator_order_mwh"), "MWh"),
    }


def profit_forgone(runs: Mapping[str, CaseRun]) -> dict[str, dict[str, Kpi]]:
    """Return what the ISO would owe: profit of the first case without a penalty less this one's.

    Parameters
    ----------
    runs : Mapping of case to CaseRun
        With their KPIs; cases that were not played are not in it.
    """
    profits = {case: (run.kpis or {})["disco_profit"] for case, run in runs.items()}
    free = [case for case, run in runs.items() if not _penalised(run.spec)]
    return {
        case: {"profit_forgone": Kpi(profits[free[0]].value - kpi.value, kpi.unit)}
        for case, kpi in profits.items()
        if free and case not in free
    }


def _penalised(spec: StudySpec) -> bool:
    return isinstance(spec, schema.DiscoMicrogridsSpec) and spec.ramp_penalty


def _cost(outcome: Equilibrium, site: str) -> float:
    return float(outcome.values[f"{site}.own_cost"]) + outcome.payments[f"bill-{site}"]


def _total(values: Mapping[str, FloatArray], names: list[str], said: str) -> float:
    return float(sum(values[f"{name}.{said}"].sum() for name in names))


def _own_power(values: Mapping[str, FloatArray], sites: list[str]) -> float:
    own = ("generator_mw", "photovoltaic_mw", "interrupted_mw", "discharge_mw")
    return sum(_total(values, sites, said) for said in own)
