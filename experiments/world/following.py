"""Following a day: its generator is driven, and every event that it was given has to be yielded."""

from collections.abc import Generator, Iterator
from typing import Any

import simpy

from equigrid.errors import EquigridError


class NeverYielded(EquigridError, TypeError):
    """An event of the world that a day did not wait for; the message names its stage."""


class Day:
    """The day of a system as a process on the clock.

    Parameters
    ----------
    clock : simpy.Environment

    Attributes
    ----------
    given : dict of Event to str
        What the world gave to the day to be yielded, with the words for it.
    """

    def __init__(self, clock: simpy.Environment) -> None:
        self._clock = clock
        self.given: dict[simpy.Event, str] = {}

    def give(self, event: simpy.Event, what: str) -> simpy.Event:
        """Remember an event that has to be yielded, and return it."""
        self.given[event] = what
        return event

    def follow(self, day: Any) -> Generator[Any, Any, None]:
        """Go through a day: a generator of events, or None where no time passed.

        Raises
        ------
        NeverYielded
            When an event that the day was given is not yielded.
        TypeError
            When the day yields what is no event.
        """
        if isinstance(day, Generator):
            yield from self._driven(day)
        elif day is not None:
            raise TypeError(
                f"day returned {type(day).__name__}; it yields the events of the world "
                "(yield world.play(...)), or returns nothing where no time passes"
            )
        if self.given:
            what = next(iter(self.given.values()))
            raise NeverYielded(f"{what} was never yielded; write: yield {what}")
        yield self._clock.timeout(0)

    def _driven(self, day: Generator[Any, Any, Any]) -> Generator[Any, Any, None]:
        answer, error = None, None
        while True:
            try:
                event = day.send(answer) if error is None else day.throw(error)
            except StopIteration:
                return
            if not isinstance(event, simpy.Event):
                raise TypeError(
                    f"day yielded {type(event).__name__}, which is no event; yield what "
                    "world.at and world.play return"
                )
            for waited in _parts(event):
                self.given.pop(waited, None)
            answer, error = None, None
            try:
                answer = yield event
            except BaseException as raised:  # handed to the day, which may catch it
                error = raised


def _parts(event: simpy.Event) -> Iterator[simpy.Event]:
    """Yield an event and, of a condition such as ``one & other``, all that it waits for."""
    yield event
    for part in getattr(event, "_events", ()):
        yield from _parts(part)
