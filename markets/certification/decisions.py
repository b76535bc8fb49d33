"""The whole of what a leader decides, what nobody hears of it included.

Others hear only a part of what a leader says. With that part as it stands, the rest has to be
feasible, and as good for the leader as any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.agent import Agent
from equigrid.markets.certification.asked_again import check_leader
from equigrid.markets.certification.certificate import OPTIMAL
from equigrid.markets.certification.money import relative
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
        By what share of the money that it moves other decisions that nobody hears would be better.
    money : float
        That it moves.
    """

    residual: float
    cost: float
    regret: float
    money: float


def decisions_of(game: Game, values: Mapping[str, Vector], leader: Agent) -> Decisions:
    """Work out a leader's objective at all that it says, and at what others hear of it.

    Raises
    ------
    NoAnswer
        When it has no feasible decision at what it hears.
    """
    near = check_leader(game, values, leader, commitments_only=True)
    whole = check_leader(game, values, leader)
    money = max(near.money, whole.money)
    regret = relative(max(0.0, whole.cost - near.cost), money)
    cost = whole.cost if regret > OPTIMAL else near.cost
    return Decisions(max(near.primal, whole.primal), cost, regret, money)
