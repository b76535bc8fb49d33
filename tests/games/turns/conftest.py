"""Games of several turns, one a folder: ``game.py`` with ``game() -> eg.Game``, and its answer.

``expected.toml`` holds the source, the ``kind``, Nash or EPEC, and what is known to be said at the
equilibrium. Each of its ``talks`` is one way to play: settings of ``BestResponse``, and what has
to come of it, where that is not the equilibrium: ``cycle`` is after how many rounds all repeats,
``settled = false`` that it comes to no end, ``said`` another equilibrium.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.games.conftest import facts_of, game_of, numbers

import equigrid as eg
from equigrid.arrays import FloatArray

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
        return game_of(self.folder)

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
    def said(self) -> dict[str, FloatArray]:
        """What is said at the equilibrium, by path."""
        known = self.talk.get("said", self.facts.get("expected", {}).get("said", {}))
        return {path: numbers(value) for path, value in known.items()}


FOLDERS = [
    path
    for path in sorted(Path(__file__).parent.glob("[!_]*"))
    if (path / "game.py").exists() and (path / "expected.toml").exists()
]
PLAYED = {
    f"{folder.name}-{number}": PlayedGame(folder, facts_of(folder), talk)
    for folder in FOLDERS
    for number, talk in enumerate(facts_of(folder)["talks"], start=1)
}


# Sherali's oligopoly takes ten seconds in its first way, those of Pang and Fukushima three to five.
SLOW = ("sherali_1984-1", "pang_fukushima_2005-1", "pang_fukushima_2005-2")
# The first two ways to play a game are quick, and what takes long in any of them is not.
PARAMS = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW or name[-1] not in "12" else [])
    for name in PLAYED
]


@pytest.fixture(params=PARAMS)
def played(request: pytest.FixtureRequest) -> PlayedGame:
    """Every game in every way to play it."""
    return PLAYED[request.param]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def stated_facts(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """What every folder says of its game."""
    return facts_of(request.param)
