"""Compilation of kernels by numba, cached on disk until a source of theirs is newer."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

import equigrid.compiled.simd

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_INNER: dict[str, Any] = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inner(function: Kernel) -> Kernel:
    """Compile what only other kernels call; to do without a way in from Python saves a quarter."""
    return cast("Kernel", njit(**_INNER)(function))


def drop_stale_kernels(folder: Path) -> None:
    """Remove indices of kernels older than the newest source; they are compiled anew then.

    Numba itself looks at the file of a function only, not at those of the functions it calls: it
    would go on with what it compiled of an older one.

    Parameters
    ----------
    folder : Path
        Where the kernels are.
    """
    sources = [*folder.glob("*.py"), Path(equigrid.compiled.simd.__file__)]
    newest = max(source.stat().st_mtime for source in sources)
    for index in (folder / "__pycache__").glob("*.nbi"):
        # Another process may be at it, or the folder may not be ours to write in.
        with contextlib.suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()
