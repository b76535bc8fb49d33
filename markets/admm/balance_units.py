"""Scaling of ADMM: one unit of quantity and of price in each balance, from the parties' figures.

Tolerances and the weight of the pull are counted in these units, so that an exchange in kilowatts
and cents goes the way of the same exchange in megawatts and euros. Many members of a fleet say no
more of it than their means do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.markets.admm.balance_terms import BalanceTerms
from equigrid.markets.forms.scaling import Figures, ends
from equigrid.markets.games.balance_shares import market_of
from equigrid.markets.games.game import Game


@dataclass(frozen=True)
class MarketUnits:
    """Units of one balance.

    Attributes
    ----------
    quantity, price : float
        A price is per unit of quantity and hour.
    """

    quantity: float = 1.0
    price: float = 1.0


def market_units(game: Game, stakes: Mapping[str, BalanceTerms]) -> dict[str, MarketUnits]:
    """Return the units of all balances.

    Parameters
    ----------
    game : Game
    stakes : Mapping of str to BalanceTerms
        By party.
    """
    parties = list(stakes.values())
    names = [balance.name for balance in game.balances]
    shares = sparse.block_diag([sparse.csr_array((0, 0)), *(s.shares for s in parties)])
    own = sparse.block_diag([sparse.csr_array((0, 0)), *(s.form.matrix for s in parties)])
    terms = sparse.csr_array(_by_balance(names, parties) @ sparse.csr_array(shares))
    matrix = sparse.csr_array(sparse.vstack([sparse.csr_array(own), terms]))
    rights = [_mean(market_of(game, balance).rhs) for balance in game.balances]
    figures = Figures(matrix, ~np.concatenate([s.form.integer for s in parties]))
    figures.add_rows([np.concatenate([*(np.abs(s.rhs).mean(axis=0) for s in parties), rights])])
    lower, upper = (
        np.concatenate([getattr(s.form, side) for s in parties]) for side in ("lower", "upper")
    )
    figures.add_columns(ends(lower, upper))
    figures.add_costs([np.concatenate([np.abs(s.cost).mean(axis=0) for s in parties])])
    curved = sparse.block_diag([sparse.coo_array(s.form.quadratic) for s in parties])
    figures.add_curvature(sparse.csr_array(curved))
    units = figures.units()
    rows = units.rows[len(units.rows) - len(names) :]
    return {
        balance.name: MarketUnits(float(r), units.money / (float(r) * balance.length_h))
        for balance, r in zip(game.balances, rows, strict=True)
    }


def _by_balance(names: list[str], parties: list[BalanceTerms]) -> sparse.csr_array:
    """The matrix that gathers all terms of a balance in one row; signs do not matter here."""
    home = [
        names.index(balance)
        for stakes in parties
        for balance, entries in stakes.entries.items()
        for _ in range(entries.shape[1])
    ]
    shape = (len(names), len(home))
    return sparse.csr_array((np.ones(len(home)), (home, np.arange(len(home)))), shape=shape)


def _mean(values: np.ndarray) -> float:
    return float(np.abs(values).mean()) if values.size else 0.0
