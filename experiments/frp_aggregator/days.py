"""The scenarios of a study of paper A: days of irradiance, clustered, or given as they are."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.spec.study import Study
from equigrid.scenarios.days.measured_days import read_daily_profiles
from equigrid.scenarios.days.photovoltaic_days import PhotovoltaicDays
from equigrid.scenarios.reduction import cluster_days
from equigrid.scenarios.scenario_set import ScenarioSet


@dataclass(frozen=True, eq=False)
class Days:
    """Scenarios and what their probabilities rest on.

    Attributes
    ----------
    scenarios : ScenarioSet
        ``irradiance`` (S, T), relative to rated power.
    samples : int
        Days behind the probabilities.
    """

    scenarios: ScenarioSet
    samples: int


def days_of(study: Study) -> Days:
    """Return the scenarios of a study.

    Parameters
    ----------
    study : Study
        Of this system.
    """
    assert isinstance(study.spec, schema.FrpAggregatorSpec)
    said, hours = study.spec.scenarios, study.spec.steps
    if isinstance(said, schema.GivenScenarios):
        given = ScenarioSet({"irradiance": np.array(said.irradiance)}, np.array(said.probability))
        return Days(given, said.samples)
    profiles = _profiles(study, said)
    window = slice(said.first_hour - 1, said.first_hour - 1 + hours)
    clustered = cluster_days({"irradiance": profiles[:, window]}, said.clusters)
    return Days(clustered, len(profiles))


def _profiles(study: Study, said: schema.DrawnDays | schema.MeasuredDays) -> FloatArray:
    if isinstance(said, schema.DrawnDays):
        season = PhotovoltaicDays(first_day=said.first_day, last_day=said.last_day)
        return season.draw(said.days, seed=study.spec.seed)
    return read_daily_profiles(said.file, said.column, said.installed, hour_column=said.hour_column)
