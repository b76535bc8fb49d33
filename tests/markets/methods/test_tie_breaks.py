"""A tie-break of next to nothing decides over millions, and is not taken for none."""

from itertools import product

import cvxpy as cp
import pytest

from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

LITTLE, MUCH = (1e-3, 1e-2), (1e4, 1e7)


def _bonus(little: float, gain: float) -> tuple[Game, float]:
    """The follower takes part once half of a bonus is offered; the leader pays for the offer."""
    part, told = cp.Variable(bounds=[0, 1]), cp.Parameter()
    cost = little * part - 2 * little * told * part
    follower = Agent("f", cp.Problem(cp.Minimize(cost)), {"h": told}, {"y": part})
    offer, heard = cp.Variable(bounds=[0, 1]), cp.Parameter()
    profit = gain * heard - 0.6 * gain * offer
    leader = Agent("l", cp.Problem(cp.Maximize(profit)), {"y": heard}, {"x": offer})
    links = [Link("l.x", "f.h"), Link("f.y", "l.y")]
    return Game([leader, follower], leader="l", links=links), 0.7 * gain


def _cap(little: float, gain: float) -> tuple[Game, float]:
    """Of two ways the follower takes the one cheaper by next to nothing, unless it is closed."""
    way, told = cp.Variable(2, bounds=[0, 1]), cp.Parameter()
    rows = [way[0] + way[1] == 1, way[0] <= 1 - told]
    follower = Agent("f", cp.Problem(cp.Minimize(little * way[1]), rows), {"h": told}, {"y": way})
    shut, heard = cp.Variable(bounds=[0, 1]), cp.Parameter(2)
    profit = gain * heard[1] - 0.6 * gain * shut
    leader = Agent("l", cp.Problem(cp.Maximize(profit)), {"y": heard}, {"x": shut})
    links = [Link("l.x", "f.h"), Link("f.y", "l.y")]
    return Game([leader, follower], leader="l", links=links), 0.4 * gain


def _price(little: float, gain: float) -> tuple[Game, float]:
    """The follower buys up to its own small cost; each unit is worth much to the leader."""
    bought, made = (cp.Variable(bounds=[0, 1]) for _ in range(2))
    price = cp.Parameter()
    problem = cp.Problem(cp.Minimize(price * bought + 5 * little * made), [bought + made == 1])
    follower = Agent("f", problem, {"p": price}, {"q": bought})
    offer, sold, income = cp.Variable(bounds=[0, 10 * little]), cp.Parameter(), cp.Parameter()
    hears = {"q": sold, "income": income}
    leader = Agent("l", cp.Problem(cp.Maximize(gain * sold + income)), hears, {"p": offer})
    return _paid(leader, follower, "l.q"), gain + 5 * little


def _fee(little: float, gain: float) -> tuple[Game, float]:
    """A fee of next to nothing makes the follower leave room that is worth much to the leader."""
    used, fee = cp.Variable(bounds=[0, 1]), cp.Parameter()
    follower = Agent("f", cp.Problem(cp.Minimize((fee - little) * used)), {"p": fee}, {"q": used})
    asked, taken, income = cp.Variable(bounds=[0, 1]), cp.Parameter(), cp.Parameter()
    own = cp.Variable(bounds=[0, 1])
    problem = cp.Problem(cp.Maximize(gain * own + income), [own <= 1 - taken])
    leader = Agent("l", problem, {"q": taken, "income": income}, {"p": asked})
    return _paid(leader, follower, "l.q"), gain


def _paid(leader: Agent, follower: Agent, heard: str) -> Game:
    links = [Link("l.p", "f.p"), Link("f.q", heard), Link("bill", "l.income")]
    bill = Payment("bill", payer="f", payee="l", price="l.p", quantity="f.q")
    return Game([leader, follower], leader="l", links=links, payments=[bill])


@pytest.mark.parametrize("route", ["auto", "branching", "milp"])
@pytest.mark.parametrize("make", [_bonus, _cap, _price, _fee])
def test_a_tie_break_beside_millions(make, route: str) -> None:  # type: ignore[no-untyped-def]
    for little, gain in product(LITTLE, MUCH):
        game, best = make(little, gain)
        found = Exact(route=route).search(game)  # type: ignore[arg-type]
        assert found.settled
        assert found.objective == pytest.approx(best, rel=1e-4)
