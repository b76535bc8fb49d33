"""Worlds of single cases after their day."""

from equigrid.experiments.running.loading import loaded
from equigrid.experiments.spec.study import Study
from equigrid.experiments.world.run_options import RunOptions
from equigrid.experiments.world.world import World


def played(study: Study, case: str, options: RunOptions | None = None) -> World:
    """Return the world of a case through whose day its system has gone."""
    world = World(study, case, options)
    world.run(loaded(study).system.made().day)
    return world
