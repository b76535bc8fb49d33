"""Every published game of this folder through every route of Exact, against its known answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

import equigrid as eg
from equigrid.errors import NoAnswer, WrongMethod
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError

if TYPE_CHECKING:
    from tests.games.conftest import PublishedGame

Route = Literal["milp", "branching"]
ROUTES = (pytest.param("milp", marks=pytest.mark.slow), "branching")
KINDS = ("LP-LP", "LP-QP", "QP-LP", "QP-QP")
CONTENTS = ({"game.toml"}, {"game.py", "expected.toml"})
DECISION_TOLERANCE = 1e-3


def _solve(game: eg.Game, route: Route) -> eg.Equilibrium:
    return eg.Exact(route=route).solve(game)


def _assert_solved(published: PublishedGame, found: eg.Equilibrium) -> None:
    wanted = published.leader_objective
    allowed = published.tolerance * max(1.0, abs(wanted))
    assert found.leader_objective == pytest.approx(wanted, rel=0.0, abs=allowed)
    assert found.settled
    certificate = found.certificate
    assert max(certificate.regret[agent.name] for agent in found.game.followers) <= 1e-6
    assert certificate.optimality_gap is not None
    assert certificate.optimality_gap <= 1e-4
    for path, value in published.said.items():
        near = pytest.approx(value, rel=DECISION_TOLERANCE, abs=DECISION_TOLERANCE)
        assert found.values[path] == near, path


def _assert_refused(game: eg.Game, route: Route) -> None:
    with pytest.raises((WrongMethod, NoBoundError)) as refusal:
        _solve(game, route)
    assert any(f"'{agent.name}'" in str(refusal.value) for agent in game.followers)


@pytest.mark.parametrize("route", ROUTES)
def test_the_known_equilibrium_is_found(published: PublishedGame, route: Route) -> None:
    """A route that has to refuse a game does, and solves it with bounds."""
    if route not in published.refused_by:
        _assert_solved(published, _solve(published.game(), route))
        return
    _assert_refused(published.game(), route)
    bounded = published.bounded_game()
    if bounded is not None:
        _assert_solved(published, _solve(bounded, route))


@pytest.mark.parametrize("route", ROUTES)
def test_a_leader_that_gains_without_end_is_told_so(endless: PublishedGame, route: Route) -> None:
    if route in endless.refused_by:
        _assert_refused(endless.game(), route)
        return
    with pytest.raises(NoAnswer, match=f"'{endless.game().leader}'"):
        _solve(endless.game(), route)


def test_a_folder_holds_a_game_with_its_source_and_its_answer(folder: Path) -> None:
    from_disk = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    assert from_disk in CONTENTS, "a folder holds game.toml, or game.py with expected.toml"


def test_a_game_says_where_it_is_from_and_what_is_known(stated: PublishedGame) -> None:
    assert len(stated.source) > 40, "source is a full citation"
    assert stated.facts["kind"] in KINDS
    assert stated.unbounded or isinstance(stated.leader_objective, float)
    assert set(stated.refused_by) <= {"milp"}, "branching refuses nothing for want of bounds"


def test_the_kind_is_what_the_matrices_say(stated: PublishedGame) -> None:
    if not {"leader", "follower"} <= set(stated.facts):
        return  # given by a function
    squares = [
        {"quadratic_xx", "quadratic_yy"} & set(stated.facts[name])
        for name in ("leader", "follower")
    ]
    assert stated.facts["kind"] == "-".join("QP" if square else "LP" for square in squares)
