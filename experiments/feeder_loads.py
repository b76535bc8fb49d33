"""What a feeder's own loads and generators take and feed in, step by step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.study import Study


@dataclass(frozen=True, eq=False)
class FeederLoads:
    """Loads and generation by bus and step, arrays of shape (N, T).

    Attributes
    ----------
    load_mw, load_mvar : array
        Nominal loads times the profile that a party of the study states.
    generation_mw, generation_mvar : array
        Nominal generation times the study's `network.generation_profile`.
    """

    load_mw: FloatArray
    load_mvar: FloatArray
    generation_mw: FloatArray
    generation_mvar: FloatArray

    @property
    def net_mw(self) -> FloatArray:
        """Load less generation."""
        return self.load_mw - self.generation_mw

    @property
    def net_mvar(self) -> FloatArray:
        """Reactive load less what generators feed in of it."""
        return self.load_mvar - self.generation_mvar


def feeder_loads(study: Study, load_factor: ArrayLike) -> FeederLoads:
    """Return what a study's feeder takes and feeds in by itself.

    Parameters
    ----------
    study : Study
    load_factor : array of shape (T,)
        Load relative to nominal, by step.
    """
    choice = study.spec.network
    said = None if choice is None else choice.generation_profile
    generation_factor = np.ones(study.spec.steps) if said is None else said
    return FeederLoads(
        *_at_steps(study, "load", np.asarray(load_factor)),
        *_at_steps(study, "generation", generation_factor),
    )


def _at_steps(study: Study, what: str, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    buses = study.feeder.buses
    active, reactive = (buses[f"{what}_{unit}"].to_numpy(np.float64) for unit in ("mw", "mvar"))
    return np.outer(active, factor), np.outer(reactive, factor)
