"""The regret of each of several leaders, against the bound that is proven for it alone."""

import math
from collections.abc import Mapping

from equigrid.markets.game import Game


def leaders_regret(
    game: Game, costs: Mapping[str, float], bounds: Mapping[str, float]
) -> dict[str, float]:
    """Return each leader's regret, NaN where no bound is known.

    Parameters
    ----------
    game : Game
        With several leaders.
    costs : Mapping of str to float
        By leader, its objective at the answer as a cost.
    bounds : Mapping of str to float
        By leader, what is proven that it cannot better in its own sense, when the other leaders
        say what they do.

    Returns
    -------
    dict of str to float
        (own cost - bound) / max(1, |bound|), the bound as a cost; without its sign, since an
        objective that is better than its bound disproves the bound.
    """
    regret = {}
    for name in game.leaders:
        sense = -1.0 if game.agent(name).maximises else 1.0
        least = sense * bounds.get(name, math.nan)
        regret[name] = abs(costs[name] - least) / max(1.0, abs(least))
    return regret
