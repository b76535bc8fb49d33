"""The day of paper E: its timetable, then AC power flow of what was agreed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.timetable import Timetable
from equigrid.experiments.world.world import World

if TYPE_CHECKING:
    from equigrid.experiments.disco_microgrids import System


def day(system: "System", world: World) -> Iterator[Any]:
    """Go through the timetable of a case."""
    timetable = Timetable(world, DiscoMicrogrids(world.study.in_case(world.case.name)))
    yield from timetable.follow(timetable.parties.spec.timetable)
    system.parties, last = timetable.parties, timetable.last
    *net, voltage_pu = system.parties.load_taken(world.stages[last].values)
    world.operate(last, *net, axes=("bus", "scenario step"), linear_voltage_pu=voltage_pu)
