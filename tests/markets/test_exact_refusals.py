"""Games that Exact refuses, and agents without an answer, each named with what to change."""

from collections.abc import Mapping, Sequence

import cvxpy as cp
import pytest

from equigrid.markets.agent import Agent
from equigrid.markets.column_ranges import NoBoundError
from equigrid.markets.equilibrium.exact import Exact
from equigrid.markets.findings import NoAnswer, WrongMethod
from equigrid.markets.game import Game, Link, Payment

CAP, WHOLESALE = 10.0, 3.0


def _leader(
    said: Mapping[str, cp.Expression] | None = None,
    cost: cp.Expression | float = 0.0,
    heard: Mapping[str, cp.Parameter] | None = None,
    offer: cp.Variable | None = None,
    rows: Sequence[cp.Constraint] = (),
) -> Agent:
    offer = cp.Variable(1, bounds=[0, CAP]) if offer is None else offer
    sold, income = cp.Parameter(1), cp.Parameter(name="income")
    objective = cp.Minimize(WHOLESALE * cp.sum(sold) - income + cost)
    hears = {"sold": sold, "income": income, **(heard or {})}
    problem = cp.Problem(objective, list(rows))
    return Agent("disco", problem, hears, {"price": offer, **(said or {})})


def _site(
    price: cp.Expression,
    heard: Mapping[str, cp.Parameter],
    *,
    rows: Sequence[cp.Constraint] = (),
    cost: cp.Expression | float = 0.0,
    bought: cp.Variable | None = None,
    load: float = 4.0,
) -> Agent:
    """Cover a load from outside, or with 2 MW of its own at 5."""
    bought = cp.Variable(1, bounds=[0, 9], name="bought") if bought is None else bought
    own = cp.Variable(1, bounds=[0, 2], name="own")
    problem = cp.Problem(
        cp.Minimize(price @ bought + 5 * cp.sum(own) + cost), [bought + own == load, *rows]
    )
    return Agent("site", problem, heard, {"bought": bought, "own": own})


def _game(
    leader: Agent,
    site: Agent,
    links: Sequence[Link] = (),
    payments: Sequence[Payment] = (),
    others: Sequence[Agent] = (),
) -> Game:
    return Game(
        [leader, site, *others],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought"), *payments],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
            *links,
        ],
    )


def _standard_site() -> Agent:
    price = cp.Parameter(1, name="price")
    return _site(price, {"price": price})


def _refused(game: Game, words: str) -> None:
    with pytest.raises(WrongMethod, match=words):
        Exact().solve(game)


def test_integer_followers_are_refused() -> None:
    price, on = cp.Parameter(1, name="price"), cp.Variable(1, boolean=True)
    site = _site(price, {"price": price}, cost=cp.sum(on))
    _refused(_game(_leader(), site), "follower 'site' has integer variables.*BestResponse")


def test_a_leader_that_multiplies_what_it_hears_is_refused() -> None:
    offer, heard, stake = cp.Variable(1, bounds=[0, 1]), cp.Parameter(1), cp.Variable(1)
    leader = _leader({"stake": stake}, cost=heard @ stake, heard={"own": heard}, offer=offer)
    game = _game(leader, _standard_site(), links=[Link("site.own", "disco.own")])
    _refused(game, "leader 'disco' multiplies 'own', which another agent decides")


def test_a_limit_that_moves_beside_a_payment_is_refused() -> None:
    price, limit = cp.Parameter(1, name="price"), cp.Parameter(1, name="limit")
    bought = cp.Variable(1, bounds=[0, 9])
    site = _site(price, {"price": price, "limit": limit}, rows=[bought <= limit], bought=bought)
    leader = _leader({"cap": cp.Variable(1, bounds=[3, 4])})
    game = _game(leader, site, links=[Link("disco.cap", "site.limit")])
    _refused(game, r"'site\.limit', which another agent decides, enters its right-hand side")


def test_a_price_for_which_nobody_is_paid_is_refused() -> None:
    price, toll = cp.Parameter(1, name="price"), cp.Parameter(1, name="toll")
    bought = cp.Variable(1, bounds=[0, 9])
    site = _site(price, {"price": price, "toll": toll}, cost=toll @ bought, bought=bought)
    leader = _leader({"toll": cp.Variable(1, bounds=[0, 1])})
    game = _game(leader, site, links=[Link("disco.toll", "site.toll")])
    _refused(game, r"'disco\.toll' also enters the cost of 'site' but nobody is paid for it")


def test_decided_prices_that_are_heard_separately_are_refused() -> None:
    price, fee = cp.Parameter(1, name="price"), cp.Parameter(name="fee")
    taxed = cp.Variable(nonneg=True)
    leader = _leader(
        {"fee": cp.Variable(1, bounds=[0, 2])},
        cost=taxed - fee,
        heard={"fee": fee},
        rows=[taxed >= fee],
    )
    game = _game(
        leader,
        _site(price, {"price": price}),
        links=[Link("disco.fee", "site.price"), Link("fee", "disco.fee")],
        payments=[Payment("fee", "site", "disco", "disco.fee", "site.bought")],
    )
    _refused(game, "payments 'bill', 'fee' .*several decided prices and only their sum is linear")


def test_a_game_that_nobody_leads_is_refused() -> None:
    x = cp.Variable(bounds=[0, 1])
    _refused(Game([Agent("a", cp.Problem(cp.Minimize(x)))]), "nobody leads this one")


def test_a_price_without_bounds_is_refused() -> None:
    with pytest.raises(NoBoundError, match="'site' hears a signal that nothing bounds"):
        Exact(route="milp").solve(_game(_leader(offer=cp.Variable(1)), _standard_site()))


def test_a_price_that_follows_what_the_leader_hears_is_bounded_by_programs() -> None:
    index, base = cp.Parameter(1, name="index"), cp.Variable(1, bounds=[0, 1])
    leader = _leader({"price": base + index}, heard={"index": index})
    game = Game(
        [leader, _standard_site()],
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
    game = _game(_leader(), _standard_site(), links=[Link("bill", "third.amount")], others=[third])
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
        Exact().solve(_game(leader, _standard_site()))
    assert caught.value.agent == "disco"


def test_an_unbounded_leader_is_named() -> None:
    with pytest.raises(NoAnswer, match="nothing bounds the objective of leader 'disco'"):
        Exact().solve(_game(_leader(cost=-cp.Variable()), _standard_site()))


def test_an_infeasible_follower_is_named() -> None:
    price = cp.Parameter(1, name="price")
    with pytest.raises(NoAnswer, match="agent 'site' has no feasible answer") as caught:
        Exact().solve(_game(_leader(), _site(price, {"price": price}, load=20.0)))
    assert caught.value.agent == "site"
