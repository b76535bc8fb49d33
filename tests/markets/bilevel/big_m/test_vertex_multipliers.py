"""Whatever a follower hears, some optimal multipliers lie within the bounds from all bases."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError, column_box
from equigrid.markets.bilevel.big_m.multiplier_bounds import derive_bounds
from equigrid.markets.bilevel.big_m.vertex_multipliers import vertex_multipliers
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent


def _follower(seed: int, *, curved: bool = False) -> StandardForm:
    """Small integer data with many ties; limits and equalities move with what is heard."""
    rng = np.random.default_rng(seed)
    n, m, e = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(0, 2))
    price, limit = cp.Parameter(n), cp.Parameter(m + e)
    lower = rng.integers(-2, 1, n).astype(float)
    x = cp.Variable(n, bounds=[lower, lower + rng.integers(0, 4, n)])
    matrix = rng.integers(-2, 3, (m + e, n)).astype(float)
    limits = matrix[:m] @ x <= limit[:m] + rng.integers(-1, 3, m)
    rows = [limits, *([matrix[m:] @ x == limit[m:]] if e else [])]
    cost = (price + rng.integers(-2, 3, n)) @ x
    if curved:
        cost = cost + cp.sum_squares(rng.integers(-2, 3, (1, n)) @ x)
    return compile_agent(
        Agent("f", cp.Problem(cp.Minimize(cost), rows), {"price": price, "limit": limit}, {"x": x})
    )


def _box(form: StandardForm) -> tuple[FloatArray, FloatArray]:
    low, high = np.zeros(form.heard_size), np.full(form.heard_size, 2.0)
    low[form.heard["limit"]] = -1.0
    return low, high


def _has_dual_within(
    form: StandardForm, heard: FloatArray, most: tuple[FloatArray, FloatArray, FloatArray]
) -> bool | None:
    """Whether the optimal dual face meets the bounds; None if nothing is feasible."""
    try:
        y = AgentSolver(form).solve(heard)
    except NoAnswer:
        return None
    n, m = form.columns, len(form.rhs)
    slope = form.cost_at(heard) + form.quadratic @ y
    ends = [np.where(np.isfinite(end), end, 0.0) for end in (form.upper, form.lower)]
    eye, room = np.eye(n), 1e-6 * (1.0 + np.abs(slope).max())
    stationary = np.hstack([form.matrix.T.toarray(), eye, -eye])
    worth = np.concatenate([form.rhs_at(heard), ends[0], -ends[1]])[None, :]
    equal = np.arange(m) < form.equal_rows
    highs = np.concatenate([np.where(equal, np.inf, most[0]), most[1], most[2]])
    lows = np.concatenate([np.where(equal, -np.inf, 0.0), np.zeros(2 * n)])
    found = linprog(
        np.zeros(m + 2 * n),
        np.vstack([stationary, -stationary, worth]),
        np.concatenate([room - slope, room + slope, [room - slope @ y]]),
        bounds=np.column_stack([lows, highs]),
    )
    assert found.status in (0, 2), found.message
    return bool(found.status == 0)


def _signals(form: StandardForm, seed: int, count: int = 6) -> FloatArray:
    """Corners, edges and inner points of the box: also those that leave no room."""
    low, high = _box(form)
    share = np.random.default_rng(seed).integers(0, 4, (count, form.heard_size)) / 3
    return np.asarray(low + share * (high - low))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), curved=st.booleans())
def test_some_optimal_dual_lies_within_the_bounds_of_all_bases(seed: int, curved: bool) -> None:
    form = _follower(seed, curved=curved)
    try:
        box = column_box(form, *_box(form))
    except NoAnswer:
        return  # no signal of the box leaves an answer
    everything = np.arange(len(form.rhs)), np.arange(form.columns)
    most = vertex_multipliers(form, box, *everything)
    assert most is not None
    for heard in _signals(form, seed):
        assert _has_dual_within(form, heard, most) in (True, None)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), curved=st.booleans())
def test_some_optimal_dual_lies_within_derived_bounds(seed: int, curved: bool) -> None:
    """Duality, bases and interval propagation together, as the milp uses them."""
    form = _follower(seed, curved=curved)
    try:
        bounds = derive_bounds(form, *_box(form))
    except NoAnswer:
        return
    most = bounds.row_multiplier, bounds.upper_multiplier, bounds.lower_multiplier
    for heard in _signals(form, seed):
        assert _has_dual_within(form, heard, most) in (True, None)


def test_bounds_are_as_tight_as_the_bases_are() -> None:
    """min p x + 5 y, x + y >= need, p up to 8: a MW less of need saves at most 8."""
    p, need, x, y = cp.Parameter(), cp.Parameter(), *(cp.Variable(bounds=[0, 9]) for _ in range(2))
    problem = cp.Problem(cp.Minimize(p * x + 5 * y), [x + y >= need])
    form = compile_agent(Agent("f", problem, {"p": p, "need": need}))
    low, high = np.array([0.0, 0.0]), np.array([8.0, 18.0])
    box = column_box(form, low, high)
    most = vertex_multipliers(form, box, np.arange(1), np.arange(2))
    assert most is not None
    assert most[0] == pytest.approx([8.0], rel=1e-5)
    assert most[1] == pytest.approx([5.0, 3.0], rel=1e-5)
    assert most[2] == pytest.approx([8.0, 5.0], rel=1e-5)


def test_a_part_with_too_many_bases_is_not_tried() -> None:
    need, x = cp.Parameter(), cp.Variable(30, bounds=[0, 1])
    problem = cp.Problem(cp.Minimize(np.arange(30.0) @ x), [cp.sum(x) == need])
    form = compile_agent(Agent("f", problem, {"need": need}))
    box = column_box(form, np.zeros(1), np.full(1, 30.0))
    assert vertex_multipliers(form, box, np.arange(1), np.arange(30)) is None
    with pytest.raises(NoBoundError, match=r"an equality of agent 'f' moves.*route='branching'"):
        derive_bounds(form, np.zeros(1), np.full(1, 30.0))


def test_several_thousand_bases_are_gone_through_in_chunks() -> None:
    """min 0 x_0 + … + 7 x_7, sum x = need: the price of need is at most 7."""
    need, x = cp.Parameter(), cp.Variable(8, bounds=[0, 1])
    problem = cp.Problem(cp.Minimize(np.arange(8.0) @ x), [cp.sum(x) == need])
    form = compile_agent(Agent("f", problem, {"need": need}))
    box = column_box(form, np.zeros(1), np.full(1, 8.0))
    most = vertex_multipliers(form, box, np.arange(1), np.arange(8))
    assert most is not None
    assert most[1] == pytest.approx(7.0 - np.arange(8), abs=1e-4)
    assert most[2] == pytest.approx(np.arange(8), abs=1e-4)
