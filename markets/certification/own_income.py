"""Price setters' income stated again for the certificate, as a variable with a row of its own.

Where nobody leads, what the others say stands while an agent decides; an amount that its own price
or quantity makes does not. So it is a variable here, tied by a row of its own to price × quantity,
with what the others say as numbers. Players state the same by putting the product in; neither uses
the other's code.
"""

from collections.abc import Mapping

import cvxpy as cp

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import amount_heard, heard_values
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, split


def moves_income(game: Game, agent: Agent) -> bool:
    """Whether an agent hears an amount of which it says the price or the quantity."""
    return any(_own_payments(game, agent).values())


def moving_its_income(
    game: Game, values: Mapping[str, FloatArray], agent: Agent
) -> tuple[Agent, dict[str, FloatArray]]:
    """Return the agent with its amounts as variables, and what it still hears.

    Parameters
    ----------
    game : Game
        Without a leader.
    values : Mapping of str to array
        Everything said, by path.
    agent : Agent
    """
    heard, own = heard_values(game, values, agent.name), _own_payments(game, agent)
    amounts = {name: cp.Variable(agent.hears[name].shape) for name, paid in own.items() if paid}
    put = {id(agent.hears[name]): amount for name, amount in amounts.items()}
    assert agent.problem is not None
    rows = [constraint.tree_copy(put) for constraint in agent.problem.constraints]
    for name, amount in amounts.items():
        rest = heard[name] - sum(amount_heard(p, values, amount.shape) for p in own[name])
        made = sum(_stated(values, agent, p, amount.shape) for p in own[name])
        rows.append(amount == rest + made)
    goal = agent.problem.objective
    problem = cp.Problem(type(goal)(goal.args[0].tree_copy(put)), rows)
    hears = {name: told for name, told in agent.hears.items() if name not in amounts}
    said = {name: says.tree_copy(put) for name, says in agent.says.items()}
    left = {name: heard[name] for name in hears}
    return Agent(agent.name, problem, hears, said), left


def _own_payments(game: Game, agent: Agent) -> dict[str, list[Payment]]:
    """The payments in each amount heard of which the agent says a factor."""
    return {
        name: [
            payment
            for link in game.links_into(agent.name, name)
            for payment in game.payments
            if payment.name == link.source and any(_own_factors(payment, agent))
        ]
        for name in agent.hears
    }


def _own_factors(payment: Payment, agent: Agent) -> list[bool]:
    """Whether the agent says the price, and whether it says the quantity."""
    own = {f"{agent.name}.{name}" for name in agent.says}
    return [not isinstance(s, Dual) and s in own for s in (payment.price, payment.quantity)]


def _stated(
    values: Mapping[str, FloatArray], agent: Agent, payment: Payment, shape: tuple[int, ...]
) -> cp.Expression:
    """Return price × quantity × hours with the agent's own factor as a decision."""
    factors = [
        agent.says[split(str(source))[1]]
        if mine
        else (values[source] if isinstance(source, str) else source)
        for source, mine in zip(
            (payment.price, payment.quantity), _own_factors(payment, agent), strict=True
        )
    ]
    owed = payment.length_h * cp.multiply(*factors)
    lacking = tuple(range(len(shape), owed.ndim))
    return cp.sum(owed, axis=lacking) if shape and lacking else owed if shape else cp.sum(owed)
