"""What is told of a search while it goes on, in the leader's own sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact


def _told(game: Game, **options: Any) -> tuple[list[tuple[int, float, float]], float]:
    told: list[tuple[int, float, float]] = []
    method = Exact(gap=1e-7, progress=lambda *said: told.append(said), **options)
    found = method.solve(game)
    assert found.leader_objective is not None
    return told, found.leader_objective


@pytest.mark.slow
@pytest.mark.parametrize(
    ("maximise", "route"),
    [(True, "auto"), pytest.param(False, "branching", marks=pytest.mark.slow)],
)
def test_nodes_grow_and_the_bound_closes_in_on_the_incumbent(maximise: bool, route: str) -> None:
    told, objective = _told(build.two_sites(0, maximise=maximise), route=route)
    assert len(told) >= 2
    nodes, incumbents, bounds = (np.array(part) for part in zip(*told, strict=True))
    sign = 1.0 if maximise else -1.0
    assert (np.diff(nodes) > 0).all()
    assert (sign * bounds >= sign * incumbents - 1e-6).all()
    assert (sign * bounds >= sign * objective - 1e-6).all()
    assert (sign * incumbents <= sign * objective + 1e-6).all()
    known = np.isfinite(incumbents)
    assert known.any()
    assert (np.diff(sign * incumbents[known]) >= -1e-9).all()
    assert (np.diff(sign * bounds) <= 1e-6).all()


@pytest.mark.slow
def test_both_senses_are_told_the_same_but_for_the_sign() -> None:
    gained, value = _told(build.two_sites(1, maximise=True))
    lost, cost = _told(build.two_sites(1, maximise=False))
    assert cost == pytest.approx(-value)
    assert [n for n, _, _ in gained] == [n for n, _, _ in lost]
    for (_, *one), (_, *other) in zip(gained, lost, strict=True):
        assert one == pytest.approx([-number for number in other])


@pytest.mark.parametrize("route", ["auto", pytest.param("branching", marks=pytest.mark.slow)])
def test_progress_is_told_as_often_as_asked_for(route: str) -> None:
    told, _ = _told(build.two_sites(1, maximise=True), route=route, tell_every=7)
    assert [nodes for nodes, _, _ in told[:3]] == [7, 14, 21]


def test_progress_is_no_part_of_what_a_method_is() -> None:
    assert Exact(progress=lambda *_: None) == Exact()
