"""Columns that a row defines are taken out: same optimum, and all columns come back feasible."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.agents.microgrid import Microgrid
from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.follower_presolve import Reduced, reduce_form
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent


def _chain(seed: int) -> Agent:
    """Definitions of definitions, priced and bounded in several ways."""
    rng = np.random.default_rng(seed)
    price, need = cp.Parameter(3, name="price"), cp.Parameter(3, name="need")
    own = cp.Variable(3, bounds=[0, 5], name="own")
    bought = cp.Variable(3, bounds=[-20, 20], name="bought")
    left = cp.Variable(3, name="left")
    total, idle = cp.Variable(name="total"), cp.Variable(3, bounds=[-1, 1], name="idle")
    tight = cp.Variable(3, bounds=[0, 2], name="tight")
    weight = rng.integers(1, 4, 3).astype(float)
    rows = [
        bought + own + tight == need,
        left == 2 * bought - cp.multiply(weight, own) + 1,
        total == cp.sum(left) + idle[0],
    ]
    cost = price @ bought + cp.sum(cp.multiply(weight, own)) + 0.1 * total + 3 * cp.sum(tight)
    return Agent(
        "a", cp.Problem(cp.Minimize(cost), rows), {"price": price, "need": need}, {"left": left}
    )


def _check(form: StandardForm, reduced: Reduced, heard: FloatArray) -> None:
    full, small = AgentSolver(form).solve(heard), AgentSolver(reduced.form).solve(heard)
    restored = reduced.restore.value(small, heard)
    optimum = form.objective_at(full, heard)
    assert reduced.form.objective_at(small, heard) == pytest.approx(optimum, abs=1e-6)
    assert form.objective_at(restored, heard) == pytest.approx(optimum, abs=1e-6)
    excess = form.matrix @ restored - form.rhs_at(heard)
    assert excess.max(initial=-1.0) <= 1e-6
    assert excess[: form.equal_rows] == pytest.approx(0.0, abs=1e-6)
    assert (restored >= form.lower - 1e-6).all()
    assert (restored <= form.upper + 1e-6).all()
    for name, said in form.said.items():
        again = reduced.form.said[name].value(small, heard)
        assert again == pytest.approx(said.value(restored, heard), abs=1e-6)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_chains_of_definitions(seed: int) -> None:
    form = compile_agent(_chain(seed), ["left"])
    low, high = np.array([-9.0] * 3 + [1.0] * 3), np.array([9.0] * 3 + [8.0] * 3)
    reduced = reduce_form(form, low, high)
    assert reduced.form.columns <= form.columns - 4
    for heard in np.random.default_rng(seed).uniform(low, high, (3, 6)):
        _check(form, reduced, heard)


def microgrid() -> Microgrid:
    return Microgrid(
        name="mg",
        demand_mw=np.array([0.5, 0.8, 0.6, 0.9]),
        photovoltaic_mw=np.array([0.0, 0.3, 0.1, 0.0]),
        generator=Generator("g", 0.0, 0.4, 0.2, 0.2, 0.1, 40.0),
        battery=Battery(0.2, 0.05, 0.4, 0.1, 0.9, 0.95),
        interruptible=InterruptibleLoad(0.1 * np.ones(4), 55.0),
        exchange_max_mw=5.0,
    )


def test_a_microgrid_loses_its_balance_and_its_exchange() -> None:
    form = compile_agent(microgrid().agent(), ["import_mw", "ramp_mw_per_h"])
    reduced = reduce_form(form, np.zeros(4), np.full(4, 90.0))
    assert form.columns - reduced.form.columns >= 7
    for heard in np.random.default_rng(0).uniform(0, 90, (10, 4)):
        _check(form, reduced, heard)


def test_a_bound_that_may_bind_stays() -> None:
    x, y = cp.Variable(bounds=[0, 3]), cp.Variable(bounds=[0, 9])
    form = compile_agent(Agent("a", cp.Problem(cp.Minimize(x + 2 * y), [x + y == 5])))
    # y = 5 - x lies in [2, 5], within its bounds; x = 5 - y does not.
    reduced = reduce_form(form, np.zeros(0), np.zeros(0))
    assert reduced.form.upper.tolist() == [3]
    assert reduced.restore.value(np.array([3.0]), np.zeros(0)).tolist() in ([3, 2], [2, 3])


def test_a_signal_that_reaches_too_far_keeps_its_column() -> None:
    need, x = cp.Parameter(name="need"), cp.Variable(bounds=[0, 3])
    form = compile_agent(Agent("a", cp.Problem(cp.Minimize(x), [x == need]), {"need": need}))
    assert reduce_form(form, np.full(1, 0.5), np.full(1, 2.0)).form.columns == 0
    # Where the signal ends at the bound itself, the bound has a say in the signal's dual.
    assert reduce_form(form, np.zeros(1), np.full(1, 2.0)).form.columns == 1
    assert reduce_form(form, np.full(1, 0.5), np.full(1, 3.0)).form.columns == 1
    assert reduce_form(form, np.zeros(1), np.full(1, 4.0)).form.columns == 1
    assert reduce_form(form, np.zeros(1), np.full(1, np.inf)).form.columns == 1


def test_a_heard_price_on_a_heard_quantity_stays_linear() -> None:
    price, need = cp.Parameter(name="price"), cp.Parameter(name="need")
    x = cp.Variable()
    agent = Agent(
        "a", cp.Problem(cp.Minimize(price * x), [x == need]), {"price": price, "need": need}
    )
    assert reduce_form(compile_agent(agent), np.zeros(2), np.ones(2)).form.columns == 1
