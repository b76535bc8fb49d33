"""Games that Exact refuses, and agents without an answer, each named with what to change."""

from __future__ import annotations

import cvxpy as cp
import pytest
from tests.support import led_games as build

from equigrid.errors import NoAnswer, UnusableGame, WrongMethod
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

CAP, WHOLESALE = 10.0, 3.0


def _refused(game: Game, words: str) -> None:
    with pytest.raises(WrongMethod, match=words):
        Exact().solve(game)


def test_integer_followers_are_refused() -> None:
    price, on = cp.Parameter(1, name="price"), cp.Variable(1, boolean=True)
    site = build.site(price, cost=cp.sum(on))
    _refused(build.game(build.disco(), site), "follower 'site' has integer variables.*BestResponse")


def test_a_leader_that_multiplies_what_it_hears_is_refused() -> None:
    offer, heard, stake = cp.Variable(1, bounds=[0, 1]), cp.Parameter(1), cp.Variable(1)
    leader = build.disco({"stake": stake}, cost=heard @ stake, heard={"own": heard}, offer=offer)
    game = build.game(leader, build.site(), links=[Link("site.own", "disco.own")])
    _refused(game, "leader 'disco' multiplies 'own', which another agent decides")


def test_a_limit_that_moves_beside_a_payment_is_refused() -> None:
    price, limit = cp.Parameter(1, name="price"), cp.Parameter(1, name="limit")
    bought = cp.Variable(1, bounds=[0, 9])
    site = build.site(price, {"limit": limit}, rows=[bought <= limit], bought=bought)
    leader = build.disco({"cap": cp.Variable(1, bounds=[3, 4])})
    game = build.game(leader, site, links=[Link("disco.cap", "site.limit")])
    _refused(game, r"'site\.limit', which another agent decides, enters its right-hand side")


def test_a_price_for_which_nobody_is_paid_is_refused() -> None:
    price, toll = cp.Parameter(1, name="price"), cp.Parameter(1, name="toll")
    bought = cp.Variable(1, bounds=[0, 9])
    site = build.site(price, {"toll": toll}, cost=toll @ bought, bought=bought)
    leader = build.disco({"toll": cp.Variable(1, bounds=[0, 1])})
    game = build.game(leader, site, links=[Link("disco.toll", "site.toll")])
    _refused(game, r"'disco\.toll' also enters the cost of 'site' but nobody is paid for it")


def _with_a_fee(fee: cp.Parameter, cost: cp.Expression, row: cp.Constraint) -> Game:
    """A fee beside the price for the same purchases, which the leader hears apart."""
    said = {"fee": cp.Variable(1, bounds=[0, 2])}
    return build.game(
        build.disco(said, cost=cost, heard={"fee": fee}, rows=[row]),
        build.site(),
        links=[Link("disco.fee", "site.price"), Link("fee", "disco.fee")],
        payments=[Payment("fee", "site", "disco", "disco.fee", "site.bought")],
    )


def test_decided_prices_that_are_heard_separately_are_refused() -> None:
    """It counts once, through a variable, but not where the bill counts."""
    fee, kept = cp.Parameter(name="fee"), cp.Variable()
    game = _with_a_fee(fee, -kept, kept <= fee)
    _refused(game, "payments 'bill', 'fee' .*several decided prices and only their sum is linear")


def test_a_fee_that_is_not_shown_to_count_once_is_refused() -> None:
    """Taxed in full where it is above 0, it leaves the leader nothing there."""
    fee, taxed = cp.Parameter(name="fee"), cp.Variable(nonneg=True)
    with pytest.raises(UnusableGame, match="uses 'fee' so that it cannot be shown to count once"):
        _with_a_fee(fee, taxed - fee, taxed >= fee)


def test_a_nash_game_is_refused() -> None:
    agents = []
    for name in "ab":
        x, other = cp.Variable(bounds=[0, 1]), cp.Parameter()
        problem = cp.Problem(cp.Minimize(cp.square(x) - other * x))
        agents.append(Agent(name, problem, {"other": other}, {"x": x}))
    game = Game(agents, links=[Link("a.x", "b.other"), Link("b.x", "a.other")])
    _refused(game, r"Exact does not answer .* in a circle \(a Nash game\); use BestResponse")


def test_a_price_without_bounds_is_refused() -> None:
    with pytest.raises(NoBoundError, match="'site' hears a signal that nothing bounds"):
        Exact(route="milp").solve(build.game(build.disco(offer=cp.Variable(1)), build.site()))


def test_a_price_that_follows_what_the_leader_hears_is_bounded_by_programs() -> None:
    index, base = cp.Parameter(1, name="index"), cp.Variable(1, bounds=[0, 1])
    leader = build.disco({"price": base + index}, heard={"index": index})
    game = Game(
        [leader, build.site()],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought")],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
        given={"disco.index": [1.0]},
    )
    # At 2 at most, which nobody's own 5 beats, all 4 are bought at 3.
    for route in ("milp", "branching"):
        found = Exact(route=route).solve(game)
        assert found.leader_objective == pytest.approx(4 * (WHOLESALE - 2.0))


def test_an_amount_that_a_follower_is_charged_by_has_no_bounds() -> None:
    amount, x = cp.Parameter(name="amount"), cp.Variable(bounds=[0, 1])
    third = Agent("third", cp.Problem(cp.Minimize(amount * x)), {"amount": amount}, {"x": x})
    game = build.game(
        build.disco(), build.site(), links=[Link("bill", "third.amount")], others=[third]
    )
    with pytest.raises(NoBoundError, match="'third' hears a signal that nothing bounds"):
        Exact(route="milp").solve(game)


def test_an_infeasible_leader_is_named() -> None:
    offer, sold, income = cp.Variable(1, bounds=[0, CAP]), cp.Parameter(1), cp.Parameter()
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income), [sold <= 1]),
        {"sold": sold, "income": income},
        {"price": offer},
    )
    with pytest.raises(NoAnswer, match="leader 'disco' has no decision") as caught:
        Exact().solve(build.game(leader, build.site()))
    assert caught.value.agent == "disco"


def test_an_unbounded_leader_is_named() -> None:
    with pytest.raises(NoAnswer, match="nothing bounds the objective of leader 'disco'"):
        Exact().solve(build.game(build.disco(cost=-cp.Variable()), build.site()))


def test_an_infeasible_follower_is_named() -> None:
    with pytest.raises(NoAnswer, match="agent 'site' has no feasible answer") as caught:
        Exact().solve(build.game(build.disco(), build.site(load=20.0)))
    assert caught.value.agent == "site"
