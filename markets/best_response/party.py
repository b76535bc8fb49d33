"""A party with its mail: it answers the newest messages and sends what it says."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.messaging.messages import Message, Response, Signal
from equigrid.markets.model.sources import split

# A word as a message: who hears it, the round, values by plain name.
Word = Callable[[str, int, Mapping[str, FloatArray]], Response | Signal]


class Player(Protocol):
    """Who decides, whatever it takes to do so.

    Attributes
    ----------
    name : str
    said : dict of str to array
        Its present word, by path; what it is taken to have said before it has decided.
    """

    name: str
    said: dict[str, FloatArray]

    def turn(self, values: Mapping[str, FloatArray]) -> float:
        """Decide anew at the others' words.

        Parameters
        ----------
        values : Mapping of str to array
            Everything said, as far as it has been heard, by path.

        Returns
        -------
        float
            How far, relative, its best answer is from what it said before.
        """
        ...


class Party:
    """The mail of one player: what it has heard, and to whom it says what.

    Parameters
    ----------
    player : Player
    tells : Mapping of str to sequence of str
        Paths of its own, by who hears them.
    known : Mapping of str to array
        What is taken as said before anything is heard, by path.
    word : callable
        Makes a message of what is said.
    simultaneous : bool
        Whether words of the round under way wait for the next one.

    Attributes
    ----------
    heard : dict of str to array
        What it last decided upon, by path.
    moved : float
        How far its last decision is from the one before, relative.
    tells : dict of str to sequence of str
        Paths of its own, by who hears them.
    """

    def __init__(
        self,
        player: Player,
        tells: Mapping[str, Iterable[str]],
        known: Mapping[str, FloatArray],
        word: Word,
        *,
        simultaneous: bool,
    ) -> None:
        self.player, self.tells, self._word = player, dict(tells), word
        self._simultaneous = simultaneous
        self._newest: dict[str, tuple[int, FloatArray]] = {p: (0, v) for p, v in known.items()}
        self._waiting: list[Message] = []
        self._last_heard: dict[str, int] = {}
        self._round = 0
        self.heard: dict[str, FloatArray] = {}
        self.moved = np.inf

    def act(self, mail: list[Message]) -> Iterable[Message]:
        """Read the mail, decide and tell everybody who waits for it, whether it is new or not."""
        self._round += 1
        self._read([*self._waiting, *mail])
        self.heard = {path: value for path, (_, value) in self._newest.items()}
        try:
            self.moved = self.player.turn(self.heard)
        except NoAnswer as error:
            raise _in_round(error, self._round) from error
        for hearer, paths in self.tells.items():
            said = {split(path)[1]: self.player.said[path] for path in paths}
            yield self._word(hearer, self._round, said)

    def heard_in(self, sender: str) -> int:
        """Return the round in which anything of a sender was read last, 0 if nothing was."""
        return self._last_heard.get(sender, 0)

    def _read(self, mail: list[Message]) -> None:
        """Keep the newest of each; what is late never replaces what is newer."""
        self._waiting = []
        for message in mail:
            if not isinstance(message, Response | Signal):
                continue
            if self._simultaneous and message.round >= self._round:
                self._waiting.append(message)
                continue
            self._last_heard[message.sender] = self._round
            for name, value in message.values.items():
                path = f"{message.sender}.{name}"
                if message.round >= self._newest.get(path, (0, 0.0))[0]:
                    self._newest[path] = (message.round, np.asarray(value, dtype=float))


def _in_round(error: NoAnswer, number: int) -> NoAnswer:
    if isinstance(error, SolverFailed):
        return SolverFailed(f"{error}, in round {number}", error.agent)
    return NoAnswer(
        f"{error}, in round {number}; if it has one to other words, begin with these: "
        "BestResponse(start={'agent.quantity': …})",
        error.agent,
    )


def distance(
    new: Mapping[str, FloatArray],
    old: Mapping[str, FloatArray],
    units: Mapping[str, float] = MappingProxyType({}),
) -> float:
    """Return the greatest difference of words, relative to the greater of their size and unit.

    Parameters
    ----------
    new, old : Mapping of str to array
        Words by path.
    units : Mapping of str to float
        What one unit of each is; without it, words are compared with themselves alone.

    Examples
    --------
    >>> distance({"a.x": np.array([4.0, 1.0])}, {"a.x": np.array([4.0, 0.0])})
    0.25
    """
    return max(
        (_distance(value, old[path], units.get(path, 0.0)) for path, value in new.items()),
        default=0.0,
    )


def _distance(new: FloatArray, old: FloatArray, unit: float) -> float:
    off = float(np.abs(new - old).max(initial=0.0))
    size = max(float(np.abs(value).max(initial=0.0)) for value in (new, old))
    return off / max(unit, size) if off else 0.0


def damped(
    new: Mapping[str, FloatArray], old: Mapping[str, FloatArray], share: float
) -> dict[str, FloatArray]:
    """Return a share of new words with the rest of the old ones."""
    return {path: old[path] + share * (value - old[path]) for path, value in new.items()}
