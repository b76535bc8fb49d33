"""Compiled kernels kept on disk are dropped when any source of this folder is newer.

Numba itself looks at the file of a function only, not at those of the functions it calls.
"""

import contextlib
from pathlib import Path


def drop_stale_kernels() -> None:
    """Remove the indices of kernels older than the newest source; they are compiled anew then."""
    folder = Path(__file__).parent
    newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
    for index in (folder / "__pycache__").glob("*.nbi"):
        # Another process may be at it, or the folder may not be ours to write in.
        with contextlib.suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()
