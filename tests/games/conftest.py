"""Published games, one a folder, read into a Game with what is known of its equilibrium.

A folder holds ``game.toml``, a game of one leader and one follower given by matrices, or
``game.py`` with a function ``game() -> eg.Game`` beside an ``expected.toml``.

Both levels of a ``game.toml`` state, in their own sense,

    cost_x·x + cost_y·y + ½ x'·quadratic_xx·x + x'·quadratic_xy·y + ½ y'·quadratic_yy·y + constant

where x is the leader's decision and y the follower's; that is ½ z'Qz with z = (x, y) and symmetric
Q. What is left out is 0. ``rows`` mean x·row + y·row + constant ≥ 0, ``equalities`` mean = 0,
``lower`` and ``upper`` bound the level's own variables, and ``integer = true`` makes them whole.
Rows of the leader that contain y are constraints on the answer it gets. A follower's terms in x
alone do not move its answer, so its ``quadratic_xx`` is left out of the data. A number may be
written as a fraction in quotes, ``"25/9"``.

``refused_by`` names the routes that must refuse the game for want of bounds. ``[bounds]`` then
holds some that leave the equilibrium as it is, and with which these routes solve it: the leader's
hold there, and the follower always has a best answer within its own.
"""

import runpy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.arrays import FloatArray

Table = Mapping[str, Any]
LEVELS = ("leader", "follower")


@dataclass(frozen=True)
class PublishedGame:
    """One folder: where it is from, how to make the game, and what is known of it."""

    folder: Path
    facts: Table

    @property
    def source(self) -> str:
        """Citation of the paper and of the collection."""
        return str(self.facts.get("source", ""))

    @property
    def expected(self) -> Table:
        """What is known of the equilibrium."""
        return dict(self.facts.get("expected", {}))

    @property
    def refused_by(self) -> tuple[str, ...]:
        """Routes that must refuse the game as published."""
        return tuple(self.facts.get("refused_by", ()))

    @property
    def unbounded(self) -> bool:
        """Whether the leader can gain without end."""
        return bool(self.expected.get("unbounded", False))

    @property
    def leader_objective(self) -> float:
        """The leader's objective at the optimistic equilibrium, in its own sense."""
        return number(self.expected["leader_objective"])

    @property
    def tolerance(self) -> float:
        """How far a found objective may be off, relative to the greater of it and 1."""
        return number(self.expected.get("tolerance", 1e-4))

    @property
    def said(self) -> dict[str, FloatArray]:
        """What is said at the equilibrium, as far as it is unique, by path."""
        paths = {"x": "leader.x", "y": "follower.y"}
        found = {path: self.expected[key] for key, path in paths.items() if key in self.expected}
        found |= self.expected.get("said", {})
        return {path: numbers(value) for path, value in found.items()}

    def game(self) -> eg.Game:
        """Return the game as published."""
        if (self.folder / "game.py").exists():
            return game_of(self.folder)
        return matrix_game(self.facts)

    def bounded_game(self) -> eg.Game | None:
        """Return the game with the bounds that it lacks as published, if any are written down."""
        if "bounds" not in self.facts:
            return None
        added = self.facts["bounds"]
        levels = {name: {**self.facts[name], **added.get(name, {})} for name in LEVELS}
        return matrix_game({**self.facts, **levels})


def game_of(folder: Path) -> eg.Game:
    """Return the game that a folder's ``game.py`` makes."""
    made: eg.Game = runpy.run_path(str(folder / "game.py"))["game"]()
    return made


def facts_of(folder: Path) -> Table:
    """Return what a folder says of its game."""
    return tomllib.loads(_facts_file(folder).read_text(encoding="utf-8"))


def number(value: float | str) -> float:
    """Return a number, or a fraction that is written as text."""
    return float(Fraction(value)) if isinstance(value, str) else float(value)


def numbers(values: Any) -> FloatArray:
    """Return an array of numbers or fractions of any depth."""
    if isinstance(values, list):
        return np.array([numbers(value) for value in values], dtype=float)
    return np.asarray(number(values))


def matrix_game(facts: Table) -> eg.Game:
    """Return the game of one leader and one follower that a ``game.toml`` states."""
    leader, follower = facts["leader"], facts["follower"]
    x, told = _variable("x", leader), cp.Parameter(int(leader["variables"]), name="x told")
    y, heard = _variable("y", follower), cp.Parameter(int(follower["variables"]), name="y heard")
    seen = cp.Variable(heard.shape, name="y seen")  # squares need a variable, not a Parameter
    curved = "quadratic_yy" in leader or "quadratic_xy" in leader
    leading = cp.Problem(
        _goal(leader, _cost(leader, x, heard) + _curvature(leader, x, seen)),
        _rows(leader, x, heard) + ([seen == heard] if curved else []),
    )
    own_cost = _cost(follower, told, y) + _square(follower, "yy", y)
    if "quadratic_xy" in follower:
        own_cost = own_cost + (numbers(follower["quadratic_xy"]).T @ told) @ y
    following = cp.Problem(_goal(follower, own_cost), _rows(follower, told, y))
    return eg.Game(
        agents=[
            eg.Agent("leader", leading, hears={"y": heard}, says={"x": x}),
            eg.Agent("follower", following, hears={"x": told}, says={"y": y}),
        ],
        leader="leader",
        links=[eg.Link("leader.x", "follower.x"), eg.Link("follower.y", "leader.y")],
    )


def _variable(name: str, level: Table) -> cp.Variable:
    count = int(level["variables"])
    lower, upper = level.get("lower", [-np.inf] * count), level.get("upper", [np.inf] * count)
    whole = bool(level.get("integer", False))
    return cp.Variable(count, name=name, integer=whole, bounds=[numbers(lower), numbers(upper)])


def _goal(level: Table, value: cp.Expression) -> cp.Minimize | cp.Maximize:
    return cp.Maximize(value) if level.get("maximise", False) else cp.Minimize(value)


def _table(level: Table, name: str, shape: tuple[int, ...]) -> FloatArray:
    return numbers(level[name]) if name in level else np.zeros(shape)


def _cost(level: Table, x: cp.Expression, y: cp.Expression) -> cp.Expression:
    linear = _table(level, "cost_x", x.shape) @ x + _table(level, "cost_y", y.shape) @ y
    return linear + number(level.get("constant", 0))


def _square(level: Table, block: str, z: cp.Expression) -> cp.Expression:
    if f"quadratic_{block}" not in level:
        return cp.Constant(0)
    return 0.5 * _form(level, numbers(level[f"quadratic_{block}"]), z)


def _curvature(level: Table, x: cp.Expression, y: cp.Expression) -> cp.Expression:
    """Return ½ z'Qz of the leader; only products of x and y need the whole matrix."""
    if "quadratic_xy" not in level:
        return _square(level, "xx", x) + _square(level, "yy", y)
    mixed = numbers(level["quadratic_xy"])
    blocks = [
        [_table(level, "quadratic_xx", (x.size, x.size)), mixed],
        [mixed.T, _table(level, "quadratic_yy", (y.size, y.size))],
    ]
    return 0.5 * _form(level, np.block(blocks), cp.hstack([x, y]))


def _form(level: Table, matrix: FloatArray, z: cp.Expression) -> cp.Expression:
    """Return z'Mz, curved the way that suits the level's sense."""
    sign = -1.0 if level.get("maximise", False) else 1.0
    return sign * cp.quad_form(z, cp.psd_wrap(sign * matrix))


def _rows(level: Table, x: cp.Expression, y: cp.Expression) -> list[cp.Constraint]:
    found = []
    for kind in ("rows", "equalities"):
        if stated := level.get(kind, []):
            value = _matrix(stated, "x", x.size) @ x + _matrix(stated, "y", y.size) @ y
            value = value + numbers([row.get("constant", 0) for row in stated])
            found.append(value >= 0 if kind == "rows" else value == 0)
    return found


def _matrix(rows: Sequence[Table], side: str, count: int) -> FloatArray:
    return np.array([numbers(row.get(side, [0] * count)) for row in rows])


def _facts_file(folder: Path) -> Path:
    return folder / ("expected.toml" if (folder / "game.py").exists() else "game.toml")


def is_readable(folder: Path) -> bool:
    """Whether a folder holds a game; one that does not fails a test of its own."""
    return _facts_file(folder).exists()


def read_folder(folder: Path) -> PublishedGame:
    """Read one folder."""
    return PublishedGame(folder, facts_of(folder))


FOLDERS = [
    path
    for path in sorted(Path(__file__).parent.glob("[!_]*"))
    if path.is_dir()
    and any(entry.name != "__pycache__" for entry in path.iterdir())
    and not any(path.glob("test_*.py"))  # a folder of folders, with readers of its own
]
GAMES = {folder.name: read_folder(folder) for folder in FOLDERS if is_readable(folder)}


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    """Every folder here, whatever it holds."""
    found: Path = request.param
    return found


@pytest.fixture(params=list(GAMES))
def stated(request: pytest.FixtureRequest) -> PublishedGame:
    """Every game."""
    return GAMES[request.param]


# One game in three is in the quick tier.
BOUNDED = [name for name, game in GAMES.items() if not game.unbounded]


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if number % 3 else [])
        for number, name in enumerate(BOUNDED)
    ]
)
def published(request: pytest.FixtureRequest) -> PublishedGame:
    """Every game that has an equilibrium."""
    return GAMES[request.param]


@pytest.fixture(params=[name for name, game in GAMES.items() if game.unbounded])
def endless(request: pytest.FixtureRequest) -> PublishedGame:
    """Every game in which the leader gains without end."""
    return GAMES[request.param]
