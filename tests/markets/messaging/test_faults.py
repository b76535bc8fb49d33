"""Faults of messages: drawn from a seed, told in the log, and survived by the negotiation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.errors import NoAnswer
from equigrid.markets.best_response import negotiation
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.message_log import read_log
from equigrid.markets.messaging.messages import (
    KINDS,
    Message,
    Response,
    Settlement,
    Signal,
)
from equigrid.markets.methods.best_response import BestResponse

WORST = Faults(loss=0.2, delay_rounds=3, duplicate=0.1, seed=5)

LOG = """
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response
room = Mailroom(faults=Faults(loss=0.3, delay_rounds=2, duplicate=0.3, seed=SEED))
for number in range(60):
    room.next_round()
    room.post(Response(sender="mg1", receiver="disco", round=number))
print(room.digest(), [m.seq for m in room.empty("disco")])
"""

probabilities = st.floats(0, 1, exclude_max=True)
faults = st.builds(
    Faults,
    loss=probabilities,
    delay_rounds=st.integers(0, 5),
    duplicate=probabilities,
    silent=st.dictionaries(st.sampled_from(["one", "two"]), st.integers(0, 6)),
    seed=st.integers(0, 2**63),
)


def _offer(number: int = 1, sender: str = "one") -> Response:
    return Response(sender=sender, receiver="disco", round=number)


def _talked(
    room: Mailroom, rounds: int = 12, senders: Sequence[str] = ("one", "two")
) -> list[Message]:
    """Post an offer of each sender a round, wait for the late ones, and return what came."""
    heard: list[Message] = []
    for number in range(1, rounds + 1):
        room.next_round()
        for sender in senders:
            room.post(_offer(number, sender))
        heard += room.empty("disco")
    for _ in range(10):
        room.next_round()
        heard += room.empty("disco")
    return heard


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loss": 1.0}, r"loss of Faults must be a number from 0 to below 1 \(got 1\.0\)"),
        ({"loss": float("nan")}, "loss of Faults"),
        ({"loss": True}, "loss of Faults"),
        ({"duplicate": -0.1}, "duplicate of Faults must be a number from 0 to below 1"),
        ({"duplicate": "0.1"}, "duplicate of Faults"),
        ({"delay_rounds": -1}, "delay_rounds of Faults must be a whole number, at least 0"),
        ({"delay_rounds": 1.0}, "delay_rounds of Faults"),
        ({"delay_rounds": True}, "delay_rounds of Faults"),
        ({"seed": -1}, "seed of Faults must be a whole number, at least 0"),
        ({"silent": {"mg1": -1}}, r"must give 'mg1' a last round, .* at least 0 \(got -1\)"),
        ({"silent": {"mg1": None}}, "must give 'mg1' a last round"),
        ({"silent": ["mg1"]}, "silent of Faults must map parties to their last rounds"),
    ],
)
def test_fields_that_cannot_be_used_are_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Faults(**fields)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="loss of Faults") as refused:
        Faults(loss=2, delay_rounds=-1, duplicate=2, silent={"a": -1, "b": 0.5})  # type: ignore[dict-item]
    assert len(str(refused.value).splitlines()) == 5


@given(names=st.lists(st.sampled_from(sorted(KINDS)), max_size=12), seed=st.integers(0, 99))
def test_no_fault_is_no_change(names: list[str], seed: int) -> None:
    rooms = [Mailroom(), Mailroom(faults=Faults(seed=seed))]
    for room in rooms:
        for name in names:
            room.next_round()
            room.post(KINDS[name](sender="one", receiver="disco", round=3))
    assert rooms[0].lines() == rooms[1].lines()
    assert rooms[0].empty("disco") == rooms[1].empty("disco") == rooms[0].log
    assert "fault" not in rooms[0].lines()


@given(given_faults=faults, name=st.sampled_from(sorted(set(KINDS) - {"Signal", "Response"})))
def test_only_a_bargaining_suffers(given_faults: Faults, name: str) -> None:
    room = Mailroom(faults=given_faults)
    for number in range(20):
        room.post(KINDS[name](sender="one", receiver="disco", round=number))
    room.post(Settlement(sender="one", receiver="disco", round=9, amount=1.0))
    assert room.empty("disco") == room.log
    assert {message.fault for message in room.log} == {""}


@pytest.mark.parametrize("name", ["Signal", "Response"])
def test_faults_strike_signals_and_responses(name: str) -> None:
    room = Mailroom(faults=Faults(loss=0.9, seed=1))
    for number in range(20):
        room.post(KINDS[name](sender="one", receiver="disco", round=number))
    assert room.struck == sum(m.fault == "lost" for m in room.log) > 10


@given(given_faults=faults)
def test_what_the_log_says_is_what_arrives(given_faults: Faults) -> None:
    room = Mailroom(faults=given_faults)
    heard = _talked(room)
    for message in room.log:
        words = message.fault.split(", ")
        copies = 0 if words[0] in ("lost", "silent") else 1 + ("doubled" in words)
        assert sum(m.seq == message.seq for m in heard) == copies
        last = given_faults.silent.get(message.sender, 99)
        assert (message.fault == "silent") == (message.round > last)
        late = [int(word.removeprefix("late ")) for word in words if word.startswith("late")]
        assert all(1 <= rounds <= given_faults.delay_rounds for rounds in late)


@given(given_faults=faults)
def test_the_same_seed_gives_the_same_log(given_faults: Faults) -> None:
    rooms = [Mailroom(faults=given_faults) for _ in range(2)]
    heard = [_talked(room) for room in rooms]
    assert rooms[0].lines() == rooms[1].lines()
    assert heard[0] == heard[1]


def test_another_seed_gives_another_log() -> None:
    logs = set()
    for seed in range(20):
        room = Mailroom(faults=Faults(loss=0.3, delay_rounds=2, seed=seed))
        _talked(room, 40)
        logs.add(room.digest())
    assert len(logs) == 20


def _printed(seed: int, hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", LOG.replace("SEED", str(seed))],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_one_log_whatever_the_process() -> None:
    assert _printed(1, "0") == _printed(1, "4711") != _printed(2, "0")


def test_frequencies_are_those_that_were_asked_for() -> None:
    room = Mailroom(faults=Faults(loss=0.2, delay_rounds=3, duplicate=0.1))
    _talked(room, 5000)
    told = [message.fault for message in room.log]
    assert np.mean([fault == "lost" for fault in told]) == pytest.approx(0.2, abs=0.02)
    arrived = [fault for fault in told if fault != "lost"]
    assert np.mean(["doubled" in fault for fault in arrived]) == pytest.approx(0.1, abs=0.02)
    single = [fault for fault in arrived if "doubled" not in fault]
    for fault in ("", "late 1", "late 2", "late 3"):
        assert single.count(fault) / len(single) == pytest.approx(0.25, abs=0.03)


def test_late_messages_arrive_after_later_ones() -> None:
    room = Mailroom(faults=Faults(delay_rounds=3, seed=1))
    heard = [message.seq for message in _talked(room, 30)]
    assert sorted(heard) == list(range(60))
    assert heard != sorted(heard)


def test_a_delay_counts_rounds() -> None:
    room = Mailroom(faults=Faults(delay_rounds=3, seed=1))
    for _ in range(30):
        room.post(_offer())
    arrivals = []
    for rounds in range(4):
        arrivals += [(message.fault, rounds) for message in room.empty("disco")]
        room.next_round()
    assert set(arrivals) == {("", 0), ("late 1", 1), ("late 2", 2), ("late 3", 3)}
    assert len(arrivals) == 30


def test_a_doubled_message_is_logged_once_and_arrives_twice() -> None:
    room = Mailroom(faults=Faults(duplicate=0.999999))
    room.post(_offer())
    assert room.empty("disco") == [room.log[0]] * 2
    assert [message.fault for message in room.log] == ["doubled"]


def test_deliveries_are_watched_apart_from_the_log() -> None:
    room = Mailroom(faults=Faults(loss=0.4, delay_rounds=2, duplicate=0.4, seed=3))
    logged: list[Message] = []
    delivered: list[Message] = []
    room.watch(logged.append)
    room.watch(delivered.append, delivered=True)
    heard = _talked(room)
    assert logged == room.log
    assert delivered == heard
    assert len({message.seq for message in heard}) < len(logged)


def test_late_messages_of_a_bargaining_never_reach_the_next() -> None:
    room = Mailroom(faults=Faults(delay_rounds=3, seed=1))
    for _ in range(30):
        room.post(_offer())
    room.end_bargaining()
    for _ in range(5):
        room.next_round()
    assert room.empty("disco") == []


@settings(max_examples=20)
@given(given_faults=faults)
def test_a_log_with_faults_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, given_faults: Faults
) -> None:
    room = Mailroom(faults=given_faults)
    _talked(room)
    path = tmp_path_factory.mktemp("log") / "messages.jsonl"
    path.write_text(room.lines(), encoding="utf-8")
    assert read_log(path) == room.log


def _play(game: Game, given_faults: Faults | None = None) -> tuple[Mailroom, Equilibrium]:
    room = Mailroom(faults=given_faults)
    return room, room.run(BestResponse().play(game, room, "day-ahead"))


def _same(one: Equilibrium, other: Equilibrium) -> None:
    assert one.leader_objective == other.leader_objective
    assert one.statistics == other.statistics
    assert one.settled == other.settled
    assert one.values.keys() == other.values.keys()
    for name, value in one.values.items():
        assert np.array_equal(value, other.values[name])


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_negotiation_comes_to_the_same_end(seed: int) -> None:
    _, calm = _play(build.two_sites(3))
    room, found = _play(
        build.two_sites(3), Faults(loss=0.2, delay_rounds=3, duplicate=0.1, seed=seed)
    )
    _same(found, calm)
    assert any(message.fault for message in room.log)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(game_seed=st.integers(0, 10**6))
def test_any_small_game_comes_to_the_same_end(game_seed: int) -> None:
    _, calm = _play(build.two_sites(game_seed, most=18.0))
    _, found = _play(build.two_sites(game_seed, most=18.0), WORST)
    _same(found, calm)


def test_a_negotiation_without_faults_says_what_it_always_said() -> None:
    one, found = _play(build.two_sites(3))
    other, _ = _play(build.two_sites(3), Faults(seed=8))
    assert one.lines() == other.lines()
    rounds = [
        (kind, number + 1)
        for number in range(len(found.rounds))
        for kind in ("Signal", "Signal", "Response", "Response")
    ]
    talk = [message for message in one.log if message.bargaining]
    assert [(message.kind, message.round) for message in talk] == rounds


def test_a_repeated_request_gets_the_same_offer() -> None:
    room, _ = _play(build.two_sites(3), WORST)
    offers: dict[tuple[str, int], list[Response]] = {}
    requests: dict[int, list[Signal]] = {}
    for message in room.log:
        if isinstance(message, Response):
            offers.setdefault((message.sender, message.round), []).append(message)
        if isinstance(message, Signal):
            requests.setdefault(message.round, []).append(message)
    assert max(map(len, offers.values())) > 1
    for same in offers.values():
        assert all((o.values, o.own_cost) == (same[0].values, same[0].own_cost) for o in same)
    for asked in requests.values():
        assert all(request.values == asked[0].values for request in asked)


def test_a_silent_party_is_named_after_a_limit() -> None:
    room = Mailroom(faults=Faults(silent={"s1": 2}))
    with pytest.raises(NoAnswer, match="agent 's1' has not answered in 30 tries; lower") as told:
        room.run(BestResponse().play(build.two_sites(3), room))
    assert told.value.agent == "s1"
    asked = [m for m in room.log if (m.kind, m.receiver, m.round) == ("Signal", "s1", 3)]
    answered = [m for m in room.log if m.sender == "s1"]
    assert len(asked) == 30
    assert [m.fault for m in answered] == ["", "", *["silent"] * 30]
    assert sum(m.sender == "s0" and m.round == 3 for m in room.log) == 1


def test_a_leader_that_falls_silent_ends_the_talk_too() -> None:
    room = Mailroom(faults=Faults(silent={"disco": 0}))
    with pytest.raises(NoAnswer, match="agents 's0', 's1' have not answered in 30 tries"):
        room.run(BestResponse().play(build.two_sites(3), room))
    assert {message.kind for message in room.log} == {"Signal"}


def test_after_a_failed_talk_the_next_one_reads_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(negotiation, "_TRIES", 3)
    room = Mailroom(faults=Faults(delay_rounds=3, silent={"s1": 2}, seed=2))
    with pytest.raises(NoAnswer):
        room.run(BestResponse().play(build.two_sites(3), room))
    for _ in range(5):
        room.next_round()
    left = [m for name in ("disco", "s0", "s1") for m in room.empty(name)]
    assert [m for m in left if m.bargaining] == []


@pytest.mark.slow
def test_two_talks_on_one_clock_do_not_mix() -> None:
    room = Mailroom(faults=WORST)
    for seed in (3, 4):
        found = room.run(BestResponse().play(build.two_sites(seed, most=18.0), room))
        _same(found, _play(build.two_sites(seed, most=18.0))[1])


def test_the_error_of_a_follower_is_told_through_faults() -> None:
    room = Mailroom(faults=WORST)
    with pytest.raises(NoAnswer, match="agent 'site' has no best answer"):
        room.run(BestResponse().play(build.game(build.disco(), build.site(load=40.0)), room))
