"""Fitting the linear network to AC power flow: play, compare, expand anew, play again."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from equigrid.experiments.world import World
    from equigrid.markets.equilibrium.exact import Exact
    from equigrid.markets.equilibrium.method import Equilibrium

Vector = NDArray[np.float64]


@runtime_checkable
class Relinearised(Protocol):
    """A system that can expand its linear network at an answer."""

    def relinearised(self, values: Mapping[str, Vector], tolerance_pu: float) -> tuple[Any, float]:
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


def play_linearised(
    world: "World", stage: str, method: "Exact"
) -> Generator[Any, Any, "Equilibrium"]:
    """Play a stage until AC and the linear network agree, or as often as the study allows.

    Only the last answer is certified and told to the parties. Where the study asks for no rounds,
    the stage is played once. Where another case's linear network is used, it is kept as it is.

    Parameters
    ----------
    world : World
        Its system becomes the one that the last answer was found on.
    stage : str
    method : Exact
    """
    asked, system = world.study.spec.network.linearisation, world.system
    if asked is None or not isinstance(system, Relinearised):
        return (yield from world.play(stage, system.game, method))
    rounds = 1 if world.like is not None else asked.rounds
    for number in range(1, rounds + 1):
        world.tell(f"{stage}, round {number} of the linear network")
        answer = method.search(system.game)
        renewed, error = system.relinearised(answer.values, asked.tolerance_pu)
        world.rounds.append(Round(stage, number, error))
        if error <= asked.tolerance_pu or number == rounds:
            break
        world.system = system = renewed
    if error > asked.tolerance_pu:
        world.shortcomings.append(
            f"after round {number} the linear network still differs from AC power flow by "
            f"{error:.2g}, where {asked.tolerance_pu:.2g} p.u. is asked for"
        )
    return (yield from world.conclude(stage, answer.certified(ties=method.ties)))


def rounds_table(world: "World") -> pd.DataFrame:
    """Return the rounds of a case as a table: case, stage, round, error_pu."""
    records = [(world.case.name, r.stage, r.number, r.error_pu) for r in world.rounds]
    return pd.DataFrame(records, columns=["case", "stage", "round", "error_pu"])
