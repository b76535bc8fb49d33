"""Limits in work and by the clock, and Ctrl-C: the best answer so far is kept, and says so."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import cvxpy as cp
import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.errors import Interrupted
from equigrid.markets.games.game import Game
from equigrid.markets.methods import exact
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent

TIGHT = 1e-12


def _pressed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("route", ["auto", pytest.param("branching", marks=pytest.mark.slow)])
def test_a_limit_in_work_gives_the_best_answer_so_far(route: str) -> None:
    method = Exact(gap=TIGHT, work_limit=2000, route=route, ties=False)  # type: ignore[arg-type]
    first, again = method.solve(build.two_sites(1)), method.solve(build.two_sites(1))
    assert not first.settled
    assert first.statistics["stopped_by_work"] == 1.0
    assert first.statistics["iterations"] > 0
    assert first.certificate.optimality_gap is not None
    assert first.certificate.optimality_gap > TIGHT
    # Work is the same wherever it is done, so the answer is.
    assert again.leader_objective == first.leader_objective
    assert dict(again.statistics) == dict(first.statistics)


def test_a_limit_in_work_holds_for_the_mixed_integer_route() -> None:
    found = Exact(gap=TIGHT, work_limit=20_000, route="milp", ties=False).solve(build.two_sites(5))
    assert not found.settled
    assert found.statistics["nodes"] < 100


def test_a_clock_that_strikes_says_so() -> None:
    found = Exact(gap=TIGHT, seconds=0.5, ties=False).solve(build.two_sites(1))
    assert found.settled or found.statistics["stopped_by_clock"] == 1.0
    with pytest.raises(ValueError, match="seconds of Exact must be above 0"):
        Exact(seconds=0.0)


@pytest.mark.parametrize("route", [pytest.param("auto", marks=pytest.mark.slow), "branching"])
def test_ctrl_c_keeps_the_best_answer_so_far(route: str) -> None:
    method = Exact(gap=TIGHT, route=route, progress=_pressed, tell_every=10)  # type: ignore[arg-type]
    with pytest.raises(Interrupted) as caught:
        method.solve(build.two_sites(1))
    kept = caught.value.equilibrium
    assert kept is not None
    assert not kept.settled
    assert kept.statistics["stopped_by_interrupt"] == 1.0
    assert max(kept.certificate.regret.values()) <= 1e-6
    assert kept.certificate.worst_tie_loss is None
    best = build.searched(build.two_sites(1), gap=1e-6)
    assert kept.statistics["bound"] >= best - 1e-5


def test_ctrl_c_before_there_is_an_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "mpcc_of", _pressed)
    with pytest.raises(Interrupted, match="no answer was found yet") as caught:
        Exact().solve(build.two_sites(1))
    assert caught.value.equilibrium is None


@pytest.fixture
def minds_ctrl_c() -> Iterator[None]:
    """Interrupts raise here, though a shell that runs tests in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("minds_ctrl_c")
@pytest.mark.parametrize("route", ["milp", pytest.param("auto", marks=pytest.mark.slow)])
def test_ctrl_c_in_the_middle_of_highs_ends_the_search(route: str) -> None:
    rng = np.random.default_rng(1)
    pick, weight = cp.Variable(40, boolean=True), rng.integers(100, 999, (6, 40)).astype(float)
    rows = [weight @ pick == weight @ (np.arange(40) % 2)]
    leader = Agent("disco", cp.Problem(cp.Maximize(cp.sum(pick)), rows))
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(Interrupted):
        Exact(route=route, ties=False).solve(Game([leader], leader="disco"))  # type: ignore[arg-type]
