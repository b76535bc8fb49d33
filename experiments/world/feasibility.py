"""Finding out that a party cannot do what it must, and in which step."""

from collections.abc import Mapping, Sequence
from typing import Any

import cvxpy as cp
import numpy as np

from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.forms.row_steps import step_of
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.own_thread import solve_by_highs

_SHORT = 1e-6


def refuse_infeasible(game: Game, steps: int) -> None:
    """Raise when an agent has no feasible answer, whatever it hears from others.

    Parameters
    ----------
    game : Game
    steps : int
        Length T of the series, by which a violated row is told as a step.

    Raises
    ------
    NoAnswer
        Naming the agent, the equation that cannot hold, the step and by how much.
    """
    for agent in game.deciders:
        refuse_infeasible_agent(agent, steps)
    if isinstance(game.leader, str):
        told, others = _answers(game, game.leader)
        if told:
            refuse_infeasible_agent(game.agent(game.leader), steps, told, others)


def refuse_infeasible_agent(
    agent: Agent,
    steps: int,
    told: Mapping[str, Any] | None = None,
    others: Sequence[cp.Constraint] = (),
) -> None:
    """Solve for the least total violation of an agent's constraints.

    What the agent hears is free to choose here, so only what no signal can mend is refused.

    Parameters
    ----------
    agent : Agent
    steps : int
    told : Mapping of str to expression or array, optional
        What it hears of others, in their own variables or as figures; the rest stays free.
    others : sequence of constraints
        Of those variables, which have to hold.
    """
    assert agent.problem is not None
    if not agent.problem.constraints:
        return
    free = {name: cp.Variable(p.shape) for name, p in agent.hears.items()}
    known = {name: cp.Expression.cast_to_const(value) for name, value in (told or {}).items()}
    heard = {id(p): {**free, **known}[name] for name, p in agent.hears.items()}
    constraints = [c.tree_copy(heard) for c in agent.problem.constraints]
    slacks = [cp.Variable(c.expr.shape, nonneg=True) for c in constraints]
    relaxed = [r for c, s in zip(constraints, slacks, strict=True) for r in _relaxed(c, s)]
    total = sum((cp.sum(s) for s in slacks), start=cp.Constant(0.0))
    _solve(cp.Problem(cp.Minimize(total), [*relaxed, *others]), agent)
    worst = max(range(len(slacks)), key=lambda k: float(np.max(slacks[k].value, initial=0.0)))
    short = np.atleast_1d(slacks[worst].value)
    if short.max(initial=0.0) > _SHORT:
        label = agent.problem.constraints[worst].label or "a constraint"
        step = step_of(int(np.argmax(short.ravel())), short.size, steps)
        raise NoAnswer(
            f"'{agent.name}' has no feasible answer at any price: {label} cannot hold in step "
            f"{step}, short by {short.max():.3g}; widen that limit, or ask less of it",
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


def _answers(game: Game, leader: str) -> tuple[dict[str, cp.Expression], list[cp.Constraint]]:
    """Return what a leader hears as expressions of its followers, and their constraints.

    Followers hear what they like and need not answer best, so nothing possible is left out.
    """
    followers = [agent for agent in game.deciders if agent.name != leader]
    heard = {id(p): cp.Variable(p.shape) for f in followers for p in f.hears.values()}
    said = {
        f"{f.name}.{name}": value.tree_copy(heard) if isinstance(value, cp.Expression) else value
        for f in followers
        for name, value in f.says.items()
    }
    told = {}
    for name, parameter in game.agent(leader).hears.items():
        sources = [link.source for link in game.links_into(leader, name)]
        parts = [said[source] for source in sources if source in said]
        shapes = {part.shape for part in parts}
        if sources and len(parts) == len(sources) and shapes == {parameter.shape}:
            told[name] = sum(parts[1:], start=cp.Constant(0.0) + parts[0])
    limits = [c.tree_copy(heard) for f in followers if f.problem for c in f.problem.constraints]
    return told, limits


def _relaxed(constraint: cp.Constraint, slack: cp.Variable) -> list[cp.Constraint]:
    below = constraint.expr <= slack
    if isinstance(constraint, cp.constraints.Zero | cp.constraints.Equality):
        return [below, -constraint.expr <= slack]
    return [below]
