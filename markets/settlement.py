"""Who owes whom at an answer: amounts are price × quantity × hours, for every method alike."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equigrid.markets.game import Game

Vector = NDArray[np.float64]


def amounts(game: Game, values: Mapping[str, Vector]) -> dict[str, float]:
    """Return the amount of each payment in the currency of the game.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said, by path.
    """
    found = {}
    for payment in game.payments:
        price = values[payment.price] if isinstance(payment.price, str) else payment.price
        found[payment.name] = float(np.sum(price * values[payment.quantity]) * payment.hours)
    return found


def settlement_table(game: Game, values: Mapping[str, Vector]) -> pd.DataFrame:
    """Return payments as a table: payment, payer, payee, amount."""
    owed = amounts(game, values)
    records = [(p.name, p.payer, p.payee, owed[p.name]) for p in game.payments]
    return pd.DataFrame(records, columns=["payment", "payer", "payee", "amount"])


def heard_values(game: Game, values: Mapping[str, Vector], agent: str) -> dict[str, Vector]:
    """Return what an agent hears when everybody says the given values.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said, by path.
    agent : str
        Who hears.
    """
    owed = amounts(game, values)
    heard = {}
    for name, parameter in game.agent(agent).hears.items():
        total = np.zeros(parameter.shape) + np.asarray(
            game.given.get(f"{agent}.{name}", 0.0), dtype=float
        )
        for link in game.links_into(agent, name):
            total = total + (owed[link.source] if link.source in owed else values[link.source])
        heard[name] = np.asarray(total, dtype=float)
    return heard
