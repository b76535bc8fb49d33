"""Random deliveries of what was sold, through AC power flow."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from equigrid.agents.network_operator import STATES
from equigrid.arrays import FloatArray, IntArray
from equigrid.experiments.frp_aggregator.parties import loads_of, spec_of
from equigrid.experiments.spec.study import Study, StudyCase
from equigrid.experiments.system import Deliveries
from equigrid.grid.verified_flow import verified_flow
from equigrid.scenarios.seeds import stream

_AT_ONCE = 50_000  # deliveries


@dataclass(frozen=True, eq=False)
class _Sold:
    """Everyone who sold something, R of them, by scenario-step.

    Attributes
    ----------
    bus : array of int, shape (R,)
    taken_mw : array, shape (R, S T)
        Net consumption before delivery.
    up_mw, down_mw : array, shape (R, S T)
        What delivery takes off it, or adds.
    """

    bus: IntArray
    taken_mw: FloatArray
    up_mw: FloatArray
    down_mw: FloatArray


def deliveries(
    study: Study, case: StudyCase, tables: dict[str, pd.DataFrame], count: int, seed: int
) -> Deliveries:
    """Run random deliveries of one case's offers through AC.

    In each, of a random step and scenario, everyone delivers a random share of what it sold;
    nothing and all of it are drawn more often. A third of the deliveries is upward only, a third
    downward only; in the others each goes its own way.

    Parameters
    ----------
    study : Study
        As it is in the case.
    case : StudyCase
    tables : dict of str to DataFrame
        ``offers`` and ``photovoltaics`` of the case.
    count : int
    seed : int
        The same deliveries are drawn in every case.
    """
    sold = _sold(study, tables)
    columns, shares = _drawn(len(sold.bus), sold.taken_mw.shape[1], count, seed)
    taken = sold.taken_mw[:, columns]
    taken = taken + np.where(
        shares > 0, shares * sold.down_mw[:, columns], shares * sold.up_mw[:, columns]
    )
    load_mw, load_mvar = _loads(study, columns)
    at_bus = np.equal.outer(study.feeder.buses.index.to_numpy(), sold.bus).astype(float)
    beyond = _beyond(study, load_mw + at_bus @ taken, load_mvar)
    return Deliveries(set(STATES) <= set(spec_of(study).secured), *beyond)


def _beyond(
    study: Study, load_mw: FloatArray, load_mvar: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return how far voltages and loadings (count,) are beyond limits; infinite without an answer.

    A number of deliveries at a time, so that what is known of each bus need not fit into memory.
    """
    said = spec_of(study).network
    limits = said.voltage_min_pu, said.voltage_max_pu
    collected = []
    for start in range(0, load_mw.shape[1], _AT_ONCE):
        some = np.s_[:, start : start + _AT_ONCE]
        judged = verified_flow(study.feeder, load_mw[some], load_mvar[some], *limits)
        off = judged.result.violations(*limits)
        collected.append((off.voltage_pu.max(axis=0), off.loading_percent.max(axis=0)))
    voltage, loading = zip(*collected, strict=True)
    return np.concatenate(voltage), np.concatenate(loading)


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
    rows = everyone.groupby(["scenario", "step"]).ngroups
    wide = {n: everyone[n].to_numpy().reshape(-1, rows) for n in ("taken_mw", "up_mw", "down_mw")}
    return _Sold(everyone["bus"].to_numpy().reshape(-1, rows)[:, 0].astype(np.int64), **wide)


def _drawn(parties: int, columns: int, count: int, seed: int) -> tuple[IntArray, FloatArray]:
    """Draw scenario-steps (count,) and signed shares (parties, count), upward below 0."""
    random = stream(seed, "deliveries")
    at, shape = random.integers(columns, size=count), (parties, count)
    shares = np.clip(random.uniform(-0.25, 1.25, size=shape), 0, 1)
    own_way = np.where(random.uniform(size=shape) < 0.5, -1.0, 1.0)
    way = random.integers(3, size=count)
    return at, shares * np.where(way == 0, -1.0, np.where(way == 1, 1.0, own_way))


def _loads(study: Study, columns: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the feeder's own load less its generation (N, count), MW and MVAr."""
    load, step = loads_of(study), columns % study.spec.steps
    return load.net_mw[:, step], load.net_mvar[:, step]
