"""An event that a day has to yield before it can use the answer."""

from typing import Any, NoReturn

import simpy


class Awaited(simpy.Process):
    """A game under way; asked for what its answer will have, it says what to write.

    Parameters
    ----------
    clock : simpy.Environment
    process : generator
    what : str
        The call that it came from.
    """

    def __init__(self, clock: simpy.Environment, process: Any, what: str) -> None:
        self.what = what
        super().__init__(clock, process)

    def __getattr__(self, name: str) -> NoReturn:
        """Say that the answer is there only when it was waited for."""
        raise AttributeError(
            f"what {self.__dict__.get('what', 'world.play')} returns is an event, which has no "
            f"{name!r}; write: answer = yield world.play(…)"
        )
