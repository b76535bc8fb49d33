"""Tidy tables of paper A's study: prices, offers and the wires, by scenario and step."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from equigrid.agents.network_operator import STATES
from equigrid.arrays import FloatArray, IntArray
from equigrid.experiments.feeder_places import feeder_places
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.frp_aggregator.case_parties import FrpAggregator, parties_of
from equigrid.experiments.frp_aggregator.kpis import bills, offered_mwh
from equigrid.experiments.frp_aggregator.parties import PRODUCTS, one
from equigrid.experiments.frp_aggregator.prices import bus_prices, paid_prices, residuals
from equigrid.experiments.spec.study import Study
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.operation import Operation
from equigrid.markets.equilibrium import Equilibrium

Tables = dict[str, pd.DataFrame]


def case_tables(system: FrpAggregator, run: CaseRun) -> Tables:
    """Return the tables of one case.

    Parameters
    ----------
    system : FrpAggregator
    run : CaseRun
        With AC of every scenario-step, before delivery, after that of up, of down.
    """
    outcome, ac = run.answer, run.operation
    tables = {
        "offers": _offers(system, outcome.values),
        "photovoltaics": _photovoltaics(system, outcome.values),
        "operator": _operator(system, outcome.values),
        "bills": _bills(system, outcome.values),
        "costs": _costs(system, outcome.values),
        "bus_prices": _bus_prices(system, outcome),
        "price_residuals": residuals(system, outcome),
        "voltages": _voltages(system, outcome.values, ac),
        "branches": _branches(system, ac),
        "delivery": _delivery(system, ac),
    }
    for table in tables.values():
        table.insert(0, "case", run.case.name)
    return tables


def study_tables(study: Study) -> Tables:
    """Return what is the same in all cases: who sits where, prices, loads, scenarios."""
    system = parties_of(study)
    market, steps = one(system.spec, schema.Market), _steps(system)
    prices = {f"{p}_price_per_mwh": getattr(market, f"{p}_price_per_mwh") for p in PRODUCTS}
    loads = {
        "load_mw": system.operator.load_mw.sum(axis=0),
        "load_mvar": system.operator.load_mvar.sum(axis=0),
    }
    return {
        "places": _places(system),
        "prices": pd.DataFrame({"step": steps, **prices}),
        "loads": pd.DataFrame({"step": steps, **loads}),
        "scenarios": _scenarios(system),
    }


def _steps(system: FrpAggregator) -> IntArray:
    return np.arange(1, system.spec.steps + 1)


def _by_scenario_step(
    system: FrpAggregator, keys: Mapping[str, Sequence[Any]], columns: Mapping[str, FloatArray]
) -> pd.DataFrame:
    """Write arrays (R, S T) as columns, below scenario, step and the keys (R,) of their rows."""
    scenarios, steps = system.operator.shape
    rows = len(next(iter(keys.values()))) if keys else 1
    table = {
        "scenario": np.tile(np.repeat(np.arange(1, scenarios + 1), steps), rows),
        "step": np.tile(_steps(system), rows * scenarios),
    }
    table |= {name: np.repeat(np.asarray(key), scenarios * steps) for name, key in keys.items()}
    return pd.DataFrame(table | {name: np.ravel(value) for name, value in columns.items()})


def _offers(system: FrpAggregator, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    names = [p.name for p in system.spec.prosumers]
    paid = {name: paid_prices(system, values, name) for name in names}
    columns = {
        said: np.array([np.ravel(values[f"{system.leader}.{name}_{said}"]) for name in names])
        for said in ("import_mw", "up_mw", "down_mw", "stored_mwh")
    }
    columns |= {
        price: np.array([np.ravel(paid[name][price]) for name in names]) for price in paid[names[0]]
    }
    return _by_scenario_step(system, {"prosumer": names}, columns)


def _photovoltaics(system: FrpAggregator, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    operator = system.operator
    said = {"power_mw": "", "up_mw": "_up", "down_mw": "_down"}
    columns = {"available_mw": operator.photovoltaic_mw.reshape(len(operator.photovoltaic_mw), -1)}
    columns |= {
        name: values[f"{operator.name}.photovoltaic{which}_mw"] for name, which in said.items()
    }
    units = one(system.spec, schema.NetworkOperator).photovoltaics
    keys: dict[str, list[Any]] = {
        "unit": [u.name for u in units],
        "bus": [u.bus for u in units],
    }
    return _by_scenario_step(system, keys, columns)


def _operator(system: FrpAggregator, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    names = ("purchase_mw", "up_mw", "down_mw", "loss_mw")
    columns = {name: values[f"{system.operator.name}.{name}"] for name in names}
    return _by_scenario_step(system, {}, columns)


def _bills(system: FrpAggregator, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Return what is owed by scenario, with the chance of each and its chance at the worst."""
    owed, near = bills(system, values), system.near
    total = np.sum(list(owed.values()), axis=0)
    chances = {"probability": near.probability, "worst_probability": near.worst_distribution(total)}
    offers = {f"{p}_mwh": offered_mwh(system, values, p) for p in ("up", "down")}
    amounts = {f"{product}_bill": amount for product, amount in owed.items()}
    scenario = np.arange(1, len(total) + 1)
    return pd.DataFrame({"scenario": scenario, **chances, **amounts, **offers, "total_cost": total})


def _costs(system: FrpAggregator, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    total = np.sum(list(bills(system, values).values()), axis=0)
    record = {
        "secured": " ".join(system.spec.secured),
        "confidence": system.spec.confidence,
        "offers": system.spec.offers,
        "expected_total_cost": float(system.near.probability @ total),
        "worst_case_total_cost": system.near.worst_value(total),
    }
    return pd.DataFrame([record])


def _bus_prices(system: FrpAggregator, outcome: Equilibrium) -> pd.DataFrame:
    keys = {"bus": list(system.study.feeder.buses.index)}
    return _by_scenario_step(system, keys, bus_prices(system, outcome))


def _voltages(
    system: FrpAggregator, values: Mapping[str, FloatArray], ac: Operation
) -> pd.DataFrame:
    nets, reactive = system.net_loads_mw(values), system.operator.scenario_load_mvar()
    keys, parts = {"bus": list(system.study.feeder.buses.index)}, []
    for state, voltage in zip(STATES, np.split(ac.voltage_pu, len(STATES), axis=1), strict=True):
        secured = state in system.spec.secured
        linear = system.tangents[state].values(nets[state], reactive)[0] if secured else np.nan
        columns = {"voltage_linear_pu": linear + 0 * voltage, "voltage_ac_pu": voltage}
        parts.append(_by_scenario_step(system, keys, columns).assign(state=state))
    return _state_first(pd.concat(parts, ignore_index=True))


def _branches(system: FrpAggregator, ac: Operation) -> pd.DataFrame:
    branches = system.study.feeder.branches
    keys = {"branch": "name", "from_bus": "from_bus", "to_bus": "to_bus"}
    named = {column: list(branches[source]) for column, source in keys.items()}
    split = {
        name: np.split(getattr(ac, name), len(STATES), axis=1)
        for name in ("current_ka", "loading_percent")
    }
    parts = [
        _by_scenario_step(system, named, {name: part[k] for name, part in split.items()}).assign(
            state=state
        )
        for k, state in enumerate(STATES)
    ]
    return _state_first(pd.concat(parts, ignore_index=True))


def _state_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["state", *(name for name in table if name != "state")]]


def _delivery(system: FrpAggregator, ac: Operation) -> pd.DataFrame:
    """Return what AC says of each state: how far beyond limits, and where."""
    off = ac.violations()
    records = []
    for at, state in enumerate(STATES):
        record: dict[str, Any] = {"state": state, "secured": state in system.spec.secured}
        looked_at = (
            ("voltage", "bus", off.voltage_pu, list(system.study.feeder.buses.index), "pu"),
            ("loading", "branch", off.loading_percent, list(system.study.feeder.branches["name"]),
             "percent"),
        )  # fmt: skip
        for what, noun, beyond, names, unit in looked_at:
            part = np.split(beyond, len(STATES), axis=1)[at]
            record |= _worst(system, (what, noun, unit), part, names)
        records.append(record)
    return pd.DataFrame(records)


def _worst(
    system: FrpAggregator, words: tuple[str, str, str], beyond: FloatArray, names: Sequence[Any]
) -> dict[str, Any]:
    """Name the place, step and scenario of the worst violation; none where nothing is beyond."""
    what, noun, unit = words
    known = np.where(np.isfinite(beyond), beyond, 0.0)
    row, column = divmod(int(known.argmax()), known.shape[1])
    scenario, step = divmod(column, system.spec.steps)
    stored = known[row, column] > 0
    return {
        f"{what}_violation_{unit}": float(known[row, column]),
        f"{what}_{noun}": str(names[row]) if stored else "",
        f"{what}_step": step + 1 if stored else 0,
        f"{what}_scenario": scenario + 1 if stored else 0,
    }


def _places(system: FrpAggregator) -> pd.DataFrame:
    spec, network = system.spec, system.study.feeder
    operator = one(spec, schema.NetworkOperator)
    market = one(spec, schema.Market).name
    records = [*feeder_places(network, market, operator.exchange_max_mw)]
    records += [(p.name, "prosumer", p.bus, p.power_max_mw) for p in spec.prosumers]
    records += [(u.name, "photovoltaic", u.bus, u.power_max_mw) for u in operator.photovoltaics]
    return pd.DataFrame(records, columns=["name", "kind", "bus", "power_max_mw"])


def _scenarios(system: FrpAggregator) -> pd.DataFrame:
    scenarios = system.days.scenarios
    table = _by_scenario_step(system, {}, {"irradiance": scenarios["irradiance"]})
    table.insert(1, "probability", np.repeat(scenarios.probability, system.spec.steps))
    return table
