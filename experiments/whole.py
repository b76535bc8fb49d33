"""Writing a directory or a file whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from equigrid.errors import UnusablePlace
from equigrid.experiments.writable import (
    MANIFEST,
    digest,
    entries,
    listed,
    refusal,
    require_place,
    unusable,
)


def write_whole(
    directory: str | Path,
    manifest: Mapping[str, Any],
    fill: Callable[[Path], None],
    *,
    replace: bool = True,
) -> None:
    """Write a directory whole or not at all.

    Parameters
    ----------
    directory : str or Path
        Replaced if equigrid wrote all that is in it, filled if it is empty.
    manifest : Mapping
        For ``manifest.json``, which also lists the files with their hashes. Its ``format`` is one
        of `FORMATS`.
    fill : callable
        Writes all other files into the empty directory that it is given.
    replace : bool
        Whether what equigrid wrote there before may be replaced.

    Raises
    ------
    UnusablePlace
        When the directory may not or cannot be written; what was there is as it was.
    """
    path = require_place(directory, replace=replace)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workspace(path.parent) as work:
            new = work / "new"
            new.mkdir()
            fill(new)
            text = json.dumps({**manifest, "files": _hashes(new)}, indent=2, allow_nan=False)
            (new / MANIFEST).write_text(text + "\n", encoding="utf-8")
            _put_in_place(new, path, work / "old", replace=replace)
    except OSError as error:
        raise UnusablePlace(unusable(directory, error)) from error


def write_new(file: Path, text: str) -> None:
    """Write a file that does not exist yet, whole or not at all.

    Raises
    ------
    UnusablePlace
        When something of its name exists, a symbolic link for one, or it cannot be written.
    """
    try:
        # "x" leaves what exists alone, links that lead nowhere included.
        with file.open("x", encoding="utf-8") as target:
            try:
                target.write(text)
                target.flush()
            except BaseException:
                file.unlink()
                raise
    except FileExistsError as error:
        raise UnusablePlace(f"{str(file)!r} exists already; choose another --out") from error
    except (OSError, ValueError) as error:
        raise UnusablePlace(unusable(file, error)) from error


@contextmanager
def _workspace(parent: Path) -> Iterator[Path]:
    """Make a directory that nobody else has, and remove what this process wrote into it."""
    work = Path(tempfile.mkdtemp(prefix=".equigrid-", suffix=".part", dir=parent))
    try:
        yield work
    finally:
        shutil.rmtree(work / "new", ignore_errors=True)
        with suppress(OSError):  # what was moved here and could not be moved back stays
            work.rmdir()


def _put_in_place(new: Path, path: Path, old: Path, *, replace: bool) -> None:
    """Rename the finished directory to its place, what was there before out of the way first."""
    if not os.path.lexists(path):
        new.rename(path)
        return
    path.rename(old)
    try:
        # Looked at again where nobody reaches it: files may have come while the run went on.
        if reason := refusal(old, replace=replace):
            raise UnusablePlace(f"'{path}' {reason}")
        new.rename(path)
    except BaseException:
        _put_back(old, path)
        raise
    _remove(old)


def _put_back(old: Path, path: Path) -> None:
    try:
        old.rename(path)
    except OSError as error:
        message = f"'{path}' was written by another meanwhile; what it held before is in '{old}'"
        raise UnusablePlace(message) from error


def _remove(folder: Path) -> None:
    """Remove the files that the manifest lists, and directories that are empty then."""
    ours = {MANIFEST, *listed(folder)}
    for name in ours.intersection(entries(folder)):
        (folder / name).unlink()
    with suppress(OSError):  # what came in the last moment stays
        for inner, _, _ in os.walk(folder, topdown=False):
            Path(inner).rmdir()


def _hashes(folder: Path) -> dict[str, str]:
    return {name: digest(folder / name) for name in entries(folder)}
