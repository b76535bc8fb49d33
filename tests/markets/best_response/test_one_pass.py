"""Games that nobody leads and in which nobody waits in a circle: once, in order."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import NoAnswer, UnusableGame, WrongMethod
from equigrid.markets.certification.certify import certify
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual


def _plant(*, whole: bool = False, price: float = 5.0) -> Agent:
    """Run up to 3 units of 2 MW at 4 each while that pays."""
    units = cp.Variable(2, integer=whole, bounds=[0, 3])
    output = 2 * units
    problem = cp.Problem(cp.Maximize(price * cp.sum(output) - 8 * cp.sum(units)), [units <= 2.5])
    return Agent("plant", problem, says={"output": output, "units": units})


def _site(load: float = 7.0) -> Agent:
    """Cover a load by what is offered, the rest from outside at 9."""
    offered, price = cp.Parameter(2), cp.Parameter(2)
    bought, outside = cp.Variable(2, bounds=[0, 99]), cp.Variable(2, bounds=[0, 99])
    problem = cp.Problem(
        cp.Minimize(price @ bought + 9 * cp.sum(outside)),
        [bought + outside == load, bought <= offered],
    )
    return Agent("site", problem, {"offered": offered, "price": price}, {"bought": bought})


def _state() -> Agent:
    """Tax a tenth of what is paid."""
    paid, tax = cp.Parameter(), cp.Variable(bounds=[0, 99])
    problem = cp.Problem(cp.Minimize(tax), [tax >= 0.1 * paid])
    return Agent("state", problem, {"paid": paid}, {"tax": tax})


def _game(*, whole: bool = True, load: float = 7.0) -> Game:
    """Return a game whose agents are not given in the order in which they decide."""
    market = Agent("market", says={"price": np.array([6.0, 7.0])})
    return Game(
        [_state(), _site(load), _plant(whole=whole), market],
        links=[
            Link("plant.output", "site.offered"),
            Link("market.price", "site.price"),
            Link("bill", "state.paid"),
        ],
        payments=[Payment("bill", "site", "market", "market.price", "site.bought")],
    )


def test_each_decides_after_all_that_it_hears_and_whole_numbers_stay_whole() -> None:
    found = BestResponse().solve(_game())
    assert found.values["plant.units"] == pytest.approx([2.0, 2.0])
    assert found.values["site.bought"] == pytest.approx([4.0, 4.0])
    assert found.payments["bill"] == pytest.approx(52.0)
    assert found.values["state.tax"] == pytest.approx(5.2)
    assert found.certificate.regret == pytest.approx({"plant": 0.0, "site": 0.0, "state": 0.0})
    assert found.certificate.primal_residual == pytest.approx(0.0, abs=1e-9)
    assert found.leader_objective is None
    assert found.settled
    assert not found.rounds


def test_without_whole_numbers_the_limit_is_met() -> None:
    found = BestResponse().solve(_game(whole=False))
    assert found.values["plant.units"] == pytest.approx([2.5, 2.5])
    assert found.values["site.bought"] == pytest.approx([5.0, 5.0])


def test_one_agent_alone_is_an_optimisation() -> None:
    game = Game([_plant(whole=True, price=3.0)])
    found = BestResponse().solve(game)
    assert found.values["plant.output"] == pytest.approx([0.0, 0.0])
    assert found.certificate.regret == pytest.approx({"plant": 0.0})
    assert found.method == "best-response"


def test_the_outcome_is_posted_and_the_name_of_the_method_is_given() -> None:
    room = Mailroom()
    found = room.run(Exact().play(_game(), room, "real-time"))
    assert found.method == "exact"
    kinds = [(m.kind, m.sender, m.receiver, m.stage) for m in room.log]
    assert kinds == [
        ("Schedule", "plant", "site", "real-time"),
        ("Settlement", "site", "market", "real-time"),
    ]


def test_what_nobody_hears_is_checked_as_well() -> None:
    """Where nobody leads, an answer has to hold in all that it says."""
    game = Game([_plant(price=5.0)])
    idle = {"plant.output": np.zeros(2), "plant.units": np.zeros(2)}
    assert certify(game, idle)[0].regret["plant"] == pytest.approx(10 / (50 + 40))
    broken = {"plant.output": np.full(2, 6.0), "plant.units": np.full(2, 3.0)}
    residual = certify(game, broken)[0].primal_residual
    assert residual is not None
    assert residual > 0.1


def test_a_given_value_is_heard() -> None:
    game = Game([_site()], given={"site.offered": [1.0, 2.0], "site.price": [10.0, 1.0]})
    assert BestResponse().solve(game).values["site.bought"] == pytest.approx([0.0, 2.0])


def test_who_has_no_answer_is_named() -> None:
    with pytest.raises(NoAnswer, match="agent 'site' has no best answer") as caught:
        BestResponse().solve(_game(load=300.0))
    assert caught.value.agent == "site"


def test_whole_numbers_with_a_quadratic_cost_are_refused_by_name() -> None:
    units = cp.Variable(integer=True)
    odd = Agent("odd", cp.Problem(cp.Minimize(cp.square(units - 0.5))))
    with pytest.raises((NoAnswer, UnusableGame), match="agent 'odd' has whole numbers and a quad"):
        BestResponse().solve(Game([odd]))


def test_a_dual_where_nobody_leads_is_refused_with_what_to_use_instead() -> None:
    load, made = cp.Parameter(), cp.Variable(bounds=[0, 9])
    network = Agent("network", cp.Problem(cp.Minimize(3 * made), [made >= load]), {"load": load})
    price, bought = cp.Parameter(), cp.Variable(bounds=[0, 2])
    shop = Agent("shop", cp.Problem(cp.Minimize((price - 4) * bought)), {"price": price})
    game = Game(
        [network, shop],
        links=[Link(Dual("network.load"), "shop.price")],
        given={"network.load": 1.0},
    )
    with pytest.raises(WrongMethod, match=r"'dual\(network\.load\)'.*'network' clears as a bal"):
        BestResponse().solve(game)
