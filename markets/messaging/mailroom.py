"""The mailroom: messages delivered on the one clock, logged before delivery."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from inspect import GEN_SUSPENDED, getgeneratorstate
from typing import Any, TypeVar, cast

import simpy

from equigrid.markets.messaging.faults import Fate, Faults
from equigrid.markets.messaging.message_log import LogEntry, MessageLog, digest, log_lines
from equigrid.markets.messaging.messages import Message

T = TypeVar("T")
Watcher = Callable[[Message], None]
Act = Callable[[list[Message]], Iterable[Message]]


class Mailroom:
    """Letter boxes of all parties on a SimPy clock.

    A method that bargains goes in rounds. It calls `next_round`, posts its signals, waits for
    `together`, in which each party reads its own letter box and answers, and empties the box of
    who asked. When the bargaining is over, whatever its end, it calls `end_bargaining`.

    Parameters
    ----------
    clock : simpy.Environment, optional
        The one clock; a private one when a game is solved outside a world.
    case : str
        Case of a study that all messages belong to.
    faults : Faults, optional
        What may happen to the messages of a bargaining; every other message arrives at once.
    rounds_kept : int, optional
        Of the rounds of each bargaining, how many of the last stay in the log. Of each other round
        a `RoundDigest` does. All stay without it.

    Attributes
    ----------
    log : list of Message
        What was posted, in order, but for rounds that are not kept.
    struck : int
        How many messages a fault has struck.

    Raises
    ------
    ValueError
        When ``rounds_kept`` is no number of rounds.

    Examples
    --------
    >>> from equigrid.markets.messaging.messages import Announcement
    >>> room = Mailroom()
    >>> room.post(Announcement(sender="iso", receiver="disco", values={"price": [30.0, 42.0]}))
    >>> room.log[0].seq, room.log[0].minute
    (0, 0)
    """

    def __init__(
        self,
        clock: simpy.Environment | None = None,
        case: str = "",
        faults: Faults | None = None,
        rounds_kept: int | None = None,
    ) -> None:
        self.case = case
        self.clock = clock or simpy.Environment()
        self._log = MessageLog(rounds_kept)
        self.log = self._log.messages
        self.struck = 0
        self.faults = faults or Faults()
        self._luck = self.faults.stream()
        self._late: list[tuple[int, Message]] = []
        self._boxes: dict[str, simpy.Store] = {}
        self._watchers: list[Watcher] = []
        self._receivers: list[Watcher] = []

    def post(self, message: Message) -> None:
        """Stamp, log and deliver a message, unless a fault delays or loses it."""
        fate = self.faults.fate(message, self._luck) if message.bargaining else Fate()
        stamped = replace(
            message,
            seq=self._log.posted,
            minute=int(self.clock.now),
            case=self.case,
            fault=fate.fault,
        )
        self._log.add(stamped)
        self.struck += bool(fate.fault)
        for watcher in self._watchers:
            watcher(stamped)
        for rounds in fate.delays:
            if rounds:
                self._late.append((rounds, stamped))
            else:
                self._deliver(stamped)

    def next_round(self) -> None:
        """Begin a round of a bargaining: deliver what is late until now, in the order posted."""
        waiting = [(rounds - 1, message) for rounds, message in self._late]
        self._late = [(rounds, message) for rounds, message in waiting if rounds]
        for rounds, message in waiting:
            if not rounds:
                self._deliver(message)

    def end_bargaining(self) -> None:
        """Forget what is late or unread of a bargaining, so that the next one never reads it."""
        self._late = []
        self._log.end_bargaining()
        for box in self._boxes.values():
            box.items = [message for message in box.items if not message.bargaining]

    def together(self, acts: Mapping[str, Act]) -> simpy.Event:
        """Let parties act, each in a process of its own, and return the event of the last end.

        A process never waits for mail: a party whose mail was lost finds an empty letter box.

        Parameters
        ----------
        acts : Mapping of str to callable
            By party: given all that lies in its letter box, in the order of arrival, it returns
            the messages to post. Parties begin in the order given, at the minute it is.

        Returns
        -------
        simpy.Event
            To be yielded. The error of the first party that fails is raised there.

        Examples
        --------
        >>> from equigrid.markets.messaging.messages import Response, Signal
        >>> room = Mailroom()
        >>> def answer(mail):
        ...     return [Response(sender="mg1", receiver=m.sender, round=m.round) for m in mail]
        >>> def bargaining():
        ...     room.next_round()
        ...     room.post(Signal(sender="disco", receiver="mg1", round=1))
        ...     yield room.together({"mg1": answer})
        ...     responses = room.empty("disco")
        ...     room.end_bargaining()
        ...     return responses
        >>> [(response.kind, response.round) for response in room.run(bargaining())]
        [('Response', 1)]
        """
        stopped: list[str] = []
        turns = [self.start(self._turn(party, act, stopped)) for party, act in acts.items()]
        for turn in turns:
            # SimPy stops the clock at any other failure than the one that ended the waiting.
            turn.defused = True
        return self.clock.all_of(turns)

    def _turn(self, party: str, act: Act, stopped: list[str]) -> Generator[Any, Any, None]:
        """Let a party act, unless Ctrl-C has stopped one before it in the same round."""
        yield from ()  # a process of SimPy is a generator
        try:
            for message in [] if stopped else act(self.empty(party)):
                self.post(message)
        except KeyboardInterrupt:
            stopped.append(party)
            raise

    def receive(self, party: str) -> Any:
        """Return the event of the next message to a party."""
        return self._box(party).get()

    def empty(self, party: str) -> list[Message]:
        """Take out everything that lies in a party's letter box."""
        box = self._box(party)
        waiting, box.items = list(box.items), []
        return waiting

    def watch(self, watcher: Watcher, *, delivered: bool = False) -> None:
        """Call a function with every message as it is logged, or as each copy is delivered."""
        (self._receivers if delivered else self._watchers).append(watcher)

    def start(self, process: Generator[Any, Any, Any]) -> simpy.Process:
        """Run a generator as a process on the clock."""
        return self.clock.process(process)

    def run(self, process: Generator[Any, Any, T]) -> T:
        """Run a process to its end and return its result.

        Ctrl-C that falls into the clock itself, between two processes, reaches this one all the
        same, so that it can hand over what it has.
        """
        try:
            return cast("T", self.clock.run(until=self.start(process)))
        except KeyboardInterrupt as stop:
            if getgeneratorstate(process) != GEN_SUSPENDED:
                raise
            try:
                process.throw(stop)
            except StopIteration as end:
                return cast("T", end.value)
            raise

    def entries(self) -> list[LogEntry]:
        """Return the log, with a digest of each round that is not kept where it began."""
        return self._log.entries()

    def lines(self) -> str:
        """Return the log, one JSON object a line."""
        return log_lines(self.entries())

    def digest(self) -> str:
        """Return the SHA-256 of the log."""
        return digest(self.entries())

    def _deliver(self, message: Message) -> None:
        for receiver in self._receivers:
            receiver(message)
        self._box(message.receiver).put(message)

    def _box(self, party: str) -> simpy.Store:
        return self._boxes.setdefault(party, simpy.Store(self.clock))
