"""Whether a price that is an agent's dual is one of its optimal duals, which need not be unique.

A dual is never compared with that of a second solve: at a kink there are many. A price λ of what
an agent hears, θ, is an optimal dual if and only if it is a subgradient of the agent's optimal cost
v there: for every other w that might be heard, v(w) ≥ v(θ) + λ'(w - θ). The most by which that
fails is one convex problem, the agent's own with w as a variable.
"""

from collections.abc import Mapping

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.agent import Agent
from equigrid.markets.alone import cost_of_claims, restated, solve
from equigrid.markets.findings import NoAnswer
from equigrid.markets.game import Game
from equigrid.markets.sources import Dual
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]
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
    game: Game, agent: Agent, heard: Mapping[str, Vector], values: Mapping[str, Vector], best: float
) -> float | None:
    """Return by how much of its cost an agent's duals fail to be optimal ones.

    Parameters
    ----------
    game : Game
    agent : Agent
    heard : Mapping of str to array
        What the agent hears, by name.
    values : Mapping of str to array
        Everything said, duals among it, by path.
    best : float
        The agent's least cost at what it hears.

    Returns
    -------
    float or None
        (v(θ) - λ'θ - the least of v(w) - λ'w) / max(1, |v(θ)|); infinite where nothing can be
        said, None if no dual of the agent is linked or paid at.
    """
    prices = {name: values[dual] for name, dual in wanted_duals(game, agent).items()}
    if not prices:
        return None
    variables = {name: cp.Variable(agent.hears[name].shape) for name in prices}
    costed = [name for name in prices if not _moves_limits_only(agent, heard, variables, name)]
    limits = {name: price for name, price in prices.items() if name not in costed}
    residuals = [_cost_residual(game, agent, heard, name, prices[name], best) for name in costed]
    if limits:
        residuals.append(_limit_residual(agent, heard, limits, variables, best))
    return max(residuals)


def _moves_limits_only(
    agent: Agent, heard: Mapping[str, Vector], variables: Mapping[str, cp.Variable], name: str
) -> bool:
    """Whether optimal cost is convex in a heard value: it multiplies no decision."""
    problem = restated(agent, heard, {name: variables[name]}).problem()
    return bool(problem.is_dcp())


def _limit_residual(
    agent: Agent,
    heard: Mapping[str, Vector],
    prices: Mapping[str, Vector],
    variables: Mapping[str, cp.Variable],
    best: float,
) -> float:
    """Let the agent choose what it hears at the prices, all at once."""
    own = restated(agent, heard, {name: variables[name] for name in prices})
    paid = sum(cp.sum(cp.multiply(prices[name], variables[name])) for name in prices)
    reach = [
        cp.abs(variables[name] - heard[name]) <= _REACH * np.maximum(1, np.abs(heard[name]))
        for name in prices
    ]
    try:
        least = solve(agent, own.problem(reach, own.cost - paid))
    except NoAnswer:
        return float("inf")
    here = best - sum(float(np.sum(prices[name] * heard[name])) for name in prices)
    return max(0.0, here - least) / max(1.0, abs(best))


def _cost_residual(
    game: Game, agent: Agent, heard: Mapping[str, Vector], name: str, price: Vector, best: float
) -> float:
    """Hold the agent to answers whose cost grows by the dual, per unit of a heard price.

    Optimal cost is concave in a price, and its slopes are the quantities of optimal answers.
    """
    form = game.forms[agent.name]
    where = form.heard[name]
    if sparse.csc_array(form.rhs_of_heard)[:, where].nnz:
        return float("inf")  # it moves costs and limits at once: neither convex nor concave
    columns = cp.Variable(form.columns, bounds=[form.lower, form.upper])
    slope = sparse.csr_array(form.cost_of_heard.T)[where] @ columns + form.offset_of_heard[where]
    flat = Agent(agent.name, _flat_problem(form, columns, heard), says={"slope": slope})
    dual = np.ravel(price, order="F")
    off, own = cost_of_claims(flat, {}, {"slope": dual})
    return max(
        off / max(1.0, np.abs(dual).max()),
        (own - best) / max(1.0, abs(best)),
    )


def _flat_problem(
    form: StandardForm, columns: cp.Variable, heard: Mapping[str, Vector]
) -> cp.Problem:
    """Return an agent's compiled problem, in which the slope of its cost is affine."""
    theta, equal = form.heard_vector(heard), form.equal_rows
    rows, rhs = form.matrix @ columns, form.rhs_at(theta)
    cost = form.cost_at(theta) @ columns + form.offset + form.offset_of_heard @ theta
    if form.is_quadratic:
        cost += cp.quad_form(columns, cp.psd_wrap(form.quadratic)) / 2
    return cp.Problem(cp.Minimize(cost), [rows[:equal] == rhs[:equal], rows[equal:] <= rhs[equal:]])
