"""Every decider asked again, alone and through cvxpy, at what the others said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.agent import Agent
from equigrid.markets.certification.alone import cost_of_claims, hearing, solve, stated
from equigrid.markets.certification.charges import charged
from equigrid.markets.certification.dual_residual import dual_residual
from equigrid.markets.game import Game
from equigrid.markets.own_amounts import heard_beside_own, moved_amounts, with_own_amounts
from equigrid.markets.settlement import heard_values

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class FollowerCheck:
    """What is found when a follower is solved again.

    Attributes
    ----------
    regret : float
        (own cost - own best cost) / max(1, |own best cost|).
    primal : float
        How far what it is said to say is from what it can do.
    dual : float or None
        By how much of its cost its duals fail to be optimal ones, if any is linked or paid at.
    cost, best : float
        As claimed, and the least; what balances pay it is taken off both.
    """

    regret: float
    primal: float
    dual: float | None
    cost: float
    best: float


def check_follower(
    game: Game, values: Mapping[str, Vector], agent: Agent, *, commitments_only: bool = False
) -> FollowerCheck:
    """Solve a follower at what it hears, as claimed and at its best.

    It is held to all that it is said to say, or to what others hear and pay for only.

    Raises
    ------
    NoAnswer
        When it has no best answer.
    """
    heard, asked = heard_values(game, values, agent.name), agent
    if not game.leaders and moved_amounts(game, agent.name):
        # Nobody leads: what the others say stands, amounts that its own decision moves do not.
        heard = heard_beside_own(game, values, agent.name)
        asked = with_own_amounts(game, agent)
    claims = (_commitments if commitments_only else _own_claims)(game, values, agent)
    own = charged(game, values, stated(asked))
    with hearing(asked, heard):
        residual, cost = cost_of_claims(own, claims)
        best = solve(asked, own.problem())
    return FollowerCheck(
        regret=max(0.0, cost - best) / max(1.0, abs(best)),
        primal=residual,
        dual=dual_residual(game, agent, heard, values, best),
        cost=cost,
        best=best,
    )


def cost_of_leader(
    game: Game, values: Mapping[str, Vector], leader: Agent, *, commitments_only: bool = False
) -> tuple[float, float]:
    """Return how far a leader's claims are from feasible, and its objective as a cost.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
    leader : Agent
    commitments_only : bool
        Whether it may still decide anew what nobody hears or pays for.
    """
    claims = (_commitments if commitments_only else _own_claims)(game, values, leader)
    with hearing(leader, heard_values(game, values, leader.name)):
        return cost_of_claims(stated(leader), claims)


def _own_claims(game: Game, values: Mapping[str, Vector], agent: Agent) -> dict[str, Vector]:
    """What the agent is said to say, as far as a program can be held to it."""
    return {
        name: values[f"{agent.name}.{name}"]
        for name, said in agent.says.items()
        if f"{agent.name}.{name}" in values and said.is_affine()
    }


def _commitments(game: Game, values: Mapping[str, Vector], agent: Agent) -> dict[str, Vector]:
    """What the agent says that others hear or pay for."""
    used = {link.source for link in game.links}
    used |= {s for p in game.payments for s in (p.price, p.quantity) if isinstance(s, str)}
    used |= {term.source for balance in game.balances for term in balance.signed}
    claims = _own_claims(game, values, agent)
    return {name: said for name, said in claims.items() if f"{agent.name}.{name}" in used}
