"""Every published game of several turns in every way to play it, against its known answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import equigrid as eg

if TYPE_CHECKING:
    from tests.games.turns.conftest import PlayedGame


def _assert_settled(played: PlayedGame, found: eg.Equilibrium) -> None:
    assert found.settled
    assert not found.cycle
    assert max(found.certificate.regret.values()) <= 1e-6
    assert found.certificate.primal_residual is not None
    assert found.certificate.primal_residual <= 1e-6
    assert played.said, "a talk that settles has a known answer"
    for path, value in played.said.items():
        near = pytest.approx(value, rel=played.tolerance, abs=played.tolerance)
        assert found.values[path] == near, path


def _assert_repeats(found: eg.Equilibrium, length: int) -> None:
    assert found.statistics["cycle"] == length
    assert len(found.cycle) == length
    before = found.rounds[-length - 1]
    last = found.cycle[-1]
    for path, value in last["said"].items():
        assert value == pytest.approx(before["said"][path], abs=1e-4)
    shown = [record["said"] for record in found.cycle]
    apart = [abs(np.subtract(shown[0][path], said[path])).max() for said in shown for path in said]
    assert max(apart) > 0.1


def test_the_known_answer_is_found_or_the_circle_is_shown(played: PlayedGame) -> None:
    found = played.method.solve(played.game)
    if played.settles:
        _assert_settled(played, found)
        return
    assert not found.settled
    assert max(found.certificate.regret.values()) > 1e-3
    if played.cycle:
        _assert_repeats(found, played.cycle)
    else:
        assert len(found.rounds) == played.method.rounds
        assert not found.cycle


def test_a_game_says_where_it_is_from_and_what_is_known(stated_facts: Mapping[str, Any]) -> None:
    assert len(stated_facts["source"]) > 40, "source is a full citation"
    assert stated_facts["kind"] in ("Nash", "EPEC")
    assert stated_facts["talks"]
    assert stated_facts["note"]
