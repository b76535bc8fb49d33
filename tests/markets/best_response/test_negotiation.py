"""The negotiation: rounds, messages, agreement with Exact, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.errors import NoAnswer, WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response, Signal
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def _game(
    load: Sequence[float] = (4.0, 5.0),
    costs: Sequence[float] = (4.0, 7.0),
    wholesale: Sequence[float] = (3.0, 6.0),
    *,
    whole_units: bool = False,
    most: float = np.inf,
    site_links: Sequence[Link] = (),
    toll: float | None = None,
) -> Game:
    steps = len(load)
    offer, sold = cp.Variable(steps, bounds=[0, 9]), cp.Parameter(steps)
    income, price = cp.Parameter(), cp.Parameter(steps)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - np.array(wholesale) @ sold), [cp.sum(sold) <= most]),
        {"sold": sold, "income": income},
        {"price": offer, "toll": cp.Variable(steps, bounds=[0, 1])},
    )
    bought = cp.Variable(steps, bounds=[0, 20])
    units = [cp.Variable(steps, integer=whole_units, bounds=[0, 2]) for _ in costs]
    cost = sum(c * cp.sum(unit) for c, unit in zip(costs, units, strict=True))
    tolled = cp.Parameter(steps)
    cost = cost + (tolled @ bought if toll is not None else 0)
    site = Agent(
        "site",
        cp.Problem(cp.Minimize(price @ bought + cost), [bought + sum(units) == np.array(load)]),
        {"price": price, **({"toll": tolled} if toll is not None else {})},
        {"bought": bought},
    )
    return build.game(leader, site, site_links)


def _drawn(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "load": rng.uniform(2, 6, 2),
        "costs": np.sort(rng.uniform(2, 8, 2)),
        "wholesale": rng.uniform(0, 5, 2),
    }


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_settled_talk_is_a_true_answer_and_never_beats_the_exact_one(seed: int) -> None:
    drawn = _drawn(seed)
    talked = BestResponse().solve(_game(**drawn))
    exact = build.searched(_game(**drawn))
    assert talked.settled
    assert talked.certificate.regret["site"] == pytest.approx(0.0, abs=1e-7)
    assert talked.certificate.optimality_gap is None
    assert talked.certificate.settlement_residual <= 1e-6
    assert talked.leader_objective is not None
    assert talked.leader_objective <= exact + 1e-4 * abs(exact)
    assert talked.leader_objective >= max(r["realised"] for r in talked.rounds) - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_with_generic_data_the_optimum_is_reached(seed: int) -> None:
    drawn = _drawn(seed)
    talked = BestResponse().solve(_game(**drawn))
    exact = build.searched(_game(**drawn))
    assert talked.leader_objective == pytest.approx(exact, rel=1e-4)


@pytest.mark.smoke
def test_every_round_is_a_request_and_an_offer() -> None:
    room, game = Mailroom(), _game()
    found = room.run(BestResponse().play(game, room, "day-ahead"))
    rounds = len(found.rounds)
    assert found.statistics["rounds"] == rounds
    kinds = [(m.kind, m.round) for m in room.log]
    wanted = [(k, n + 1) for n in range(rounds) for k in ("Signal", "Response")]
    assert kinds[: 2 * rounds] == wanted
    assert [kind for kind, _ in kinds[2 * rounds :]] == ["FinalSignal", "Schedule", "Settlement"]
    for record, (request, offer) in zip(
        found.rounds, zip(room.log[::2], room.log[1::2], strict=False), strict=False
    ):
        assert isinstance(request, Signal)
        assert isinstance(offer, Response)
        assert request.values["price"] == record["announced"]["disco.price"].tolist()
        bill = np.dot(request.values["price"], offer.values["bought"])
        site = game.forms["site"]
        assert offer.own_cost is not None
        assert offer.own_cost >= 0
        assert bill + offer.own_cost <= np.dot(request.values["price"], [4, 5]) + 1e-9
        assert offer.sender == site.agent.name
    assert found.rounds[-1]["new_answers"] == 0
    assert found.rounds[-1]["realised"] == pytest.approx(found.leader_objective)


def test_a_talk_that_is_cut_short_is_not_settled() -> None:
    found = BestResponse(rounds=1).solve(_game())
    assert not found.settled
    assert len(found.rounds) == 1
    assert found.certificate.regret["site"] <= 1e-9


def test_followers_may_have_whole_units() -> None:
    found = BestResponse().solve(_game(whole_units=True, load=(4.5, 5.5)))
    assert found.settled
    assert found.certificate.regret["site"] <= 1e-9
    # 2 + 2 MW of its own at 4 and 7 from 4.5: above 7 only 0.5 is bought, above 4 it is 2.5.
    assert set(found.values["site.bought"].round(6).tolist()) <= {0.5, 1.5, 2.5, 3.5, 4.5, 5.5}


def test_the_best_answers_that_the_leader_can_use_are_kept() -> None:
    """Only high prices leave the leader's limit intact."""
    found = BestResponse().solve(_game(most=3.0))
    assert found.values["site.bought"].sum() <= 3.0 + 1e-9
    assert found.certificate.primal_residual is not None
    assert found.certificate.primal_residual <= 1e-9


def test_a_leader_that_no_answer_allows_is_named() -> None:
    with pytest.raises(NoAnswer, match="leader 'disco'") as caught:
        BestResponse().solve(_game(most=0.5))
    assert caught.value.agent == "disco"


def test_a_leader_that_runs_out_of_rounds_without_a_decision_is_named() -> None:
    words = (
        r"leader 'disco' has no decision that the answers it heard allow, rounds played: 1; "
        r".*short by"
    )
    with pytest.raises(NoAnswer, match=words):
        BestResponse(rounds=1).solve(_game(most=0.5))


def test_a_follower_without_an_answer_is_named() -> None:
    with pytest.raises(NoAnswer, match="agent 'site' has no best answer"):
        BestResponse().solve(_game(load=(40.0, 1.0)))


def test_signals_that_are_no_price_are_refused() -> None:
    with pytest.raises(WrongMethod, match=r"'site\.toll' is decided by another agent but is not"):
        BestResponse().solve(_game(toll=1.0, site_links=[Link("disco.toll", "site.toll")]))


def test_a_game_of_balances_is_refused() -> None:
    x = cp.Variable(bounds=[0, 1])
    game = Game(
        [Agent("a", cp.Problem(cp.Minimize(x)), says={"x": x})],
        balances=[Balance("half", ["a.x"], equals=0.5)],
    )
    sentence = r"BestResponse does not answer a game in which nobody leads and balances .*use Admm"
    with pytest.raises(WrongMethod, match=sentence):
        BestResponse().solve(game)


def test_prices_without_bounds_are_refused() -> None:
    game = _game()
    offer = cp.Variable(2)
    leader = game.agent("disco")
    open_ended = Agent("disco", leader.problem, leader.hears, {**leader.says, "price": offer})
    with pytest.raises(WrongMethod, match="a price that 'disco' decides has no bounds"):
        BestResponse().solve(
            Game([open_ended, game.agent("site")], "disco", game.links, game.payments)
        )


def test_followers_that_pay_the_leader_nothing_keep_their_cheapest_answer() -> None:
    x, heard = cp.Variable(bounds=[0, 3]), cp.Parameter()
    free = Agent("free", cp.Problem(cp.Minimize(2 * x), [x >= 1]), says={"x": x})
    leader = Agent("disco", cp.Problem(cp.Minimize(heard)), {"heard": heard})
    game = Game([leader, free], leader="disco", links=[Link("free.x", "disco.heard")])
    found = BestResponse().solve(game)
    assert found.leader_objective == pytest.approx(1.0)
    assert found.settled


def test_a_known_toll_is_heard_with_a_decided_price() -> None:
    """The state's 1 per MW lowers what the leader can ask before own units are cheaper."""
    toll = Agent("state", says={"toll": np.ones(2)})
    game = _game()
    site = game.agent("site")
    taxed = Game(
        [game.agent("disco"), site, toll],
        leader="disco",
        links=[*game.links, Link("state.toll", "site.price")],
        payments=[*game.payments, Payment("toll", "site", "state", "state.toll", "site.bought")],
    )
    found, exact = BestResponse().solve(taxed), Exact().solve(taxed)
    assert found.certificate.regret["site"] == pytest.approx(0.0, abs=1e-9)
    assert found.leader_objective == pytest.approx(exact.leader_objective)
    assert found.payments["toll"] == pytest.approx(found.values["site.bought"].sum())


def test_two_games_on_one_clock_do_not_answer_for_each_other() -> None:
    room = Mailroom()
    first = room.run(BestResponse().play(_game(), room, "first"))
    second = room.run(BestResponse().play(_game(load=(6.0, 7.0)), room, "second"))
    alone = BestResponse().solve(_game(load=(6.0, 7.0)))
    assert second.leader_objective == pytest.approx(alone.leader_objective)
    assert first.leader_objective != pytest.approx(alone.leader_objective)
