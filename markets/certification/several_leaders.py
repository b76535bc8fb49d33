"""The regret of each of several leaders, against the bound that is proven for it alone."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.certification.asked_again import check_leader
from equigrid.markets.certification.money import SHARE, relative
from equigrid.markets.game import Game

Vector = NDArray[np.float64]


def leaders_regret(
    game: Game, values: Mapping[str, Vector], bounds: Mapping[str, float]
) -> tuple[dict[str, float], float, float]:
    """Return each leader's regret, and how far what they claim is from feasible.

    Parameters
    ----------
    game : Game
        Nothing is to be said of one that a single agent leads, or nobody.
    values : Mapping of str to array
        Everything said at the answer, by path.
    bounds : Mapping of str to float
        By leader, what is proven that it cannot better in its own sense, when the other leaders
        say what they do.

    Returns
    -------
    regret : dict of str to float
        (own cost - bound) / the money that moves, the bound as a cost; without its sign, since an
        objective that is better than its bound disproves the bound.
    residual : float
        Greatest distance, as a share of a quantity's size.
    money : float
        That moves at what all leaders do.
    """
    if len(game.leaders) < 2:
        return {}, 0.0, 0.0
    checks = {name: check_leader(game, values, game.agent(name)) for name in game.leaders}
    money, regret = sum(check.money for check in checks.values()), {}
    for name in [name for name in checks if name in bounds]:
        least = -bounds[name] if game.agent(name).maximises else bounds[name]
        against = max(checks[name].money, SHARE * money)
        regret[name] = relative(abs(checks[name].cost - least), against)
    return regret, max(check.primal for check in checks.values()), money
