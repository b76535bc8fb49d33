"""The log of messages: one JSON object a line, all rounds of a bargaining or the last ones only.

Where it is bounded, a line remains for each round that is left out: a `RoundDigest`, by which
whoever has the round can prove that it is the one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

from equigrid.markets.messaging.messages import Message, from_record, to_record


@dataclass(frozen=True, kw_only=True)
class RoundDigest:
    """What remains of a round whose messages are left out of a log.

    Attributes
    ----------
    case, stage : str
        Of the bargaining.
    round : int
        Within it.
    seq : int
        Place that its first message had in the log.
    messages : int
        How many are left out.
    sha256 : str
        Of their log lines.
    """

    kind: ClassVar[str] = "RoundDigest"
    case: str = ""
    stage: str
    round: int
    seq: int
    messages: int
    sha256: str


LogEntry = Message | RoundDigest


@dataclass
class _LeftOut:
    """A round that is left out, as far as it has come: who is late may still add to it."""

    first: Message
    messages: int = 0
    lines: Any = field(default_factory=hashlib.sha256)

    def add(self, message: Message) -> None:
        self.messages += 1
        self.lines.update(log_lines([message]).encode())

    def digest(self) -> RoundDigest:
        one = self.first
        return RoundDigest(
            case=one.case,
            stage=one.stage,
            round=one.round,
            seq=one.seq,
            messages=self.messages,
            sha256=self.lines.hexdigest(),
        )


class MessageLog:
    """Messages in the order posted, as they are posted.

    Parameters
    ----------
    rounds_kept : int, optional
        Of the rounds of each bargaining, how many of the last are kept; all without it.

    Attributes
    ----------
    messages : list of Message
        Those that are kept.
    posted : int
        How many there were.

    Raises
    ------
    ValueError
        When that is no number of rounds.
    """

    def __init__(self, rounds_kept: int | None = None) -> None:
        self.messages: list[Message] = []
        self.posted = 0
        self._rounds_kept = _number_of_rounds(rounds_kept)
        self._digests: list[RoundDigest] = []  # of bargainings that are over
        self._left_out: dict[tuple[str, int], _LeftOut] = {}
        self._newest: dict[str, int] = {}
        self._begin = 0  # where, among the messages kept, the present bargaining begins

    def add(self, message: Message) -> None:
        """Take in a message; what it makes an old round is left out."""
        self.posted += 1
        self.messages.append(message)
        if self._rounds_kept is None or not message.bargaining:
            return
        newest = self._newest.get(message.stage)
        if newest is None or message.round > newest:
            self._newest[message.stage] = message.round
            self._leave_out(message.stage, message.round - self._rounds_kept)
        elif message.round <= newest - self._rounds_kept:
            self._leave_out_one(self.messages.pop())

    def end_bargaining(self) -> None:
        """Keep the last rounds as they are: those of the next bargaining are others."""
        self._digests += [left.digest() for left in self._left_out.values()]
        self._begin, self._newest, self._left_out = len(self.messages), {}, {}

    def entries(self) -> list[LogEntry]:
        """Return the messages kept, and a digest of each round left out where it began."""
        digests = [*self._digests, *(left.digest() for left in self._left_out.values())]
        return sorted([*self.messages, *digests], key=lambda entry: entry.seq)

    def _leave_out(self, stage: str, last: int) -> None:
        """Leave out all rounds of a stage's bargaining up to this one."""
        present, self.messages[self._begin :] = self.messages[self._begin :], []
        for message in present:
            if message.bargaining and message.stage == stage and message.round <= last:
                self._leave_out_one(message)
            else:
                self.messages.append(message)

    def _leave_out_one(self, message: Message) -> None:
        key = (message.stage, message.round)
        self._left_out.setdefault(key, _LeftOut(message)).add(message)


def _number_of_rounds(rounds_kept: int | None) -> int | None:
    counts = isinstance(rounds_kept, Integral) and not isinstance(rounds_kept, bool)
    if rounds_kept is None or (counts and rounds_kept >= 0):
        return rounds_kept
    raise ValueError(
        "rounds_kept of Mailroom must be a whole number, at least 0, or None for all rounds "
        f"(got {rounds_kept!r})"
    )


def log_lines(entries: Iterable[LogEntry]) -> str:
    """Return messages and digests of rounds as a log, one JSON object a line."""
    return "".join(json.dumps(_record(entry)) + "\n" for entry in entries)


def digest(entries: Iterable[LogEntry]) -> str:
    """Return the SHA-256 of messages and digests of rounds as a log."""
    return hashlib.sha256(log_lines(entries).encode()).hexdigest()


def _record(entry: LogEntry) -> dict[str, Any]:
    if isinstance(entry, Message):
        return to_record(entry)
    return {"kind": entry.kind, **asdict(entry)}


def read_log(path: Path) -> list[LogEntry]:
    """Read messages, and digests of the rounds left out, back from a log.

    Raises
    ------
    ValueError
        Naming the line that is neither.
    """
    return list(_parsed(path, path.read_text(encoding="utf-8").splitlines()))


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[LogEntry]:
    for number, line in enumerate(lines, start=1):
        try:
            yield _entry(json.loads(line))
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{path}:{number}: not a message: {error}") from error


def _entry(record: Mapping[str, Any]) -> LogEntry:
    if record.get("kind") != RoundDigest.kind:
        return from_record(record)
    told = {name: value for name, value in record.items() if name != "kind"}
    if told.keys() != {each.name for each in fields(RoundDigest)}:
        raise ValueError(f"a digest of a round has wrong fields: {', '.join(told)}")
    return RoundDigest(**told)
