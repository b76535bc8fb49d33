"""Finding a system by what a study names: a shipped one, a file, a module, an entry point."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from equigrid.errors import EquigridError, nearest
from equigrid.experiments.running.own_code import placed
from equigrid.experiments.system import System

SYSTEMS: dict[str, str] = {
    "disco-microgrids": "equigrid.experiments.disco_microgrids",
    "frp-aggregator": "equigrid.experiments.frp_aggregator",
}
"""The module of each shipped system, by what a study's `system` says."""
ENTRY_POINTS = "equigrid.systems"
"""Group under which installed packages name their systems."""


class UnknownSystem(EquigridError, ValueError):
    """A system that there is not, or a module without one; the message says what to change."""


@dataclass(frozen=True, eq=False)
class FoundSystem:
    """A system and where it is from.

    Attributes
    ----------
    name : str
        As the study names it.
    kind : type
        Subclass of `System`.
    files : tuple of Path
        Code from outside that was imported for it; empty for a shipped system.
    """

    name: str
    kind: type[System[Any]]
    files: tuple[Path, ...] = ()

    def made(self) -> System[Any]:
        """Return an object of it, for one case.

        Raises
        ------
        SystemFailed
            When its own code fails.
        """
        with placed(self.files):
            return self.kind()


def find_system(name: str, folder: Path) -> FoundSystem:
    """Return the system that a study names.

    Parameters
    ----------
    name : str
        A shipped name, ``./file.py`` beside the study, ``package.module``, or a name that an
        installed package has registered.
    folder : Path
        Of the study.

    Raises
    ------
    UnknownSystem
        When there is none, or what is there has no `System`.
    SystemFailed
        When its own code fails while it is imported.
    """
    if name in SYSTEMS:
        return FoundSystem(name, _kind(import_module(SYSTEMS[name]), name))
    if name.endswith(".py"):
        return _of_file(name, folder)
    for point in _entry_points():
        if point.name == name:
            return _of_module(name, point.module, point.attr or "System")
    if _is_module(name):
        return _of_module(name, name, "System")
    raise UnknownSystem(_unknown(name))


def is_shipped(name: object) -> bool:
    """Whether a system's code is equigrid's own."""
    return isinstance(name, str) and name in SYSTEMS


def _unknown(name: str) -> str:
    known = [*SYSTEMS, *(point.name for point in _entry_points())]
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    return (
        f"must be {' or '.join(map(repr, known))}, a file beside the study (./my_system.py), or "
        f"an importable module{hint}"
    )


def _of_file(name: str, folder: Path) -> FoundSystem:
    path = (folder / name).resolve()
    if not path.is_file():
        there = [f"./{file.name}" for file in sorted(folder.glob("*.py"))]
        hint = f"; there is: {', '.join(there)}" if there else ""
        raise UnknownSystem(f"there is no file {name!r} beside the study{hint}")
    with placed((path,)):
        module = _imported(path)
    return FoundSystem(name, _kind(module, name), (path,))


def _imported(path: Path) -> ModuleType:
    """Import a file under a name of its own, anew where it has changed."""
    content = sha256(path.read_bytes()).hexdigest()[:16]
    name = f"equigrid_system_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}_{content}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up
    try:
        with _beside(path.parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Let a file import others beside it, and leave nothing there."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = before


def _of_module(name: str, module: str, attribute: str) -> FoundSystem:
    spec = find_spec(module)
    file = None if spec is None or not spec.has_location else Path(str(spec.origin)).resolve()
    files = () if file is None else (file,)
    with placed(files):
        kind = _kind(import_module(module), name, attribute)
    return FoundSystem(name, kind, files)


def _is_module(name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _kind(module: ModuleType, name: str, attribute: str = "System") -> type[System[Any]]:
    kind = getattr(module, attribute, None)
    if isinstance(kind, type) and issubclass(kind, System) and kind is not System:
        return kind
    raise UnknownSystem(
        f"{name!r} has no class {attribute!r} of its own; write in it: "
        "class System(eg.System[Spec])"
    )


@cache
def _entry_points() -> Iterable[metadata.EntryPoint]:
    return tuple(metadata.entry_points(group=ENTRY_POINTS))
