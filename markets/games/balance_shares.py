"""An agent's terms in a balance, as an affine map of its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.accounts.settlement import heard_values, signed_total
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.declaration import Declaration


def broadcasting(small: tuple[int, ...], whole: tuple[int, ...]) -> sparse.csr_array:
    """Return the matrix that broadcasts a flattened array to a greater shape.

    Examples
    --------
    >>> broadcasting((2,), (3, 2)).toarray()
    array([[1., 0.],
           [1., 0.],
           [1., 0.],
           [0., 1.],
           [0., 1.],
           [0., 1.]])
    """
    columns = broadcast_places(small, whole)
    rows = np.arange(len(columns))
    return sparse.csr_array(
        (np.ones(len(rows)), (rows, columns)), shape=(len(rows), math.prod(small))
    )


def broadcast_places(small: tuple[int, ...], whole: tuple[int, ...]) -> IntArray:
    """Return which entry of a flattened array stands at each entry of a greater shape."""
    places = np.arange(math.prod(small)).reshape(small, order="F")
    return np.broadcast_to(places, whole).ravel(order="F")


def signed_shares(form: StandardForm, balance: Balance, shape: tuple[int, ...]) -> Affine:
    """Return the sum of an agent's signed terms in a balance, in the balance's shape.

    Parameters
    ----------
    form : StandardForm
        With everything said that the balance names.
    balance : Balance
    shape : tuple of int
        Of the balance.
    """
    size = math.prod(shape)
    of_columns = sparse.csr_array((size, form.columns))
    of_heard, constant = sparse.csr_array((size, form.heard_size)), np.zeros(size)
    for term in balance.signed:
        if term.agent == form.agent.name:
            said = form.said[term.said]
            spread = term.sign * broadcasting(said.shape, shape)
            of_columns = of_columns + spread @ said.of_columns
            of_heard = of_heard + spread @ said.of_heard
            constant = constant + spread @ said.constant
    return Affine(sparse.csr_array(of_columns), sparse.csr_array(of_heard), constant, shape)


def participants(game: Declaration, balance: Balance) -> list[str]:
    """Return the deciders that have a term in a balance, in the order of the game."""
    named = {term.agent for term in balance.signed}
    return [agent.name for agent in game.deciders if agent.name in named]


@dataclass(frozen=True, eq=False)
class Market:
    """A balance as its participants see it: what is left for them once constants are known.

    Attributes
    ----------
    balance : Balance
    shape : tuple of int
    rhs : array
        What the deciders' terms add up to, flattened in column-major order.
    """

    balance: Balance
    shape: tuple[int, ...]
    rhs: FloatArray


def market_of(game: Declaration, balance: Balance) -> Market:
    """Return a balance with what parties without a problem contribute on its right-hand side."""
    shape, said = game.balance_shape(balance), announced_values(game)
    left = np.broadcast_to(np.asarray(balance.equals), shape)
    for agent in game.agents:
        if not agent.decides:
            left = left - signed_total(game, balance, said, agent.name)
    return Market(balance, shape, np.ravel(left, order="F"))


def known_heard(game: Declaration, agent: str) -> FloatArray:
    """Return what an agent of balances hears, with all their prices at 0, shape (P,)."""
    prices = {balance.name: np.zeros(game.balance_shape(balance)) for balance in game.balances}
    return heard_vector(game, agent, {**announced_values(game), **prices})


def heard_vector(game: Declaration, agent: str, values: Mapping[str, FloatArray]) -> FloatArray:
    """Return what an agent hears when others say the given values, flattened, shape (P,)."""
    heard = heard_values(game, values, agent)
    flat = [np.ravel(heard[name], order="F") for name in game.agent(agent).hears]
    return np.concatenate([np.zeros(0), *flat])


def announced_values(game: Declaration) -> dict[str, FloatArray]:
    """Return what parties without a problem say, by path."""
    return {
        f"{agent.name}.{name}": np.asarray(said.value, dtype=float)
        for agent in game.agents
        if not agent.decides
        for name, said in agent.says.items()
    }
