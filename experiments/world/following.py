"""Following a day: its generator is driven, and every event that it was given has to be yielded."""

import sys
from collections.abc import Generator, Iterator
from typing import Any

import simpy

from equigrid.errors import EquigridError

Place = tuple[str, int, str]
"""File, line and function."""


class NeverYielded(EquigridError, TypeError):
    """An event of the world that a day did not wait for; the message names its stage.

    Attributes
    ----------
    place : (str, int, str)
        File, line and function where the event was asked for.
    """

    def __init__(self, message: str, place: Place) -> None:
        self.place = place
        super().__init__(message, place)

    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0])


class Day:
    """The day of a system as a process on the clock.

    Parameters
    ----------
    clock : simpy.Environment

    Attributes
    ----------
    given : dict of Event to (str, Place)
        What the world gave to the day to be yielded, with the words for it, and who asked.
    """

    def __init__(self, clock: simpy.Environment) -> None:
        self._clock = clock
        self.given: dict[simpy.Event, tuple[str, Place]] = {}

    def give(self, event: simpy.Event, what: str) -> simpy.Event:
        """Remember an event that has to be yielded, and who asked for it; return it."""
        asker = sys._getframe(2)
        place = asker.f_code.co_filename, asker.f_lineno, asker.f_code.co_name
        self.given[event] = what, place
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
            what, place = next(iter(self.given.values()))
            raise NeverYielded(f"{what} was never yielded; write: yield {what}", place)
        yield self._clock.timeout(0)

    def _driven(self, day: Generator[Any, Any, Any]) -> Generator[Any, Any, None]:
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                event = day.send(answer) if error is None else day.throw(error)
            except StopIteration:
                return
            if not isinstance(event, simpy.Event):
                # Raised in the day itself, so that it is told with its line.
                answer, error = None, TypeError(_no_event(event))
                continue
            for waited in _parts(event):
                self.given.pop(waited, None)
            answer, error = None, None
            try:
                answer = yield event
            except BaseException as raised:  # handed to the day, which may catch it
                error = raised


def _no_event(yielded: object) -> str:
    kind = type(yielded).__name__
    return f"day yielded {kind}, which is no event; yield what world.at and world.play return"


def _parts(event: simpy.Event) -> Iterator[simpy.Event]:
    """Yield an event and, of a condition such as ``one & other``, all that it waits for."""
    yield event
    for part in getattr(event, "_events", ()):
        yield from _parts(part)
