"""Delivers messages on the one clock, and logs each before it is delivered."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import simpy

from equigrid.markets.messages import Message, from_record, to_record

T = TypeVar("T")


class Mailroom:
    """Letter boxes of all parties on a SimPy clock.

    Parameters
    ----------
    clock : simpy.Environment, optional
        The one clock; a private one when a game is solved outside a world.
    case : str
        Case of a study that all messages belong to.

    Examples
    --------
    >>> from equigrid.markets.messages import Announcement
    >>> room = Mailroom()
    >>> room.post(Announcement(sender="iso", receiver="disco", values={"price": [30.0, 42.0]}))
    >>> room.log[0].seq, room.log[0].minute
    (0, 0)
    """

    def __init__(self, clock: simpy.Environment | None = None, case: str = "") -> None:
        self.case = case
        self.clock = clock or simpy.Environment()
        self.log: list[Message] = []
        self._boxes: dict[str, simpy.Store] = {}
        self._watchers: list[Callable[[Message], None]] = []

    def post(self, message: Message) -> None:
        """Stamp, log and deliver a message."""
        stamped = replace(message, seq=len(self.log), minute=int(self.clock.now), case=self.case)
        self.log.append(stamped)
        for watcher in self._watchers:
            watcher(stamped)
        self._box(message.receiver).put(stamped)

    def receive(self, party: str) -> Any:
        """Return the event of the next message to a party."""
        return self._box(party).get()

    def empty(self, party: str) -> list[Message]:
        """Take out everything that lies in a party's letter box."""
        box = self._box(party)
        waiting, box.items = list(box.items), []
        return waiting

    def watch(self, watcher: Callable[[Message], None]) -> None:
        """Call a function with every message as it is logged."""
        self._watchers.append(watcher)

    def start(self, process: Generator[Any, Any, Any]) -> simpy.Process:
        """Run a generator as a process on the clock."""
        return self.clock.process(process)

    def run(self, process: Generator[Any, Any, T]) -> T:
        """Run a process to its end and return its result."""
        return cast("T", self.clock.run(until=self.start(process)))

    def lines(self) -> str:
        """Return the log, one JSON object a line."""
        return log_lines(self.log)

    def digest(self) -> str:
        """Return the SHA-256 of the log."""
        return digest(self.log)

    def _box(self, party: str) -> simpy.Store:
        return self._boxes.setdefault(party, simpy.Store(self.clock))


def log_lines(messages: Iterable[Message]) -> str:
    """Return messages as a log, one JSON object a line."""
    return "".join(json.dumps(to_record(message)) + "\n" for message in messages)


def digest(messages: Iterable[Message]) -> str:
    """Return the SHA-256 of messages as a log."""
    return hashlib.sha256(log_lines(messages).encode()).hexdigest()


def read_log(path: Path) -> list[Message]:
    """Read messages back from a log.

    Raises
    ------
    ValueError
        Naming the line that is no message.
    """
    return list(_parsed(path, path.read_text(encoding="utf-8").splitlines()))


def _parsed(path: Path, lines: Iterable[str]) -> Iterable[Message]:
    for number, line in enumerate(lines, start=1):
        try:
            yield from_record(json.loads(line))
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{path}:{number}: not a message: {error}") from error
