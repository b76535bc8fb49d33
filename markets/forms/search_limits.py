"""Search limits: nodes, simplex iterations or a clock, and what ended a search.

Nodes and iterations are the same on every machine, so answers, bounds and gaps stay the same
wherever a game is solved. A clock is for those who want one; the answer then says that it struck.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# What a node costs beside its simplex iterations, in iterations, ...
_NODE = 50
# ... and iterations a node of HiGHS' branch and bound, which counts them only when it has ended.
_EXPECTED = 1000
# An iteration there, with all that HiGHS does beside it, takes as long as so many of ours.
_CUTTING = 4.0
# So many rows and columns double what an iteration costs.
_SIZE = 1000


class _Stop:
    """What ends all routes of a search at once: a clock, or somebody who interrupts."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._lock, self._asked = threading.Lock(), False
        self._cancels: list[Callable[[], None]] = []

    def left_s(self) -> float:
        return float("inf") if self._until is None else max(0.0, self._until - time.monotonic())

    def interrupt(self) -> None:
        with self._lock:
            self._asked, cancels = True, list(self._cancels)
        for cancel in cancels:
            cancel()

    def on_interrupt(self, cancel: Callable[[], None]) -> None:
        with self._lock:
            self._cancels.append(cancel)

    @property
    def asked(self) -> bool:
        return self._asked


@dataclass
class SearchLimits:
    """What one route of a search may spend and has spent.

    Attributes
    ----------
    node_limit : int
    work_limit : float
        Of simplex iterations, each node counted as fifty more of them, and all of it weighed by
        the size of the program: 1 for a small one, and 1 more for every thousand rows and columns.
    seconds : float, optional
        For all routes together, from now.
    nodes, iterations : int
        Spent so far.
    work : float
        The same as one figure.
    """

    node_limit: int
    work_limit: float = float("inf")
    seconds: float | None = None
    nodes: int = 0
    iterations: int = 0
    work: float = 0.0
    _stop: _Stop = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Let the clock run, if there is one."""
        self._stop = _Stop(self.seconds)

    def beside(self) -> SearchLimits:
        """Return as much for another route; clock and interruption are the same."""
        other = SearchLimits(self.node_limit, self.work_limit)
        other._stop = self._stop
        return other

    def spend(self, nodes: int, iterations: int, size: int, *, cutting: bool = False) -> None:
        """Count what was done on a program of so many rows and columns.

        Parameters
        ----------
        nodes, iterations, size : int
        cutting : bool
            Whether HiGHS looked for cuts and heuristics as well.
        """
        self.nodes += nodes
        self.iterations += iterations
        self.work += self._weight(size, cutting) * (iterations + _NODE * nodes)

    def add(self, other: SearchLimits) -> None:
        """Count what was done under other limits."""
        self.nodes += other.nodes
        self.iterations += other.iterations
        self.work += other.work

    def nodes_left(self, size: int) -> int:
        """Nodes of HiGHS' branch and bound that come to what is left, as far as is known."""
        each = self.iterations / self.nodes if self.nodes else _EXPECTED
        by_work = (self.work_limit - self.work) / self._weight(size, True) / (each + _NODE)
        left = min(float(self.node_limit - self.nodes), by_work)
        return int(max(1.0, left))

    @staticmethod
    def _weight(size: int, cutting: bool) -> float:
        return (1.0 + size / _SIZE) * (_CUTTING if cutting else 1.0)

    @property
    def seconds_left(self) -> float:
        """Seconds that the clock leaves, endless without one."""
        return self._stop.left_s()

    @property
    def ended_by(self) -> str:
        """What ends the search, empty as long as nothing does."""
        if self._stop.asked:
            return "interrupt"
        if self._stop.left_s() <= 0:
            return "clock"
        if self.nodes >= self.node_limit:
            return "nodes"
        return "work" if self.work >= self.work_limit else ""

    @property
    def over(self) -> bool:
        """Whether the search has to end."""
        return bool(self.ended_by)

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked for an end."""
        return self._stop.asked

    def interrupt(self) -> None:
        """Ask all routes for an end, whatever thread they run in."""
        self._stop.interrupt()

    def on_interrupt(self, cancel: Callable[[], None]) -> None:
        """Have something called when an end is asked for."""
        self._stop.on_interrupt(cancel)
