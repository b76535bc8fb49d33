"""The day of paper A: its timetable, then AC power flow before and after delivery."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from equigrid.agents.network_operator import STATES
from equigrid.experiments.frp_aggregator.case_parties import parties_of
from equigrid.experiments.frp_aggregator.prices import parts_residual
from equigrid.experiments.timetable import Timetable
from equigrid.experiments.world.world import World

if TYPE_CHECKING:
    from equigrid.experiments.frp_aggregator import System

ADDS_UP_PER_MWH = 1e-8
"""Parts of a price have to add up to it within this."""


def day(system: "System", world: World) -> Iterator[Any]:
    """Go through the timetable of a case."""
    timetable = Timetable(world, parties_of(world.study.in_case(world.case.name)))
    yield from timetable.follow(timetable.parties.spec.timetable)
    system.parties, last = timetable.parties, timetable.last
    answer = world.stages[last].equilibrium
    assert answer is not None
    off = parts_residual(system.parties, answer)
    how = "each part by its constraint's multipliers, A(62)-A(64)"
    question = "The parts of a price miss it by"
    world.check(last, question, off, ADDS_UP_PER_MWH, unit="per MWh", how=how)
    _operate(system, world, last)


def _operate(system: "System", world: World, stage: str) -> None:
    parties = system.parties
    *net, voltage_pu = parties.states_load(world.stages[stage].values)
    columns = voltage_pu.shape[1] // len(STATES)
    world.operate(
        stage,
        *net,
        axes=("bus", "state scenario step"),
        enforced=np.repeat(parties.secured, columns),
        linear_voltage_pu=voltage_pu,
        parts=np.repeat(np.arange(len(STATES)), columns),
    )
