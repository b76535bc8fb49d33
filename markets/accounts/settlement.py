"""Settlement: who owes whom at an answer, price × quantity × hours, for every method alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.payment import Payment


def amounts(game: Declaration, values: Mapping[str, FloatArray]) -> dict[str, float]:
    """Return the amount of each payment in the currency of the game.

    Parameters
    ----------
    game : Declaration
    values : Mapping of str to array
        Everything said, by path.
    """
    return {p.name: float(np.sum(owed_by_entry(p, values))) for p in game.payments}


def owed_by_entry(payment: Payment, values: Mapping[str, FloatArray]) -> FloatArray:
    """Return price × quantity × hours of each entry."""
    price = values[payment.price] if isinstance(payment.price, str) else payment.price
    return np.asarray(price * values[payment.quantity] * payment.length_h)


def settlement_table(game: Declaration, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Return payments as a table: payment, payer, payee, amount."""
    rows = transfers(game, values)
    return pd.DataFrame(rows, columns=["payment", "payer", "payee", "amount"])


def transfers(
    game: Declaration, values: Mapping[str, FloatArray]
) -> list[tuple[str, str, str, float]]:
    """Return who pays whom how much: payments, then what each balance pays or is paid.

    A balance is a clearing house: who adds to it is paid by it, who takes from it pays to it.
    """
    owed = amounts(game, values)
    collected = [(p.name, p.payer, p.payee, owed[p.name]) for p in game.payments]
    for balance in game.balances:
        for name in dict.fromkeys(term.agent for term in balance.signed):
            amount = received(game, values, name, balance)
            pair = (balance.name, name) if amount >= 0 else (name, balance.name)
            collected.append((balance.name, *pair, abs(amount)))
    return collected


def received(
    game: Declaration, values: Mapping[str, FloatArray], agent: str, balance: Balance | None = None
) -> float:
    """Return what a balance, or all together, pay an agent; negative where the agent pays."""
    balances = game.balances if balance is None else (balance,)
    return sum(
        float(np.sum(values[b.name] * signed_total(game, b, values, agent))) * b.length_h
        for b in balances
    )


def signed_total(
    game: Declaration, balance: Balance, values: Mapping[str, FloatArray], agent: str
) -> FloatArray:
    """Return what an agent's terms in a balance add up to, in the balance's shape."""
    total = np.zeros(game.balance_shape(balance))
    for term in balance.signed:
        if term.agent == agent:
            total = total + term.sign * values[term.source]
    return total


def heard_values(
    game: Declaration, values: Mapping[str, FloatArray], agent: str
) -> dict[str, FloatArray]:
    """Return what an agent hears when everybody says the given values.

    Parameters
    ----------
    game : Declaration
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
                else amount_heard(payment, values, parameter.shape)
            )
        heard[name] = np.asarray(total, dtype=float)
    return heard


def amount_heard(
    payment: Payment, values: Mapping[str, FloatArray], shape: tuple[int, ...]
) -> FloatArray:
    """Return an amount summed over the last axes that the Parameter which hears it lacks."""
    return np.asarray(owed_by_entry(payment, values).reshape((*shape, -1)).sum(axis=-1))
