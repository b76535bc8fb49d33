"""What a run refuses before it solves anything; `validate` asks the same, in the same words."""

from equigrid.errors import NoAnswer
from equigrid.experiments.feasibility import refuse_infeasible
from equigrid.experiments.spec.study import Study
from equigrid.experiments.systems import system_kind
from equigrid.experiments.world import World


def refuse_unusable(study: Study) -> None:
    """Raise what a run of the study would raise before its first search.

    Parameters
    ----------
    study : Study

    Raises
    ------
    UnusableInput, NetworkError, UnusableGame
        When the study, its feeder or a game between its parties cannot be used.
    NoAnswer
        When a party of a case has no feasible answer, whatever it hears.
    """
    system_kind(study.spec.system).refuse(study)
    for case in study.cases:
        refuse_infeasible_case(World(study, case.name))


def refuse_infeasible_case(world: World) -> None:
    """Raise when a party of a case has no feasible answer, whatever it hears.

    Raises
    ------
    NoAnswer
        Naming the case, the party and the hour.
    """
    try:
        refuse_infeasible(world.system.game, world.study.spec.steps)
    except NoAnswer as error:
        raise type(error)(f"{world.case.name}: {error}", error.agent) from error
