"""Assets by hand: what each may do, and what its constraints are called."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.grid.block import Block

UNIT = Generator("unit", 1.0, 5.0, 2.0, 1.0, 2.0, 10.0)
LABELS = {"output": "X(1) output", "ramp": "X(2) ramp", "initial": "X(3) first ramp"}


def _best(block: Block, objective: cp.Expression) -> float:
    problem = cp.Problem(cp.Maximize(objective), list(block.constraints))
    assert problem.is_dcp(dpp=True)
    return float(problem.solve(solver=cp.HIGHS))


def test_a_generator_climbs_by_its_ramp_from_its_initial_output() -> None:
    block = UNIT.block((4,), **LABELS)
    assert _best(block, cp.sum(block["power_mw"])) == pytest.approx(4 + 5 + 5 + 5)
    assert block["power_mw"].value == pytest.approx([4, 5, 5, 5])
    assert isinstance(block.cost, cp.Expression)
    assert block.cost.value == pytest.approx(190.0)


def test_a_generator_falls_by_its_ramp_to_its_minimum() -> None:
    block = UNIT.block((3,), **LABELS)
    assert _best(block, -cp.sum(block["power_mw"])) == pytest.approx(-3.0)
    steep = Generator("unit", 0.0, 5.0, 2.0, 1.0, 4.0, 10.0).block((3,), **LABELS)
    _best(steep, -cp.sum(steep["power_mw"]))
    assert steep["power_mw"].value == pytest.approx([3, 2, 1])


def test_a_generator_of_several_scenarios_ramps_in_each() -> None:
    block = UNIT.block((2, 3), **LABELS)
    power = block["power_mw"]
    assert _best(block, cp.sum(power[0]) - cp.sum(power[1])) == pytest.approx(14 - 3)
    assert power.value == pytest.approx(np.array([[4.0, 5.0, 5.0], [1.0, 1.0, 1.0]]))


def test_generator_labels() -> None:
    labels = [constraint.label for constraint in UNIT.block((2,), **LABELS).constraints]
    assert labels == [
        "X(2) ramp up",
        "X(2) ramp down",
        "X(3) first ramp up",
        "X(3) first ramp down",
    ]
    assert UNIT.block((2,), **LABELS)["power_mw"].name() == "X(1) output"


BATTERY = Battery(2.0, 1.0, 6.0, 3.0, 0.8, 0.5)
NAMES = {"power": "P", "energy": "E", "dynamics": "X(27)", "initial": "X(28)"}


def test_a_battery_loses_on_both_ways() -> None:
    """Charge 2 at 0.8: from 3 to 4.6; then 1.8 out of it, at 0.5, take it to the minimum of 1."""
    block = BATTERY.block(3, **NAMES)
    charge, discharge, stored = (block[n] for n in ("charge_mw", "discharge_mw", "stored_mwh"))
    gain = -10 * charge[0] + cp.sum(discharge[1:]) * 100 - 200 * discharge[0] - 50 * charge[2]
    _best(block, gain - 1000 * charge[1])
    assert charge.value == pytest.approx([2.0, 0.0, 0.0])
    assert discharge.value.sum() == pytest.approx(1.8)
    assert stored.value[0] == pytest.approx(4.6)
    assert stored.value[2] == pytest.approx(1.0)
    rise = np.diff(np.concatenate([[3.0], stored.value]))
    assert rise == pytest.approx(0.8 * charge.value - discharge.value / 0.5)


def test_a_battery_holds_no_more_than_its_limit() -> None:
    block = BATTERY.block(4, **NAMES)
    assert _best(block, block["stored_mwh"][3]) == pytest.approx(6.0)
    assert _best(block, block["stored_mwh"][0]) == pytest.approx(4.6)
    assert [constraint.label for constraint in block.constraints] == ["X(27)", "X(28)"]
    assert block.cost == 0.0


def test_interruption_has_its_limit_and_its_price() -> None:
    load = InterruptibleLoad(np.array([[1.0, 0.0], [2.0, 0.5]]), np.array([3.0, 4.0]))
    block = load.block(power="X(24)")
    power = block["power_mw"]
    assert _best(block, cp.sum(power)) == pytest.approx(3.5)
    assert isinstance(block.cost, cp.Expression)
    assert block.cost.value == pytest.approx(3 + 0 + 6 + 2)
    assert _best(block, -cp.sum(power)) == pytest.approx(0.0)
    assert power.name() == "X(24)"
