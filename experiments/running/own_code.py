"""Errors in a system from outside: told with file and line of its own code, and nothing else."""

import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from equigrid.errors import EquigridError, NoAnswer, SystemFailed
from equigrid.experiments.spec.findings import UnusableInput

_PLACE = tuple[str, int, str]  # file, line, function


class WrongReturn(EquigridError, TypeError):
    """What a system returned is not what it has to; `place` is the function that did.

    Attributes
    ----------
    place : (str, int, str)
        File, line and name of the function.
    """

    def __init__(self, what: str, place: _PLACE) -> None:
        self.place = place
        super().__init__(what)


@contextmanager
def placed(files: tuple[Path, ...]) -> Generator[None, None, None]:
    """Tell what goes wrong within with its place in some files, where it came from there.

    What a game has to say of its agents, and what users are told to change in their study, is
    left as it is.

    Raises
    ------
    SystemFailed
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if not files or isinstance(error, SystemFailed | UnusableInput | NoAnswer):
            raise
        place = _innermost(error, {str(file) for file in files})
        if place is None:
            raise
        file, line, function = place
        what = f"in {function}: {_said(error)}" if function else _said(error)
        raise SystemFailed(_shown(file), line, what) from error


def returned(function: Callable[..., Any], what: str) -> "WrongReturn":
    """Return the error of a function of a system that returned what it may not."""
    code = getattr(function, "__code__", None)
    place = ("", 0, "") if code is None else (code.co_filename, code.co_firstlineno, code.co_name)
    return WrongReturn(what, place)


def _said(error: BaseException) -> str:
    """Say an error; one of ours is a sentence, another's needs its kind."""
    text = str(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])
        text = text if " " in text else repr(error.args[0])
    if isinstance(error, EquigridError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _innermost(error: BaseException, files: set[str]) -> _PLACE | None:
    """Return the innermost place in one of the files, of an error or of what it came from."""
    if isinstance(error, SyntaxError) and error.filename in files:
        return str(error.filename), error.lineno or 1, ""
    for one in _chain(error):
        place: _PLACE | None = getattr(one, "place", None)
        if place is not None and str(Path(place[0]).resolve()) in files:
            return place
        for frame in reversed(traceback.extract_tb(one.__traceback__)):
            if str(Path(frame.filename).resolve()) in files:
                name = "" if frame.name == "<module>" else frame.name
                return frame.filename, frame.lineno or 1, name
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from: SimPy raises an error of a process again."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _shown(file: str) -> str:
    """Write a path as seen from here, where it is below."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file
