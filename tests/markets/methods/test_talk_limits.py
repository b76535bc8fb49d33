"""Limits of talks in work and by the clock, and what is told of their progress."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from tests.support import talks

import equigrid as eg
from equigrid.errors import NoAnswer
from equigrid.markets.best_response.rounds import Rules
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Signal
from equigrid.markets.messaging.talk_limits import TalkLimits

every_talk = pytest.mark.parametrize(
    "talk", [pytest.param(t, marks=pytest.mark.slow if t == "epec" else ()) for t in talks.TALKS]
)


@every_talk
def test_a_limit_in_work_ends_a_talk_at_the_same_answer_every_time(talk: str) -> None:
    limit = talks.TALKS[talk][2]
    whole, _, _ = talks.free(talk)
    short, told, room = talks.played(talk, work_limit=limit)
    again, _, other = talks.played(talk, work_limit=limit)
    assert whole.settled
    assert not any(name.startswith("stopped_by") for name in whole.statistics)
    assert not short.settled
    assert short.statistics["stopped_by_work"] == 1.0
    assert 1 <= len(short.rounds) < len(whole.rounds)
    assert len(told) == len(short.rounds)
    assert room.digest() == other.digest()
    assert dict(again.statistics) == dict(short.statistics)
    assert all(np.array_equal(again.values[path], v) for path, v in short.values.items())
    if talk != "exchange":  # what its balances miss is settled with nobody
        assert short.certificate.settlement_residual <= 1e-6


@every_talk
def test_a_limit_that_is_not_met_changes_nothing(talk: str) -> None:
    free, _, room = talks.free(talk)
    ample, _, other = talks.played(talk, work_limit=1e9, seconds=600.0)
    assert ample.settled
    assert room.digest() == other.digest()
    assert dict(ample.statistics) == dict(free.statistics)
    assert all(np.array_equal(ample.values[path], v) for path, v in free.values.items())


@pytest.mark.slow
@every_talk
def test_a_clock_that_has_struck_ends_a_talk(talk: str) -> None:
    game, method, _ = talks.TALKS[talk]
    quick = replace(method, seconds=1e-9)
    with pytest.raises(NoAnswer, match=r"before the clock struck; give it more seconds"):
        quick.solve(game())


def test_a_clock_that_strikes_between_rounds_keeps_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = TalkLimits.tell

    def late(self: TalkLimits, *said: Any) -> None:
        kept(self, *said)
        self._spent._stop._until = 0.0

    monkeypatch.setattr(TalkLimits, "tell", late)
    for talk in ("nash", "exchange", "epec"):
        found, _, _ = talks.played(talk, seconds=600.0)
        assert found.statistics["stopped_by_clock"] == 1.0
        assert len(found.rounds) == 1
        assert not found.settled


@every_talk
def test_progress_is_told_after_every_round_in_order_down_to_what_is_allowed(talk: str) -> None:
    found, told, _ = talks.free(talk)
    assert [number for number, _, _ in told] == list(range(1, len(found.rounds) + 1))
    assert told[-1][1] <= told[-1][2]
    known = [(off, allowed) for _, off, allowed in told if not math.isnan(off)]
    if talk == "negotiation":  # nothing is planned while it only tries prices
        assert all(math.isnan(off) for _, off, _ in told[:3])
    assert max(off for off, _ in known) > known[0][1]
    assert all(off >= 0 and allowed > 0 for off, allowed in known)


def test_one_pass_is_one_round_of_which_nothing_is_off() -> None:
    told: talks.Told = []
    first = eg.Agent("first", says={"q": np.array(3.0)})
    alone = eg.Game([first, talks.firm("a")], links=[eg.Link("first.q", "a.others")])
    found = eg.BestResponse(progress=lambda *said: told.append(said)).solve(alone)
    assert found.settled
    assert [number for number, _, _ in told] == [1]
    assert math.isnan(told[0][1])
    assert math.isnan(told[0][2])


@pytest.mark.slow
def test_no_answer_before_a_limit_names_it_and_what_to_raise() -> None:
    with pytest.raises(NoAnswer, match="before the limit in work of BestResponse; raise work_lim"):
        eg.BestResponse(work_limit=1.0).solve(talks.epec())
    # Where nobody searches, a round goes to its end, so there is an answer.
    for talk in ("negotiation", "nash", "exchange"):
        assert len(talks.played(talk, work_limit=1.0)[0].rounds) == 1


def test_agents_with_whole_numbers_get_what_is_left() -> None:
    rng = np.random.default_rng(1)
    pick, weight = cp.Variable(40, boolean=True), rng.integers(100, 999, (6, 40)).astype(float)
    rows = [weight @ pick == weight @ (np.arange(40) % 2)]
    hard = eg.Agent("hard", cp.Problem(cp.Maximize(cp.sum(pick)), rows))
    with pytest.raises(NoAnswer, match="limit in work of BestResponse"):
        eg.BestResponse(work_limit=20_000).solve(eg.Game([hard]))
    with pytest.raises(NoAnswer, match="before the clock struck"):
        eg.BestResponse(seconds=0.5).solve(eg.Game([hard]))


@pytest.mark.slow
def test_every_member_of_a_fleet_is_counted() -> None:
    few, many = (
        eg.Admm(work_limit=4000, tolerance=1e-300).solve(talks.fleet(count)) for count in (4, 16)
    )
    assert len(few.rounds) > 2.5 * len(many.rounds)


def test_a_talk_that_is_ended_while_whole_numbers_are_fixed_keeps_its_answer() -> None:
    found = [eg.Admm(work_limit=k).solve(talks.exchange(15.0)) for k in (200, 2500, 5000, 7500)]
    assert not any(short.settled or "central_cost" in short.statistics for short in found)
    assert [len(short.rounds) for short in found] == sorted(len(short.rounds) for short in found)


def test_a_check_names_the_limit_that_a_talk_met() -> None:
    short, _, _ = talks.played("nash", work_limit=500)
    tolerance = dict.fromkeys(
        ("regret", "gap", "settlement", "ac_voltage_pu", "ac_loading_percent"), 1e-3
    )
    said = [check.shortfall for check in short.checks(tolerance) if check.holds is False]
    assert "the talk did not settle within its limit in work" in said


def test_limits_are_refused_by_name_and_progress_is_no_part_of_a_method() -> None:
    for method in (eg.BestResponse, eg.Admm):
        for name in ("work_limit", "seconds"):
            with pytest.raises(ValueError, match=f"{name} of {method.__name__} must be above 0"):
                method(**{name: 0.0})  # type: ignore[arg-type]
        assert method(progress=lambda *_: None) == method()


def test_rules_of_rounds_have_no_limits_of_their_own() -> None:
    assert not Rules().limits.limited
    assert Rules().limits is not Rules().limits


def test_a_signal_is_answered_once_and_counted_once() -> None:
    """What is asked again for lost mail is the same answer, and costs nothing."""
    game, work = talks.led(), []
    for faults in (None, eg.Faults(duplicate=0.9, seed=3)):
        limits: list[TalkLimits] = []
        made = TalkLimits.__post_init__

        def noted(self: TalkLimits, made: Any = made, limits: Any = limits) -> None:
            made(self)
            limits.append(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TalkLimits, "__post_init__", noted)
            room = Mailroom(faults=faults)
            room.run(eg.BestResponse().play(game, room))
        assert any(isinstance(message, Signal) for message in room.log)
        work.append(limits[0].work)
    assert work[0] == work[1]
