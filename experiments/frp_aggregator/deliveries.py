"""Random deliveries of what was sold, through AC power flow."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equigrid.agents.network_operator import STATES
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.frp_aggregator.parties import one, spec_of
from equigrid.experiments.schema import Case
from equigrid.experiments.study import Study
from equigrid.experiments.systems import Deliveries
from equigrid.grid.ac import ac_check
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.scenarios.seeds import stream

Vector = NDArray[np.float64]
_JUDGED = 50  # deliveries that come nearest to each kind of limit, or go furthest beyond


@dataclass(frozen=True, eq=False)
class _Sold:
    """Everyone who sold something, R of them, by scenario-hour.

    Attributes
    ----------
    bus : array of int, shape (R,)
    taken_mw : array, shape (R, S T)
        Net consumption before delivery.
    up_mw, down_mw : array, shape (R, S T)
        What delivery takes off it, or adds.
    """

    bus: NDArray[np.int64]
    taken_mw: Vector
    up_mw: Vector
    down_mw: Vector


def deliveries(
    study: Study, case: Case, tables: dict[str, pd.DataFrame], count: int, seed: int
) -> Deliveries:
    """Run random deliveries of one case's offers through AC.

    In each, of a random hour and scenario, everyone delivers a random share of what it sold;
    nothing and all of it are drawn more often. A third of the deliveries is upward only, a third
    downward only; in the others each goes its own way.

    Parameters
    ----------
    study : Study
    case : Case
        What it promises.
    tables : dict of str to DataFrame
        ``offers`` and ``photovoltaics`` of the case.
    count : int
    seed : int
        The same deliveries are drawn in every case.
    """
    assert isinstance(case, schema.Case)
    sold = _sold(study, tables)
    columns, shares = _drawn(len(sold.bus), sold.taken_mw.shape[1], count, seed)
    taken = sold.taken_mw[:, columns]
    taken = taken + np.where(
        shares > 0, shares * sold.down_mw[:, columns], shares * sold.up_mw[:, columns]
    )
    load_mw, load_mvar = _loads(study, columns)
    at_bus = np.equal.outer(study.network.buses.index.to_numpy(), sold.bus).astype(float)
    beyond = _beyond(study, load_mw + at_bus @ taken, load_mvar)
    return Deliveries(set(STATES) <= set(case.secured), *beyond)


def _beyond(study: Study, load_mw: Vector, load_mvar: Vector) -> tuple[Vector, Vector]:
    """Return how far voltages and loadings (count,) are beyond limits; infinite without an answer.

    All by the batch power flow, the worst once more by pandapower, which has the last word.
    """
    limits = study.spec.network
    asked = ("voltage_min_pu", "voltage_max_pu", "loading_max_percent")
    flow = power_flow_batch(study.network, load_mw.T, load_mvar.T, results=asked)
    voltage = np.maximum(
        limits.voltage_min_pu - flow.voltage_min_pu, flow.voltage_max_pu - limits.voltage_max_pu
    )
    found = [
        np.where(np.isnan(part), np.inf, np.maximum(part, 0.0))
        for part in (voltage, flow.loading_max_percent - 100)
    ]
    worst = np.unique([np.argsort(-part, kind="stable")[:_JUDGED] for part in found])
    ac = ac_check(study.network, load_mw[:, worst], load_mvar[:, worst])
    off = ac.violations(limits.voltage_min_pu, limits.voltage_max_pu)
    for part, judged in zip(found, (off.voltage_pu, off.loading_percent), strict=True):
        part[worst] = np.where(ac.converged, judged.max(axis=0), np.inf)
    return found[0], found[1]


def _sold(study: Study, tables: dict[str, pd.DataFrame]) -> _Sold:
    """Read who sold what: prosumers, and PV units, whose output is negative consumption."""
    buses = {p.name: p.bus for p in spec_of(study).prosumers}
    offers, units = tables["offers"], tables["photovoltaics"]
    everyone = pd.concat(
        [
            offers.assign(bus=offers["prosumer"].map(buses), taken_mw=offers["import_mw"]),
            units.assign(taken_mw=-units["power_mw"]),
        ],
        ignore_index=True,
    )
    rows = everyone.groupby(["scenario", "hour"]).ngroups
    wide = {n: everyone[n].to_numpy().reshape(-1, rows) for n in ("taken_mw", "up_mw", "down_mw")}
    return _Sold(everyone["bus"].to_numpy().reshape(-1, rows)[:, 0].astype(np.int64), **wide)


def _drawn(parties: int, columns: int, count: int, seed: int) -> tuple[NDArray[np.int64], Vector]:
    """Draw scenario-hours (count,) and signed shares (parties, count), upward below 0."""
    random = stream(seed, "deliveries")
    at, shape = random.integers(columns, size=count), (parties, count)
    shares = np.clip(random.uniform(-0.25, 1.25, size=shape), 0, 1)
    own_way = np.where(random.uniform(size=shape) < 0.5, -1.0, 1.0)
    way = random.integers(3, size=count)
    return at, shares * np.where(way == 0, -1.0, np.where(way == 1, 1.0, own_way))


def _loads(study: Study, columns: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Return the feeder's own load (N, count), MW and MVAr."""
    said, buses = one(spec_of(study), schema.NetworkOperator), study.network.buses
    profile = said.peak_load_fraction * np.array(said.load_profile)
    factor = profile[columns % len(profile)]
    return np.outer(buses["load_mw"], factor), np.outer(buses["load_mvar"], factor)
