"""Games that best response refuses, in sentences."""

from collections.abc import Iterable

from equigrid.errors import WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.model.sources import Dual, speaker


def refuse_duals(game: Game) -> None:
    """Refuse prices that are duals where nobody leads: nothing says which of many they are.

    Raises
    ------
    WrongMethod
        Naming the dual.
    """
    sources = [link.source for link in game.links] + [p.price for p in game.payments]
    for dual in sources:
        if isinstance(dual, Dual):
            raise WrongMethod(
                f"nobody leads this game, so nobody foresees '{dual}'; state what "
                f"'{speaker(dual)}' clears as a balance, whose multiplier is its price: "
                "eg.Balance('energy', ['seller.sold_mw', '-buyer.bought_mw'])"
            )


def refuse_hearing_oneself(game: Game, names: Iterable[str]) -> None:
    """Refuse a link from an agent to itself: it would take its own decision as given.

    Raises
    ------
    WrongMethod
        Naming the link.
    """
    for link in game.links:
        if link.hearer in names and speaker(link.source) == link.hearer:
            raise WrongMethod(
                f"link from '{link.source}' to '{link.target}': '{link.hearer}' would hear what it "
                "decides itself; use its own Variable in its problem"
            )


def refuse_mixing(game: Game, names: Iterable[str], damping: float) -> None:
    """Refuse to mix answers of agents with whole numbers: a mixture is no answer of theirs.

    Raises
    ------
    WrongMethod
        Naming the agent.
    """
    for name in names:
        if damping < 1 and game.forms[name].integer.any():
            raise WrongMethod(
                f"agent '{name}' decides whole numbers, which cannot be mixed with what it said "
                f"before; use BestResponse(damping=1) (got {damping:g})"
            )
