"""Best-response check: every agent solved again by cvxpy at what the others said."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.certification.balance_payments import with_balance_payments
from equigrid.markets.certification.dual_residual import dual_residual
from equigrid.markets.certification.money_moved import cost_unit, heard_sizes, moved
from equigrid.markets.certification.own_income import moves_income, moving_its_income
from equigrid.markets.certification.quantity_scales import greatest, sizes_of
from equigrid.markets.certification.standalone import cost_of_claims, hearing, statement_of
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent


@dataclass(frozen=True)
class FollowerCheck:
    """What is found when a follower is solved again.

    Attributes
    ----------
    primal : float
        How far what it is said to say is from what it can do, as a share of its size.
    dual : float or None
        By how much of its money its duals fail to be optimal ones, if any is linked or paid at.
    cost, best : float
        As claimed, and the least; what balances pay it is taken off both.
    money : float
        That moves at what it is said to do, or at its best answer where that is more.
    """

    primal: float
    dual: float | None
    cost: float
    best: float
    money: float

    @property
    def missed(self) -> float:
        """What it could still gain, in currency."""
        return max(0.0, self.cost - self.best)


def check_follower(
    game: Game, values: Mapping[str, FloatArray], agent: Agent, *, commitments_only: bool = False
) -> FollowerCheck:
    """Solve a follower at what it hears, as claimed and at its best.

    It is held to all that it is said to say, or to what others hear and pay for only.

    Raises
    ------
    NoAnswer
        When it has no best answer.
    """
    heard, asked = heard_values(game, values, agent.name), agent
    linked = heard_sizes(game, values, agent)
    if not game.leaders and moves_income(game, agent):
        # Nobody leads: what the others say stands, amounts that its own decision moves do not.
        asked, heard = moving_its_income(game, values, agent)
        linked = dict.fromkeys(linked, math.nan)
    claims = (commitments_of if commitments_only else claims_of)(game, values, agent)
    own = with_balance_payments(game, values, statement_of(asked, unit_at(game, values, agent)))
    with hearing(asked, heard):
        residual, cost = cost_of_claims(own, claims, sizes_of(game, values, agent, claims))
        claimed_money = moved(own.cost, linked)
        best = own.least()
        money = max(claimed_money, moved(own.cost, linked))
    return FollowerCheck(
        primal=residual,
        dual=dual_residual(game, agent, heard, values, best, money),
        cost=cost,
        best=best,
        money=money,
    )


def unit_at(game: Game, values: Mapping[str, FloatArray], agent: Agent) -> float:
    """Return a unit of money near what a unit of what the agent decides costs."""
    form = game.forms[agent.name]
    prices = [
        balance.length_h * greatest(values[balance.name])
        for balance in game.balances
        if any(term.agent == agent.name for term in balance.signed)
    ]
    heard = form.heard_vector(heard_values(game, values, agent.name))
    return cost_unit(form, heard, *prices)


def claims_of(game: Game, values: Mapping[str, FloatArray], agent: Agent) -> dict[str, FloatArray]:
    """What the agent is said to say, as far as a program can be held to it."""
    return {
        name: values[f"{agent.name}.{name}"]
        for name, said in agent.says.items()
        if f"{agent.name}.{name}" in values and said.is_affine()
    }


def commitments_of(
    game: Game, values: Mapping[str, FloatArray], agent: Agent
) -> dict[str, FloatArray]:
    """What the agent says that others hear or pay for."""
    used = {link.source for link in game.links}
    used |= {s for p in game.payments for s in (p.price, p.quantity) if isinstance(s, str)}
    used |= {term.source for balance in game.balances for term in balance.signed}
    claims = claims_of(game, values, agent)
    return {name: said for name, said in claims.items() if f"{agent.name}.{name}" in used}
