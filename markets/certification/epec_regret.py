"""Regret of each leader of an EPEC, against the bound that is proven for it alone."""

import math
from collections.abc import Mapping

from equigrid.markets.certification.leader_check import LeaderCheck
from equigrid.markets.certification.money_moved import SHARE, MoneyScale
from equigrid.markets.games.game import Game


def leaders_regret(
    game: Game,
    found: Mapping[str, LeaderCheck],
    bounds: Mapping[str, float],
    money: float,
    scale: MoneyScale,
) -> dict[str, float]:
    """Return each leader's regret, NaN where no bound is known.

    Parameters
    ----------
    game : Game
        With several leaders.
    found : Mapping of str to LeaderCheck
        By leader, what is found of its point.
    bounds : Mapping of str to float
        By leader, what is proven that it cannot better in its own sense, when the other leaders
        say what they do.
    money : float
        That moves in the game.
    scale : MoneyScale

    Returns
    -------
    dict of str to float
        (own cost - bound) / the money that it moves, the bound as a cost; without its sign, since
        an objective that is better than its bound disproves the bound.
    """
    regret = {}
    for name in game.leaders:
        sense = -1.0 if game.agent(name).maximises else 1.0
        least = sense * bounds.get(name, math.nan)
        against = max(found[name].money, SHARE * money)
        regret[name] = scale.share(abs(found[name].cost - least), against)
    return regret
