"""Payments at locational prices: an aggregator withdraws at two buses of a network follower.

The network operator serves 2 MW at each bus from a generator of 8 MW at 10 at the first bus and
one of 8 MW at 30 at the second, over a line of 4 MW. What the aggregator withdraws stands in its
balances, and the dual of what it hears is the price there: 10 at both buses while the line has
room, 30 at the second one once it is full.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual

BASE, COSTS, SIZE, LINE, SUSCEPTANCE = np.array([2.0, 2.0]), np.array([10.0, 30.0]), 8.0, 4.0, 50.0
WITHDRAWN = "aggregator.withdrawal_mw"
PRICE = Dual("dno.withdrawal_mw")
# How each way of writing the network states who is on which side.
SIDES = ("heard left", "heard right", "inequality", "maximise", "halved")


def _dno(side: str = "heard left") -> Agent:
    """DC power flow over one line, in several ways that mean the same."""
    heard, angle = cp.Parameter(2, name="withdrawal"), cp.Variable(2, name="angle")
    power = cp.Variable(2, bounds=[0, SIZE], name="power")
    flow = SUSCEPTANCE * (angle[0] - angle[1])
    out = cp.hstack([flow, -flow])
    balance = {
        "heard left": heard + BASE + out == power,
        "heard right": power - BASE - out == heard,
        "inequality": power - out >= heard + BASE,
        "maximise": heard + BASE - power == -out,
        "halved": -0.5 * heard == 0.5 * (BASE + out - power),
    }[side]
    rows = [balance, flow <= LINE, -flow <= LINE, angle[0] == 0]
    goal = cp.Maximize(-COSTS @ power) if side == "maximise" else cp.Minimize(COSTS @ power)
    return Agent("dno", cp.Problem(goal, rows), {"withdrawal_mw": heard}, {"power_mw": power})


def _game(
    dno: Agent, need: float, worth: tuple[float, float] = (0.0, 0.0), hours: float = 1.0
) -> Game:
    """Withdraw some MW in all, at buses of different worth, and pay for each MW where it is."""
    taken, bill = cp.Variable(2, bounds=[0, 6], name="withdrawal"), cp.Parameter(name="bill")
    own = hours * np.array(worth) @ taken
    leader = Agent(
        "aggregator",
        cp.Problem(cp.Minimize(bill - own), [cp.sum(taken) == need]),
        {"bill": bill},
        {"withdrawal_mw": taken},
    )
    return Game(
        [leader, dno],
        leader="aggregator",
        links=[Link(WITHDRAWN, "dno.withdrawal_mw"), Link("bill", "aggregator.bill")],
        payments=[Payment("bill", "aggregator", "dno", PRICE, WITHDRAWN, hours)],
    )


def _least_bill(taken: FloatArray) -> tuple[float, float]:
    """Cost of the dispatch, and the least bill at optimal prices, by scipy.

    Prices λ of the buses with rents of both generators and of both ways of the line are optimal
    where they are worth as much as the dispatch costs.
    """
    balance, load = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]]), BASE + taken
    served = linprog(
        [*COSTS, 0.0], A_eq=balance, b_eq=load, bounds=[(0, SIZE), (0, SIZE), (-LINE, LINE)]
    )
    assert served.status == 0, served.message
    rents = np.array([-SIZE, -SIZE, -LINE, -LINE])
    billed = linprog(
        [*taken, 0.0, 0.0, 0.0, 0.0],
        A_ub=np.vstack([np.hstack([np.eye(2), -np.eye(2), np.zeros((2, 2))]), [*-load, *-rents]]),
        b_ub=[*COSTS, 1e-9 - served.fun],
        A_eq=[[-1.0, 1.0, 0.0, 0.0, -1.0, 1.0]],
        b_eq=[0.0],
        bounds=[(None, None)] * 2 + [(0, None)] * 4,
    )
    assert billed.status == 0, billed.message
    return float(served.fun), float(billed.fun)


def _best_of_grid(need: float, worth: tuple[float, float], hours: float = 1.0) -> float:
    """The least cost of the aggregator; prices change only where halves are withdrawn."""
    costs = []
    for second in np.arange(0.0, 6.5, 0.5):
        taken = np.array([need - second, second])
        if 0 <= taken.min() <= taken.max() <= 6.0:
            costs.append(hours * (_least_bill(taken)[1] - np.array(worth) @ taken))
    return float(min(costs))


@pytest.mark.parametrize("side", SIDES)
def test_the_price_of_what_is_withdrawn_is_positive_on_whichever_side_it_stands(side: str) -> None:
    """3 MW at the second bus, 1 at the first: the line is full, so prices are 10 and 30."""
    taken, bill = cp.Variable(2, bounds=[[1.0, 3.0], [1.0, 3.0]]), cp.Parameter()
    leader = Agent(
        "aggregator", cp.Problem(cp.Minimize(bill)), {"bill": bill}, {"withdrawal_mw": taken}
    )
    game = _game(_dno(side), need=4.0)
    fixed = Game([leader, game.agent("dno")], "aggregator", game.links, game.payments)
    found = build.by_both_routes(fixed, milp_may_refuse=True)
    assert found.values[PRICE] == pytest.approx([10.0, 30.0])
    assert found.payments["bill"] == pytest.approx(10.0 + 90.0)
    assert found.leader_objective == pytest.approx(100.0)


@pytest.mark.parametrize(
    "need",
    [
        pytest.param(1.0, marks=pytest.mark.slow),
        3.5,
        6.0,
        pytest.param(8.0, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "worth",
    [(0.0, 12.0), *(pytest.param(w, marks=pytest.mark.slow) for w in ((0.0, 0.0), (0.0, 40.0)))],
)
def test_the_bill_at_nodal_prices_is_that_of_a_grid(
    need: float, worth: tuple[float, float]
) -> None:
    found = build.by_both_routes(_game(_dno(), need, worth), milp_may_refuse=True)
    assert found.leader_objective == pytest.approx(_best_of_grid(need, worth), abs=1e-5)
    owed = float(np.sum(found.values[PRICE] * found.values[WITHDRAWN]))
    assert found.payments["bill"] == pytest.approx(owed)


def test_each_price_is_an_optimal_dual_of_the_dispatch() -> None:
    """Cost grows by at least the price to every side: prices are subgradients."""
    found = build.certified(_game(_dno(), 6.0, (0.0, 12.0)))
    taken, price = found.values[WITHDRAWN], found.values[PRICE]
    here, _ = _least_bill(taken)
    for step in np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [1.0, -1.0]]) * 0.1:
        assert _least_bill(taken + step)[0] >= here + price @ step - 1e-6


@pytest.mark.parametrize("hours", [0.5, 2.0])
def test_hours_scale_the_bill_and_not_the_price(hours: float) -> None:
    found = build.certified(_game(_dno(), 6.0, (0.0, 40.0), hours))
    assert found.leader_objective == pytest.approx(_best_of_grid(6.0, (0.0, 40.0), hours))
    owed = hours * float(np.sum(found.values[PRICE] * found.values[WITHDRAWN]))
    assert found.payments["bill"] == pytest.approx(owed)


@pytest.mark.parametrize(("cap", "cost"), [(np.inf, -60.0), (20.0, -50.0), (10.0, -50.0)])
def test_a_leader_may_hear_a_price_and_keep_it_below_a_cap(cap: float, cost: float) -> None:
    """A MW at the second bus is worth 45: 4 at 30, or under a cap the 2 that come by line at 10."""
    game = _game(_dno(), need=4.0)
    taken, bill, price = cp.Variable(2, bounds=[0, 6]), cp.Parameter(), cp.Parameter(2)
    rows = [cp.sum(taken) == 4, *([price <= cap] if np.isfinite(cap) else [])]
    leader = Agent(
        "aggregator",
        cp.Problem(cp.Minimize(bill - 45 * taken[1]), rows),
        {"bill": bill, "price": price},
        {"withdrawal_mw": taken},
    )
    links = [*game.links, Link(PRICE, "aggregator.price")]
    capped = Game([leader, game.agent("dno")], "aggregator", links, game.payments)
    found = build.certified(capped)
    assert (found.values[PRICE] <= cap + 1e-6).all()
    assert found.leader_objective == pytest.approx(cost)


def test_a_multiplier_without_end_is_not_cut_off_at_a_vertex_of_the_dual() -> None:
    """At a cap of 4 nothing is left to choose: every price from 1 up is right, paid up to 100."""
    cap, x = cp.Parameter(1, name="cap"), cp.Variable(1, bounds=[4, 10])
    follower = Agent("f", cp.Problem(cp.Minimize(-cp.sum(x)), [x <= cap]), {"cap": cap}, {"x": x})
    said, spent = cp.Variable(1, bounds=[4, 6]), cp.Parameter(name="spent")
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(-spent), [-spent <= 100]),
        {"spent": spent},
        {"cap": said},
    )
    game = Game(
        [leader, follower],
        leader="leader",
        links=[Link("leader.cap", "f.cap"), Link("pay", "leader.spent")],
        payments=[Payment("pay", "leader", "f", Dual("f.cap"), "leader.cap")],
    )
    found = build.by_both_routes(game, milp_may_refuse=True)
    assert found.leader_objective == pytest.approx(100.0)
