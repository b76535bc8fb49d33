"""Compiled kernels that numba keeps on disk are dropped when any of their sources has changed.

Numba itself looks at the file of a function only, not at those of the functions it calls: it would
go on with what it compiled of an older one.
"""

import contextlib
from pathlib import Path


def drop_stale_kernels() -> None:
    """Remove indices of kernels older than the newest source; they are compiled anew then."""
    folder = Path(__file__).parent
    newest = max(source.stat().st_mtime for source in folder.glob("batch_*.py"))
    for index in (folder / "__pycache__").glob("batch_*.nbi"):
        # Another process may be at it, or the folder may not be ours to write in.
        with contextlib.suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()
