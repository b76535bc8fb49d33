"""Limits of a talk, in work or by the clock, who is told how far it is, and Ctrl-C.

Work is counted as in a search: an agent's answer is one node of a program of its size, so a limit
in work ends a talk at the same answer on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import Interrupted, NoAnswer
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.search_limits import SearchLimits

Progress = Callable[[int, float, float], None]
"""Told of each round: its number, what is off, and what is allowed; NaN what is not known."""

_MOST_NODES = 2**31 - 1  # that HiGHS can be allowed
_MOMENT_S = 0.05  # by which its clock may strike before ours


class LimitMet(Exception):
    """A solver in a talk was ended by what the talk had left for it, or had nothing left."""


@dataclass
class TalkLimits:
    """What a talk may spend and has spent, whom it tells of it, and what ended it.

    Attributes
    ----------
    method : str
        That talks, for its sentences.
    work_limit : float, optional
        As `SearchLimits` counts it.
    seconds : float, optional
        From now.
    progress : callable, optional
        Told of each round.
    ended_by : str
        ``work``, ``clock`` or ``interrupt`` when the talk was found to be at an end for it; else
        empty.
    """

    method: str = "BestResponse"
    work_limit: float | None = None
    seconds: float | None = None
    progress: Progress | None = None
    ended_by: str = field(default="", init=False)
    _spent: SearchLimits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Let the clock run, if there is one."""
        most = np.inf if self.work_limit is None else self.work_limit
        self._spent = SearchLimits(sys.maxsize, most, self.seconds)

    @property
    def over(self) -> bool:
        """Whether the talk has to end; once it had to, that stays so."""
        self.ended_by = self.ended_by or self._spent.ended_by
        return bool(self.ended_by)

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.work_limit is not None or self.seconds is not None

    @property
    def work(self) -> float:
        """Work done so far."""
        return self._spent.work

    def spend(self, answers: int, size: int, iterations: int = 0, *, cutting: bool = False) -> None:
        """Count answers of a program of so many rows and columns, each as one node.

        Parameters
        ----------
        answers, size, iterations : int
        cutting : bool
            Whether HiGHS searched for whole numbers, with cuts and heuristics.
        """
        self._spent.spend(answers, iterations, size, cutting=cutting)

    def tell(self, number: int, off: float, allowed: float) -> None:
        """Tell of a round."""
        if self.progress is not None:
            self.progress(number, float(off), float(allowed))

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Let a limit that a solver meets, or Ctrl-C, end the talk and leave what it has."""
        try:
            yield
        except LimitMet:
            pass
        except KeyboardInterrupt:
            self._spent.interrupt()
            self.ended_by = "interrupt"

    @property
    def statistics(self) -> dict[str, float]:
        """What ended the talk, as a statistic of its answer."""
        return {f"stopped_by_{self.ended_by}": 1.0} if self.ended_by else {}

    def without_answer(self) -> NoAnswer | Interrupted:
        """Return what to raise when the talk was ended before it had an answer."""
        if self.ended_by == "interrupt":
            return Interrupted(None)
        return NoAnswer(f"no answer was found before {_LIMITS[self.ended_by].format(self.method)}")

    def hand(self, answer: Any) -> Any:
        """Return a certified answer; of an interrupted talk it is raised.

        Raises
        ------
        Interrupted
            With the answer.
        """
        if self.ended_by == "interrupt":
            raise Interrupted(answer)
        return answer

    def highs_options(self, size: int) -> dict[str, Any]:
        """Return what HiGHS is allowed for whole numbers in a program of a size.

        Raises
        ------
        LimitMet
            When nothing is left.
        """
        if not self.limited:
            return {}
        if self.over:
            raise LimitMet
        most = min(self._spent.nodes_left(size), _MOST_NODES)
        return {"mip_max_nodes": most, "time_limit": self._spent.seconds_left}

    def used_up(self) -> None:
        """End the talk: a solver was ended by what was left for it, which is hereby spent.

        Raises
        ------
        LimitMet
            Always.
        """
        if not self.over:
            struck = self.work_limit is None or self._spent.seconds_left < _MOMENT_S
            self.ended_by = "clock" if struck else "work"
        raise LimitMet

    def answered(self, solver: AgentSolver, heard: FloatArray) -> FloatArray:
        """Return an agent's best answer to what it hears, and count it.

        Raises
        ------
        NoAnswer
            As the solver does.
        LimitMet
            When its search for whole numbers is ended by what the talk has left.
        """
        form = solver.form
        size, whole = sum(form.matrix.shape), bool(form.integer.any())
        if whole:
            solver.allow(**self.highs_options(size))
        try:
            return solver.solve(heard)
        except NoAnswer:
            if solver.spent.limited and self.limited:
                self.used_up()
            raise
        finally:
            spent = solver.spent
            self.spend(max(1, spent.nodes), size, spent.iterations, cutting=whole)

    @contextmanager
    def search(self, node_limit: int, work_limit: float) -> Generator[SearchLimits, None, None]:
        """Give a search by Exact what is left, and count what it spends.

        Parameters
        ----------
        node_limit : int
        work_limit : float
            Of a search, which has no more even where more is left.

        Raises
        ------
        LimitMet
            When nothing is left, or the search was ended by that.
        """
        if self.over:
            raise LimitMet
        effort = self.rest(node_limit, work_limit)
        try:
            yield effort
        except NoAnswer as error:
            if self._was_all(effort, work_limit):
                raise LimitMet from error
            raise
        finally:
            self._spent.add(effort)
        if self._was_all(effort, work_limit):
            raise LimitMet

    def rest(self, node_limit: int = sys.maxsize, work_limit: float = np.inf) -> SearchLimits:
        """Return what is left as limits of a search, which may have less of its own."""
        left = self._spent.work_limit - self._spent.work
        seconds = None if self.seconds is None else self._spent.seconds_left
        return SearchLimits(node_limit, min(work_limit, left), seconds)

    def _was_all(self, effort: SearchLimits, work_limit: float) -> bool:
        """Whether a search came to what the talk had left, and not to a limit of its own."""
        by = effort.ended_by
        if by == "clock" or (by == "work" and effort.work_limit < work_limit):
            self.ended_by = self.ended_by or by
            return True
        return False


_LIMITS = {
    "work": "the limit in work of {0}; raise work_limit",
    "clock": "the clock struck; give it more seconds (--seconds, or seconds of {0})",
}
