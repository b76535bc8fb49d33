"""Leaders with whole numbers, against the enumeration of all of them."""

from __future__ import annotations

from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

CAP, FEE = 9.0, 4.0


def _on_off_game(costs: tuple[int, ...], gains: tuple[int, ...], most: int) -> Game:
    """The leader opens the limits of followers, who make what is worth it to themselves."""
    n = len(costs)
    on, heard = cp.Variable(n, boolean=True, name="on"), cp.Parameter(n, name="made")
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(np.array(gains) @ heard - FEE * cp.sum(on)), [cp.sum(on) <= most]),
        {"made": heard},
        {"room": 2 * on},
    )
    room, x, spare = cp.Parameter(n), cp.Variable(n, bounds=[0, 2]), cp.Variable(bounds=[0, 3])
    # What is made is sold at 5 up to 3 in all; the rest is thrown away.
    follower = Agent(
        "makers",
        cp.Problem(cp.Minimize(np.array(costs) @ x - 5 * spare), [x <= room, spare <= cp.sum(x)]),
        {"room": room},
        {"made": x},
    )
    links = [Link("leader.room", "makers.room"), Link("makers.made", "leader.made")]
    return Game([leader, follower], "leader", links)


def _made(costs: tuple[int, ...], on: tuple[int, ...]) -> FloatArray:
    """The cheapest open makers below 5 make 3 in all; costs differ, so nothing is a tie."""
    made, left = np.zeros(len(costs)), 3.0
    for k in np.argsort(costs):
        if on[k] and costs[k] < 5:
            made[k] = min(2.0, left)
            left -= made[k]
    return made


COSTS = st.permutations([1, 2, 3, 4, 6]).map(lambda order: tuple(order[:4]))
GAINS = st.tuples(*[st.integers(-2, 9)] * 4)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(costs=COSTS, gains=GAINS, most=st.integers(1, 4))
def test_switches_of_limits_are_those_of_enumeration(
    costs: tuple[int, ...], gains: tuple[int, ...], most: int
) -> None:
    best = max(
        float(np.array(gains) @ _made(costs, on) - FEE * sum(on))
        for on in product((0, 1), repeat=4)
        if sum(on) <= most
    )
    game = _on_off_game(costs, gains, most)
    for route in ("branching", "milp"):
        assert build.searched(game, route) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize(
    "fee",
    [pytest.param(0.0, marks=pytest.mark.slow), 3.0, pytest.param(5.0, marks=pytest.mark.slow)],
)
def test_a_switch_that_lifts_the_cap_on_the_price(fee: float) -> None:
    """Up to 5 the site buys 4 MW; for a fee the cap is 9, at which it buys 2. All cost 3."""
    on, offer = cp.Variable(1, boolean=True), cp.Variable(1, bounds=[0, CAP])
    leader = build.disco({"on": on}, fee * cp.sum(on), offer=offer, rows=[offer <= 5 + 4 * on])
    found = build.by_both_routes(build.game(leader, build.site()))
    assert found.leader_objective == pytest.approx(min(4 * (3 - 5), 2 * (3 - CAP) + fee))
    assert found.values["disco.on"] == pytest.approx([float(fee < 4)], abs=1e-9)


def _whole_price_game(step: float, worth: float) -> Game:
    """The price is a whole number of steps; a site of 4 MW makes 2 of its own above 5."""
    count, income, sold = (
        cp.Variable(1, integer=True, bounds=[0, 40]),
        cp.Parameter(),
        cp.Parameter(1),
    )
    price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    own = cp.Variable(1, bounds=[0, 2])
    site = Agent(
        "site",
        cp.Problem(cp.Minimize(price @ bought + 5 * cp.sum(own)), [bought + own == 4]),
        {"price": price},
        {"bought": bought},
    )
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - worth * cp.sum(sold)), [step * count <= CAP]),
        {"income": income, "sold": sold},
        {"price": step * count},
    )
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.sold"),
        Link("bill", "disco.income"),
    ]
    payments = [Payment("bill", "site", "disco", "disco.price", "site.bought")]
    return Game([leader, site], "disco", links, payments)


@pytest.mark.parametrize(
    "step",
    [
        0.7,
        1.0,
        pytest.param(2.0, marks=pytest.mark.slow),
        pytest.param(4.0, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("worth", [pytest.param(0.0, marks=pytest.mark.slow), 4.0])
def test_prices_in_whole_steps(step: float, worth: float) -> None:
    prices = np.arange(0, CAP + 1e-9, step)
    best = max((p - worth) * (4 if p <= 5 else 2) for p in prices)
    found = build.by_both_routes(_whole_price_game(step, worth))
    assert found.leader_objective == pytest.approx(best)
    count = found.values["disco.price"] / step
    assert count == pytest.approx(np.round(count), abs=1e-9)


def test_whole_numbers_that_leave_no_answer_name_the_leader() -> None:
    """The site buys 2 or 4, never 3; with a whole number of 3s to be sold there is no decision."""
    game = _whole_price_game(1.0, 0.0)
    sold, income = cp.Parameter(1), cp.Parameter()
    thirds = cp.Variable(1, integer=True, bounds=[1, 9])
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income), [sold == 3 * thirds - 1.5]),
        {"income": income, "sold": sold},
        {"price": cp.Variable(1, bounds=[0, 4])},
    )
    other = Game([leader, game.agent("site")], "disco", game.links, game.payments)
    with pytest.raises(NoAnswer, match="leader 'disco' has no decision"):
        build.certified(other)
