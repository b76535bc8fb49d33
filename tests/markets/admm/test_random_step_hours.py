"""Random exchanges in steps of any length: money is times the hours, and nothing else changes."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import equigrid as eg

TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-4}
LENGTHS = st.sampled_from([0.05, 0.25, 0.5, 2.0, 24.0])


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), step_hours=LENGTHS, steps=st.integers(1, 4))
def test_longer_steps_scale_money_and_nothing_else(
    seed: int, step_hours: float, steps: int
) -> None:
    """Agents without memory: the same powers and prices, costs and payments times the hours."""
    hour, found = (eg.Exact().solve(_drawn(seed, h, steps)) for h in (1.0, step_hours))
    assert not found.certificate.shortcomings(TOLERANCE)
    assert found.prices["energy"] == pytest.approx(hour.prices["energy"], abs=1e-4)
    assert found.certificate.total_cost == pytest.approx(
        step_hours * (hour.certificate.total_cost or 0.0), rel=1e-5
    )
    for ends, amount in _amounts(hour).items():
        assert _amounts(found)[ends] == pytest.approx(step_hours * amount, rel=1e-4, abs=1e-3)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), step_hours=LENGTHS)
def test_admm_comes_to_the_prices_of_the_central_problem(seed: int, step_hours: float) -> None:
    game = _drawn(seed, step_hours, 3)
    central, talked = eg.Exact().solve(game), eg.Admm().solve(game)
    assert not talked.certificate.shortcomings(TOLERANCE)
    assert talked.prices["energy"] == pytest.approx(central.prices["energy"], abs=2e-2)


def _drawn(seed: int, step_hours: float, steps: int) -> eg.Game:
    draw, agents, terms = np.random.default_rng(seed), [], []
    for k in range(3):
        output = cp.Variable(steps, bounds=[0, float(draw.uniform(2, 9))])
        bid, slope = draw.uniform(5, 60, steps), float(draw.uniform(0.5, 4))
        cost = step_hours * (bid @ output + slope * cp.sum_squares(output))
        problem = cp.Problem(cp.Minimize(cost))
        agents.append(eg.Agent(f"unit{k}", problem, says={"output_mw": output}))
        terms.append(f"unit{k}.output_mw")
    # What is short is worth 80 per MWh less 3 for each MW.
    served = cp.Variable(steps, bounds=[0, 12])
    worth = step_hours * (80 * cp.sum(served) - 3 * cp.sum_squares(served))
    problem = cp.Problem(cp.Maximize(worth))
    agents.append(eg.Agent("load", problem, says={"served_mw": served}))
    balance = eg.Balance("energy", [*terms, "-load.served_mw"], equals=draw.uniform(-1, 1, steps))
    return eg.Game(agents, balances=[balance], step_hours=step_hours)


def _amounts(found: eg.Equilibrium) -> dict[tuple[str, str], float]:
    table = found.settlement
    ends = zip(table["payer"], table["payee"], strict=True)
    return dict(zip(ends, table["amount"], strict=True))
