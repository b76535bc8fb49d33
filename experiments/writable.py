"""Where a result may be written: never over what equigrid did not write."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from equigrid.errors import UnusablePlace

MANIFEST = "manifest.json"
FORMATS = ("equigrid-result-1", "equigrid-reconfiguration-1")
"""What a manifest of ours says that its directory holds."""
_MOST_NAMED = 5


def place(directory: str | Path) -> Path:
    """Return a directory as an absolute path whose last name may still be a symbolic link.

    Raises
    ------
    UnusablePlace
        When it is no path at all.
    """
    try:
        path = Path(directory).expanduser()
        path = path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name
        with suppress(FileNotFoundError):  # a name too long or with a NUL is no path
            path.lstat()
    except (OSError, ValueError, RuntimeError) as error:
        raise UnusablePlace(unusable(directory, error)) from error
    return path


def require_place(directory: str | Path, *, replace: bool = True) -> Path:
    """Refuse at once where nothing could be written later.

    Parameters
    ----------
    directory : str or Path
    replace : bool
        Whether a directory that equigrid wrote, and nobody touched since, may be replaced.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    UnusablePlace
        When the directory holds anything that equigrid did not write, or cannot be written.
    """
    path = place(directory)
    try:
        if reason := refusal(path, replace=replace):
            raise UnusablePlace(f"{str(directory)!r} {reason}")
        _require_writable(path)
    except OSError as error:
        raise UnusablePlace(unusable(directory, error)) from error
    return path


def free_place(directory: Path) -> Path:
    """Return the directory, or the first of ``directory-2``, ``directory-3``, … that is free."""
    free, number = directory, 2
    while os.path.lexists(free):
        free, number = directory.with_name(f"{directory.name}-{number}"), number + 1
    return free


def refusal(path: Path, *, replace: bool) -> str:
    """Say why a directory may not be written or replaced; empty where it may."""
    if not os.path.lexists(path):
        return ""
    if path.is_symlink():
        return f"is a symbolic link; name the directory itself, {os.path.realpath(path)}"
    if not path.is_dir():
        return "is a file; choose a directory"
    here = Path.cwd()
    if path in (Path("~").expanduser(), here, *here.parents):
        return "is your home directory, or holds the one you are in; choose another directory"
    if not replace and any(path.iterdir()):
        return "exists already; choose another directory"
    return _foreign(path)


def _foreign(path: Path) -> str:
    """Say what in a directory equigrid did not write; empty where it wrote all."""
    kept = "; nothing that equigrid did not write is ever replaced: choose another directory"
    try:
        ours = listed(path)
    except (OSError, ValueError):
        return f"holds no {MANIFEST} of equigrid's{kept}"
    result = list(entries(path))
    strange = [name for name in result if name not in (MANIFEST, *ours)]
    if strange:
        return f"holds files that are not of the result ({_named(strange)}){kept}"
    changed = [name for name in result if name in ours and digest(path / name) != ours[name]]
    if changed:
        return f"holds files that were changed since they were written ({_named(changed)}){kept}"
    return ""


def listed(folder: Path) -> dict[str, str]:
    """Return the hashes of the files that a manifest of ours lists, by name.

    Raises
    ------
    ValueError
        When there is a manifest that is none of ours.
    """
    if not any(folder.iterdir()):
        return {}
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or manifest.get("format") not in FORMATS:
        raise ValueError("not of equigrid")
    return files


def entries(folder: Path) -> Iterator[str]:
    """Yield the names of all files, of links, and of directories in which there is nothing."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_dir():
            yield name
        elif not any(path.iterdir()):
            yield f"{name}/"


def digest(file: Path) -> str:
    """Return the SHA-256 of a file; a link is none of ours, whatever it points to."""
    return "" if file.is_symlink() else hashlib.sha256(file.read_bytes()).hexdigest()


def _require_writable(path: Path) -> None:
    """Write and remove a file where the directory is going to be."""
    nearest = next(folder for folder in path.parents if os.path.lexists(folder))
    with tempfile.TemporaryFile(prefix=".equigrid-", dir=nearest):
        pass


def unusable(directory: str | Path, error: Exception) -> str:
    """Say why a place cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"{str(directory)!r} cannot be written ({reason}); choose another directory"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
