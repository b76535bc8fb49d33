"""Exchanges with a known answer, one a folder: ``game.py`` with ``game() -> eg.Game``.

``expected.toml`` holds the source, how the answer was verified, the ``methods`` that answer it,
and what is known: ``total_cost``, ``prices`` by balance where they are unique, and what is
``said`` where that is unique.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.games.conftest import facts_of, game_of, numbers

import equigrid as eg
from equigrid.arrays import FloatArray

METHODS: dict[str, eg.Exact | eg.Admm] = {"exact": eg.Exact(), "admm": eg.Admm()}


@dataclass(frozen=True)
class KnownExchange:
    """One folder and one method that answers it."""

    folder: Path
    facts: Mapping[str, Any]
    method: str

    @property
    def game(self) -> eg.Game:
        """The game as stated."""
        return game_of(self.folder)

    def solved(self) -> eg.Equilibrium:
        """Its answer by the method."""
        return METHODS[self.method].solve(self.game)

    @property
    def total_cost(self) -> float:
        """Least total cost."""
        return float(numbers(self.facts["expected"]["total_cost"]))

    @property
    def tolerance(self) -> float:
        """How far what is said may be off, relative to the greater of it and 1."""
        return float(self.facts["tolerance"])

    def known(self, what: str) -> dict[str, FloatArray]:
        """What is known of ``prices`` or ``said``."""
        return {path: numbers(value) for path, value in self.facts["expected"][what].items()}


FOLDERS = [path.parent for path in sorted(Path(__file__).parent.glob("*/expected.toml"))]
KNOWN = {
    f"{folder.name}-{method}": KnownExchange(folder, facts_of(folder), method)
    for folder in FOLDERS
    for method in facts_of(folder)["methods"]
}


@pytest.fixture(params=list(KNOWN))
def known(request: pytest.FixtureRequest) -> KnownExchange:
    """Every exchange by every method that answers it."""
    return KNOWN[request.param]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def stated_facts(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """What every folder says of its exchange."""
    return facts_of(request.param)
