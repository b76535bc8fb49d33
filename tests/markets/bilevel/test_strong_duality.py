"""Money at prices that are decisions: what strong duality makes linear, against enumeration."""

from __future__ import annotations

from collections.abc import Sequence

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

HOURS = st.sampled_from([0.25, 1.0, 2.0])


def _prosumer(cost: FloatArray, hours: float, *, split: bool) -> Agent:
    """Cover 3 MW from 2 + 2 MW of its own at rising cost; buy and sell at one price, or apart."""
    price, bought, sold = cp.Parameter(1), *(cp.Variable(1, bounds=[0, 6]) for _ in range(2))
    own = cp.Variable(2, bounds=[0, 2])
    net = bought - sold
    problem = cp.Problem(
        cp.Minimize(hours * (price @ net + cost @ own + 0.01 * cp.sum(bought + sold))),
        [net + cp.sum(own) == 3],
    )
    says = {"bought": bought, "sold": sold} if split else {"net": net}
    return Agent("site", problem, {"price": price}, says)


def _one_price_game(cost: FloatArray, wholesale: float, hours: float, *, split: bool) -> Game:
    offer, income = cp.Variable(1, bounds=[0, 10]), cp.Parameter()
    net = cp.Parameter(1)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - hours * wholesale * cp.sum(net))),
        {"net": net, "income": income},
        {"price": offer},
    )
    site = _prosumer(cost, hours, split=split)
    if not split:
        links = [Link("site.net", "disco.net"), Link("bill", "disco.income")]
        payments = [Payment("bill", "site", "disco", "disco.price", "site.net", hours)]
        return Game([leader, site], "disco", [*links, Link("disco.price", "site.price")], payments)
    minus, less = cp.Parameter(1), cp.Parameter()
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - less - hours * wholesale * cp.sum(net - minus))),
        {"net": net, "minus": minus, "income": income, "less": less},
        {"price": offer},
    )
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.net"),
        Link("site.sold", "disco.minus"),
        Link("bill", "disco.income"),
        Link("credit", "disco.less"),
    ]
    payments = [
        Payment("bill", "site", "disco", "disco.price", "site.bought", hours),
        Payment("credit", "disco", "site", "disco.price", "site.sold", hours),
    ]
    return Game([leader, site], "disco", links, payments)


def _best_by_prices(cost: Sequence[float] | FloatArray, wholesale: float, hours: float) -> float:
    """The leader's best profit over all prices at which the site's answer changes."""
    kinks = {0.0, 10.0} | {float(c + d) for c in cost for d in (-0.01, 0.01)}
    return max(_profit(p, cost, wholesale, hours) for p in kinks if 0 <= p <= 10)


def _profit(
    price: float, cost: Sequence[float] | FloatArray, wholesale: float, hours: float
) -> float:
    """Profit at a price, ties in the leader's favour; columns: bought, sold, own, own."""
    own = np.array([price + 0.01, 0.01 - price, *cost])
    gain = np.array([price - wholesale, wholesale - price, 0.0, 0.0])
    balance, bounds = [[1.0, -1.0, 1.0, 1.0]], [(0, 6), (0, 6), (0, 2), (0, 2)]
    least = linprog(own, A_eq=balance, b_eq=[3.0], bounds=bounds).fun
    best = linprog(-gain, own[None, :], [least + 1e-9], balance, [3.0], bounds)
    return float(-hours * best.fun)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), hours=HOURS)
def test_two_payments_at_one_price_are_that_of_the_net_quantity(seed: int, hours: float) -> None:
    rng = np.random.default_rng(seed)
    cost, wholesale = np.sort(rng.uniform(1, 9, 2)), float(rng.uniform(0, 9))
    best = _best_by_prices(cost, wholesale, hours)
    for split in (False, True):
        game = _one_price_game(cost, wholesale, hours, split=split)
        for route in ("branching", "milp"):
            assert build.searched(game, route) == pytest.approx(best, abs=1e-5)


def test_each_of_two_payments_at_one_price_is_price_times_its_quantity() -> None:
    game = _one_price_game(np.array([2.0, 7.0]), 5.0, 0.5, split=True)
    found = build.by_both_routes(game)
    price, values = found.values["disco.price"], found.values
    for name, quantity in (("bill", "site.bought"), ("credit", "site.sold")):
        assert found.payments[name] == pytest.approx(float(price @ values[quantity]) * 0.5)
    assert found.leader_objective == pytest.approx(_best_by_prices([2.0, 7.0], 5.0, 0.5))


@pytest.mark.parametrize("hours", [0.5, 3.0])
def test_a_price_and_a_fee_in_one_heard_value_for_some_hours(hours: float) -> None:
    """Of 4 MW, 2 are bought at 10 + 2 rather than own ones at 5, whatever the split is."""
    price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    own = cp.Variable(1, bounds=[0, 2])
    cost = hours * (price @ bought + 5 * cp.sum(own))
    site = Agent(
        "site", cp.Problem(cp.Minimize(cost), [bought + own == 4]), {"p": price}, {"bought": bought}
    )
    income = cp.Parameter()
    says = {"price": cp.Variable(1, bounds=[0, 10]), "fee": cp.Variable(1, bounds=[0, 2])}
    leader = Agent("disco", cp.Problem(cp.Maximize(income)), {"income": income}, says)
    links = [Link(f"disco.{name}", "site.p") for name in says]
    links += [Link("bill", "disco.income"), Link("fee", "disco.income")]
    payments = [
        Payment("bill", "site", "disco", "disco.price", "site.bought", hours),
        Payment("fee", "site", "disco", "disco.fee", "site.bought", hours),
    ]
    found = build.by_both_routes(Game([leader, site], "disco", links, payments))
    assert found.leader_objective == pytest.approx(hours * 24.0)
    assert found.payments == pytest.approx({"bill": hours * 20.0, "fee": hours * 4.0})


def test_followers_that_pay_each_other_at_a_price_that_both_hear() -> None:
    """The leader sets the price between a buyer and a seller and hears only how much is made.

    The buyer takes 3 MW below 8, and the seller makes 5 MW above 6: the price lies between.
    """
    at_buyer, at_seller = cp.Parameter(1), cp.Parameter(1)
    bought, made = cp.Variable(1, bounds=[0, 3]), cp.Variable(1, bounds=[0, 5])
    buyer = Agent(
        "buyer",
        cp.Problem(cp.Minimize(at_buyer @ bought - 8 * cp.sum(bought))),
        {"price": at_buyer},
        {"bought": bought},
    )
    seller = Agent(
        "seller",
        cp.Problem(cp.Maximize(at_seller @ made - 6 * cp.sum(made))),
        {"price": at_seller},
        {"made": made},
    )
    offer, heard, other = cp.Variable(1, bounds=[0, 20]), cp.Parameter(1), cp.Parameter(1)
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(cp.sum(heard + other) - 0.1 * cp.sum(offer))),
        {"bought": heard, "made": other},
        {"price": offer},
    )
    bank = Agent("bank")
    links = [
        Link("leader.price", "buyer.price"),
        Link("leader.price", "seller.price"),
        Link("buyer.bought", "leader.bought"),
        Link("seller.made", "leader.made"),
    ]
    payments = [
        Payment("purchase", "buyer", "bank", "leader.price", "buyer.bought"),
        Payment("sale", "bank", "seller", "leader.price", "seller.made"),
    ]
    game = Game([leader, buyer, seller, bank], "leader", links, payments)
    found = build.by_both_routes(game)
    assert found.leader_objective == pytest.approx(8.0 - 0.6)
    assert found.payments == pytest.approx({"purchase": 18.0, "sale": 30.0})


def test_a_leader_may_keep_an_amount_within_its_means() -> None:
    """A budget of 9 for the seller's 3 MW at 2 and 2 MW at 6: 3 MW at up to 3, or less at 6."""
    price, made = cp.Parameter(1), [cp.Variable(1, bounds=[0, k]) for k in (3, 2)]
    sold = made[0] + made[1]
    seller = Agent(
        "site",
        cp.Problem(cp.Maximize(price @ sold - 2 * made[0] - 6 * made[1])),
        {"price": price},
        {"sold": sold},
    )
    bid, got, spent = cp.Variable(1, bounds=[0, 30]), cp.Parameter(1), cp.Parameter()
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(10 * cp.sum(got) - spent), [spent <= 9]),
        {"got": got, "spent": spent},
        {"price": bid},
    )
    links = [Link("disco.price", "site.price"), Link("site.sold", "disco.got")]
    payments = [Payment("pay", "disco", "site", "disco.price", "site.sold")]
    game = Game([leader, seller], "disco", [*links, Link("pay", "disco.spent")], payments)
    found = build.by_both_routes(game)
    assert found.leader_objective == pytest.approx(30.0 - 6.0)
    assert found.payments["pay"] == pytest.approx(6.0)


def test_a_price_heard_under_two_names_is_paid_for_all_that_is_bought_at_it() -> None:
    """A day and a night rate that are one price: 3 MW each, of which 2 may be made at 4 and 6."""
    rates = {name: cp.Parameter(1, name=name) for name in ("day", "night")}
    bought = {name: cp.Variable(1, bounds=[0, 9]) for name in rates}
    own = {name: cp.Variable(1, bounds=[0, 2]) for name in rates}
    cost = 4 * cp.sum(own["day"]) + 6 * cp.sum(own["night"])
    problem = cp.Problem(
        cp.Minimize(sum(rates[n] @ bought[n] for n in rates) + cost),
        [bought[n] + own[n] == 3 for n in rates],
    )
    site = Agent("site", problem, rates, {"bought": bought["day"] + bought["night"]})
    offer, income = cp.Variable(1, bounds=[0, 7]), cp.Parameter()
    leader = Agent("disco", cp.Problem(cp.Maximize(income)), {"income": income}, {"price": offer})
    links = [Link("disco.price", f"site.{name}") for name in rates]
    payments = [Payment("bill", "site", "disco", "disco.price", "site.bought")]
    game = Game([leader, site], "disco", [*links, Link("bill", "disco.income")], payments)
    # 6 MW at 4, 4 MW at 6 or 2 MW at 7.
    assert build.by_both_routes(game).leader_objective == pytest.approx(24.0)
    assert sum(build.certified(game).values["site.bought"]) in (
        pytest.approx(6.0),
        pytest.approx(4.0),
    )


def test_a_follower_may_set_the_price_that_another_pays() -> None:
    """A shop asks as much as it may, and a customer leaves above 5; the leader sets the limit."""
    limit, ask = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    shop = Agent(
        "shop", cp.Problem(cp.Maximize(cp.sum(ask)), [ask <= limit]), {"limit": limit}, {"ask": ask}
    )
    price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 3])
    problem = cp.Problem(cp.Minimize(price @ bought - 5 * cp.sum(bought)))
    customer = Agent("customer", problem, {"price": price}, {"bought": bought})
    said, takings = cp.Variable(1, bounds=[1, 8]), cp.Parameter()
    leader = Agent(
        "leader", cp.Problem(cp.Maximize(takings)), {"takings": takings}, {"limit": said}
    )
    links = [
        Link("leader.limit", "shop.limit"),
        Link("shop.ask", "customer.price"),
        Link("bill", "leader.takings"),
    ]
    payments = [Payment("bill", "customer", "leader", "shop.ask", "customer.bought")]
    game = Game([leader, shop, customer], "leader", links, payments)
    found = build.by_both_routes(game)
    assert found.leader_objective == pytest.approx(15.0)
    assert found.values["leader.limit"] == pytest.approx([5.0])
