"""Ctrl-C in talks, wherever it falls: what was found so far is kept."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import simpy
from tests.support import talks

import equigrid as eg
from equigrid.errors import Interrupted
from equigrid.markets.best_response.player import AgentPlayer
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response
from equigrid.markets.messaging.talk_limits import TalkLimits

every_talk = pytest.mark.parametrize(
    "talk", [pytest.param(t, marks=pytest.mark.slow if t == "epec" else ()) for t in talks.TALKS]
)


def _stops_after(count: int) -> Callable[..., None]:
    """Press Ctrl-C when a round has been told."""

    def press(number: int, *_: float) -> None:
        if number == count:
            raise KeyboardInterrupt

    return press


@every_talk
def test_ctrl_c_keeps_the_answer_so_far(talk: str) -> None:
    game, method, _ = talks.TALKS[talk]
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
    assert kept.certificate.primal_residual is None or kept.certificate.primal_residual <= 1e-6
    assert not any(m.bargaining for box in room._boxes.values() for m in box.items)


@every_talk
def test_ctrl_c_in_the_first_round_has_nothing_to_keep(
    talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TalkLimits, "spend", pressed)
    monkeypatch.setattr(TalkLimits, "search", pressed)
    game, method, _ = talks.TALKS[talk]
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
        eg.BestResponse(order="jacobi").solve(talks.nash())
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
    game, method, _ = talks.TALKS[talk]
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
        endless.solve(talks.exchange())
    thread.join()
    assert caught.value.equilibrium is not None
