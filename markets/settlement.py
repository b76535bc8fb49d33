"""Who owes whom at an answer: amounts are price × quantity × hours, for every method alike."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equigrid.markets.game import Game, Payment

Vector = NDArray[np.float64]


def amounts(game: Game, values: Mapping[str, Vector]) -> dict[str, float]:
    """Return the amount of each payment in the currency of the game.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said, by path.
    """
    return {p.name: float(np.sum(_owed(p, values))) for p in game.payments}


def _owed(payment: Payment, values: Mapping[str, Vector]) -> Vector:
    """Return price × quantity × hours of each entry."""
    price = values[payment.price] if isinstance(payment.price, str) else payment.price
    return np.asarray(price * values[payment.quantity] * payment.hours)


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
    heard = {}
    for name, parameter in game.agent(agent).hears.items():
        total = np.zeros(parameter.shape) + np.asarray(
            game.given.get(f"{agent}.{name}", 0.0), dtype=float
        )
        for link in game.links_into(agent, name):
            payment = game.payment(link.source)
            total = total + (
                values[link.source]
                if payment is None
                else _amount_heard(payment, values, parameter.shape)
            )
        heard[name] = np.asarray(total, dtype=float)
    return heard


def _amount_heard(payment: Payment, values: Mapping[str, Vector], shape: tuple[int, ...]) -> Vector:
    """Return an amount summed over the last axes that the Parameter which hears it lacks."""
    return np.asarray(_owed(payment, values).reshape((*shape, -1)).sum(axis=-1))
