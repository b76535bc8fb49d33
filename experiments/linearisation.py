"""Fitting the linear network to AC power flow: play, compare, expand anew, play again."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.errors import Interrupted
from equigrid.experiments.spec.network_choice import Linearisation
from equigrid.markets.equilibrium import Equilibrium

if TYPE_CHECKING:
    from equigrid.experiments.world import World
    from equigrid.markets.methods.stackelberg_answer import StackelbergAnswer


@runtime_checkable
class Relinearised(Protocol):
    """A system that can expand its linear network at an answer."""

    def relinearised(
        self, values: Mapping[str, FloatArray], tolerance_pu: float
    ) -> tuple[Any, float]:
        """Expand at the AC operating points of an answer.

        Parameters
        ----------
        values : Mapping of str to array
            What is said at an answer of this system's own game, by ``"agent.quantity"``.
        tolerance_pu : float

        Returns
        -------
        system : System
            The same parties on the new linear network.
        error_pu : float
            Greatest difference between AC and the linear network that the answer was found on.
        """
        ...

    def linearised_like(self, other: Any) -> Any:
        """Return the same parties on the linear network of another case."""
        ...


@dataclass(frozen=True)
class Round:
    """One answer and how far AC power flow is from its linear network."""

    stage: str
    number: int
    error_pu: float


def play_linearised(world: "World", stage: str) -> Generator[Any, Any, "Equilibrium"]:
    """Play an exact stage until AC and the linear network agree, or as often as the study allows.

    Only the last answer is certified and told to the parties. Where the study asks for no rounds,
    the stage is played once. Where another case's linear network is used, it is kept as it is.

    Parameters
    ----------
    world : World
        Its system becomes the one that the last answer was found on.
    stage : str
    """
    asked, system = _asked(world), world.system
    if asked is None or not isinstance(system, Relinearised):
        return (yield from world.play(stage, system.game, world.exact(stage)))
    world.stage = stage
    fit = _fit(world, stage, asked.rounds if world.like is None else 1)
    world.system = fit.system
    if fit.error_pu > asked.tolerance_pu:
        world.shortcomings.append(
            f"after round {fit.number} the linear network still differs from AC power flow by "
            f"{fit.error_pu:.2g}, where {asked.tolerance_pu:.2g} p.u. is asked for"
        )
    outcome = fit.answer
    if not isinstance(outcome, Equilibrium):
        outcome = outcome.certified(ties=not fit.interrupted)
    yield from world.conclude(stage, outcome)
    if fit.interrupted:
        raise Interrupted(outcome)
    return outcome


def _asked(world: "World") -> Linearisation | None:
    said = world.study.spec.network
    return None if said is None else said.linearisation


@dataclass(frozen=True)
class _Fit:
    """An answer, the system whose linear network it was found on, and how far AC is from it."""

    answer: "StackelbergAnswer | Equilibrium"
    system: Any
    number: int
    error_pu: float
    interrupted: bool = False


def _fit(world: "World", stage: str, rounds: int) -> _Fit:
    """Answer on ever better linear networks until AC agrees, a limit is met or somebody stops."""
    asked, began = _asked(world), time.monotonic()
    assert asked is not None
    system: Any = world.system
    answer: StackelbergAnswer | Equilibrium
    fit: _Fit | None = None
    for number in range(1, rounds + 1):
        left = None if world.seconds is None else began + world.seconds - time.monotonic()
        if fit is not None and left is not None and left <= 0:
            return _ended_by_the_clock(world, fit)
        world.tell(f"{stage}, round {number} of the linear network")
        try:
            answer, stopped = world.exact(stage, left).search(system.game), False
        except Interrupted as stop:
            if stop.equilibrium is None:
                return _before(fit, stop)
            answer, stopped = stop.equilibrium, True
        renewed, error = system.relinearised(answer.values, asked.tolerance_pu)
        world.rounds.append(Round(stage, number, error))
        fit = _Fit(answer, system, number, error, stopped)
        # Blocks that are settled one by one may together miss the gap: no limit, rounds go on.
        if stopped or error <= asked.tolerance_pu or _met_a_limit(answer):
            break
        system = renewed
    assert fit is not None
    return fit


def _met_a_limit(answer: "StackelbergAnswer | Equilibrium") -> bool:
    """Whether a search was ended before its end."""
    if isinstance(answer, Equilibrium):
        stopped = any(name.startswith("stopped_by_") for name in answer.statistics)
    else:
        stopped = bool(answer.stopped_by)
    return stopped and not answer.settled


def _before(fit: _Fit | None, stop: Interrupted) -> _Fit:
    """Return the answer of the round before, if there is one."""
    if fit is None:
        raise stop
    return replace(fit, interrupted=True)


def _ended_by_the_clock(world: "World", fit: _Fit) -> _Fit:
    world.shortcomings.append(
        f"the clock ended the rounds of the linear network after {world.seconds:g} seconds "
        "(--seconds); on another machine, or another day, there may be more of them"
    )
    return fit


def rounds_table(world: "World") -> pd.DataFrame:
    """Return the rounds of a case as a table: case, stage, round, error_pu."""
    records = [(world.case.name, r.stage, r.number, r.error_pu) for r in world.rounds]
    return pd.DataFrame(records, columns=["case", "stage", "round", "error_pu"])
