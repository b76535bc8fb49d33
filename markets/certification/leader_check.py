"""Leader check: all that a leader decides, what nobody hears of it included.

Others hear only a part of what a leader says. With that part as it stands, the rest has to be
feasible, and as good for the leader as any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.certification.best_response_check import claims_of, commitments_of, unit_at
from equigrid.markets.certification.certificate_checks import OPTIMAL
from equigrid.markets.certification.money_moved import MoneyScale, heard_sizes, moved
from equigrid.markets.certification.quantity_scales import sizes_of
from equigrid.markets.certification.standalone import (
    ROOM,
    Statement,
    cost_near,
    distance_of_claims,
    hearing,
    statement_of,
)
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent


@dataclass(frozen=True)
class LeaderCheck:
    """What is found of a leader's point.

    Attributes
    ----------
    residual : float
        How far all that it says is from what it can do.
    cost : float
        Its objective as a cost: with all that it says where that is worse than with what others
        hear of it, and else with that, which no last digits of the rest move.
    regret : float
        By what share of the money that it moves other decisions that nobody hears would be better.
    money : float
        That it moves.
    """

    residual: float
    cost: float
    regret: float
    money: float


def check_leader(
    game: Game, values: Mapping[str, FloatArray], leader: Agent, scale: MoneyScale
) -> LeaderCheck:
    """Work out a leader's objective at all that it says, and at what others hear of it.

    Raises
    ------
    NoAnswer
        When it has no feasible decision at what it hears.
    """
    own, every = (
        statement_of(leader, unit_at(game, values, leader)),
        claims_of(game, values, leader),
    )
    used, sizes = commitments_of(game, values, leader), sizes_of(game, values, leader, every)
    linked = heard_sizes(game, values, leader)
    with hearing(leader, heard_values(game, values, leader.name)):
        residual = distance_of_claims(own, every, sizes)
        whole, money = _present(own, linked)
        near = residual if residual <= ROOM else distance_of_claims(own, used, sizes)
        announced = cost_near(own, used, sizes, near)
        money = max(money, moved(own.cost, linked))
        if whole is None or scale.share(whole - announced, money) > OPTIMAL:
            # A point that has all that is said need not be the cheapest of them.
            whole = cost_near(own, every, sizes, residual)
    regret = scale.share(max(0.0, whole - announced), money)
    cost = whole if regret > OPTIMAL else announced
    return LeaderCheck(max(near, residual), cost, regret, money)


def _present(own: Statement, linked: Mapping[int, float]) -> tuple[float | None, float]:
    """Return cost and money at present values; no cost where a Variable of it has none."""
    if any(variable.value is None for variable in own.cost.variables()):
        return None, 0.0
    return float(own.cost.value), moved(own.cost, linked)
