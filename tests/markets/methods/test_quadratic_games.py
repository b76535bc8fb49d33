"""Followers and leaders with convex quadratic costs, against closed forms and fine grids."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def _price_game(follower: Agent, cost: float, cap: float) -> Game:
    """Sell what a follower says it buys, at one price, from a source at a constant cost."""
    steps = follower.shape_of("bought")
    offer = cp.Variable(steps, bounds=[0, cap])
    sold, income = cp.Parameter(steps), cp.Parameter()
    profit = income - cost * cp.sum(sold)
    leader = Agent(
        "disco", cp.Problem(cp.Maximize(profit)), {"sold": sold, "income": income}, {"price": offer}
    )
    return Game(
        [leader, follower],
        "disco",
        [
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
        [Payment("bill", "site", "disco", "disco.price", "site.bought")],
    )


def _buyer(worth: FloatArray, curve: FloatArray, most: float) -> Agent:
    """Gain worth'x - ½ x'Mx from x, and pay for it."""
    n = len(worth)
    price, bought = cp.Parameter(n, name="price"), cp.Variable(n, bounds=[0, most], name="bought")
    loss = cp.quad_form(bought, cp.psd_wrap(curve)) / 2 - worth @ bought
    problem = cp.Problem(cp.Minimize(price @ bought + loss))
    return Agent("site", problem, {"price": price}, {"bought": bought})


@pytest.mark.parametrize(
    ("worth", "cost", "most", "cap"),
    [(8.0, 2.0, 9.0, 20.0), (8.0, 2.0, 2.0, 20.0), (8.0, 2.0, 9.0, 4.0), (3.0, 5.0, 9.0, 20.0)],
)
def test_a_monopoly_price(worth: float, cost: float, most: float, cap: float) -> None:
    """Demand a - p: the best price is (a + c) / 2 unless demand, or the price, is at an end."""
    buyer = _buyer(np.array([worth]), np.eye(1), most)
    found = build.by_both_routes(_price_game(buyer, cost, cap))
    ends = [(worth + cost) / 2, max(worth - most, 0.0), worth]
    prices = [min(max(p, 0.0), cap) for p in ends] + [cap]
    profit = [(p - cost) * min(max(worth - p, 0.0), most) for p in prices]
    assert found.leader_objective == pytest.approx(max(profit), abs=1e-6)
    bought = float(found.values["site.bought"][0])
    price = float(found.values["disco.price"][0])
    assert bought == pytest.approx(min(max(worth - price, 0.0), most), abs=1e-5)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_cross_terms_against_the_closed_form(seed: int) -> None:
    """Within the box, p = a - Mx and the leader gains (a - c)'x - x'Mx: x = M⁻¹ (a - c) / 2."""
    rng = np.random.default_rng(seed)
    root = rng.uniform(-1, 1, (2, 2))
    curve, cost, bought = root.T @ root + 0.5 * np.eye(2), 1.0, rng.uniform(0.5, 2.0, 2)
    worth = cost + 2 * curve @ bought
    assume((worth - curve @ bought).min() > 0)  # else the best price would be negative
    wanted = float((worth - cost) @ bought - bought @ curve @ bought)
    for route in ("branching", "milp"):
        game = _price_game(_buyer(worth, curve, 5.0), cost, float(worth.max()) + 1.0)
        assert build.searched(game, route, gap=1e-5) == pytest.approx(wanted, rel=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_cross_terms_at_the_ends_of_the_box_against_a_grid(seed: int) -> None:
    """Any x in the box is bought at a - Mx; at an upper end that is the highest such price."""
    worth = np.random.default_rng(seed).uniform(4, 9, 2)
    curve = np.array([[2.0, 1.2], [1.2, 1.5]])
    x = np.stack(np.meshgrid(*[np.linspace(0, 1.5, 301)] * 2)).reshape(2, -1)
    price = worth[:, None] - curve @ x
    profit = np.where((price >= 0).all(axis=0), ((price - 1.0) * x).sum(axis=0), -np.inf)
    game = _price_game(_buyer(worth, curve, 1.5), 1.0, 20.0)
    for route in ("branching", "milp"):
        found = build.searched(game, route, gap=1e-5)
        assert found == pytest.approx(profit.max(), abs=1e-3)


@pytest.mark.slow
def test_a_singular_square_leaves_the_choice_to_the_price() -> None:
    """(x + y)² / 2 - 6 (x + y): all is bought where it is cheaper, and ties are the leader's.

    At one price of 6 - s for both, s = x + y is bought and nobody minds where from; y costs 3.
    """
    price, bought = cp.Parameter(2), cp.Variable(2, bounds=[0, 4])
    loss = cp.sum_squares(cp.sum(bought)) / 2 - 6 * cp.sum(bought)
    site = Agent(
        "site", cp.Problem(cp.Minimize(price @ bought + loss)), {"p": price}, {"bought": bought}
    )
    offer, income = cp.Variable(2, bounds=[0, 6]), cp.Parameter()
    sold = cp.Parameter(2)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - sold[0] - 3 * sold[1])),
        {"sold": sold, "income": income},
        {"price": offer},
    )
    links = [
        Link("disco.price", "site.p"),
        Link("site.bought", "disco.sold"),
        Link("bill", "disco.income"),
    ]
    payments = [Payment("bill", "site", "disco", "disco.price", "site.bought")]
    found = build.by_both_routes(Game([leader, site], "disco", links, payments), gap=1e-6)
    # (6 - s - 1) s is greatest at s = 2.5, all of it from the first.
    assert found.leader_objective == pytest.approx(6.25, abs=1e-5)
    assert found.values["site.bought"] == pytest.approx([2.5, 0.0], abs=1e-2)


def _coupled(weight: float) -> Game:
    """A site at 5 above its load and a leader that pays for the square of what is sold in all."""
    sites, links, payments = [], [], []
    offer, income = cp.Variable(1, bounds=[0, 9]), cp.Parameter()
    sold = [cp.Parameter(1), cp.Parameter(1)]
    for k, cost in enumerate((4.0, 6.0)):
        price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
        own = cp.Variable(1, bounds=[0, 2])
        problem = cp.Problem(cp.Minimize(price @ bought + cost * cp.sum(own)), [bought + own == 3])
        sites.append(Agent(f"s{k}", problem, {"p": price}, {"bought": bought}))
        links += [Link("disco.price", f"s{k}.p"), Link(f"s{k}.bought", f"disco.sold{k}")]
        links.append(Link(f"bill{k}", "disco.income"))
        payments.append(Payment(f"bill{k}", f"s{k}", "disco", "disco.price", f"s{k}.bought"))
    total = cp.Variable(1)
    problem = cp.Problem(
        cp.Minimize(weight * cp.sum_squares(total - 1) - income),
        [total == sold[0] + sold[1], total >= 2.5],
    )
    hears = {"sold0": sold[0], "sold1": sold[1], "income": income}
    leader = Agent("disco", problem, hears, {"price": offer})
    return Game([leader, *sites], "disco", links, payments)


@pytest.mark.parametrize(
    "weight", [0.4, *(pytest.param(weight, marks=pytest.mark.slow) for weight in (0.1, 1.0, 3.0))]
)
def test_a_leader_with_a_square_and_a_coupling_limit(weight: float) -> None:
    """Own units of 2 MW stand still or not at each price; at 4 and 6 anything between is a tie."""
    found = build.by_both_routes(_coupled(weight))
    costs = []
    for price in (4.0, 6.0, 9.0):
        ranges = [
            np.linspace(1.0, 3.0, 401) if price == c else np.array([3.0 if price < c else 1.0])
            for c in (4.0, 6.0)
        ]
        total = (ranges[0][:, None] + ranges[1][None, :]).ravel()
        total = total[total >= 2.5 - 1e-9]
        costs += (weight * (total - 1) ** 2 - price * total).tolist()
    assert found.leader_objective == pytest.approx(min(costs), abs=1e-4)


@pytest.mark.slow
def test_a_quadratic_leader_alone_is_its_own_optimum() -> None:
    """min |Fx - g|² + x_0 over a box and a budget, as cvxpy has it."""
    rng = np.random.default_rng(4)
    factor, goal = rng.normal(size=(4, 3)), rng.normal(size=4)
    x = cp.Variable(3, bounds=[-1, 1])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(factor @ x - goal) + x[0]), [cp.sum(x) <= 0.2])
    wanted = problem.solve(solver=cp.CLARABEL)
    found = build.by_both_routes(Game([Agent("a", problem, says={"x": x})], "a"), gap=1e-6)
    assert found.leader_objective == pytest.approx(wanted, abs=1e-5)


def test_a_quadratic_follower_that_only_hears_limits() -> None:
    """min (x - 5)² with x <= cap: the answer is the cap, which costs the leader 1 each way."""
    cap, x = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    follower = Agent(
        "f", cp.Problem(cp.Minimize(cp.sum_squares(x - 5)), [x <= cap]), {"cap": cap}, {"x": x}
    )
    said, heard, off = cp.Variable(1, bounds=[1, 8]), cp.Parameter(1), cp.Variable(1)
    leader = Agent(
        "leader",
        cp.Problem(cp.Minimize(cp.sum_squares(off) + 2 * cp.sum(heard)), [off == heard - 4]),
        {"x": heard},
        {"cap": said},
    )
    links = [Link("leader.cap", "f.cap"), Link("f.x", "leader.x")]
    found = build.by_both_routes(Game([leader, follower], "leader", links), gap=1e-6)
    assert found.leader_objective == pytest.approx(1.0 + 6.0, abs=1e-5)
    assert found.values["f.x"] == pytest.approx([3.0], abs=1e-2)
