"""The mailroom: stamped in order, logged before delivery, the same log everywhere."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.errors import NoAnswer
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.message_log import read_log
from equigrid.markets.messaging.messages import (
    Announcement,
    FinalSignal,
    Message,
    Response,
    Schedule,
)
from equigrid.markets.messaging.posting import announce_constants
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link

NEGOTIATION = """
import cvxpy as cp
from equigrid.markets.model.agent import Agent
from equigrid.markets.games.game import Game
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.model.agent import Agent
from equigrid.markets.messaging.posting import announce_constants
from equigrid.markets.games.game import Game
from equigrid.markets.model.link import Link
from equigrid.markets.messaging.mailroom import Mailroom
offer, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter()
leader = Agent("disco", cp.Problem(cp.Maximize(income)), {"income": income}, {"price": offer})
sites, links, payments = [], [], []
for name in ("north", "south", "east"):
    price, x, own = cp.Parameter(2), cp.Variable(2, bounds=[0, 9]), cp.Variable(2, bounds=[0, 2])
    cost = price @ x + (3 + len(name)) * cp.sum(own)
    problem = cp.Problem(cp.Minimize(cost), [x + own == 4])
    sites.append(Agent(name, problem, {"price": price}, {"x": x}))
    links += [Link("disco.price", name + ".price"), Link("bill " + name, "disco.income")]
    payments.append(Payment("bill " + name, name, "disco", "disco.price", name + ".x"))
room = Mailroom()
game = Game([leader, *sites], leader="disco", links=links, payments=payments)
room.run(BestResponse().play(game, room))
print(len(room.log), room.digest())
"""


def _note(text: str, receiver: str = "disco") -> Announcement:
    return Announcement(sender="iso", receiver=receiver, values={"note": text})


def _waiting(room: Mailroom, minutes: int) -> Generator[Any, Any, list[Message]]:
    """Post one message a while apart, and read both."""
    room.post(_note("first"))
    yield room.clock.timeout(minutes)
    room.post(_note("second"))
    first = yield room.receive("disco")
    second = yield room.receive("disco")
    return [first, second]


def test_stamps_and_order() -> None:
    room = Mailroom()
    heard = room.run(_waiting(room, 15))
    assert [(m.seq, m.minute) for m in room.log] == [(0, 0), (1, 15)]
    assert heard == room.log


def test_logged_and_watched_before_it_is_delivered() -> None:
    room, seen = Mailroom(), []

    def watcher(message: Message) -> None:
        seen.append((message.seq, len(room.log), len(room.empty("disco"))))

    room.watch(watcher)
    room.post(_note("one"))
    room.post(_note("two"))
    assert seen == [(0, 1, 0), (1, 2, 1)]


def test_a_letter_box_can_be_emptied() -> None:
    room = Mailroom()
    room.post(_note("one"))
    room.post(_note("elsewhere", receiver="site"))
    assert [m.seq for m in room.empty("disco")] == [0]
    assert room.empty("disco") == []
    assert len(room.log) == 2


@settings(max_examples=30)
@given(notes=st.lists(st.text(), max_size=6), amounts=st.lists(st.floats(0, 1e9), max_size=3))
def test_a_log_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, notes: list[str], amounts: list[float]
) -> None:
    room = Mailroom()
    for note in notes:
        room.post(_note(note))
    room.post(FinalSignal(sender="disco", receiver="site", values={"price": amounts}))
    path = tmp_path_factory.mktemp("log") / "messages.jsonl"
    path.write_text(room.lines(), encoding="utf-8")
    assert read_log(path) == room.log


@pytest.mark.parametrize(
    "line", ["{", "[1, 2]", "5", '"text"', '{"kind": "Bid"}', '{"kind": "Schedule"}', ""]
)
def test_a_line_that_is_no_message_is_named(tmp_path: Path, line: str) -> None:
    room = Mailroom()
    room.post(Schedule(sender="site", receiver="disco"))
    path = tmp_path / "messages.jsonl"
    path.write_text(room.lines() + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"messages\.jsonl:2: not a message"):
        read_log(path)


def test_constants_are_announced_to_those_who_hear_them() -> None:
    fee, load = cp.Parameter(2), cp.Parameter()
    iso = Agent("iso", says={"fee": np.array([1.0, 2.0]), "load": 3.0, "silent": 4.0})
    one = Agent("one", cp.Problem(cp.Minimize(cp.sum(fee) + load)), {"fee": fee, "load": load})
    two = Agent("two", hears={"load": cp.Parameter()})
    links = [Link("iso.fee", "one.fee"), Link("iso.load", "one.load"), Link("iso.load", "two.load")]
    room = Mailroom()
    announce_constants(Game([iso, one, two], links=links), room, "day")
    assert room.log == [
        Announcement(
            sender="iso",
            receiver="one",
            stage="day",
            seq=0,
            minute=0,
            values={"fee": [1.0, 2.0], "load": 3.0},
        ),
        Announcement(
            sender="iso", receiver="two", stage="day", seq=1, minute=0, values={"load": 3.0}
        ),
    ]


def test_the_digest_depends_on_every_message() -> None:
    one, two = Mailroom(), Mailroom()
    for room, last in ((one, "b"), (two, "c")):
        room.post(_note("a"))
        room.post(_note(last))
    assert one.digest() != two.digest()
    assert len(one.digest()) == 64


@pytest.mark.slow
def test_a_negotiation_has_one_log_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", NEGOTIATION],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(found) == 1
    assert int(found.pop().splitlines()[-1].split()[0]) > 10  # HiGHS greets before


def _offer(sender: str = "site", number: int = 1) -> Response:
    return Response(sender=sender, receiver="disco", round=number)


def test_parties_act_on_their_own_mail_in_the_order_given() -> None:
    room, seen = Mailroom(), []

    def act(mail: list[Message]) -> list[Message]:
        seen.append([(m.receiver, m.seq) for m in mail])
        return [_offer(m.receiver) for m in mail]

    def asking() -> Generator[Any, Any, list[Message]]:
        for name in ("one", "two"):
            room.post(_note("question", receiver=name))
        yield room.together({"two": act, "one": act, "idle": act})
        return room.empty("disco")

    heard = room.run(asking())
    assert seen == [[("two", 1)], [("one", 0)], []]
    assert [(m.sender, m.seq) for m in heard] == [("two", 2), ("one", 3)]
    assert room.empty("one") == []


def test_nobody_to_act_is_no_deadlock() -> None:
    room = Mailroom()

    def asking() -> Generator[Any, Any, str]:
        yield room.together({})
        return "on"

    assert room.run(asking()) == "on"


def test_the_first_party_that_fails_is_raised_where_it_is_waited_for() -> None:
    room = Mailroom()

    def failing(name: str) -> Callable[[list[Message]], list[Message]]:
        def act(_: list[Message]) -> list[Message]:
            raise NoAnswer(f"{name} has none", name)

        return act

    def asking() -> Generator[Any, Any, str]:
        try:
            yield room.together({name: failing(name) for name in ("one", "two", "three")})
        except NoAnswer as error:
            return error.agent
        return "nobody"

    assert room.run(asking()) == "one"


def test_without_faults_a_round_changes_nothing() -> None:
    room = Mailroom()
    room.post(_offer())
    room.next_round()
    assert [m.seq for m in room.empty("disco")] == [0]


def test_the_end_of_a_bargaining_leaves_other_mail_where_it_is() -> None:
    room = Mailroom()
    room.post(_offer())
    room.post(_note("stays"))
    room.end_bargaining()
    assert [m.seq for m in room.empty("disco")] == [1]
    assert len(room.log) == 2
