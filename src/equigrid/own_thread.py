"""HiGHS runs in a thread of our own, so that it shares no settings with anybody else's.

HiGHS keeps one scheduler for each thread of a process. The first solve in a thread fixes how many
processors it has, and a later solve that asks for another number fails. Here every thread that
calls gets a second one for HiGHS alone: what a user solved before, between or beside does not reach
it, and what runs there does not reach him. Handing a call over takes some ten microseconds.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

_POLL_S = 0.1  # where waiting for a lock cannot be interrupted, Ctrl-C is seen this often


class _Served:
    """How many calls were done, and what the last one came to."""

    def __init__(self) -> None:
        self.count = 0
        self.outcome: tuple[Any, BaseException | None] = (None, None)
        self.signal: SimpleQueue[None] = SimpleQueue()


class _OwnThread:
    """A thread that does what it is handed, one call after another."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._served, self._handed = _Served(), 0
        serve = threading.Thread(
            target=_serve, args=(self._calls, self._served), name="equigrid-highs", daemon=True
        )
        serve.start()

    def call(self, work: Callable[[], Any]) -> Any:
        """Return what the work returns, or raise what it raises."""
        self._handed += 1
        self._calls.put(work)
        return self.wait()

    def wait(self) -> Any:
        """Wait for the call that was handed over.

        Ctrl-C may fall between a signal and its receipt, so the count says whether it is done.
        """
        served = self._served
        while served.count < self._handed:
            with suppress(Empty):
                served.signal.get(timeout=_POLL_S)
        (value, error), served.outcome = served.outcome, (None, None)
        if error is not None:
            raise error
        return value

    def __del__(self) -> None:
        """End the thread with whom it served."""
        self._calls.put(None)


class _Mine(threading.local):
    """The thread that runs HiGHS for this one; in that thread, whether it is such a one."""

    runs: _OwnThread | None = None
    serves: bool = False


_mine = _Mine()


def _forget() -> None:
    """After a fork only the forking thread lives on."""
    global _mine  # noqa: PLW0603
    _mine = _Mine()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def in_own_thread(work: Callable[[], Any], stop: Callable[[], Any] | None = None) -> Any:
    """Do work that runs HiGHS where nobody else does.

    Parameters
    ----------
    work : callable
        Without arguments.
    stop : callable, optional
        Called on Ctrl-C, to end the work early. Its end is waited for in any case, so that nobody
        meets a model that still runs; a second Ctrl-C leaves it to itself.

    Returns
    -------
    Any
        What the work returns; what it raises is raised.
    """
    if _mine.serves:
        return work()
    if _mine.runs is None:
        _mine.runs = _OwnThread()
    thread = _mine.runs
    try:
        return thread.call(work)
    except KeyboardInterrupt:
        _mine.runs = None
        if stop is not None:
            stop()
        with suppress(Exception):
            thread.wait()
        raise


def solve_by_highs(problem: Any, **options: Any) -> None:
    """Solve a cvxpy problem by HiGHS, on one processor and apart from everybody else's solves.

    Parameters
    ----------
    problem : cvxpy.Problem
    **options
        Of HiGHS, by their names.
    """
    in_own_thread(lambda: problem.solve(solver="HIGHS", threads=1, **options))


def _serve(calls: "SimpleQueue[Callable[[], Any] | None]", served: _Served) -> None:
    _mine.serves = True
    while (work := calls.get()) is not None:
        served.outcome = _done(work)
        work = None  # nothing of the call is kept alive until the next
        served.count += 1
        served.signal.put(None)


def _done(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return what work returns and what it raises, which is raised again where the call is from."""
    try:
        return work(), None
    except BaseException as error:
        return None, error
