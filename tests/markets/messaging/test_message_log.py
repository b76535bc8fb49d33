"""A log that keeps the last rounds of each bargaining: what stays, and digests of what does not."""

import hashlib
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.message_log import RoundDigest, digest, log_lines, read_log
from equigrid.markets.messaging.messages import (
    KINDS,
    Announcement,
    Message,
    Response,
    Schedule,
    Signal,
)
from equigrid.markets.methods.best_response import BestResponse

# Of each message posted: its kind, stage and round; None ends the bargaining.
POSTED = st.lists(
    st.none()
    | st.tuples(
        st.sampled_from(["Signal", "Response", "Schedule"]),
        st.sampled_from(["", "day"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


def _filled(posted: Iterable[Any], rounds_kept: int | None) -> Mailroom:
    room = Mailroom(case="one", rounds_kept=rounds_kept)
    for number, what in enumerate(posted):
        if what is None:
            room.end_bargaining()
            continue
        kind, stage, round_ = what
        make: Any = KINDS[kind]
        values = {"number": number}
        room.post(make(sender="a", receiver="b", stage=stage, round=round_, values=values))
    return room


def _written(room: Mailroom, folder: Path) -> Path:
    path = folder / "messages.jsonl"
    path.write_text(room.lines(), encoding="utf-8")
    return path


def test_the_last_rounds_stay_and_digests_of_the_others() -> None:
    posted = [(k, "day", n) for n in (1, 2, 3, 4) for k in ("Signal", "Response")]
    whole, room = (_filled([*posted, ("Schedule", "day", 4)], kept) for kept in (None, 2))
    assert room.log == [m for m in whole.log if m.round > 2]
    first, second, *rest = room.entries()
    assert rest == room.log
    assert isinstance(first, RoundDigest)
    assert (first.case, first.stage, first.round, first.seq) == ("one", "day", 1, 0)
    assert (first.messages, second.round, second.seq) == (2, 2, 2)
    lines = "".join(whole.lines().splitlines(keepends=True)[:2])  # of round 1, in full
    assert first.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    record = json.loads(room.lines().splitlines()[0])
    assert record.keys() == {"kind", "case", "stage", "round", "seq", "messages", "sha256"}
    assert record["kind"] == "RoundDigest"


@given(posted=POSTED, kept=st.integers(0, 4))
def test_whatever_is_posted_is_kept_or_vouched_for(posted: list[Any], kept: int) -> None:
    whole, room = _filled(posted, None), _filled(posted, kept)
    entries = room.entries()
    left_out = [entry for entry in entries if isinstance(entry, RoundDigest)]
    gone = [message for message in whole.log if message not in room.log]
    assert sum(entry.messages for entry in left_out) == len(gone)
    assert all(message.bargaining for message in gone)
    assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
    starts = [-1, *(n for n, what in enumerate(posted) if what is None), len(posted)]
    for begin, end in pairwise(starts):
        for stage in ("", "day"):
            talk = [
                m
                for m in whole.log
                if m.bargaining and m.stage == stage and begin < _number(m) < end
            ]
            last = max((m.round for m in talk), default=0) - kept
            assert [m for m in talk if m in room.log] == [m for m in talk if m.round > last]
            for number in {m.round for m in talk if m.round <= last}:
                own = [m for m in talk if m.round == number]
                (entry,) = [e for e in left_out if e.seq == own[0].seq]
                assert (entry.stage, entry.round, entry.messages) == (stage, number, len(own))
                assert entry.sha256 == digest(own)


def _number(message: Message) -> int:
    assert isinstance(message, Signal | Response)
    return int(message.values["number"])


@given(posted=POSTED, kept=st.none() | st.integers(0, 4))
def test_a_bounded_log_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, posted: list[Any], kept: int | None
) -> None:
    room = _filled(posted, kept)
    read = read_log(_written(room, tmp_path_factory.mktemp("log")))
    assert read == room.entries()
    assert log_lines(read) == room.lines()
    assert digest(read) == room.digest() == _filled(posted, kept).digest()


def test_all_rounds_stay_unless_something_else_is_asked_for() -> None:
    room = _filled([("Signal", "", number) for number in range(50)], None)
    assert room.entries() == room.log
    assert len(room.log) == 50


@pytest.mark.parametrize("rounds_kept", [-1, 1.0, True, "3"])
def test_what_is_no_number_of_rounds_is_refused(rounds_kept: Any) -> None:
    with pytest.raises(ValueError, match="rounds_kept of Mailroom must be a whole number, at leas"):
        Mailroom(rounds_kept=rounds_kept)


@pytest.mark.parametrize("change", [{"messages": None}, {"more": 1}, {"round": None}])
def test_a_digest_with_wrong_fields_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    room = _filled([("Signal", "day", 1), ("Signal", "day", 2)], 1)
    path = _written(room, tmp_path)
    record = {**json.loads(path.read_text("utf-8").splitlines()[0]), **change}
    record = {name: value for name, value in record.items() if value is not None}
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"messages\.jsonl:1: not a message: a digest of a round"):
        read_log(path)


@pytest.mark.parametrize("faults", [None, Faults(loss=0.2, delay_rounds=3, duplicate=0.1, seed=5)])
def test_a_negotiation_is_the_same_whatever_is_kept_of_it(faults: Faults | None) -> None:
    rooms = [Mailroom(faults=faults, rounds_kept=kept) for kept in (None, 2)]
    whole, bounded = (room.run(BestResponse().play(build.two_sites(3), room)) for room in rooms)
    assert len(whole.rounds) == len(bounded.rounds) > 3
    for path, value in whole.values.items():
        assert np.array_equal(value, bounded.values[path]), path
    talk = [m for m in rooms[1].log if m.bargaining]
    assert {m.round for m in talk} == {len(whole.rounds) - 1, len(whole.rounds)}
    assert [m for m in rooms[0].log if m in rooms[1].log] == rooms[1].log
    digests = [entry for entry in rooms[1].entries() if isinstance(entry, RoundDigest)]
    assert [entry.round for entry in digests] == list(range(1, len(whole.rounds) - 1))
    for entry in digests:
        own = [m for m in rooms[0].log if m.bargaining and m.round == entry.round]
        assert (entry.messages, entry.sha256) == (len(own), digest(own))


def test_what_is_no_bargaining_stays() -> None:
    room = Mailroom(rounds_kept=0)
    room.post(Announcement(sender="iso", receiver="disco", round=1))
    room.post(Signal(sender="disco", receiver="site", round=1))
    room.post(Schedule(sender="site", receiver="disco", round=1))
    assert [entry.kind for entry in room.entries()] == ["Announcement", "RoundDigest", "Schedule"]
    assert [message.seq for message in room.empty("site")] == [1]  # delivered all the same
