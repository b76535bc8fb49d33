"""Games of several turns, one a folder: ``game.py`` with ``game() -> eg.Game``, and its answer.

``expected.toml`` holds the source, the ``kind``, Nash or EPEC, and what is known to be said at the
equilibrium. Each of its ``talks`` is one way to play: settings of ``BestResponse``, and what has
to come of it, where that is not the equilibrium: ``cycle`` is after how many rounds all repeats,
``settled = false`` that it comes to no end, ``said`` another equilibrium.
"""

import runpy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import equigrid as eg

Vector = NDArray[np.float64]
SETTINGS = ("rounds", "gap", "order", "damping", "tolerance", "start")


@dataclass(frozen=True)
class PlayedGame:
    """One folder and one way to play it."""

    folder: Path
    facts: Mapping[str, Any]
    talk: Mapping[str, Any]

    @property
    def game(self) -> eg.Game:
        """The game as published."""
        made: eg.Game = runpy.run_path(str(self.folder / "game.py"))["game"]()
        return made

    @property
    def method(self) -> eg.BestResponse:
        """How it is played."""
        return eg.BestResponse(**{key: self.talk[key] for key in SETTINGS if key in self.talk})

    @property
    def cycle(self) -> int:
        """After how many rounds all repeats; 0 if it does not."""
        return int(self.talk.get("cycle", 0))

    @property
    def settles(self) -> bool:
        """Whether the talk comes to its own end."""
        return bool(self.talk.get("settled", not self.cycle))

    @property
    def tolerance(self) -> float:
        """How far what is said may be off, relative to the greater of it and 1."""
        return float(self.facts.get("tolerance", 1e-5))

    @property
    def said(self) -> dict[str, Vector]:
        """What is said at the equilibrium, by path."""
        known = self.talk.get("said", self.facts.get("expected", {}).get("said", {}))
        return {path: _numbers(value) for path, value in known.items()}


def _numbers(values: Any) -> Vector:
    """Return an array of numbers or of fractions that are written as text."""
    if isinstance(values, list):
        return np.array([_numbers(value) for value in values], dtype=float)
    return np.asarray(float(Fraction(values)) if isinstance(values, str) else float(values))


def _read(folder: Path) -> Mapping[str, Any]:
    return tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))


FOLDERS = [
    path
    for path in sorted(Path(__file__).parent.glob("[!_]*"))
    if (path / "game.py").exists() and (path / "expected.toml").exists()
]
PLAYED = {
    f"{folder.name}-{number}": PlayedGame(folder, _read(folder), talk)
    for folder in FOLDERS
    for number, talk in enumerate(_read(folder)["talks"], start=1)
}


@pytest.fixture(params=list(PLAYED))
def played(request: pytest.FixtureRequest) -> PlayedGame:
    """Every game in every way to play it."""
    return PLAYED[request.param]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def stated_facts(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """What every folder says of its game."""
    return _read(request.param)
