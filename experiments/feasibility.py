"""Finding out before anything is solved that a party cannot do what it must, and when."""

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from equigrid.markets.agent import Agent
from equigrid.markets.findings import NoAnswer, SolverFailed
from equigrid.markets.game import Game
from equigrid.own_thread import solve_by_highs

_SHORT = 1e-6


def refuse_infeasible(game: Game, hours: int) -> None:
    """Raise when an agent has no feasible answer, whatever it hears from others.

    Parameters
    ----------
    game : Game
    hours : int
        Length T of the series, by which a violated row is told as an hour.

    Raises
    ------
    NoAnswer
        Naming the agent, the equation that cannot hold, the hour and by how much.
    """
    for agent in game.deciders:
        refuse_infeasible_agent(agent, hours)


def refuse_infeasible_agent(agent: Agent, hours: int) -> None:
    """Solve for the least total violation of an agent's constraints.

    What the agent hears is free to choose here, so only what no signal can mend is refused.
    """
    assert agent.problem is not None
    if not agent.problem.constraints:
        return
    heard = {id(p): cp.Variable(p.shape) for p in agent.hears.values()}
    constraints = [c.tree_copy(heard) for c in agent.problem.constraints]
    slacks = [cp.Variable(c.expr.shape, nonneg=True) for c in constraints]
    relaxed = [r for c, s in zip(constraints, slacks, strict=True) for r in _relaxed(c, s)]
    total = sum((cp.sum(s) for s in slacks), start=cp.Constant(0.0))
    _solve(cp.Problem(cp.Minimize(total), relaxed), agent)
    worst = max(range(len(slacks)), key=lambda k: float(np.max(slacks[k].value, initial=0.0)))
    short = np.atleast_1d(slacks[worst].value)
    if short.max(initial=0.0) > _SHORT:
        label = agent.problem.constraints[worst].label or "a constraint"
        raise NoAnswer(
            f"'{agent.name}' has no feasible answer at any price: {label} cannot hold in hour "
            f"{_hour(short, hours)}, short by {short.max():.3g}; raise its limits or lower its "
            "demand",
            agent.name,
        )


def _solve(problem: cp.Problem, agent: Agent) -> None:
    """Solve; it has an answer, since every constraint may be violated."""
    try:
        solve_by_highs(problem)
        words = str(problem.status)
    except (ValueError, cp.SolverError) as error:
        words = str(error)
    if words not in ("optimal", "optimal_inaccurate"):
        raise SolverFailed.on("HiGHS", words, agent.name)


def _relaxed(constraint: cp.Constraint, slack: cp.Variable) -> list[cp.Constraint]:
    below = constraint.expr <= slack
    if isinstance(constraint, cp.constraints.Zero | cp.constraints.Equality):
        return [below, -constraint.expr <= slack]
    return [below]


def _hour(short: NDArray[np.float64], hours: int) -> int:
    """Hour of the greatest violation: the last axis, or scenario-hours, or ramps from hour 2."""
    at = int(np.argmax(short.ravel()))
    if short.size == 1:
        return 1
    if short.size % (hours - 1) == 0 and short.size % hours:
        return at % (hours - 1) + 2
    return at % hours + 1
