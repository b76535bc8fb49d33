"""What is implausible in a study of paper E: powers, prices and fractions in other units."""

from collections.abc import Iterator

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.disco_microgrids import schema
from equigrid.experiments.feeder_loads import feeder_loads
from equigrid.experiments.spec.findings import Loc, Problem
from equigrid.experiments.spec.plausibility import (
    TIMES_FEEDER,
    below_all,
    below_peak,
    beside_feeder,
    inefficient,
    out_of_line,
    per_kwh,
    percent,
    slow,
    too_much,
    unlike,
)
from equigrid.experiments.spec.study import Study


def doubts(study: Study) -> Iterator[Problem]:
    """Yield what is implausible: place, message, guilty value."""
    spec = study.spec
    assert isinstance(spec, schema.DiscoMicrogridsSpec)
    iso = next(a for a in spec.agents if isinstance(a, schema.Iso))
    wholesale = max(iso.wholesale_price_per_mwh)
    customers = next(a for a in spec.agents if isinstance(a, schema.Customers))
    profile = customers.peak_load_fraction * np.array(customers.load_profile)
    net_mw = feeder_loads(study, profile).net_mw.sum(axis=0)
    # Of one feeder: a demand that was typed in kW does not make other figures look plausible.
    load_mw = float(net_mw.max())
    demands = [max(site.demand_mw) for site in spec.microgrids]
    peak_mw = load_mw + sum(d for d in demands if d <= TIMES_FEEDER * load_mw)
    for k, agent in enumerate(spec.agents):
        loc: Loc = ("agents", k)
        if isinstance(agent, schema.Iso):
            yield from per_kwh((*loc, "wholesale_price_per_mwh"), agent.wholesale_price_per_mwh)
            yield from out_of_line((*loc, "wholesale_price_per_mwh"), agent.wholesale_price_per_mwh)
            yield from percent((*loc, "ramp_penalty_fraction"), agent.ramp_penalty_fraction)
        elif isinstance(agent, schema.Customers):
            for name in ("tariff_fraction", "peak_load_fraction"):
                yield from percent((*loc, name), getattr(agent, name))
            yield from percent((*loc, "load_profile"), max(agent.load_profile))
        elif isinstance(agent, schema.DersManager):
            yield from _manager(loc, agent, wholesale, peak_mw)
        elif isinstance(agent, schema.Disco):
            yield from _disco(loc, agent, wholesale, net_mw)
            yield from below_all(
                (*loc, "price_max_per_mwh"), agent.price_max_per_mwh, iso.wholesale_price_per_mwh
            )
        else:
            yield from _microgrid(loc, agent, wholesale, peak_mw)


def _manager(
    loc: Loc, agent: schema.DersManager, wholesale: float, peak_mw: float
) -> Iterator[Problem]:
    most = max(agent.interruption_price_per_mwh)
    yield from unlike((*loc, "interruption_price_per_mwh"), most, wholesale, _WHOLESALE)
    for kind in ("generators", "photovoltaics"):
        for j, unit in enumerate(getattr(agent, kind)):
            yield from beside_feeder((*loc, kind, j, "power_max_mw"), unit.power_max_mw, peak_mw)
    for j, unit in enumerate(agent.generators):
        place = (*loc, "generators", j, "bid_per_mwh")
        yield from unlike(place, unit.bid_per_mwh, wholesale, _WHOLESALE)


def _disco(
    loc: Loc, agent: schema.Disco, wholesale: float, net_mw: FloatArray
) -> Iterator[Problem]:
    rest = "generators, photovoltaics and microgrids, or is interrupted"
    yield from below_peak((*loc, "purchase_max_mw"), agent.purchase_max_mw, net_mw, rest)
    yield from unlike((*loc, "price_max_per_mwh"), agent.price_max_per_mwh, wholesale, _WHOLESALE)


def _microgrid(
    loc: Loc, agent: schema.Microgrid, wholesale: float, peak_mw: float
) -> Iterator[Problem]:
    usable_mw = agent.exchange_max_mw + max(agent.demand_mw)
    units = (
        (("photovoltaic_max_mw",), agent.photovoltaic_max_mw),
        (("generator", "power_max_mw"), agent.generator.power_max_mw),
        (("battery", "power_max_mw"), agent.battery.power_max_mw),
    )
    for place, power_mw in units:
        yield from too_much((*loc, *place), power_mw, usable_mw, _BEHIND)
    yield from beside_feeder((*loc, "exchange_max_mw"), agent.exchange_max_mw, peak_mw)
    yield from beside_feeder((*loc, "demand_mw"), max(agent.demand_mw), peak_mw)
    battery = agent.battery
    stored: Loc = (*loc, "battery", "energy_max_mwh")
    yield from slow(stored, battery.energy_max_mwh, battery.power_max_mw)
    bid = agent.generator.bid_per_mwh
    yield from unlike((*loc, "generator", "bid_per_mwh"), bid, wholesale, _WHOLESALE)
    yield from percent((*loc, "interruption_price_fraction"), agent.interruption_price_fraction)
    for name in ("charge_efficiency", "discharge_efficiency"):
        yield from inefficient((*loc, "battery", name), getattr(agent.battery, name))


_WHOLESALE = "the highest wholesale price"
_BEHIND = "demand and exchange_max_mw at its microgrid"
