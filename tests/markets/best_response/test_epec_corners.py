"""Several leaders: ties that they count on, leaders without followers, and what is refused."""

from collections.abc import Mapping
from typing import Any

import cvxpy as cp
import pytest

from equigrid.errors import NoAnswer, UnusableGame, WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def _tie(first: str = "high", second: str = "low") -> Game:
    """One leader hopes for 1, the other for 0, of a follower that does not care."""
    y = cp.Variable(bounds=[0, 1])
    idle = Agent("idle", cp.Problem(cp.Minimize(0 * y)), says={"y": y})
    leaders = []
    for name, sign in (("high", -1.0), ("low", 1.0)):
        x, heard = cp.Variable(bounds=[0, 1]), cp.Parameter()
        cost = x + sign * 4 * heard
        leaders.append(Agent(name, cp.Problem(cp.Minimize(cost)), {"y": heard}, {"x": x}))
    bank = Agent("bank")
    return Game(
        [*leaders, idle, bank],
        leader=[first, second],
        links=[Link("idle.y", "high.y"), Link("idle.y", "low.y")],
    )


@pytest.mark.parametrize("order", [("high", "low"), ("low", "high")])
def test_leaders_that_count_on_different_ties_are_told_so(order: tuple[str, str]) -> None:
    """At 1 one loses 4 of 4, at 0 the other 4 of nothing: what leaves the least regret stands."""
    found = BestResponse().solve(_tie(*order))
    assert not found.settled
    assert not found.cycle
    assert found.statistics["disagreement"] == pytest.approx(1.0)
    assert found.values["idle.y"] == pytest.approx(1.0)
    assert found.certificate.regret == pytest.approx({"high": 0.0, "low": 1.0, "idle": 0.0})


def _quantity(name: str) -> Agent:
    output, others = cp.Variable(bounds=[0, 90]), cp.Parameter()
    profit = 90 * output - cp.square(output) - others * output
    return Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})


@pytest.mark.slow
def test_leaders_without_followers_are_a_nash_game() -> None:
    firms = [_quantity("a"), _quantity("b")]
    links = [Link("a.q", "b.others"), Link("b.q", "a.others")]
    led = BestResponse().solve(Game(firms, ["a", "b"], links))
    free = BestResponse().solve(Game(firms, links=links))
    assert led.settled
    for path in ("a.q", "b.q"):
        assert led.values[path] == pytest.approx(free.values[path], abs=2e-3)


def test_a_payment_between_leaders_is_settled_as_declared() -> None:
    """One asks what it may, 2; the other takes all 4 that are worth 3 to it."""
    price, income = cp.Variable(1, bounds=[0, 2]), cp.Parameter()
    seller = Agent("seller", cp.Problem(cp.Maximize(income)), {"income": income}, {"price": price})
    told, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 4])
    cost = told @ bought - 3 * cp.sum(bought)
    buyer = Agent("buyer", cp.Problem(cp.Minimize(cost)), {"told": told}, {"bought": bought})
    game = Game(
        [seller, buyer],
        leader=["seller", "buyer"],
        links=[Link("bill", "seller.income"), Link("seller.price", "buyer.told")],
        payments=[Payment("bill", "buyer", "seller", "seller.price", "buyer.bought")],
    )
    found = BestResponse().solve(game)
    assert found.settled
    assert found.payments["bill"] == pytest.approx(8.0)
    assert found.certificate.regret == pytest.approx({"seller": 0.0, "buyer": 0.0}, abs=1e-9)


def test_a_leader_that_cannot_keep_its_word_takes_another() -> None:
    """What the second needs leaves the first less of the limit that they share."""
    x, left, z = cp.Variable(bounds=[0, 1]), cp.Parameter(), cp.Variable(bounds=[0.6, 1])
    first = Agent("first", cp.Problem(cp.Maximize(x), [x + left <= 1]), {"z": left}, {"x": x})
    second = Agent("second", cp.Problem(cp.Minimize(z)), {"x": cp.Parameter()}, {"z": z})
    links = [Link("second.z", "first.z"), Link("first.x", "second.x")]
    game = Game([first, second], ["first", "second"], links)
    found = BestResponse(start={"second.z": 0.0}).solve(game)
    assert found.settled
    assert [float(r["said"]["first.x"]) for r in found.rounds] == pytest.approx([1.0, 0.4, 0.4])
    assert found.values["first.x"] == pytest.approx(0.4)


# What is refused


def test_whole_numbers_of_a_leader_cannot_be_mixed() -> None:
    x = cp.Variable(bounds=[0, 1])
    on, heard = cp.Variable(boolean=True), cp.Parameter()
    first = Agent("first", cp.Problem(cp.Minimize(on * 1.0 + heard)), {"h": heard}, {"on": on})
    second = Agent("second", cp.Problem(cp.Minimize(x)), says={"x": x})
    links = [Link("second.x", "first.h")]
    game = Game([first, second], leader=["first", "second"], links=links)
    assert BestResponse().solve(game).settled
    with pytest.raises(WrongMethod, match="agent 'first' decides whole numbers"):
        BestResponse(damping=0.9).solve(game)


def test_a_start_is_of_leaders_only() -> None:
    with pytest.raises(UnusableGame, match=r"nobody waits for 'idle\.y'"):
        BestResponse(start={"idle.y": 1.0}).solve(_tie())


@pytest.mark.parametrize("maximise", [False, True])
def test_a_leader_that_has_no_decision_is_named_with_the_round(*, maximise: bool) -> None:
    x, z, heard = cp.Variable(bounds=[0, 1]), cp.Variable(bounds=[2, 3]), cp.Parameter()
    goal: Any = cp.Maximize(x) if maximise else cp.Minimize(x)
    first = Agent("first", cp.Problem(goal, [x >= heard]), {"h": heard}, {"x": x})
    second = Agent("second", cp.Problem(cp.Minimize(z)), says={"z": z})
    game = Game([first, second], ["first", "second"], links=[Link("second.z", "first.h")])
    with pytest.raises(NoAnswer, match=r"leader 'first' has no decision.* in round 1") as caught:
        BestResponse().solve(game)
    assert caught.value.agent == "first"


def test_what_nobody_hears_of_a_leader_is_in_the_answer() -> None:
    values: Mapping[str, Any] = BestResponse().solve(_tie()).values
    assert {"high.x", "low.x", "idle.y"} <= set(values)
    assert values["high.x"] == pytest.approx(0.0, abs=1e-9)
