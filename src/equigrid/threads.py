"""One thread of BLAS while we compute: no digit hangs on how many threads the machine would take.

A dot product that BLAS shares among threads is added up in another order, so its last digit differs
with ``OPENBLAS_NUM_THREADS`` or the number of cores. The limit is one of the whole process. It
holds while a solve or a study runs, and is then what it was before.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _libraries() -> list[Any]:
    """Return the BLAS libraries of numpy and scipy; to look for them takes some milliseconds."""
    import scipy.linalg  # noqa: F401, PLC0415  # a BLAS of its own, which has to be there by now
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _release() -> None:
    """Let any thread set limits.

    threadpoolctl lets one thread only, and does nothing where another asks: beside a
    user who holds a limit in one thread, or where runs end in another order than they began.
    """
    from threadpoolctl import OpenBLASController  # noqa: PLC0415

    OpenBLASController.clear_controlling_thread(force=True)


def _set(counts: list[int]) -> None:
    _release()
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)
    _release()


class _Inside:
    """Who computes at present: the first sets the limit, the last takes it away.

    Runs in several threads of a user begin and end in any order. Were each to restore what it had
    found, the last could restore the limit of another.
    """

    def __init__(self) -> None:
        self._lock, self._count, self._found = threading.Lock(), 0, list[int]()

    def enter(self) -> None:
        with self._lock:
            if self._count == 0:
                self._found = [library.get_num_threads() for library in _libraries()]
                _set([1] * len(self._found))
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                _set(self._found)


_INSIDE = _Inside()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS work in one thread; to be used with ``with``, or as ``@one_blas_thread()``.

    It may be nested and used in several threads at once. Everything that runs in the process
    meanwhile has the limit.

    Examples
    --------
    >>> import numpy as np
    >>> with one_blas_thread():
    ...     total = np.ones(20_000) @ np.ones(20_000)
    >>> float(total)
    20000.0
    """
    _INSIDE.enter()
    try:
        yield
    finally:
        _INSIDE.leave()
