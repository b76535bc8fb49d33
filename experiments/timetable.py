"""A day by a timetable: announcements, negotiations, and exact stages on a linear network."""

from collections.abc import Generator, Mapping
from typing import Any, Protocol

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.study_spec import TimetableEntry
from equigrid.experiments.world.world import World
from equigrid.markets.games.game import Game
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact


class Parties(Protocol):
    """The parties of a case on a linear network that can be expanded at an answer."""

    @property
    def game(self) -> Game:
        """The game between them on the linear network as it is."""
        ...

    def relinearised(
        self, values: Mapping[str, FloatArray], tolerance_pu: float
    ) -> tuple[Any, float]:
        """Expand at the AC operating points of an answer.

        Parameters
        ----------
        values : Mapping of str to array
            What is said at an answer of this very game, by ``"agent.quantity"``.
        tolerance_pu : float

        Returns
        -------
        parties : Parties
            The same on the new linear network.
        error_pu : float
            Greatest difference between AC and the linear network that the answer was found on.
        """
        ...

    def linearised_like(self, other: Any) -> Any:
        """Return the same parties on the linear network of another case."""
        ...


class Timetable:
    """Goes through a timetable and knows which parties the last answer is of.

    Parameters
    ----------
    world : World
    parties : Parties
        As they are before anything is known.

    Attributes
    ----------
    parties : Parties
        On the linear network that the last answer was found on.
    last : str
        The stage that was answered last.
    """

    def __init__(self, world: World, parties: Any) -> None:
        self.world, self.last = world, ""
        asked = None if world.spec.network is None else world.spec.network.linearisation
        other = asked.case if asked else None
        # Where another case's linear network is used, it is kept as it is.
        self._kept = other is not None and other != world.case.name
        if self._kept:
            parties = parties.linearised_like(world.earlier(str(other)).system.parties)
        self._fits = asked
        self.parties = parties
        self._of_game = {id(parties.game): parties}

    def follow(self, entries: tuple[TimetableEntry, ...]) -> Generator[Any, Any, None]:
        """Go through the entries; what was interrupted ends with the answers so far."""
        # Where an exact stage is played as well, a negotiation is compared with it.
        proven = any(entry.method == "exact" for entry in entries)
        try:
            for entry in entries:
                yield self.world.at(minute=entry.minute)
                yield from self._play(entry, proven=proven)
        except KeyboardInterrupt:
            if not self.last:
                raise

    def _play(self, entry: TimetableEntry, *, proven: bool) -> Generator[Any, Any, None]:
        world, game = self.world, self.parties.game
        if entry.method == "announce":
            world.publish(game, entry.name)
            return
        if entry.method == "exact":
            renew = None if self._fits is None else self._renew
            found = yield world.play(entry.name, game, Exact(), renew=renew)
        else:
            found = yield world.play(entry.name, game, BestResponse(), binding=not proven)
        if found is not None:
            self.last, self.parties = entry.name, self._of_game[id(found.game)]

    def _renew(self, answer: Any) -> tuple[Game | None, float]:
        assert self._fits is not None
        parties = self._of_game[id(answer.game)]
        renewed, error = parties.relinearised(answer.values, self._fits.tolerance_pu)
        if self._kept:
            return None, error
        self._of_game[id(renewed.game)] = renewed
        return renewed.game, error
