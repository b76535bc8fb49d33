"""The microgrid E(18)-E(29): small cases by hand, and how it answers to prices."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.agents.microgrid import Microgrid
from equigrid.errors import NoAnswer
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.model.agent import Agent

NO_BATTERY = Battery(0.0, 0.0, 0.0, 0.0, 1.0, 1.0)


def _microgrid(hours: int = 2, **changed: object) -> Microgrid:
    parts: dict[str, object] = {
        "name": "mg",
        "demand_mw": np.full(hours, 5.0),
        "photovoltaic_mw": np.full(hours, 1.0),
        "generator": Generator("unit", 0.0, 2.0, 2.0, 2.0, 0.0, 40.0),
        "battery": NO_BATTERY,
        "interruptible": InterruptibleLoad(np.full(hours, 0.5), 60.0),
        "exchange_max_mw": 9.0,
    }
    return Microgrid(**{**parts, **changed})  # type: ignore[arg-type]


def _answer(agent: Agent, price: object) -> float:
    agent.hears["price"].value = np.asarray(price, dtype=float)
    assert agent.problem is not None
    return float(agent.problem.solve(solver=cp.HIGHS))


def test_each_resource_runs_when_the_price_passes_its_bid() -> None:
    agent = _microgrid().agent()
    for price, bought in ((30.0, 4.0), (50.0, 2.0), (70.0, 1.5)):
        cost = _answer(agent, [price, price])
        assert agent.says["import_mw"].value == pytest.approx([bought, bought])
        own = 80.0 * (price > 40) + 30.0 * (price > 60)
        assert agent.says["own_cost"].value == pytest.approx(2 * own)
        assert cost == pytest.approx(2 * (price * bought + own))


def test_the_battery_carries_energy_from_a_cheap_to_a_dear_hour() -> None:
    """Charging 2 MW at 0.9 stores 1.8 MWh, of which 0.8 come out again: 1.44 MW."""
    battery = Battery(2.0, 0.0, 5.0, 0.0, 0.9, 0.8)
    agent = _microgrid(battery=battery).agent()
    _answer(agent, [1.0, 39.0])
    assert agent.says["charge_mw"].value == pytest.approx([2.0, 0.0])
    assert agent.says["discharge_mw"].value == pytest.approx([0.0, 1.44])
    assert agent.says["stored_mwh"].value == pytest.approx([1.8, 0.0])
    assert agent.says["import_mw"].value == pytest.approx([6.0, 2.56])
    assert agent.says["ramp_mw_per_h"].value == pytest.approx([-3.44])


def test_a_surplus_is_sold_up_to_the_limit_of_the_exchange() -> None:
    agent = _microgrid(photovoltaic_mw=np.array([8.0, 7.0]), exchange_max_mw=3.5).agent()
    _answer(agent, [20.0, 20.0])
    assert agent.says["import_mw"].value == pytest.approx([-3.0, -2.0])
    _answer(agent, [50.0, 50.0])
    assert agent.says["import_mw"].value == pytest.approx([-3.5, -3.5])


def test_ramps_hold_the_generator_back() -> None:
    slow = Generator("unit", 0.0, 2.0, 0.5, 0.25, 0.0, 40.0)
    agent = _microgrid(hours=4, generator=slow).agent()
    _answer(agent, [50.0, 50.0, 50.0, 0.0])
    assert agent.says["generator_mw"].value == pytest.approx([0.5, 0.5, 0.25, 0.0])
    rise = np.diff(np.concatenate([[0.0], agent.says["generator_mw"].value]))
    assert rise.max() <= 0.5 + 1e-9
    assert rise.min() >= -0.25 - 1e-9


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rise=st.floats(0.5, 30.0),
)
def test_imports_do_not_grow_when_all_prices_rise(seed: int, rise: float) -> None:
    """Costs are linear: Σ Δprice × Δimport <= 0, and all prices rise by the same amount."""
    rng = np.random.default_rng(seed)
    microgrid = _microgrid(
        hours=4,
        demand_mw=rng.uniform(3, 8, 4),
        photovoltaic_mw=rng.uniform(0, 2, 4),
        battery=Battery(1.0, 0.2, 3.0, 1.0, 0.9, 0.9),
        interruptible=InterruptibleLoad(rng.uniform(0, 1, 4), rng.uniform(40, 80)),
    )
    form = compile_agent(microgrid.agent(), ["import_mw"])
    solver, price = AgentSolver(form), rng.uniform(0, 80, 4)
    bought = [
        form.said["import_mw"].value(solver.solve(heard), heard) for heard in (price, price + rise)
    ]
    assert bought[1].sum() <= bought[0].sum() + 1e-7


def test_a_microgrid_that_cannot_meet_its_load_is_named() -> None:
    form = compile_agent(_microgrid(exchange_max_mw=1.0).agent())
    with pytest.raises(NoAnswer, match="agent 'mg' has no best answer"):
        AgentSolver(form).solve(np.full(2, 30.0))


def test_equations_are_labelled_and_the_problem_is_dpp() -> None:
    agent = _microgrid().agent()
    assert agent.problem is not None
    assert agent.problem.is_dcp(dpp=True)
    labels = [constraint.label for constraint in agent.problem.constraints]
    assert labels == [
        "E(19) balance",
        "E(29) exchange ramp",
        "E(22) generator ramp up",
        "E(22) generator ramp down",
        "E(23) first generator ramp up",
        "E(23) first generator ramp down",
        "E(27) stored energy",
        "E(28) initial stored energy",
    ]
    assert {variable.name() for variable in agent.variables()} == {
        "E(20) exchange",
        "E(29) exchange ramp",
        "E(21) generator output",
        "E(24) interrupted demand",
        "E(25) battery power, charging",
        "E(25) battery power, discharging",
        "E(26) stored energy limits",
    }
