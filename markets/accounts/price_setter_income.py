"""Price setters' income where nobody leads: the amount that an agent's own decision moves.

A leader foresees how its price and the answers to it make its income. Where nobody leads, the
others' words are fixed while an agent decides, its own are not: the amount is its own price or
quantity, a decision, times what it hears of the other side.
"""

from collections.abc import Mapping

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, speaker, split


def own_payments(game: Declaration, name: str) -> list[tuple[str, Payment]]:
    """Return the amounts that an agent hears and moves itself, each with where it is heard."""
    collected = [(link.heard, game.payment(link.source)) for link in game.links_into(name)]
    return [
        (heard, payment)
        for heard, payment in collected
        if payment is not None and any(_says(name, source) for source in _factors(payment))
    ]


def with_own_income(game: Declaration, agent: Agent) -> Agent:
    """Return an agent whose problem states the amounts that its own decision moves.

    It hears the other factor of each, price or quantity, beside what it heard before.

    Raises
    ------
    UnusableGame
        When it decides both price and quantity.
    """
    moved = own_payments(game, agent.name)
    if not moved or agent.problem is None:
        return agent
    factors = {
        _factor_name(payment): cp.Parameter(game.shape_of(payment.quantity))
        for _, payment in moved
        if _others_factor(payment, agent.name) is not None
    }
    swap: dict[int, cp.Expression] = {}
    for heard, payment in moved:
        told = agent.hears[heard]
        amount = _amount(payment, agent, factors.get(_factor_name(payment)), tuple(told.shape))
        swap[id(told)] = swap.get(id(told), told) + amount
    goal = agent.problem.objective
    problem = cp.Problem(
        type(goal)(goal.args[0].tree_copy(swap)),
        [constraint.tree_copy(swap) for constraint in agent.problem.constraints],
    )
    return Agent(agent.name, problem, {**agent.hears, **factors}, agent.says)


def heard_without_own_income(
    game: Declaration, values: Mapping[str, FloatArray], name: str
) -> dict[str, FloatArray]:
    """Return what ``with_own_income`` hears: no amounts of its own, but what they are made of.

    Parameters
    ----------
    game : Declaration
    values : Mapping of str to array
        What the others say, by path.
    name : str
        Of the agent.
    """
    moved = own_payments(game, name)
    own = {source for _, payment in moved for source in _factors(payment) if _says(name, source)}
    silent = {source: np.zeros(game.shape_of(source)) for source in own}
    heard = heard_values(game, {**values, **silent}, name)
    for _, payment in moved:
        factor = _others_factor(payment, name)
        if factor is not None:
            heard[_factor_name(payment)] = np.asarray(values[factor], dtype=float)
    return heard


def _factor_name(payment: Payment) -> str:
    return f"the other side of {payment.name}"


def _factors(payment: Payment) -> list[str]:
    return [s for s in (payment.price, payment.quantity) if isinstance(s, str)]


def _says(name: str, source: str) -> bool:
    return speaker(source) == name and not isinstance(source, Dual)


def _others_factor(payment: Payment, name: str) -> str | None:
    """Return the source of price or quantity that another party says, if one does."""
    return next((source for source in _factors(payment) if not _says(name, source)), None)


def _amount(
    payment: Payment, agent: Agent, factor: cp.Parameter | None, shape: tuple[int, ...]
) -> cp.Expression:
    """Return price × quantity × hours, summed over the last axes that the hearer lacks."""
    ends: list[cp.Expression | float] = [
        agent.says[split(source)[1]] for source in _factors(payment) if _says(agent.name, source)
    ]
    if not isinstance(payment.price, str):
        ends.append(float(payment.price))
    if factor is not None:
        ends.append(factor)
    owed = payment.length_h * cp.multiply(ends[0], ends[1])
    lacking = tuple(range(len(shape), owed.ndim))
    return cp.sum(owed, axis=lacking) if shape and lacking else owed if shape else cp.sum(owed)
