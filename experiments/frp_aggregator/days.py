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

_HOUR = 60  # minutes


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

    Days are clustered as they are, by hours, so that scenarios are the same whatever the step.

    Parameters
    ----------
    study : Study
        Of this system.
    """
    assert isinstance(study.spec, schema.FrpAggregatorSpec)
    said, minutes = study.spec.scenarios, study.spec.step_minutes
    if isinstance(said, schema.GivenScenarios):
        given = ScenarioSet({"irradiance": np.array(said.irradiance)}, np.array(said.probability))
        return Days(given, said.samples)
    profiles = _profiles(study, said)
    window = slice(said.first_hour - 1, said.first_hour - 1 + study.spec.steps * minutes // _HOUR)
    clustered = cluster_days({"irradiance": profiles[:, window]}, said.clusters)
    by_step = _by_step(clustered["irradiance"], minutes)
    return Days(ScenarioSet({"irradiance": by_step}, clustered.probability), len(profiles))


def _by_step(hourly: FloatArray, minutes: int) -> FloatArray:
    """Repeat hours (S, H) for their steps, or return their means over longer steps, (S, T)."""
    if minutes <= _HOUR:
        return np.repeat(hourly, _HOUR // minutes, axis=1)
    return np.asarray(hourly.reshape(len(hourly), -1, minutes // _HOUR).mean(axis=2))


def _profiles(study: Study, said: schema.DrawnDays | schema.MeasuredDays) -> FloatArray:
    if isinstance(said, schema.DrawnDays):
        season = PhotovoltaicDays(first_day=said.first_day, last_day=said.last_day)
        return season.draw(said.days, seed=study.spec.seed)
    return read_daily_profiles(said.file, said.column, said.installed, hour_column=said.hour_column)
