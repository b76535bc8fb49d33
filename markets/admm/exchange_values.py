"""From columns and prices to everything said at the answer of an exchange."""

from collections.abc import Mapping

from equigrid.arrays import FloatArray
from equigrid.markets.games.balance_shares import announced_values, heard_vector
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.posting import said_values


def exchange_values(
    game: Game, columns: Mapping[str, FloatArray], prices: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Return everything said at an answer, by path, and each balance's price by its name.

    Parameters
    ----------
    game : Game
    columns : Mapping of str to array
        Of each decider, in its own standard form.
    prices : Mapping of str to array
        Of each balance, in its shape.
    """
    known = {**announced_values(game), **prices}
    answers = {name: (own, heard_vector(game, name, known)) for name, own in columns.items()}
    return said_values(game, answers) | dict(prices)
