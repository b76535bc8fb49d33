"""The money that moves at an answer: what regrets, gaps and settlements are measured against.

The money that moves is the sum of the sizes of all payments and variable costs. Constants are none
of it: a sunk cost or a fixed revenue may be as great as it likes and hides nothing. It is read off
the declared objectives, term by term, and it grows with the unit of money as regrets and gaps do,
so that a game in cents and the same game in millions are judged alike.
"""

import math
from collections.abc import Mapping
from functools import cached_property

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine.add_expr import AddExpression
from cvxpy.atoms.affine.binary_operators import DivExpression, MulExpression, multiply
from cvxpy.atoms.affine.promote import Promote
from cvxpy.atoms.affine.reshape import reshape
from cvxpy.atoms.affine.sum import Sum
from cvxpy.atoms.affine.unary_operators import NegExpression
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values, owed_by_entry
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent

# Who moves less than this share of all money of a game is measured against that share: what it is
# said to do is exact to last digits of what the others do.
SHARE = 1e-3
# A last digit of a solver, as a share of what could move; and a share that needs no such doubt.
_DIGIT = 1e-10
# A bound that is so many times the least figure of the problem may stand for none.
_LOOSE = 1e3
_SURELY = 1e-7
# What is left where figures of one cost cancel, as a share of them.
_ROUNDING = 1e-12
# And where what an agent hears, to the digits of a solver, cancels with a limit.
_CANCELLED = 1e-6


def moved(expression: cp.Expression, sizes: Mapping[int, float]) -> float:
    """Return the sum of the sizes of an expression's terms at the present values.

    Parameters
    ----------
    expression : cvxpy.Expression
        A cost. Terms without variables, and without what is heard from others, move no money.
    sizes : Mapping of int to float
        By the id of each Parameter that is linked: what stands for it, where it is an amount, NaN
        where it counts as it is.

    Returns
    -------
    float
    """
    if not (expression.variables() or any(id(p) in sizes for p in expression.parameters())):
        return 0.0
    if isinstance(expression, AddExpression | NegExpression | Sum | Promote | reshape):
        return sum(moved(part, sizes) for part in expression.args)
    if isinstance(expression, cp.Parameter):
        known = sizes[id(expression)]
        return _size(expression.value) if math.isnan(known) else known
    if isinstance(expression, MulExpression | multiply | DivExpression):
        return _product(expression, sizes)
    return _size(expression.value)


def _product(expression: cp.Expression, sizes: Mapping[int, float]) -> float:
    """Return the size of a product, entry by entry where it is one of vectors."""
    first, second = expression.args
    if isinstance(expression, DivExpression) and second.is_scalar():
        return moved(first, sizes) / _size(second.value)
    for factor, other in ((first, second), (second, first)):
        plain = not (factor.variables() or any(id(p) in sizes for p in factor.parameters()))
        if plain and factor.is_scalar():
            return _size(factor.value) * moved(other, sizes)
    if isinstance(expression, MulExpression) and first.ndim == second.ndim == 1:
        return _size(first.value * second.value)
    return _size(expression.value)


def _size(value: FloatArray | None) -> float:
    return float(np.abs(np.asarray(value, dtype=float)).sum())


def heard_sizes(game: Game, values: Mapping[str, FloatArray], agent: Agent) -> dict[int, float]:
    """Return what stands for each Parameter that is linked, by its id.

    An amount counts entry by entry, so that what is bought in one hour and sold in another does not
    cancel out.
    """
    sizes: dict[int, float] = {}
    for link in game.links_into(agent.name):
        payment = game.payment(link.source)
        key = id(agent.hears[link.heard])
        if payment is None:
            sizes.setdefault(key, math.nan)
        else:
            before = sizes.get(key, 0.0)
            size = float(np.abs(owed_by_entry(payment, values)).sum())
            sizes[key] = size + (0.0 if math.isnan(before) else before)
    return sizes


def payments_size(game: Game, values: Mapping[str, FloatArray]) -> float:
    """Return the sum of the sizes of all payments, those of balances included, entry by entry."""
    sizes = [_size(owed_by_entry(payment, values)) for payment in game.payments]
    for balance in game.balances:
        # Each unit that one party adds another one takes.
        traded = [_size(values[balance.name] * values[term.source]) for term in balance.signed]
        sizes.append(balance.length_h * sum(traded) / 2)
    return sum(sizes)


def columns_money(form: StandardForm, point: Point) -> float:
    """Return the sum of the sizes of all that columns cost, without constants."""
    bent = (form.quadratic @ point.columns) * point.columns / 2
    return _size(form.cost_at(point.heard) * point.columns) + _size(bent)


def relative(off: float, money: float) -> float:
    """Return a difference of money as a share of the money that moves; 0 if there is none."""
    if off == 0.0:
        return 0.0
    return off / money if money > 0 else math.copysign(math.inf, off)


class MoneyScale:
    """What differences of money at an answer are measured against: the money that moves.

    Where next to nothing moves, an answer "do nothing" would be off by any last digit of a solver.
    What is less than such a digit of all that could move counts as nothing.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said, by path.
    """

    def __init__(self, game: Game, values: Mapping[str, FloatArray]) -> None:
        self._game, self._values = game, values

    def share(self, off: float, money: float, agent: str = "", own: float | None = None) -> float:
        """Return a difference as a share of the money that moves.

        Parameters
        ----------
        off, money : float
        agent : str
            Whose difference it is; empty for one of the whole game.
        own : float, optional
            What the agent moves itself, where that is less than the money.
        """
        found = relative(off, money)
        if abs(found) <= _SURELY:
            return found
        nothing = _DIGIT * (self._could_move(agent) if agent else self._all_could_move)
        least = money if own is None else min(own, money)
        return 0.0 if least <= nothing and abs(off) <= nothing else found

    @cached_property
    def _all_could_move(self) -> float:
        return sum(self._could_move(agent.name) for agent in self._game.deciders)

    def _could_move(self, name: str) -> float:
        """What all decisions cost, each as large as its bounds and the problem allow."""
        form = self._game.forms[name]
        heard = form.heard_vector(heard_values(self._game, self._values, name))
        both = np.stack([np.abs(form.lower), np.abs(form.upper)])
        least = _least_figure(form, heard)
        most = np.where(np.isfinite(both), both, 0.0).max(axis=0)
        most = np.where(most > 0, np.minimum(most, _LOOSE * least), least)
        curved = most @ (abs(form.quadratic) @ most) / 2
        return float(np.abs(form.cost_at(heard)) @ most + curved)


def _least_figure(form: StandardForm, heard: FloatArray) -> float:
    """Return the least of a quantity that a bound or a row names, 1 where none names any.

    One that is far below the others, in their geometric mean, stands for nothing and is no unit.
    """
    figures = np.concatenate([np.abs(form.lower), np.abs(form.upper), _limits(form, heard)])
    figures = figures[np.isfinite(figures) & (figures > 0)]
    if not figures.size:
        return 1.0
    return float(max(figures.min(), np.exp(np.log(figures).mean()) / _LOOSE))


def _limits(form: StandardForm, heard: FloatArray) -> FloatArray:
    """Return the sizes of limits of rows in those of their columns; rows without any have none.

    A limit that all but cancels with what is heard is a last digit of that.
    """
    entries, slope = sparse.coo_array(form.matrix), np.zeros(len(form.rhs))
    np.maximum.at(slope, entries.row, np.abs(entries.data))
    limits, stated = np.abs(form.rhs_at(heard)), form.rhs_size_at(heard)
    limits = np.where(limits > _CANCELLED * stated, limits, stated)
    return np.asarray(limits[slope > 0] / slope[slope > 0])


def cost_unit(form: StandardForm, heard: FloatArray, *prices: float) -> float:
    """Return a power of two near the greatest cost of a column, or near a price.

    Where costs cancel to a last digit, that digit is no unit: it would be blown up to a cost.
    What solves curved problems stops by the objective, which is money and not money for one of a
    quantity. So there it is what the least figure costs; where nothing has a price, its square.
    """
    stated = float(form.cost_size_at(heard).max(initial=0.0))
    greatest = max(float(np.abs(form.cost_at(heard)).max(initial=0.0)), *prices, 0.0)
    priced = greatest if greatest > _ROUNDING * stated else stated
    if not form.is_quadratic:
        return unit_of(priced)
    least = _least_figure(form, heard)
    curved = float(np.abs(form.quadratic.data).max(initial=0.0)) / 2
    return unit_of((priced or curved * least) * least)


def unit_of(largest: float) -> float:
    """Return a power of two near a size, by which a program is divided without any rounding."""
    if not (math.isfinite(largest) and largest > 0):
        return 1.0
    return math.ldexp(1.0, math.frexp(largest)[1] - 1)
