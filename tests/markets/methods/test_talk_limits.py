"""Limits in work and by the clock, progress and Ctrl-C in talks: what was found so far is kept."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
import simpy
from tests.support import led_games as build

import equigrid as eg
from equigrid.errors import Interrupted, NoAnswer
from equigrid.markets.best_response.player import AgentPlayer
from equigrid.markets.best_response.rounds import Rules
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response, Signal
from equigrid.markets.messaging.talk_limits import TalkLimits

Told = list[tuple[int, float, float]]


def _firm(name: str) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, 99]), cp.Parameter()
    profit = 90 * output - cp.square(output) - others * output
    return eg.Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})


def _nash() -> eg.Game:
    links = [eg.Link("a.q", "b.others"), eg.Link("b.q", "a.others")]
    return eg.Game([_firm("a"), _firm("b")], links=links)


def _leader(name: str) -> eg.Agent:
    """Gain by an output whose price falls with what the follower buys for both."""
    x, heard, other = cp.Variable(bounds=[0, 20]), cp.Parameter(), cp.Parameter()
    cost = cp.square(x) - 30 * x + other * x + 0.1 * heard
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), {"y": heard, "other": other}, {"x": x})


def _epec() -> eg.Game:
    """Two leaders whose words creep towards each other, and a follower that adds them up."""
    y, words = cp.Variable(bounds=[0, 50]), [cp.Parameter(), cp.Parameter()]
    follower = cp.Problem(cp.Minimize(cp.square(y) / 2 - (words[0] + words[1]) * y))
    agents = [_leader("a"), _leader("b")]
    agents.append(eg.Agent("f", follower, {"a": words[0], "b": words[1]}, {"y": y}))
    links = [eg.Link("a.x", "f.a"), eg.Link("b.x", "f.b"), eg.Link("f.y", "a.y")]
    links += [eg.Link("f.y", "b.y"), eg.Link("a.x", "b.other"), eg.Link("b.x", "a.other")]
    return eg.Game(agents, leader=["a", "b"], links=links)


def _led() -> eg.Game:
    return build.two_sites(1)


def _plant(name: str, least: float, most: float, cost: float) -> eg.Agent:
    """Generate between least and most; below 0 least is 0, above it only where on, at 50."""
    output = cp.Variable(2, bounds=[0, most])
    cost = cost * cp.sum(output) + 0.0
    rows: list[cp.Constraint] = []
    if least:
        on = cp.Variable(2, boolean=True)
        rows, cost = [output <= most * on, output >= least * on], cost + 50 * cp.sum(on)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), says={"mw": output})


def _exchange(least: float = 0.0) -> eg.Game:
    load = eg.Agent("load", says={"mw": np.array([10.0, 55.0])})
    plants = [_plant("large", least, 40, 20), _plant("small", least / 3, 30, 35)]
    plants.append(_plant("shed", 0, 300, 60))
    terms = ["large.mw", "small.mw", "shed.mw", "-load.mw"]
    return eg.Game([*plants, load], balances=[eg.Balance("energy", terms)])


def _fleet(count: int) -> eg.Game:
    most, charge = cp.Parameter(2), cp.Variable(2, nonneg=True)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(charge)), [charge <= most, cp.sum(charge) == 1])
    car = eg.Agent("car", problem, hears={"most_mw": most}, says={"mw": charge})
    cars = eg.Fleet("cars", car, {"most_mw": np.full((count, 2), 0.8)})
    gas = _plant("gas", 0, 100, 9)
    return eg.Game([gas, cars], balances=[eg.Balance("energy", ["gas.mw", "-cars.mw"])])


TALKS: dict[str, tuple[Callable[[], eg.Game], Any, float]] = {
    "negotiation": (_led, eg.BestResponse(), 1500),
    "nash": (_nash, eg.BestResponse(), 500),
    "epec": (_epec, eg.BestResponse(), 1500),
    "exchange": (_exchange, eg.Admm(), 1500),
}
every_talk = pytest.mark.parametrize("talk", TALKS)


def _played(talk: str, **changes: Any) -> tuple[Equilibrium, Told, Mailroom]:
    told: Told = []
    game, method, _ = TALKS[talk]
    room = Mailroom()
    method = replace(method, progress=lambda *said: told.append(said), **changes)
    return room.run(method.play(game(), room)), told, room


def _stops_after(count: int) -> Callable[..., None]:
    """Press Ctrl-C when a round has been told."""

    def press(number: int, *_: float) -> None:
        if number == count:
            raise KeyboardInterrupt

    return press


@every_talk
def test_a_limit_in_work_ends_a_talk_at_the_same_answer_every_time(talk: str) -> None:
    limit = TALKS[talk][2]
    whole, _, _ = _played(talk)
    short, told, room = _played(talk, work_limit=limit)
    again, _, other = _played(talk, work_limit=limit)
    assert whole.settled
    assert not any(name.startswith("stopped_by") for name in whole.statistics)
    assert not short.settled
    assert short.statistics["stopped_by_work"] == 1.0
    assert 1 <= len(short.rounds) < len(whole.rounds)
    assert len(told) == len(short.rounds)
    assert room.digest() == other.digest()
    assert dict(again.statistics) == dict(short.statistics)
    assert all(np.array_equal(again.values[path], v) for path, v in short.values.items())
    assert short.certificate.settlement_residual <= 1e-6


@every_talk
def test_a_limit_that_is_not_met_changes_nothing(talk: str) -> None:
    free, _, room = _played(talk)
    ample, _, other = _played(talk, work_limit=1e9, seconds=600.0)
    assert ample.settled
    assert room.digest() == other.digest()
    assert dict(ample.statistics) == dict(free.statistics)
    assert all(np.array_equal(ample.values[path], v) for path, v in free.values.items())


@every_talk
def test_a_clock_that_has_struck_ends_a_talk(talk: str) -> None:
    game, method, _ = TALKS[talk]
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
        found, _, _ = _played(talk, seconds=600.0)
        assert found.statistics["stopped_by_clock"] == 1.0
        assert len(found.rounds) == 1
        assert not found.settled


@every_talk
def test_progress_is_told_after_every_round_in_order_down_to_what_is_allowed(talk: str) -> None:
    found, told, _ = _played(talk)
    assert [number for number, _, _ in told] == list(range(1, len(found.rounds) + 1))
    assert told[-1][1] <= told[-1][2]
    known = [(off, allowed) for _, off, allowed in told if not math.isnan(off)]
    if talk == "negotiation":  # nothing is planned while it only tries prices
        assert all(math.isnan(off) for _, off, _ in told[:3])
    assert known[0][0] > known[0][1]
    assert all(off >= 0 and allowed > 0 for off, allowed in known)


def test_one_pass_is_one_round_of_which_nothing_is_off() -> None:
    told: Told = []
    first = eg.Agent("first", says={"q": np.array(3.0)})
    alone = eg.Game([first, _firm("a")], links=[eg.Link("first.q", "a.others")])
    found = eg.BestResponse(progress=lambda *said: told.append(said)).solve(alone)
    assert found.settled
    assert [number for number, _, _ in told] == [1]
    assert math.isnan(told[0][1])
    assert math.isnan(told[0][2])


@every_talk
def test_ctrl_c_keeps_the_answer_so_far(talk: str) -> None:
    game, method, _ = TALKS[talk]
    room = Mailroom()
    stopped = replace(method, progress=_stops_after(4 if talk == "negotiation" else 2))
    with pytest.raises(Interrupted) as caught:
        room.run(stopped.play(game(), room))
    kept = caught.value.equilibrium
    assert kept is not None
    assert not kept.settled
    assert kept.statistics["stopped_by_interrupt"] == 1.0
    assert len(kept.rounds) == (4 if talk == "negotiation" else 2)
    assert kept.certificate.worst_tie_loss is None
    assert kept.certificate.settlement_residual <= 1e-6
    assert not any(m.bargaining for box in room._boxes.values() for m in box.items)


@every_talk
def test_ctrl_c_in_the_first_round_has_nothing_to_keep(
    talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TalkLimits, "spend", pressed)
    monkeypatch.setattr(TalkLimits, "search", pressed)
    game, method, _ = TALKS[talk]
    with pytest.raises(Interrupted, match="no answer was found yet") as caught:
        method.solve(game())
    assert caught.value.equilibrium is None


def test_ctrl_c_in_a_round_leaves_no_word_without_its_decision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn, turns = AgentPlayer.turn, [0]

    def pressed(self: AgentPlayer, values: Any) -> float:
        turns[0] += 1
        if turns[0] == 6:
            raise KeyboardInterrupt
        return turn(self, values)

    monkeypatch.setattr(AgentPlayer, "turn", pressed)
    with pytest.raises(Interrupted) as caught:
        eg.BestResponse(order="jacobi").solve(_nash())
    kept = caught.value.equilibrium
    assert turns == [6]
    assert len(kept.rounds) == 2
    assert kept.certificate.primal_residual <= 1e-9
    assert kept.values["a.q"] == pytest.approx((90 - kept.rounds[1]["said"]["b.q"]) / 2, abs=1e-5)


def test_after_ctrl_c_nobody_else_acts_in_the_same_round() -> None:
    acted: list[str] = []

    def act(name: str) -> Callable[..., list[Response]]:
        def acts(_: Any) -> list[Response]:
            acted.append(name)
            if name == "b":
                raise KeyboardInterrupt
            return []

        return acts

    def talk(room: Mailroom) -> Iterator[simpy.Event]:
        yield room.together({name: act(name) for name in "abc"})

    room = Mailroom()
    with pytest.raises(KeyboardInterrupt):
        room.run(talk(room))  # type: ignore[arg-type]
    assert acted == ["a", "b"]


@pytest.mark.parametrize("talk", ["nash", "exchange"])
def test_ctrl_c_in_the_clock_itself_reaches_the_talk(
    talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may fall between two processes, where no party and no house is at work."""
    step, steps = simpy.Environment.step, [0]

    def struck(self: simpy.Environment) -> None:
        steps[0] += 1
        if steps[0] == 40:
            raise KeyboardInterrupt
        step(self)

    monkeypatch.setattr(simpy.Environment, "step", struck)
    game, method, _ = TALKS[talk]
    room = Mailroom()
    with pytest.raises(Interrupted) as caught:
        room.run(method.play(game(), room))
    assert caught.value.equilibrium is not None
    assert not any(m.bargaining for box in room._boxes.values() for m in box.items)


@pytest.fixture
def minds_ctrl_c() -> Iterator[None]:
    """Interrupts raise here, though a shell that runs tests in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("minds_ctrl_c")
def test_a_signal_from_outside_ends_a_talk_wherever_it_falls() -> None:
    begun = threading.Event()

    def press() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    endless = eg.Admm(
        rounds=10**6, tolerance=1e-300, dual_tolerance=1e-300, progress=lambda *_: begun.set()
    )
    with pytest.raises(Interrupted) as caught:
        endless.solve(_exchange())
    thread.join()
    assert caught.value.equilibrium is not None


def test_no_answer_before_a_limit_names_it_and_what_to_raise() -> None:
    for talk in ("negotiation", "epec"):
        game, method, _ = TALKS[talk]
        sentence = r"before the limit in work of BestResponse; raise work_limit"
        if talk == "epec":
            with pytest.raises(NoAnswer, match=sentence):
                replace(method, work_limit=1.0).solve(game())
        else:  # the first prices are only tried, so there is an answer after a round
            assert len(replace(method, work_limit=1.0).solve(game()).rounds) == 1


def test_agents_with_whole_numbers_get_what_is_left() -> None:
    rng = np.random.default_rng(1)
    pick, weight = cp.Variable(40, boolean=True), rng.integers(100, 999, (6, 40)).astype(float)
    rows = [weight @ pick == weight @ (np.arange(40) % 2)]
    hard = eg.Agent("hard", cp.Problem(cp.Maximize(cp.sum(pick)), rows))
    with pytest.raises(NoAnswer, match="limit in work of BestResponse"):
        eg.BestResponse(work_limit=20_000).solve(eg.Game([hard]))
    with pytest.raises(NoAnswer, match="before the clock struck"):
        eg.BestResponse(seconds=0.5).solve(eg.Game([hard]))


def test_every_member_of_a_fleet_is_counted() -> None:
    few, many = (
        eg.Admm(work_limit=4000, tolerance=1e-300).solve(_fleet(count)) for count in (4, 16)
    )
    assert len(few.rounds) > 2.5 * len(many.rounds)


def test_a_talk_that_is_ended_while_whole_numbers_are_fixed_keeps_its_answer() -> None:
    whole = eg.Admm().solve(_exchange(15.0))
    rounds = len(whole.rounds)
    assert whole.settled
    limits = [200.0 * k for k in range(1, 60)]
    found = [eg.Admm(work_limit=limit).solve(_exchange(15.0)) for limit in limits[::6]]
    assert all(not short.settled for short in found if len(short.rounds) < rounds)
    assert all("central_cost" not in short.statistics for short in found if not short.settled)
    assert [len(short.rounds) for short in found] == sorted(len(short.rounds) for short in found)


def test_a_check_names_the_limit_that_a_talk_met() -> None:
    short, _, _ = _played("nash", work_limit=500)
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
    game, work = _led(), []
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
