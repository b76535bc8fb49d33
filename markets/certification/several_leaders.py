"""The regret of each of several leaders, against the bound that is proven for it alone."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.certification.asked_again import cost_of_leader
from equigrid.markets.game import Game

Vector = NDArray[np.float64]


def leaders_regret(
    game: Game, values: Mapping[str, Vector], bounds: Mapping[str, float]
) -> tuple[dict[str, float], float]:
    """Return each leader's regret, and how far what they claim is from feasible.

    Parameters
    ----------
    game : Game
        With several leaders.
    values : Mapping of str to array
        Everything said at the answer, by path.
    bounds : Mapping of str to float
        By leader, what is proven that it cannot better in its own sense, when the other leaders
        say what they do.

    Returns
    -------
    regret : dict of str to float
        (own cost - bound) / max(1, |bound|), the bound as a cost; without its sign, since an
        objective that is better than its bound disproves the bound.
    residual : float
    """
    regret, residual = {}, 0.0
    for name in game.leaders:
        leader = game.agent(name)
        off, cost = cost_of_leader(game, values, leader)
        residual = max(residual, off)
        if name in bounds:
            least = -bounds[name] if leader.maximises else bounds[name]
            regret[name] = abs(cost - least) / max(1.0, abs(least))
    return regret, residual
