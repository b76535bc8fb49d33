"""Splitting a led game into blocks: the same answer as the whole, and nothing split wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import UnusableGame
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.component_search import solve_by_component
from equigrid.markets.bilevel.components import components_of
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.forms.search_limits import SearchLimits
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

if TYPE_CHECKING:
    from tests.agents.conftest import Ramping

Weigh = Callable[[cp.Expression], tuple[cp.Expression, list[cp.Constraint]]]


def _stated(ramping: type[Ramping], weigh: Weigh, *, together: bool = False) -> Mpcc:
    operator = ramping.operator(2)
    even = AmbiguitySet.from_confidence(np.full(2, 0.5), 100, 0.9)
    aggregator = ramping.aggregator(even, here_and_now=together)
    object.__setattr__(aggregator, "worst_case", weigh)
    game = ramping.game(operator, aggregator, operator.agent(operator.at_rest()))
    return mpcc_of(KktProgram(game))


def _expectation(cost: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
    return np.array([0.3, 0.7]) @ cost, []


def _worst(cost: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
    return AmbiguitySet.from_confidence(np.array([0.3, 0.7]), 100, 0.9).worst_case(cost)


def _greatest(cost: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
    most = cp.Variable()
    return most, [most >= cost]


@pytest.mark.parametrize("weigh", [_expectation, _worst, _greatest])
def test_blocks_come_to_the_same_as_the_whole(ramping: type[Ramping], weigh: Weigh) -> None:
    stated = _stated(ramping, weigh)
    blocks = components_of(stated)
    assert blocks is not None
    assert len(blocks.each) == 2
    apart = solve_by_component(stated, blocks, 1e-6, SearchLimits(10_000))
    whole = Branching(stated, 1e-4).run(3000)
    assert apart is not None
    assert apart.status == "optimal"
    assert apart.best is not None
    assert whole.best is not None
    scale = abs(whole.best.value)
    # The whole may end at its limit of nodes: then its bound and answer hold the other between.
    assert whole.bound - 1e-6 * scale <= apart.best.value <= whole.best.value + 1e-6 * scale
    assert apart.best.value - apart.bound <= 1e-6 * scale


def _apart(cost: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
    """Neither a low nor a high cost of the second scenario is best by itself."""
    most = cp.Variable()
    return most, [most >= cost[0] + cost[1], most >= cost[0] - cost[1]]


def test_a_cost_of_which_neither_less_nor_more_is_best_is_no_block(
    ramping: type[Ramping], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No game pays like this: it is refused. The splitting does not lean on that."""
    with pytest.raises(UnusableGame, match="so that it cannot be shown to count once"):
        _stated(ramping, _apart)
    monkeypatch.setattr("equigrid.markets.games.game.payment_findings", lambda _: [])
    assert components_of(_stated(ramping, _apart)) is None


def test_one_offer_for_all_scenarios_is_one_block(ramping: type[Ramping]) -> None:
    assert components_of(_stated(ramping, _worst, together=True)) is None
