"""Tidy tables of paper E's study: what each party did, step by step."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray, IntArray
from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.feeder_places import feeder_places
from equigrid.experiments.spec.study import Study
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.operation import Operation
from equigrid.markets.equilibrium import Equilibrium

Tables = dict[str, pd.DataFrame]


def case_tables(system: DiscoMicrogrids, run: CaseRun) -> Tables:
    """Return the tables of one case; the negotiation has its own.

    Parameters
    ----------
    system : DiscoMicrogrids
    run : CaseRun
    """
    outcome, ac = run.answer, run.operation
    tables = {
        "prices": _prices(system, outcome.values),
        "purchase": _purchase(system, outcome.values),
        "microgrids": _microgrids(system, outcome.values),
        "dispatch": _dispatch(system, outcome.values),
        "voltages": _voltages(system, outcome.values, ac),
        "branches": _branches(system, ac),
    }
    talk = next((o for o in run.answers.values() if o.method == "best-response"), None)
    tables |= _negotiation(system, talk)
    return {name: _of_case(run.case.name, table) for name, table in tables.items()}


def _negotiation(system: DiscoMicrogrids, talk: Equilibrium | None) -> Tables:
    """Return rounds and announced prices of a negotiation, empty tables without one."""
    records = [] if talk is None else list(talk.rounds)
    path = f"{system.company.name}.price_per_mwh"
    rounds = pd.DataFrame(
        {
            "round": np.array([record["round"] for record in records], dtype=int),
            "planned_profit": np.array([_number(r["planned"]) for r in records], dtype=float),
            "realised_profit": np.array([_number(r["realised"]) for r in records], dtype=float),
            "new_answers": np.array([record["new_answers"] for record in records], dtype=int),
        }
    )
    steps = system.spec.steps
    prices = [np.asarray(record["announced"][path]) for record in records]
    round_prices = pd.DataFrame(
        {
            "round": np.repeat(rounds["round"].to_numpy(), steps),
            "step": np.tile(_steps(system), len(records)),
            "exchange_price_per_mwh": np.concatenate([np.zeros(0), *prices]),
        }
    )
    return {"rounds": rounds, "round_prices": round_prices}


def study_tables(study: Study) -> Tables:
    """Return what is the same in all cases: who sits where, bids, scenarios."""
    system = DiscoMicrogrids(study)
    return {"places": _places(system), "bids": _bids(system), "scenarios": _scenarios(system)}


def _of_case(case: str, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "case", case)
    return table


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _steps(system: DiscoMicrogrids) -> IntArray:
    return np.arange(1, system.spec.steps + 1)


def _ramp(system: DiscoMicrogrids, power: FloatArray) -> FloatArray:
    """Rise from step to step in MW an hour, 0 in the first."""
    return np.asarray(np.diff(power, prepend=power[0]) / system.spec.step_hours)


def _prices(system: DiscoMicrogrids, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": _steps(system),
            "wholesale_price_per_mwh": system.wholesale_price_per_mwh,
            "interruption_price_per_mwh": system.interruption_price_per_mwh,
            "tariff_per_mwh": system.tariff_per_mwh,
            "exchange_price_per_mwh": values[f"{system.company.name}.price_per_mwh"],
            "ramp_penalty_per_mw": np.concatenate([[0.0], system.ramp_penalty_per_mw]),
        }
    )


def _purchase(system: DiscoMicrogrids, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    name = system.company.name
    purchase = values[f"{name}.purchase_mw"]
    exchanged = sum(values[f"{site.name}.import_mw"] for site in system.microgrids)
    return pd.DataFrame(
        {
            "step": _steps(system),
            "purchase_mw": purchase,
            "ramp_mw_per_h": _ramp(system, purchase),
            "ramp_limit_mw_per_h": np.concatenate([[0.0], values[f"{name}.ramp_limit_mw_per_h"]]),
            "microgrid_ramp_mw_per_h": _ramp(system, np.asarray(exchanged)),
        }
    )


_MICROGRID_COLUMNS = (
    "demand_mw", "import_mw", "generator_mw", "photovoltaic_mw", "interrupted_mw", "charge_mw",
    "discharge_mw", "stored_mwh",
)  # fmt: skip


def _microgrids(system: DiscoMicrogrids, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    parts = []
    for site in system.microgrids:
        columns = {name: values[f"{site.name}.{name}"] for name in _MICROGRID_COLUMNS}
        table = pd.DataFrame({"microgrid": site.name, "step": _steps(system), **columns})
        table["ramp_mw_per_h"] = _ramp(system, values[f"{site.name}.import_mw"])
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _scenario_steps(system: DiscoMicrogrids, rows: int) -> pd.DataFrame:
    """Scenario and step of the flattened (rows, S T) arrays, row by row."""
    steps, count = _steps(system), len(system.scenarios)
    return pd.DataFrame(
        {
            "scenario": np.tile(np.repeat(np.arange(1, count + 1), len(steps)), rows),
            "step": np.tile(steps, count * rows),
        }
    )


def _dispatch(system: DiscoMicrogrids, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    name, buses = system.company.name, list(system.study.feeder.buses.index)
    units = system.manager.generators
    produced, cut = values[f"{name}.generator_mw"], values[f"{name}.interrupted_mw"]
    loaded = [k for k in range(len(buses)) if system.disco.load_mw[k].max() > 0]
    table = _scenario_steps(system, len(units) + len(loaded))
    width = produced.shape[1]
    names = [unit.name for unit in units] + [f"load at bus {buses[k]}" for k in loaded]
    at = [unit.bus for unit in units] + [buses[k] for k in loaded]
    kinds = ["generator"] * len(units) + ["interruptible"] * len(loaded)
    table["resource"] = np.repeat(names, width)
    table["kind"], table["bus"] = np.repeat(kinds, width), np.repeat(at, width)
    table["power_mw"] = np.concatenate([produced, cut[loaded]]).ravel()
    return table


def _voltages(
    system: DiscoMicrogrids, values: Mapping[str, FloatArray], ac: Operation
) -> pd.DataFrame:
    squared = values[f"{system.company.name}.voltage_squared_pu"]
    table = _scenario_steps(system, len(squared))
    table["bus"] = np.repeat(system.study.feeder.buses.index.to_numpy(), squared.shape[1])
    table["voltage_linear_pu"] = np.sqrt(squared).ravel()
    table["voltage_ac_pu"] = ac.voltage_pu.ravel()
    return table


def _branches(system: DiscoMicrogrids, ac: Operation) -> pd.DataFrame:
    branches = system.study.feeder.branches
    table = _scenario_steps(system, len(branches))
    for column, source in (("branch", "name"), ("from_bus", "from_bus"), ("to_bus", "to_bus")):
        table[column] = np.repeat(branches[source].to_numpy(), ac.current_ka.shape[1])
    table["current_ka"] = ac.current_ka.ravel()
    table["loading_percent"] = ac.loading_percent.ravel()
    return table


def _places(system: DiscoMicrogrids) -> pd.DataFrame:
    network, most_mw = system.study.feeder, system.company.purchase_max_mw
    records = [*feeder_places(network, system.iso.name, most_mw)]
    records += [(m.name, "microgrid", m.bus, m.exchange_max_mw) for m in system.spec.microgrids]
    records += [(g.name, "generator", g.bus, g.power_max_mw) for g in system.manager.generators]
    records += [
        (p.name, "photovoltaic", p.bus, p.power_max_mw) for p in system.manager.photovoltaics
    ]
    return pd.DataFrame(records, columns=["name", "kind", "bus", "power_max_mw"])


def _bids(system: DiscoMicrogrids) -> pd.DataFrame:
    """What a microgrid's own resources cost, by step: where exchange prices come to sit."""
    parts = []
    for site in system.microgrids:
        costs = {
            "generator": np.full(system.spec.steps, site.generator.cost_per_mwh),
            "interruptible": np.asarray(site.interruptible.cost_per_mwh),
        }
        for resource, cost in costs.items():
            parts.append(
                pd.DataFrame(
                    {
                        "microgrid": site.name,
                        "resource": resource,
                        "step": _steps(system),
                        "bid_per_mwh": cost,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _scenarios(system: DiscoMicrogrids) -> pd.DataFrame:
    table = _scenario_steps(system, 1)
    probability = system.scenarios.probability
    table.insert(1, "probability", np.repeat(probability, system.spec.steps))
    table["load_factor"] = system.scenarios["load_factor"].ravel()
    table["irradiance"] = system.scenarios["irradiance"].ravel()
    return table
