"""The whole of what a leader decides, what nobody hears of it included.

Others hear only a part of what a leader says. With that part as it stands, the rest has to be
feasible, and as good for the leader as any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.agent import Agent
from equigrid.markets.certification.asked_again import cost_of_leader
from equigrid.markets.certification.certificate import OPTIMAL
from equigrid.markets.game import Game

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """What is found of a leader's point.

    Attributes
    ----------
    residual : float
        How far all that it says is from what it can do.
    cost : float
        Its objective as a cost: with all that it says where that is worse than with what others
        hear of it, and else with that, which no last digits of the rest move.
    regret : float
        By what share of its cost other decisions that nobody hears would be better.
    """

    residual: float
    cost: float
    regret: float


def decisions_of(game: Game, values: Mapping[str, Vector], leader: Agent) -> Decisions:
    """Work out a leader's objective at all that it says, and at what others hear of it.

    Raises
    ------
    NoAnswer
        When it has no feasible decision at what it hears.
    """
    near, announced = cost_of_leader(game, values, leader, commitments_only=True)
    residual, whole = cost_of_leader(game, values, leader)
    regret = max(0.0, whole - announced) / max(1.0, abs(announced))
    return Decisions(max(near, residual), whole if regret > OPTIMAL else announced, regret)
