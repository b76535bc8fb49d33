"""What is implausible in a study of paper A: powers and prices in other units."""

from collections.abc import Iterator

import numpy as np

from equigrid.experiments.feeder_loads import feeder_loads
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.spec.findings import Problem
from equigrid.experiments.spec.plausibility import (
    below_peak,
    beside_feeder,
    inefficient,
    per_kwh,
    percent,
    unlike,
)
from equigrid.experiments.spec.study import Study


def doubts(study: Study) -> Iterator[Problem]:
    """Yield what is implausible: place, message, guilty value."""
    spec = study.spec
    assert isinstance(spec, schema.FrpAggregatorSpec)
    operator = next(a for a in spec.agents if isinstance(a, schema.NetworkOperator))
    profile = operator.peak_load_fraction * np.array(operator.load_profile)
    net_mw = feeder_loads(study, profile).net_mw.sum(axis=0)
    peak_mw = float(net_mw.max())
    for k, agent in enumerate(spec.agents):
        loc = ("agents", k)
        if isinstance(agent, schema.Market):
            yield from per_kwh((*loc, "energy_price_per_mwh"), agent.energy_price_per_mwh)
            for name in ("up_price_per_mwh", "down_price_per_mwh"):
                most, usual = max(getattr(agent, name)), max(agent.energy_price_per_mwh)
                yield from unlike((*loc, name), most, usual, "the highest price of energy")
        elif isinstance(agent, schema.NetworkOperator):
            rest = "photovoltaics, or there is no answer"
            yield from below_peak((*loc, "exchange_max_mw"), agent.exchange_max_mw, net_mw, rest)
            yield from percent((*loc, "peak_load_fraction"), agent.peak_load_fraction)
            yield from percent((*loc, "load_profile"), max(agent.load_profile))
            for j, unit in enumerate(agent.photovoltaics):
                place = (*loc, "photovoltaics", j, "power_max_mw")
                yield from beside_feeder(place, unit.power_max_mw, peak_mw)
        elif isinstance(agent, schema.Prosumer):
            yield from beside_feeder((*loc, "power_max_mw"), agent.power_max_mw, peak_mw)
            yield from inefficient((*loc, "efficiency"), agent.efficiency)
