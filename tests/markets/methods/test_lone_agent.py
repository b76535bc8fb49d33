"""Lone decisions: right, certified by what proves them, refuted where they are planted wrong."""

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

import equigrid as eg
from equigrid.markets.methods.lone_agent import LoneAgent

TOLERANCE = {"gap": 1e-4, "settlement": 1e-6}
T = 6


def storage(*, whole: bool = False, curved: bool = False) -> eg.Agent:
    """Return a storage of 2 MWh that hears prices and what is stored."""
    price, stored = cp.Parameter(T, name="price"), cp.Parameter(name="stored")
    import_mw, level = cp.Variable(T, bounds=[-1, 1]), cp.Variable(T, bounds=[0, 2])
    before = cp.hstack([stored, level[:-1]])
    rows = [(level == before + import_mw).set_label("storage"), (level[-1] >= 1).set_label("end")]
    cost = price @ import_mw
    if whole:
        on = cp.Variable(T, boolean=True)
        rows += [(import_mw <= on).set_label("on"), (-import_mw <= on).set_label("off")]
        cost = cost + 3 * cp.sum(on)
    if curved:
        cost = cost + cp.sum_squares(import_mw)
    hears = {"price": price, "stored": stored}
    return eg.Agent("storage", cp.Problem(cp.Minimize(cost), rows), hears, {"import_mw": import_mw})


def _failing(decision: eg.Decision, **tolerance: float) -> list[str]:
    asked = decision.checks({**TOLERANCE, **tolerance})
    return [check.question for check in asked if check.holds is False]


def _reference(price: Any, stored: float, *, whole: bool) -> float:
    """Solve the same by scipy, written out by hand: import, level, and what is switched on."""
    n = 3 * T
    cost = np.concatenate([price, np.zeros(T), (3.0 if whole else 0.0) * np.ones(T)])
    step = np.zeros((T, n))
    for t in range(T):
        step[t, t], step[t, T + t] = -1, 1
        if t:
            step[t, T + t - 1] = -1
    start = np.zeros(T)
    start[0] = stored
    eye, none = np.eye(T), np.zeros((T, T))
    on = np.vstack([np.hstack([eye, none, -eye]), np.hstack([-eye, none, -eye])])
    low = np.concatenate([-np.ones(T), np.zeros(T), np.zeros(T)])
    high = np.concatenate([np.ones(T), 2 * np.ones(T), np.ones(T)])
    low[2 * T - 1] = 1.0
    if not whole:
        low[2 * T :] = 1.0
    found = milp(
        cost,
        constraints=[LinearConstraint(step, start, start), LinearConstraint(on, -np.inf, 0)],
        bounds=Bounds(low, high),
        integrality=np.concatenate([np.zeros(2 * T), np.full(T, int(whole))]),
    )
    return float(found.fun)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-40, 90), min_size=T, max_size=T),
    st.floats(0, 2),
    st.booleans(),
)
def test_decisions_are_those_of_another_solver_and_certified(
    price: list[int], stored: float, whole: bool
) -> None:
    heard: dict[str, Any] = {"price": np.array(price, float), "stored": stored}
    found = LoneAgent(storage(whole=whole)).decide(heard)
    assert found.objective == pytest.approx(_reference(price, stored, whole=whole), abs=1e-6)
    assert found.status == "optimal"
    assert _failing(found) == []


def test_solved_again_it_is_the_same_as_solved_anew() -> None:
    kept, prices = LoneAgent(storage()), np.random.default_rng(1).normal(40, 20, (20, T))
    for k, price in enumerate(prices):
        heard: dict[str, Any] = {"price": price, "stored": k / 10}
        again, anew = kept.decide(heard), LoneAgent(storage()).decide(heard)
        assert again.objective == pytest.approx(anew.objective, rel=1e-9)


def test_a_multiplier_is_what_one_unit_more_of_room_is_worth() -> None:
    agent, step = storage(), 1e-4
    price = np.array([10.0, 30, 20, 50, 40, 60])
    found = LoneAgent(agent).decide({"price": price, "stored": 1.0})
    more = LoneAgent(agent).decide({"price": price, "stored": 1.0 + step})
    # One unit more in store costs less: the slope of the first row's right-hand side.
    worth = (found.objective - more.objective) / step
    assert abs(found.multipliers["storage"][0]) == pytest.approx(worth)
    assert found.multipliers["end"] >= 0


@pytest.mark.parametrize("kind", [{}, {"whole": True}, {"curved": True}])
def test_planted_errors_are_refuted(kind: dict[str, bool]) -> None:
    price = np.array([10.0, 30, 20, 50, 40, 60])
    found = LoneAgent(storage(**kind)).decide({"price": price, "stored": 1.0})
    assert _failing(found) == []
    point, columns = found.point, found.point.columns
    infeasible = replace(found, point=replace(point, columns=columns + 0.01))
    assert any("misses its constraints" in question for question in _failing(infeasible))
    dearer = replace(found, objective=found.objective * 1.001, bound=found.bound * 1.001)
    assert any("solver's objective differs" in question for question in _failing(dearer))
    idle = replace(found, point=replace(point, columns=_idle(found)), objective=0.0)
    if not kind.get("curved"):
        assert _failing(idle)


def _idle(found: eg.Decision) -> Any:
    """A point that is feasible and far from optimal: nothing is bought or sold."""
    columns = np.zeros_like(found.point.columns)
    where = found.form.variable_columns
    for variable in found.form.agent.variables():
        bounds = variable.attributes["bounds"]
        if bounds is not None and np.max(bounds[1]) == 2:
            columns[where[variable.id]] = 1.0
    return columns


def test_whole_numbers_are_held_to_the_solvers_own_bound() -> None:
    price = np.array([10.0, 30, 20, 50, 40, 60])
    found = LoneAgent(storage(whole=True)).decide({"price": price, "stored": 1.0})
    asked = {check.question: check for check in found.checks(TOLERANCE)}
    bound = asked["Distance of the objective from the solver's own bound"]
    assert bound.holds
    assert "HiGHS' own" in bound.how
    loose = replace(found, bound=found.bound - 1.0)
    assert loose.gap > 0
    assert _failing(loose) == ["Distance of the objective from the solver's own bound"]
    assert _failing(loose, gap=1.0) == []


def test_who_cannot_is_named_and_what_is_heard_is_checked() -> None:
    alone = LoneAgent(storage())
    with pytest.raises(eg.NoAnswer, match="'storage' has no best answer"):
        alone.decide({"price": np.ones(T), "stored": -20.0})
    with pytest.raises(ValueError, match="needs a value for 'stored'"):
        alone.decide({"price": np.ones(T)})
    with pytest.raises(ValueError, match="does not hear 'prise'; did you mean 'price'"):
        alone.decide({"prise": np.ones(T), "stored": 0.0})


def test_a_limit_in_nodes_keeps_the_best_answer_so_far() -> None:
    rng = np.random.default_rng(7)
    weights, values = rng.integers(20, 60, (3, 40)), rng.integers(30, 70, 40)
    take = cp.Variable(40, boolean=True)
    problem = cp.Problem(cp.Maximize(values @ take), [weights @ take <= 500])
    agent = eg.Agent("packer", problem, says={"take": take})
    stopped, best = LoneAgent(agent, node_limit=1).decide({}), LoneAgent(agent).decide({})
    assert stopped.objective <= best.objective <= stopped.bound + 1e-6
    if stopped.status == "limit":
        assert stopped.gap > 0
    assert best.gap == pytest.approx(0, abs=1e-9)
