"""A leader of an EPEC: its best response is the answer to its own Stackelberg game."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from equigrid.arrays import FloatArray
from equigrid.errors import Interrupted, NoAnswer, SolverFailed, WrongMethod
from equigrid.markets.best_response.epec_sub_game import sub_game
from equigrid.markets.best_response.negotiation import negotiate
from equigrid.markets.best_response.party import damped, distance
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.talk_limits import TalkLimits

_ASKED, _GAP = 4, 1e-3  # rounds and gap of the negotiation that finds the limit in the way


@dataclass(frozen=True, eq=False)
class OwnOptimum:
    """What a leader gets in its own Stackelberg game.

    Attributes
    ----------
    values : Mapping of str to array
        Everything said, by path.
    objective, bound : float
        In the leader's own sense; the bound is proven.
    money : float
        That the leader moves.
    """

    values: Mapping[str, FloatArray]
    objective: float
    bound: float
    money: float


Solve = Callable[[Game], OwnOptimum]


@dataclass(frozen=True, eq=False)
class Prospect:
    """What a leader finds at the words of the others.

    Attributes
    ----------
    others : Mapping of str to array
        Those words, by path.
    best : OwnOptimum
    kept : OwnOptimum or None
        What it gets when it keeps to its word; None where that is not possible.
    worth : float
        What a move has to gain, relative, to be worth it.
    maximises : bool
        Whether its objective is a gain.
    """

    others: Mapping[str, FloatArray]
    best: OwnOptimum
    kept: OwnOptimum | None
    worth: float
    maximises: bool

    @property
    def gains(self) -> bool:
        """Whether the leader is better off with another word than the one it has."""
        if self.kept is None:
            return True
        gained = self.kept.objective - self.best.objective
        gained = -gained if self.maximises else gained
        return gained > self.worth * max(self.best.money, self.kept.money)


class LeaderPlayer:
    """A leader of a game that several lead; it knows the followers' problems.

    Parameters
    ----------
    game : Game
    name : str
    solve : callable
        How its own game is solved.
    worth : float
        What a move has to gain, relative; what is less is last digits.
    damping : float
        Share of a new answer in what is said; the rest is what was said before.
    first : Mapping of str to array
        What all leaders are taken to have said at first, by path.
    units : Mapping of str to float
        Unit of each word, by path.

    Attributes
    ----------
    said : dict of str to array
        Its present word, by path.
    """

    def __init__(
        self,
        game: Game,
        name: str,
        solve: Solve,
        worth: float,
        damping: float,
        first: Mapping[str, FloatArray],
        units: Mapping[str, float],
    ) -> None:
        self._units = units
        self.game, self.name = game, name
        self._solve, self._worth, self._damping = solve, worth, damping
        self._spoke = False
        self.said = {f"{name}.{key}": first[f"{name}.{key}"] for key in game.forms[name].said}
        self._last: Prospect | None = None
        self._latest: OwnOptimum | None = None

    def turn(self, values: Mapping[str, FloatArray]) -> float:
        """Move to the best answer, or part of the way, if that is worth anything.

        Returns
        -------
        float
            How far, relative, the best answer is from what was said; 0 if it is worth nothing.
        """
        result = self.prospect(values)
        if not result.gains:
            self._spoke = True
            return 0.0
        answer = {path: result.best.values[path] for path in self.said}
        moved = distance(answer, self.said, self._units)
        self.said = damped(answer, self.said, self._damping if self._spoke else 1.0)
        self._spoke, self._last = True, None
        return moved

    def prospect(self, values: Mapping[str, FloatArray]) -> Prospect:
        """Return what it finds when the others say this, and it keeps to its present word.

        Raises
        ------
        NoAnswer
            When it has no decision, or a follower has no answer.
        """
        others = {path: v for path, v in values.items() if path not in self.said}
        if self._last is None or distance(others, self._last.others) > 0:
            best = self._latest = self._solved(sub_game(self.game, self.name, others))
            maximises = self.game.agent(self.name).maximises
            self._last = Prospect(
                others, best, self._kept(others, self.said), self._worth, maximises
            )
        return self._last

    def kept(self, said: Mapping[str, FloatArray], solve: Solve) -> OwnOptimum | None:
        """Return what comes of everybody's words, its own included, by another way to solve.

        Parameters
        ----------
        said : Mapping of str to array
            Words of all leaders, by path.
        solve : callable

        Returns
        -------
        OwnOptimum or None
            Where its limits do not allow its word, what it found last; None if it found nothing.
        """
        own = {path: said[path] for path in self.said}
        others = {path: value for path, value in said.items() if path not in own}
        return self._kept(others, own, solve) or self._latest

    def _solved(self, game: Game) -> OwnOptimum:
        """Solve its own game; where it has no decision, name the limit that allows none."""
        try:
            return self._alone(game)
        except NoAnswer as error:
            raise _named(error, game, self.name) from error

    def _kept(
        self,
        others: Mapping[str, FloatArray],
        own: Mapping[str, FloatArray],
        solve: Solve | None = None,
    ) -> OwnOptimum | None:
        try:
            return self._alone(sub_game(self.game, self.name, others, own), solve)
        except SolverFailed:
            raise
        except NoAnswer:
            return None

    def _alone(self, game: Game, solve: Solve | None = None) -> OwnOptimum:
        """Solve its own game; what Ctrl-C leaves of it is no answer of the whole."""
        try:
            return (solve or self._solve)(game)
        except Interrupted as error:
            raise Interrupted(None) from error


def _named(error: NoAnswer, game: Game, leader: str) -> NoAnswer:
    """Return the refusal that a short negotiation comes to, which knows limit and hour.

    It hears answers at a few signals only. So where it finds a decision, or cannot be held, the
    error stays as it is.
    """
    if error.agent != leader or isinstance(error, SolverFailed):
        return error
    mailroom, limits = Mailroom(), TalkLimits()
    try:
        with limits.ending():
            mailroom.run(negotiate(game, _ASKED, _GAP, mailroom, limits=limits))
        limits.hand(None)
    except NoAnswer as told:
        return told if told.agent == leader else error
    except WrongMethod:
        pass
    return error
