"""Payments of balances, and the bound on total cost that they prove.

At multipliers λ, prices × hours, every agent's best own cost less λ × its signed terms, added up,
and λ × the right-hand side on top, is no more than what any decision that keeps the balances costs
(weak duality). So agents asked alone prove a bound on the total cost, whatever found the prices.
"""

from collections.abc import Mapping
from dataclasses import replace

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import signed_total
from equigrid.markets.certification.money_moved import relative
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.certification.standalone import Statement
from equigrid.markets.games.game import Game
from equigrid.markets.model.balance import Balance, Term


def with_balance_payments(
    game: Game, values: Mapping[str, FloatArray], own: Statement
) -> Statement:
    """Return an agent's problem with what balances pay it, where it does not state that itself."""
    income = [
        _income(game, balance, values[balance.name], own)
        for balance in game.balances
        if not hears_price(game, balance, own.agent.name)
    ]
    return replace(own, cost=own.cost - sum(income)) if income else own


def hears_price(game: Game, balance: Balance, agent: str) -> bool:
    """Whether an agent states price × quantity of a balance itself."""
    return any(link.source == balance.name for link in game.links_into(agent))


def _income(game: Game, balance: Balance, price: FloatArray, own: Statement) -> cp.Expression:
    total = cp.Constant(0.0)
    for term in balance.signed:
        if term.agent == own.agent.name:
            weight = weight_of(game, balance, price, term)
            total = total + cp.sum(cp.multiply(weight, own.says[term.said]))
    return total


def weight_of(game: Game, balance: Balance, price: FloatArray, term: Term) -> FloatArray:
    """Return what a balance pays for each unit of what is said, in the shape it is said in."""
    whole = np.broadcast_to(balance.length_h * price, game.balance_shape(balance))
    return term.sign * _summed(whole, game.agent(term.agent).shape_of(term.said))


def _summed(whole: FloatArray, small: tuple[int, ...]) -> FloatArray:
    """Sum an array over the axes along which a smaller one was broadcast."""
    added = whole.sum(axis=tuple(range(whole.ndim - len(small))))
    along = tuple(i for i, n in enumerate(small) if n == 1)
    return np.asarray(added.sum(axis=along, keepdims=True) if along else added)


def imbalance(game: Game, values: Mapping[str, FloatArray], balance: Balance) -> FloatArray:
    """Return by how much the terms of a balance exceed what they have to add up to."""
    total = -np.broadcast_to(np.asarray(balance.equals), game.balance_shape(balance))
    for agent in game.agents:
        total = total + signed_total(game, balance, values, agent.name)
    return total


def balance_residual(game: Game, values: Mapping[str, FloatArray]) -> float:
    """Return the greatest imbalance as a share of its balance's greatest term."""
    worst = 0.0
    for balance in game.balances:
        sizes = [greatest(values[term.source]) for term in balance.signed]
        off = greatest(imbalance(game, values, balance))
        worst = max(worst, relative(off, max([greatest(balance.equals), *sizes])))
    return worst


def paid_by_balances(game: Game, values: Mapping[str, FloatArray]) -> float:
    """Return price × right-hand side × hours, what the balances together pay at an answer.

    What parties without a problem contribute is part of it: they decide nothing.
    """
    return sum(
        b.length_h * float(np.sum(values[b.name] * np.broadcast_to(b.equals, values[b.name].shape)))
        for b in game.balances
    )
