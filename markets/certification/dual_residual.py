"""Dual check: whether a price that is a dual is one of the optimal duals.

A dual is never compared with that of a second solve: at a kink there are many. A price λ of what
an agent hears, θ, is an optimal dual if and only if it is a subgradient of the agent's optimal cost
v there: for every other w that might be heard, v(w) ≥ v(θ) + λ'(w - θ). The most by which that
fails is one convex problem, the agent's own with w as a variable.
"""

from collections.abc import Mapping
from dataclasses import replace

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.certification.matrix_statement import flattened
from equigrid.markets.certification.money_moved import relative, unit_of
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.certification.standalone import cost_of_claims, restated
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.sources import Dual

# How far from what is heard a price has to hold, as a multiple of it. Optimal cost is convex, so a
# price that holds nearby holds everywhere; without end, a last digit of the price would count
# without end as well.
_REACH = 10.0


def wanted_duals(game: Game, agent: Agent) -> dict[str, Dual]:
    """Return the duals of an agent that are linked or paid at, by the name of what it hears."""
    sources = {link.source for link in game.links} | {payment.price for payment in game.payments}
    every = {name: Dual(f"{agent.name}.{name}") for name in agent.hears}
    return {name: dual for name, dual in every.items() if dual in sources}


def dual_residual(
    game: Game,
    agent: Agent,
    heard: Mapping[str, FloatArray],
    values: Mapping[str, FloatArray],
    best: float,
    money: float,
) -> float | None:
    """Return by how much of its cost an agent's duals fail to be optimal ones.

    Parameters
    ----------
    game : Game
    agent : Agent
    heard : Mapping of str to array
        What the agent hears, by name.
    values : Mapping of str to array
        Everything said, duals among it, by path; a dual is a slope per hour of a step.
    best : float
        The agent's least cost at what it hears.
    money : float
        That moves there without what its duals are worth.

    Returns
    -------
    float or None
        (v(θ) - λ'θ - the least of v(w) - λ'w) / the money that moves; infinite where nothing can
        be said, None if no dual of the agent is linked or paid at.
    """
    hours = game.step_length_h
    prices = {name: hours * values[dual] for name, dual in wanted_duals(game, agent).items()}
    if not prices:
        return None
    limits = {name: price for name, price in prices.items() if _is_limit(agent, heard, name)}
    money = money + sum(float(np.abs(p * heard[name]).sum()) for name, p in prices.items())
    residuals = [
        _cost_residual(game.forms[agent.name], heard, name, price, best, money)
        for name, price in prices.items()
        if name not in limits
    ]
    if limits:
        residuals.append(_limit_residual(game, agent, heard, limits, best, money))
    return max(residuals)


def _is_limit(agent: Agent, heard: Mapping[str, FloatArray], name: str) -> bool:
    """Whether optimal cost is convex in a heard value: it multiplies no decision."""
    free = cp.Variable(agent.hears[name].shape)
    return bool(restated(agent, heard, {name: free}).problem().is_dcp())


def _limit_residual(
    game: Game,
    agent: Agent,
    heard: Mapping[str, FloatArray],
    prices: Mapping[str, FloatArray],
    best: float,
    money: float,
) -> float:
    """Let the agent choose what it hears at the prices, all at once."""
    free = {name: cp.Variable(agent.hears[name].shape) for name in prices}
    form, dearest = game.forms[agent.name], max(greatest(price) for price in prices.values())
    unit = unit_of(max(greatest(form.cost_at(form.heard_vector(heard))), dearest))
    own = restated(agent, heard, free, unit)
    paid = sum(cp.sum(cp.multiply(prices[name], free[name])) for name in prices)
    reach = [
        cp.abs(free[name] - heard[name]) <= _REACH * np.maximum(size, np.abs(heard[name]))
        for name in prices
        for size in [greatest(heard[name]) or 1.0]
    ]
    least = own.least(own.problem(reach, own.cost - paid))
    here = best - sum(float(np.sum(prices[name] * heard[name])) for name in prices)
    return relative(max(0.0, here - least), money)


def _cost_residual(
    form: StandardForm,
    heard: Mapping[str, FloatArray],
    name: str,
    price: FloatArray,
    best: float,
    money: float,
) -> float:
    """Hold the agent to answers whose cost grows by the dual, per unit of a heard price.

    Optimal cost is concave in a price, and its slopes are the quantities of optimal answers.
    """
    where = form.heard[name]
    if sparse.csc_array(form.rhs_of_heard)[:, where].nnz:
        return float("inf")  # it moves costs and limits at once: neither convex nor concave
    flat = flattened(form, heard)
    slope = sparse.csr_array(form.cost_of_heard.T)[where] @ flat.columns
    own = replace(flat.own, says={"slope": slope + form.offset_of_heard[where]})
    dual = np.ravel(price, order="F")
    off, cost = cost_of_claims(own, {"slope": dual}, {"slope": greatest(dual) or 1.0})
    return max(off, relative(max(0.0, cost - best), money))
