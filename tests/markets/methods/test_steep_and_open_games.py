"""Multipliers of 1e5, relaxations without an end, and games that have none, or no answer."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from tests.support import led_games as build
from tests.support.benchmark_files import drawn_game

from equigrid.errors import NoAnswer
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def _steep(slope: float, worth: float) -> Game:
    """A need of 1 that takes x of 1 / slope, at 1 each, or falls short at 5 / slope.

    While room is short the multiplier of the need is 5 / slope, and of room 5 - 1.
    """
    room, x, short = cp.Parameter(1), cp.Variable(1, nonneg=True), cp.Variable(1, nonneg=True)
    problem = cp.Problem(
        cp.Minimize(cp.sum(x) + 5 / slope * cp.sum(short)),
        [slope * x + short >= 1, x <= room],
    )
    follower = Agent("f", problem, {"room": room}, {"x": x})
    said, heard = cp.Variable(1, bounds=[0, 2 / slope]), cp.Parameter(1)
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(worth * cp.sum(heard) - cp.sum(said))),
        {"x": heard},
        {"room": said},
    )
    links = [Link("leader.room", "f.room"), Link("f.x", "leader.x")]
    return Game([leader, follower], "leader", links)


@pytest.mark.parametrize("worth", [0.5, 3.0])
def test_multipliers_of_half_a_million(worth: float) -> None:
    """Room is used up to 1e5, so the leader gives that much or nothing."""
    wanted = max(0.0, (worth - 1.0) * 1e5)
    game = _steep(1e-5, worth)
    found = build.certified(game, Exact(route="branching"))
    assert found.leader_objective == pytest.approx(wanted, rel=1e-6, abs=1e-3)
    try:
        milp = build.certified(game, Exact(route="milp"))
    except NoAnswer:
        return  # refused, which is not wrong
    assert milp.leader_objective == pytest.approx(wanted, rel=1e-4, abs=1e-3)


def test_a_price_that_a_flat_follower_answers_steeply() -> None:
    """Demand (8 - p) / 1e-5: at the monopoly price of 5 it is 3e5 MW, at a slope of 1e-5."""
    price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 1e6])
    loss = 1e-5 / 2 * cp.sum_squares(bought) - 8 * cp.sum(bought)
    site = Agent(
        "site", cp.Problem(cp.Minimize(price @ bought + loss)), {"price": price}, {"bought": bought}
    )
    offer, sold, income = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1), cp.Parameter()
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - 2 * cp.sum(sold))),
        {"sold": sold, "income": income},
        {"price": offer},
    )
    found = Exact(route="branching").solve(build.game(leader, site))
    assert found.leader_objective == pytest.approx(3.0 * 3e5, rel=1e-4)
    assert found.certificate.regret["site"] <= 1e-6


@pytest.mark.parametrize("cap", [None, 30.0])
def test_a_bounded_game_with_an_unbounded_relaxation(cap: float | None) -> None:
    """A price without a cap is bounded by the site's way out at 20 from its own 2 MW on."""
    price, bought = cp.Parameter(1), cp.Variable(1, nonneg=True)
    own, out = cp.Variable(1, bounds=[0, 2]), cp.Variable(1, nonneg=True)
    problem = cp.Problem(
        cp.Minimize(price @ bought + 5 * cp.sum(own) + 20 * cp.sum(out)), [bought + own + out >= 4]
    )
    site = Agent("site", problem, {"price": price}, {"bought": bought})
    offer = cp.Variable(1, bounds=[0, np.inf if cap is None else cap])
    found = build.certified(build.game(build.disco(offer=offer), site))
    assert found.leader_objective == pytest.approx(2 * (3.0 - 20.0))


@pytest.mark.parametrize("route", ["branching", "auto"])
def test_a_price_that_nothing_bounds_is_an_unbounded_game(route: str) -> None:
    """The site needs 2 MW whatever they cost."""
    leader = build.disco(offer=cp.Variable(1, nonneg=True))
    with pytest.raises(NoAnswer, match="nothing bounds the objective of leader 'disco'") as why:
        Exact(route=route).solve(build.game(leader, build.site()))  # type: ignore[arg-type]
    assert why.value.agent == "disco"


def test_a_leader_that_gains_without_end_beside_its_followers() -> None:
    """Also where the gain comes with a whole number, or with a square beside it."""
    extra, count, flat = cp.Variable(), cp.Variable(integer=True), cp.Variable()
    for gain in (-extra, -count, cp.square(flat) - extra):
        game = build.game(build.disco(cost=gain), build.site())
        with pytest.raises(NoAnswer, match="leader 'disco'") as why:
            Exact().solve(game)
        assert why.value.agent == "disco"


def _two(second: cp.Problem, heard: dict[str, cp.Parameter] | None = None) -> Game:
    """A follower that has an answer, and another whose problem is given."""
    x, y = cp.Variable(1, bounds=[0, 3]), cp.Parameter(1)
    first = Agent("first", cp.Problem(cp.Minimize(-cp.sum(x))), says={"x": x})
    last = Agent("last", second, heard or {})
    signal = cp.Variable(1, bounds=[1, 2])
    leader = Agent("leader", cp.Problem(cp.Minimize(cp.sum(y))), {"y": y}, {"signal": signal})
    links = [Link("first.x", "leader.y")]
    links += [Link("leader.signal", f"last.{name}") for name in heard or {}]
    return Game([leader, first, last], "leader", links)


@pytest.mark.parametrize("route", ["branching", "milp"])
def test_the_follower_without_a_feasible_answer_is_named(route: str) -> None:
    x = cp.Variable(2, bounds=[0, 1])
    game = _two(cp.Problem(cp.Minimize(cp.sum(x)), [cp.sum(x) >= 3]))
    with pytest.raises(NoAnswer, match="agent 'last' has no feasible answer") as why:
        Exact(route=route).solve(game)  # type: ignore[arg-type]
    assert why.value.agent == "last"


def test_the_follower_that_gains_without_end_is_named() -> None:
    x = cp.Variable(2, nonneg=True)
    game = _two(cp.Problem(cp.Maximize(x[0]), [x[0] <= x[1]]))
    with pytest.raises(NoAnswer, match="agent 'last' has no bounded answer at any signal") as why:
        Exact(route="branching").solve(game)
    assert why.value.agent == "last"


def test_a_signal_that_leaves_a_follower_an_answer_is_found() -> None:
    """x >= 3 needs a room of 1.5 or more, of 1 to 2 that may be said."""
    x, room = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1)
    problem = cp.Problem(cp.Minimize(cp.sum(x)), [x >= 3, x <= 2 * room])
    found = build.certified(_two(problem, {"room": room}))
    assert (found.values["leader.signal"] >= 1.5 - 1e-6).all()


def test_followers_that_are_feasible_at_different_signals_only_leave_the_leader_none() -> None:
    """One needs a signal of at most 1.2, the other of at least 1.8: it is nobody's alone."""
    x, room = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1)
    plain = _two(cp.Problem(cp.Minimize(cp.sum(x)), [x >= 3.6, x <= 2 * room]), {"room": room})
    y, other = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1)
    third = Agent("third", cp.Problem(cp.Minimize(cp.sum(y)), [y + other <= 1.2]), {"s": other})
    links = [*plain.links, Link("leader.signal", "third.s")]
    with pytest.raises(NoAnswer, match="leader 'leader' has no decision that its followers"):
        Exact().solve(Game([*plain.agents, third], "leader", links))


def test_a_payment_keeps_an_unbounded_relaxation_to_what_followers_pay() -> None:
    """Two followers of which only one has a way out: the other's need is a fixed part of it."""
    price, other = cp.Parameter(1), cp.Parameter(1)
    first, second = cp.Variable(1, bounds=[0, 9]), cp.Variable(1, bounds=[0, 9])
    out = cp.Variable(1, bounds=[0, 9])
    tight = Agent(
        "tight", cp.Problem(cp.Minimize(price @ first), [first >= 1]), {"p": price}, {"x": first}
    )
    free = Agent(
        "free",
        cp.Problem(cp.Minimize(other @ second + 7 * cp.sum(out)), [second + out >= 2]),
        {"p": other},
        {"x": second},
    )
    offer, income = cp.Variable(1, nonneg=True), cp.Parameter()
    need = cp.Parameter(1)
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(income), [need >= 1.0]),
        {"income": income, "need": need},
        {"price": offer},
    )
    links = [Link("leader.price", "tight.p"), Link("leader.price", "free.p")]
    links += [Link("bill", "leader.income"), Link("debt", "leader.income")]
    links.append(Link("free.x", "leader.need"))
    payments = [
        Payment("bill", "tight", "leader", "leader.price", "tight.x"),
        Payment("debt", "free", "leader", "leader.price", "free.x"),
    ]
    found = build.certified(Game([leader, tight, free], "leader", links, payments))
    assert found.leader_objective == pytest.approx(7.0 * 3)


@pytest.mark.parametrize("money", [0.002398072218354266, 34.04999598647028])
def test_costs_that_cancel_to_a_digit_make_no_game_infeasible(money: float) -> None:
    """A follower's two costs are 3 to -1, as its row has its columns, so any of its answers do.

    What is left of them in binary is a multiplier's only figure.
    """
    with pytest.raises(NoAnswer, match="nothing bounds the objective of leader 'leader'"):
        Exact(route="branching").solve(drawn_game("linear", 148, money))
