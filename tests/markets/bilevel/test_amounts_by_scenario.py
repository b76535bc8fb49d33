"""An amount for each scenario: the leader hears a vector and states what it makes of it."""

from __future__ import annotations

from itertools import product
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame, WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual

# Own units of 2 MW at these costs, by scenario and hour; the load is 3 MW and the cap 9.
COSTS = np.array([[4.0, 7.0], [6.0, 3.0], [5.0, 8.0]])
CAP, LOAD, UNIT, HOURS = 9.0, 3.0, 2.0, 0.5
WHOLESALE = np.array([[2.0, 5.0], [4.0, 1.0], [3.0, 6.0]])
SHARES = np.array([0.5, 0.3, 0.2])


def _site() -> Agent:
    """Scenarios do not touch each other: each hour is bought, or made by the unit."""
    price, shape = cp.Parameter(COSTS.shape, name="price"), COSTS.shape
    bought = cp.Variable(shape, bounds=[0, 9], name="bought")
    own = cp.Variable(shape, bounds=[0, UNIT], name="own")
    cost = HOURS * (cp.sum(cp.multiply(price, bought)) + cp.sum(cp.multiply(COSTS, own)))
    problem = cp.Problem(cp.Minimize(cost), [bought + own == LOAD])
    return Agent("site", problem, {"price": price}, {"bought": bought})


def _losses(income: cp.Parameter, sold: cp.Parameter) -> cp.Expression:
    """The leader's loss in each scenario."""
    bought = HOURS * cp.sum(cp.multiply(WHOLESALE, sold), axis=1)
    return bought - income


def _game(objective: str, *, shape: tuple[int, ...] = (3,), one_price: bool = False) -> Game:
    """A leader that sees its worst or its expected scenario, with one price for all or each."""
    income = cp.Parameter(shape, name="income")
    sold = cp.Parameter(COSTS.shape, name="sold")
    free = cp.Variable((1, 2) if one_price else COSTS.shape, bounds=[0, CAP], name="offer")
    offer = np.ones((3, 1)) @ free if one_price else free
    goal: dict[str, Any] = {
        "worst": lambda: cp.Minimize(cp.max(_losses(income, sold))),
        "expected": lambda: cp.Minimize(SHARES @ _losses(income, sold)),
        "gain": lambda: cp.Maximize(cp.min(-_losses(income, sold))),
        "sum": lambda: cp.Minimize(HOURS * cp.sum(cp.multiply(WHOLESALE, sold)) - cp.sum(income)),
    }
    leader = Agent(
        "disco",
        cp.Problem(goal[objective]()),
        {"income": income, "sold": sold},
        {"price": offer},
    )
    return Game(
        [leader, _site()],
        leader="disco",
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought", HOURS)],
    )


def _bought(price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and most that is bought at a price; they differ where the unit costs as much."""
    least = np.where(price >= COSTS, LOAD - UNIT, LOAD)
    return least, np.where(price <= COSTS, LOAD, LOAD - UNIT)


def _enumerated(weigh: Any, *, one_price: bool) -> float:
    """The least of a leader's cost over all prices at which answers change, ties included."""
    best = np.inf
    rows = [sorted({*COSTS[:, t], CAP}) for t in range(2)]
    if one_price:
        for pair in product(*rows):
            price = np.tile(np.array(pair), (3, 1))
            best = min(best, _best_tie(weigh, price))
        return best
    # With a price for each scenario the scenarios do not compete: each takes its best.
    losses = [
        min(_loss(s, np.array(pair), more) for pair in product(*rows) for more in (0, 1))
        for s in range(3)
    ]
    return float(weigh(np.array(losses)))


def _loss(s: int, price: FloatArray, tie: int) -> float:
    bought = _bought(np.tile(price, (3, 1)))[tie][s]
    return float(HOURS * (WHOLESALE[s] - price) @ bought)


def _best_tie(weigh: Any, price: FloatArray) -> float:
    margin = HOURS * (WHOLESALE - price)
    least = np.minimum(*(margin * bought for bought in _bought(price))).sum(axis=1)
    return float(weigh(least))


WEIGH: dict[str, Any] = {
    "worst": lambda losses: losses.max(),
    "expected": lambda losses: SHARES @ losses,
    "gain": lambda losses: losses.max(),
}


@pytest.mark.parametrize("objective", ["worst", "expected", "gain"])
@pytest.mark.parametrize("one_price", [False, True])
def test_what_a_leader_makes_of_its_scenarios(objective: str, one_price: bool) -> None:
    best = _enumerated(WEIGH[objective], one_price=one_price)
    sign = -1.0 if objective == "gain" else 1.0
    for route in ("branching", "milp"):
        game = _game(objective, one_price=one_price)
        assert build.searched(game, route) == pytest.approx(sign * best)


def test_the_payment_is_the_total_of_its_scenarios() -> None:
    found = build.certified(_game("expected", one_price=True))
    owed = HOURS * found.values["disco.price"] * found.values["site.bought"]
    assert found.payments["bill"] == pytest.approx(owed.sum())
    losses = HOURS * (WHOLESALE * found.values["site.bought"]).sum(axis=1) - owed.sum(axis=1)
    assert found.leader_objective == pytest.approx(SHARES @ losses)


@pytest.mark.parametrize("shape", [pytest.param((3,), marks=pytest.mark.slow), (3, 2)])
def test_amounts_that_are_only_added_up_are_that_of_one_amount(shape: tuple[int, ...]) -> None:
    whole = build.searched(_game("sum", shape=()))
    assert build.searched(_game("sum", shape=shape)) == pytest.approx(whole)
    assert build.searched(_game("sum", shape=shape), "milp") == pytest.approx(whole)


@pytest.mark.parametrize("shape", [(2,), (2, 3), (3, 2, 1)])
def test_amounts_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """A quantity of three scenarios and two hours is heard as (), (3,) or (3, 2)."""
    with pytest.raises(UnusableGame, match=r"payment 'bill' to 'disco\.income'.* cannot be heard"):
        _game("sum", shape=shape)


def test_scenarios_that_one_limit_ties_together_have_only_a_total() -> None:
    """An energy budget over all scenarios joins their bills: only equal weights are linear."""
    tied = _site()
    assert tied.problem is not None
    own = next(v for v in tied.problem.variables() if v.name() == "own")
    problem = cp.Problem(tied.problem.objective, [*tied.problem.constraints, cp.sum(own) <= 7])
    site = Agent("site", problem, tied.hears, tied.says)
    plain = _game("worst")
    with pytest.raises(WrongMethod, match=r"payments 'bill' of one follower.*only their sum"):
        build.searched(Game([plain.agent("disco"), site], "disco", plain.links, plain.payments))
    total = _game("sum")
    other = Agent("site", problem, tied.hears, tied.says)
    game = Game([total.agent("disco"), other], "disco", total.links, total.payments)
    assert build.searched(game) == pytest.approx(build.searched(game, "milp"))


def test_an_amount_by_scenario_at_a_dual() -> None:
    """Withdraw x in two scenarios, of which one is dear from 1 MW on: the worst bill is least."""
    heard, out = cp.Parameter((2, 1)), cp.Variable((2, 2), bounds=[0, 3])
    steps = np.array([[10.0, 10.0], [10.0, 30.0]])
    first = np.array([[3.0], [1.0]])
    rows = [out[:, :1] + out[:, 1:] == heard, out[:, :1] <= first]
    dno = Agent(
        "dno", cp.Problem(cp.Minimize(cp.sum(cp.multiply(steps, out))), rows), {"mw": heard}
    )
    taken, bills = cp.Variable((2, 1), bounds=[0, 3]), cp.Parameter(2)
    worth = 22.0 * cp.sum(taken)
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(worth - 2 * cp.max(bills))),
        {"bills": bills},
        {"mw": taken},
    )
    links = [Link("leader.mw", "dno.mw"), Link("bill", "leader.bills")]
    payments = [Payment("bill", "leader", "dno", Dual("dno.mw"), "leader.mw")]
    found = build.certified(Game([leader, dno], "leader", links, payments))
    # Both at 1 MW: 44 - 20; a MW more in the first scenario alone makes its bill 20: 66 - 40.
    # At 3 MW there and a second one at 1: bills 30 and 10: 88 - 60; second at 1 + y: 30 (1 + y).
    candidates = [
        22 * (x + y) - 2 * max(10 * x, (10 if y <= 1 else 30) * y)
        for x in np.linspace(0, 3, 61)
        for y in np.linspace(0, 3, 61)
    ]
    assert found.leader_objective == pytest.approx(max(candidates))
