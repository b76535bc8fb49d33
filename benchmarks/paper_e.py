"""Paper E's game at other data: perturbed, and with more microgrids."""

from collections.abc import Callable
from typing import Any

import numpy as np

from equigrid.experiments.disco_microgrids import schema
from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.running.loading import load_study
from equigrid.experiments.spec.study import Study
from equigrid.experiments.spec.study_reading import document_of, study_of
from equigrid.markets.games.game import Game
from equigrid.scenarios.seeds import stream

Change = Callable[[dict[str, Any]], None]


def parties(study: Study, *, ramp_penalty: bool = True) -> DiscoMicrogrids:
    """Return the parties of one case."""
    of_cases = [DiscoMicrogrids(study.in_case(case.name)) for case in study.cases]
    return next(one for one in of_cases if one.spec.ramp_penalty == ramp_penalty)


def game(study: Study, *, ramp_penalty: bool = True) -> Game:
    """Return the game of one case."""
    return parties(study, ramp_penalty=ramp_penalty).game


def shipped() -> Study:
    """Return the study as it is shipped."""
    return load_study("disco-microgrids")


def changed(change: Change, seed: int = 0, spread: float = 0.0) -> Study:
    """Return the study with every microgrid changed, and its demand perturbed."""
    study, draw = shipped(), stream(seed, "benchmarks/paper-e")
    spec = study.spec.model_dump(mode="json")
    for agent in spec["agents"]:
        if agent["kind"] == "microgrid":
            factor = 1.0 + spread * draw.standard_normal(len(agent["demand_mw"]))
            agent["demand_mw"] = tuple(np.round(np.array(agent["demand_mw"]) * factor, 4))
            change(agent)
    return study_of(document_of(spec), schema.DiscoMicrogridsSpec)


def tight_ramps(site: dict[str, Any]) -> None:
    """Let generators move by a fifth of what they could."""
    for side in ("ramp_up_mw_per_h", "ramp_down_mw_per_h"):
        site["generator"][side] *= 0.2


def lossy_storage(site: dict[str, Any]) -> None:
    """Lose a third of every cycle, in a store of twice the size."""
    site["battery"] |= {"charge_efficiency": 0.82, "discharge_efficiency": 0.82}
    for field in ("power_max_mw", "energy_max_mwh"):
        site["battery"][field] *= 2


def binding_exchange(site: dict[str, Any]) -> None:
    """Let no more through than half of the greatest demand."""
    site["exchange_max_mw"] = round(0.5 * max(site["demand_mw"]), 3)


def as_shipped(site: dict[str, Any]) -> None:
    """Change nothing but the demand."""


def all_at_once(site: dict[str, Any]) -> None:
    """Tight ramps, lossy storage and a binding exchange."""
    for change in (tight_ramps, lossy_storage, binding_exchange):
        change(site)


PERTURBED: dict[str, tuple[Change, int]] = {
    "demand": (as_shipped, 1),
    "tight ramps": (tight_ramps, 2),
    "lossy storage": (lossy_storage, 3),
    "binding exchange": (binding_exchange, 4),
    "all at once": (all_at_once, 5),
}


def grown(followers: int, seed: int = 7) -> Study:
    """Return the study with many smaller microgrids and three scenarios of irradiance.

    The feeder's buses are taken in turn; demand, generators, storage and bids of the three
    shipped microgrids are drawn within a fifth, and scaled so that together they stay as large
    as the shipped ones.
    """
    study, draw = shipped(), stream(seed, f"benchmarks/grown/{followers}")
    spec = study.spec.model_dump(mode="json")
    models = [a for a in spec["agents"] if a["kind"] == "microgrid"]
    others = [a for a in spec["agents"] if a["kind"] != "microgrid"]
    buses = list(study.feeder.buses.index)[1:]
    size = len(models) / followers
    sites = [
        _site(models[k % 3], k, buses[(7 * k) % len(buses)], size, draw) for k in range(followers)
    ]
    spec["agents"] = others + sites
    spec["scenarios"]["load"]["weights"] = (1.0,)
    return study_of(document_of(spec), schema.DiscoMicrogridsSpec)


def _site(
    model: dict[str, Any], number: int, bus: int, size: float, draw: np.random.Generator
) -> dict[str, Any]:
    scale = lambda: float(size * draw.uniform(0.8, 1.2))  # noqa: E731
    demand = (
        np.array(model["demand_mw"]) * scale() * draw.uniform(0.9, 1.1, len(model["demand_mw"]))
    )
    generator, battery = dict(model["generator"]), dict(model["battery"])
    grow, store = scale(), scale()
    for field in ("power_max_mw", "ramp_up_mw_per_h", "ramp_down_mw_per_h", "output_initial_mw"):
        generator[field] *= grow
    generator["bid_per_mwh"] = round(float(generator["bid_per_mwh"] * draw.uniform(0.8, 1.2)), 2)
    for field in ("power_max_mw", "energy_min_mwh", "energy_max_mwh", "energy_initial_mwh"):
        battery[field] *= store
    return {
        **model,
        "name": f"mg{number + 1}",
        "bus": bus,
        "exchange_max_mw": model["exchange_max_mw"] * size * 1.5,
        "demand_mw": tuple(demand),
        "photovoltaic_max_mw": model["photovoltaic_max_mw"] * scale(),
        "generator": generator,
        "battery": battery,
    }
