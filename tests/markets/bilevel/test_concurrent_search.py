"""Branching and milp beside each other: what they tell each other, and when they stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.markets.bilevel import concurrent_search
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.markets.bilevel.big_m.milp import BigMMilp
from equigrid.markets.bilevel.branching.incumbents import Incumbent, SearchResult
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.forms.search_limits import SearchLimits
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact

GAP = 1e-6


@pytest.fixture
def few_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the milp begin after a few nodes, with a few nodes of its own."""
    monkeypatch.setattr(concurrent_search, "ALONE", 20)
    monkeypatch.setattr(concurrent_search, "_BESIDE", 2)


def _digits(found: Equilibrium) -> tuple[Any, ...]:
    """All that two runs have to agree on to the last bit."""
    said = {path: value.tobytes() for path, value in found.values.items()}
    return found.leader_objective, found.certificate.optimality_gap, dict(found.statistics), said


@pytest.mark.slow
@pytest.mark.usefixtures("few_alone")
def test_two_runs_are_the_same_bit_by_bit_and_agree_with_the_branching_alone() -> None:
    first, second = (build.certified(build.two_sites(1), Exact(gap=GAP)) for _ in range(2))
    assert _digits(first) == _digits(second)
    alone = build.searched(build.two_sites(1), gap=GAP)
    assert first.leader_objective == pytest.approx(alone, rel=2 * GAP)
    assert first.statistics["nodes"] > 20


class _Told:
    """Stands in for the milp: tells what it knows, and remembers what it is told."""

    def __init__(self, answer: SearchResult) -> None:
        self.answer = answer
        self.limits: list[int] = []
        self.known: list[Incumbent | None] = []

    def __call__(self, *_: object) -> _Told:
        return self

    def run(self, node_limit: int, known: Incumbent | None, _: SearchLimits) -> SearchResult:
        self.limits.append(node_limit)
        self.known.append(known)
        return self.answer

    def cancel(self) -> None:
        """Nothing runs."""


def _stated(game: Game) -> tuple[KktProgram, Mpcc]:
    program = KktProgram(game)
    return program, mpcc_of(program)


def _best(stated: Mpcc) -> Incumbent:
    best = Branching(stated, 1e-9).run(100_000).best
    assert best is not None
    return best


@pytest.mark.usefixtures("few_alone")
def test_a_better_answer_and_a_bound_of_the_milp_end_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, stated = _stated(build.two_sites(1))
    best = _best(stated)
    told = _Told(SearchResult(best, best.value, 1, "optimal"))
    monkeypatch.setattr(concurrent_search, "BigMMilp", told)
    found = concurrent_search.solve_concurrently(program, stated, 1e-9, SearchLimits(10_000))
    assert found.status == "optimal"
    assert found.best is not None
    assert found.best.value == pytest.approx(best.value, rel=1e-9)
    assert found.bound == pytest.approx(best.value, rel=1e-9)
    assert told.limits == [2]
    # It was begun with the best answer that the branching had after its own nodes.
    assert told.known[0] is not None
    assert told.known[0].value >= best.value - 1e-9


@pytest.mark.slow
@pytest.mark.usefixtures("few_alone")
def test_a_worse_answer_and_no_bound_of_the_milp_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, stated = _stated(build.two_sites(1))
    best = _best(stated)
    worse = replace(best, value=best.value + 5.0)
    told = _Told(SearchResult(worse, -np.inf, 1, "limit"))
    monkeypatch.setattr(concurrent_search, "BigMMilp", told)
    found = concurrent_search.solve_concurrently(program, stated, GAP, SearchLimits(10_000))
    assert found.status == "optimal"
    assert found.best is not None
    assert found.best.value == pytest.approx(best.value, rel=2 * GAP)
    assert told.limits[:3] == [2, 8, 32][: len(told.limits)]
    assert len(told.limits) >= 2
    values = [known.value for known in told.known if known is not None]
    assert values == sorted(values, reverse=True)


@pytest.mark.usefixtures("few_alone")
def test_a_milp_that_finds_nothing_feasible_is_believed_where_nothing_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, stated = _stated(build.two_sites(0))
    told = _Told(SearchResult(None, np.inf, 1, "infeasible"))
    monkeypatch.setattr(concurrent_search, "BigMMilp", told)
    monkeypatch.setattr(
        Branching, "run", lambda _, limit, __: SearchResult(None, -np.inf, limit, "limit")
    )
    found = concurrent_search.solve_concurrently(program, stated, GAP, SearchLimits(10_000))
    assert (found.status, found.best) == ("infeasible", None)


@pytest.mark.slow
@pytest.mark.usefixtures("few_alone")
def test_without_bounds_for_the_milp_the_branching_goes_on_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_bounds(*_: object) -> None:
        raise NoBoundError("nothing bounds it")

    monkeypatch.setattr(concurrent_search, "pair_bounds", no_bounds)
    monkeypatch.setattr(concurrent_search, "BigMMilp", None)
    program, stated = _stated(build.two_sites(1))
    found = concurrent_search.solve_concurrently(program, stated, GAP, SearchLimits(10_000))
    assert found.status == "optimal"
    assert found.best is not None
    assert -found.best.value == pytest.approx(
        build.searched(build.two_sites(1), gap=GAP), rel=2 * GAP
    )


@pytest.mark.usefixtures("few_alone")
def test_an_interrupt_stops_the_milp_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    program, stated = _stated(build.two_sites(1))
    cancelled: list[BigMMilp] = []
    run = Branching.run

    def interrupted(self: Branching, node_limit: int, effort: SearchLimits) -> SearchResult:
        if node_limit > concurrent_search.ALONE:
            raise KeyboardInterrupt
        return run(self, node_limit, effort)

    monkeypatch.setattr(Branching, "run", interrupted)
    monkeypatch.setattr(BigMMilp, "cancel", lambda milp: cancelled.append(milp))  # noqa: PLW0108
    effort = SearchLimits(10_000)
    found = concurrent_search.solve_concurrently(program, stated, GAP, effort)
    assert effort.ended_by == "interrupt"
    assert found.status == "limit"
    assert len(set(cancelled)) == 1


# HiGHS is done with the second after some 15 nodes.
@pytest.mark.parametrize(
    ("route", "seed", "nodes"),
    [("auto", 1, 20), pytest.param("milp", 5, 5, marks=pytest.mark.slow)],
)
def test_a_node_limit_gives_the_best_answer_so_far_with_its_gap(
    route: str, seed: int, nodes: int
) -> None:
    best = build.searched(build.two_sites(seed), gap=GAP)
    found = Exact(gap=1e-9, node_limit=nodes, route=route).solve(build.two_sites(seed))  # type: ignore[arg-type]
    certificate = found.certificate
    assert not found.settled
    assert found.statistics["nodes"] <= nodes
    assert max(certificate.regret.values()) <= 1e-6
    assert certificate.settlement_residual <= 1e-6
    assert certificate.optimality_gap is not None
    assert certificate.optimality_gap > 1e-6
    assert found.leader_objective is not None
    assert found.leader_objective <= best + 1e-6
    assert found.statistics["bound"] >= best - 1e-6


@pytest.mark.slow
@pytest.mark.usefixtures("few_alone")
def test_a_node_limit_holds_for_both_beside_each_other() -> None:
    best = build.searched(build.two_sites(1), gap=GAP)
    found = concurrent_search.solve_concurrently(
        *_stated(build.two_sites(1)), 1e-12, SearchLimits(45)
    )
    assert found.nodes <= 45
    assert found.best is not None
    assert found.bound <= -best + 1e-6
    assert found.best.value >= -best - 1e-6
