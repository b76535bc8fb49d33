"""The certificate finds money counted in hours where steps are quarter-hours, and the other way."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support import quarters

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certify import certify
from equigrid.markets.games.game import Game

QUARTER = 0.25
TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-4}
Values = dict[str, FloatArray]


def _certified(game: Game, values: Values, **claims: float) -> Certificate:
    return certify(game, values, **claims)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", [4.0, 0.25])
@pytest.mark.parametrize("hears_price", [False, True])
def test_a_price_of_a_balance_that_is_off_by_the_hours(factor: float, *, hears_price: bool) -> None:
    game = quarters.exchange(QUARTER, hears_price=hears_price)
    values = dict(eg.Exact().solve(game).values)
    assert not _certified(game, values).shortcomings(TOLERANCE)
    planted = _certified(game, {**values, "energy": factor * values["energy"]})
    assert planted.regret["gas"] > 0.01
    assert planted.regret["customer"] > 0.01
    assert planted.optimality_gap is not None
    assert planted.optimality_gap > 0.01


def test_a_balance_settled_in_hours_where_steps_are_quarters() -> None:
    """The answer to the same agents in a game whose steps are said to be hours."""
    game = quarters.exchange(QUARTER)
    wrong = eg.Exact().solve(game.with_step_hours(None))
    assert not wrong.certificate.shortcomings(TOLERANCE)
    planted = _certified(game, dict(wrong.values))
    assert any("energy" not in s and "gas" in s for s in planted.shortcomings(TOLERANCE))


@pytest.mark.slow
@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_a_dual_that_is_off_by_the_hours(factor: float) -> None:
    game, dual = quarters.at_duals(QUARTER), eg.Dual("grid.withdrawal_mw")
    values = dict(eg.Exact().solve(game).values)
    assert not _certified(game, values, bound=870.0).shortcomings(TOLERANCE)
    planted = _certified(game, {**values, dual: factor * values[dual]})
    assert planted.dual_residual is not None
    assert planted.dual_residual > 0.01


def test_a_payment_counted_in_hours() -> None:
    """What a leader claims where bills are four times what they are."""
    game = quarters.led(QUARTER)
    found = eg.Exact().solve(game)
    values, true = dict(found.values), found.leader_objective
    assert true is not None
    wrong = true + 3 * sum(found.payments.values())
    assert _certified(game, values, claimed=true).settlement_residual < 1e-6
    assert _certified(game, values, claimed=wrong).settlement_residual > 0.1
    bound = _certified(game, values, bound=wrong)
    assert bound.optimality_gap is not None
    assert bound.optimality_gap > 0.1


def test_prices_four_times_as_high_are_answered_otherwise() -> None:
    """A site that would answer to price × 4 has regret at the price that is announced."""
    game = quarters.led(QUARTER)
    values = dict(eg.Exact().solve(game).values)
    values["company.price_per_mwh"] = np.full(8, 20.0)
    load, most = quarters.by_step([2.0, 3.0], QUARTER), 1.5
    values["joinery.output_mw"] = np.full(8, most)
    values["joinery.import_mw"] = load - most
    planted = _certified(game, values)
    # It generates 3 MWh at 45 in place of 20, of all that it would pay for 5 MWh at 20 and more.
    assert planted.regret["joinery"] > 0.1


def test_money_and_totals_are_in_the_hours_of_the_game() -> None:
    for game, unit in ((quarters.exchange(1.0), 1.0), (quarters.exchange(QUARTER), QUARTER)):
        found = eg.Exact().solve(game)
        values, output = found.values, found.values["gas.output_mw"]
        cost = unit * float(
            5 * values["wind.output_mw"].sum() + 20 * output.sum() + 2 * (output**2).sum()
        )
        table = found.settlement.set_index(["payer", "payee"])["amount"]
        paid = unit * float((values["energy"] * output).sum())
        assert table[("energy", "gas")] == pytest.approx(paid)
        assert found.certificate.total_cost is not None
        assert cost - 200 < found.certificate.total_cost < cost + 200
        assert found.certificate.settlement_residual < 1e-6
