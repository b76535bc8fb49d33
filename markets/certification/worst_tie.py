"""The worst tie: the leader's objective if followers choose among optimal answers against it.

Followers often have several answers that cost them the same. A method gives the leader the one
that it likes best; a follower that does not care may give another. The leader's cost is convex in
what it hears, so its worst over all these answers is at a corner of them: searched for, not proven.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.certification.dual_residual import wanted_duals
from equigrid.markets.certification.follower_ties import Answers, BestAnswers, Mover, OptimalDuals
from equigrid.markets.certification.leader_recourse import Recourse
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.games.game import Game
from equigrid.threads import one_blas_thread

Wave = Callable[[tuple[int, ...]], FloatArray]
# After so many solves of the leader's problem no other start is tried.
_SOLVES = 24
_WORSE = 1e-9


@one_blas_thread()
def worst_tie(game: Game, values: Mapping[str, FloatArray], *, tolerance: float = 1e-9) -> float:
    """Return the leader's value if its followers settle their ties against it.

    The announcement stays as it is: everything the leader says that a follower hears or pays at.
    Each follower may give any of its best answers, as long as what other followers hear of it
    stays the same; a price that is a dual may be any optimal one. The leader then does the best it
    can with its other decisions.

    From several starts the search goes up the slope of the leader's cost, as long as it grows: from
    the answer itself, and from extremes of what followers say. Every value on the way is that of a
    true tie, so the damage is at least what is returned. It is found, not proven to be the
    greatest. A leader with integers has no slopes and is tried at the starts only.

    Parameters
    ----------
    game : Game
        With a leader.
    values : Mapping of str to array
        Everything said at the answer, by ``"agent.quantity"``, and duals by their text.
    tolerance : float
        By how much of what it pays and bears, relative, a follower's answer may be dearer and still
        be a tie.

    Returns
    -------
    float
        In the leader's own sense; infinite on its bad side where some tie leaves the leader
        without a feasible decision, or where ties harm it without end.

    Raises
    ------
    WrongMethod
        When the leader multiplies what it hears by decisions of its own.
    NoAnswer
        When a follower has no best answer.
    """
    search = _Search(game, values, tolerance)
    worst = search.run()
    return -worst if game.agent(str(game.leader)).maximises else worst


class _Search:
    """Ascent of the leader's cost over ties, from several starts."""

    def __init__(self, game: Game, values: Mapping[str, FloatArray], tolerance: float) -> None:
        self.recourse = Recourse(game, values)
        faces = [BestAnswers(game, values, agent, tolerance) for agent in game.followers]
        priced = [agent for agent in game.followers if wanted_duals(game, agent)]
        prices = [OptimalDuals(game, values, agent) for agent in priced]
        self.blocks: list[Sequence[Mover]] = [faces, prices]
        self.solves = 0

    def run(self) -> float:
        """Return the greatest cost found."""
        worst = -math.inf
        for start in self._starts():
            worst = max(worst, self._climb(start))
            if self.solves >= _SOLVES or worst == math.inf:
                break
        return worst

    def _starts(self) -> Iterator[Answers]:
        """Yield the answer itself, then extremes of all that followers say, then of each alone."""
        seen: list[Answers] = [{}]
        yield {}
        directions = [(sign, wave) for wave in (_level, _alternating) for sign in (1.0, -1.0)]
        tries: list[tuple[Sequence[Mover], Answers]] = []
        for sign, wave in directions:
            tries.append((self.blocks[0], self._towards(self.blocks[0], sign, wave)))
        for mover in itertools.chain(*self.blocks):
            for path, slope in self._towards([mover], 1.0, _level).items():
                tries += [([mover], {path: slope}), ([mover], {path: -slope})]
        for movers, slopes in tries:
            with contextlib.suppress(NoAnswer):
                start = _moved(movers, slopes)
                if not any(self._are_same(start, other) for other in seen):
                    seen.append(start)
                    yield start

    def _towards(self, movers: Sequence[Mover], sign: float, wave: Wave) -> dict[str, FloatArray]:
        """Directions of all that the leader hears of some movers."""
        return {
            path: sign * wave(shape)
            for mover in movers
            for path, shape in mover.shapes.items()
            if path in self.recourse.heard
        }

    def _climb(self, answers: Answers) -> float:
        """Move the followers along the slope of the leader's cost as long as that grows."""
        cost, slopes = self._at(answers)
        grown = True
        while grown:
            grown = False
            for movers in self.blocks:
                try:
                    other = {**answers, **_moved(movers, slopes)}
                except SolverFailed:
                    return cost  # nothing is known of the way on
                except NoAnswer:
                    return math.inf  # a price, or what is said, that nothing bounds
                if self._are_same(other, answers):
                    continue
                new, more = self._at(other)
                if new > cost + _WORSE * max(self.recourse.unit, abs(cost)):
                    answers, cost, slopes, grown = other, new, more, True
        return cost

    def _are_same(self, some: Answers, others: Answers) -> bool:
        """Whether two answers are alike; what one leaves out is as at the answer itself."""
        values = self.recourse.values
        return all(
            np.allclose(
                some.get(path, values[path]),
                others.get(path, values[path]),
                1e-6,
                1e-6 * (greatest(values[path]) or 1.0),
            )
            for path in {**some, **others}
        )

    def _at(self, answers: Answers) -> tuple[float, Answers]:
        self.solves += 1
        return self.recourse.at(answers)


def _moved(movers: Sequence[Mover], slopes: Answers) -> Answers:
    """Everything that some movers say when each goes its furthest along the slopes."""
    return dict(itertools.chain(*(mover.extreme(slopes).items() for mover in movers)))


def _level(shape: tuple[int, ...]) -> FloatArray:
    return np.ones(shape)


def _alternating(shape: tuple[int, ...]) -> FloatArray:
    """Up and down in turn along the last axis, by which ramps are steepest."""
    steps = np.arange(shape[-1]) if shape else np.zeros(1)
    return np.broadcast_to(1.0 - 2.0 * (steps % 2), shape or (1,)).reshape(shape)
