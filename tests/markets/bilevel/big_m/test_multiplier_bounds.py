"""Derived bounds hold for every optimal dual vertex at every signal of the box."""

import cvxpy as cp
import highspy
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.markets.bilevel.big_m.multiplier_bounds import MultiplierBounds, derive_bounds
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent

ROOM = 1e-5


def _random_follower(seed: int, *, moving: bool) -> StandardForm:
    """Integer data with many ties; a feasible point by construction."""
    rng = np.random.default_rng(seed)
    n, m, e = rng.integers(2, 6), rng.integers(0, 4), rng.integers(0, 3)
    price, limit = cp.Parameter(int(n), name="price"), cp.Parameter(name="limit")
    low = rng.integers(-3, 1, n).astype(float)
    high = low + rng.integers(1, 6, n)
    x = cp.Variable(int(n), bounds=[low, high], name="x")
    inside = low + rng.choice([0.0, 0.5, 1.0], n) * (high - low)
    rows: list[cp.Constraint] = []
    for _ in range(m):
        a = rng.integers(-2, 3, n).astype(float)
        rows.append(a @ x <= a @ inside + rng.integers(0, 3) + (limit if moving else 0))
    for _ in range(e):
        a = rng.integers(-2, 3, n).astype(float)
        rows.append(a @ x == a @ inside)
    cost = (price + rng.integers(-2, 3, n)) @ x
    return compile_agent(
        Agent("f", cp.Problem(cp.Minimize(cost), rows), {"price": price, "limit": limit}, {"x": x})
    )


def _vertices(
    form: StandardForm, heard: FloatArray
) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """Optimal (columns, row multipliers, reduced costs) as several algorithms find them."""
    found = []
    for strategy, presolve in (("1", "off"), ("4", "off"), ("1", "on")):
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("simplex_strategy", int(strategy))
        highs.setOptionValue("presolve", presolve)
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = form.matrix.shape
        program.col_cost_ = form.cost_at(heard)
        program.col_lower_, program.col_upper_ = form.lower, form.upper
        rhs = form.rhs_at(heard)
        equal = np.arange(len(rhs)) < form.equal_rows
        program.row_lower_, program.row_upper_ = np.where(equal, rhs, -np.inf), rhs
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = form.matrix.indptr
        program.a_matrix_.index_ = form.matrix.indices
        program.a_matrix_.value_ = form.matrix.data
        highs.passModel(program)
        highs.run()
        if highs.getModelStatus() == highspy.HighsModelStatus.kUnknown:
            continue  # primal simplex without presolve gives up now and then
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        solution = highs.getSolution()
        found.append(
            tuple(np.array(v) for v in (solution.col_value, solution.row_dual, solution.col_dual))
        )
    assert found
    return found  # type: ignore[return-value]


def _assert_obeyed(form: StandardForm, bounds: MultiplierBounds, heard: FloatArray) -> None:
    inequality = np.arange(len(form.rhs)) >= form.equal_rows
    for columns, duals, reduced in _vertices(form, heard):
        slack = form.rhs_at(heard) - form.matrix @ columns
        assert (slack <= bounds.row_slack + ROOM)[inequality].all()
        # HiGHS gives the multiplier of an "at most" row the other sign.
        assert (-duals <= bounds.row_multiplier + ROOM)[inequality].all()
        assert (np.maximum(reduced, 0) <= bounds.lower_multiplier + ROOM).all()
        assert (np.maximum(-reduced, 0) <= bounds.upper_multiplier + ROOM).all()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), moving=st.booleans())
def test_every_optimal_vertex_obeys(seed: int, moving: bool) -> None:
    form = _random_follower(seed, moving=moving)
    low, high = np.zeros(form.heard_size), np.full(form.heard_size, 3.0)
    high[form.heard["limit"]] = 1.0
    try:
        bounds = derive_bounds(form, low, high)
    except NoBoundError:
        assume(False)
    rng = np.random.default_rng(seed)
    corners = rng.choice([0.0, 1.0], (3, form.heard_size)) * high
    inner = rng.integers(0, 4, (3, form.heard_size)) / 3 * high
    for heard in [*corners, *inner]:
        _assert_obeyed(form, bounds, heard)


def _single(*rows: cp.Constraint, cost: cp.Expression, **heard: cp.Parameter) -> StandardForm:
    return compile_agent(Agent("site", cp.Problem(cp.Minimize(cost), list(rows)), hears=heard))


def test_a_known_bound_is_found_exactly() -> None:
    """min p x + 5 g, x + g >= 4: what a MW less of need saves is at most 5."""
    p, x, g = cp.Parameter(), cp.Variable(bounds=[0, 9]), cp.Variable(bounds=[0, 9])
    form = _single(x + g >= 4, cost=p * x + 5 * g, price=p)
    bounds = derive_bounds(form, np.zeros(1), np.full(1, 8.0))
    assert 5.0 <= bounds.row_multiplier[0] <= 8.0 * 9
    assert bounds.row_slack[0] == pytest.approx(14.0)


def test_rows_that_never_and_rows_that_always_bind() -> None:
    x, y = cp.Variable(bounds=[0, 3]), cp.Variable(bounds=[0, 3])
    form = _single(x + y <= 0, x - y <= 50, cost=x - y)
    bounds = derive_bounds(form, np.zeros(0), np.zeros(0))
    assert bounds.row_multiplier.tolist() == [np.inf, 0.0]
    assert bounds.row_slack[0] == 0.0
    assert np.isinf(bounds.lower_multiplier).all()
    assert np.isfinite(bounds.upper_multiplier).all()


def test_fixed_columns_have_free_multipliers() -> None:
    x, y = cp.Variable(bounds=[2, 2]), cp.Variable(bounds=[0, 3])
    bounds = derive_bounds(_single(x + y <= 4, cost=x - y), np.zeros(0), np.zeros(0))
    assert np.isinf(bounds.lower_multiplier[0])
    assert np.isinf(bounds.upper_multiplier[0])
    assert 1.0 <= bounds.upper_multiplier[1] < np.inf


def test_open_columns_are_bounded_by_their_rows() -> None:
    x = cp.Variable(name="x")
    bounds = derive_bounds(_single(x <= 4, -x <= 2, cost=x), np.zeros(0), np.zeros(0))
    assert bounds.box.lower == pytest.approx([-2.0], abs=1e-5)
    assert bounds.box.upper == pytest.approx([4.0], abs=1e-5)
    assert bounds.lower_multiplier.tolist() == [0.0]


def test_a_row_without_columns() -> None:
    x, p = cp.Variable(bounds=[0, 1]), cp.Parameter(name="p")
    form = _single(0 * x <= p, cost=x, p=p)
    assert np.isfinite(derive_bounds(form, np.ones(1), np.ones(1)).row_slack).all()
    # Where p may be negative it says something to whoever decides p, and nothing to the site.
    bounds = derive_bounds(form, -np.ones(1), np.ones(1))
    assert bounds.row_multiplier.tolist() == [0.0]
    assert bounds.row_slack.tolist() == [1.0]


def test_an_unbounded_column_is_named() -> None:
    x, y = cp.Variable(name="exchange"), cp.Variable(bounds=[0, 1])
    with pytest.raises(NoBoundError, match="variable 'exchange' of agent 'site' is unbounded"):
        derive_bounds(_single(x + y >= 1, cost=x + y), np.zeros(0), np.zeros(0))


def test_an_unbounded_column_of_cvxpys_own_is_named_as_such() -> None:
    x = cp.Variable(2, bounds=[0, 1])
    with pytest.raises(NoBoundError, match="a convex term of agent 'site' is unbounded"):
        derive_bounds(_single(cost=cp.norm1(x - 0.5)), np.zeros(0), np.zeros(0))


def test_signals_without_bounds_are_refused() -> None:
    p, x = cp.Parameter(), cp.Variable(bounds=[0, 1])
    with pytest.raises(NoBoundError, match="hears a signal that nothing bounds"):
        derive_bounds(_single(cost=p * x, price=p), np.zeros(1), np.full(1, np.inf))


def test_an_equality_that_moves_is_bounded_by_bases_or_refused() -> None:
    p, x = cp.Parameter(), cp.Variable(2, bounds=[0, 1])
    form = _single(cp.sum(x) == p, cost=x[0], need=p)
    with pytest.raises(NoBoundError, match="an equality of agent 'site' moves"):
        derive_bounds(form, np.zeros(1), np.ones(1), vertices=False)
    bounds = derive_bounds(form, np.zeros(1), np.ones(1))
    # Either the free unit is marginal, and the other one rests at 0, or the free one is full.
    assert bounds.lower_multiplier == pytest.approx([1.0, 0.0], abs=1e-5)
    assert bounds.upper_multiplier == pytest.approx([0.0, 1.0], abs=1e-5)


def test_a_limit_that_leaves_no_room_at_one_signal_is_bounded_by_bases_or_refused() -> None:
    """At a cap of 0 the row binds always, at a cap of 5 it need not."""
    cap, x = cp.Parameter(), cp.Variable(bounds=[0, 10])
    form = _single(x <= cap, cost=-x, cap=cap)
    with pytest.raises(NoBoundError, match="give it some room"):
        derive_bounds(form, np.zeros(1), np.full(1, 5.0), vertices=False)
    at_bases = derive_bounds(form, np.zeros(1), np.full(1, 5.0))
    assert at_bases.row_multiplier == pytest.approx([1.0], abs=1e-5)
    assert derive_bounds(form, np.ones(1), np.full(1, 5.0)).row_multiplier[0] >= 1.0


def test_a_follower_without_an_answer_is_named() -> None:
    x = cp.Variable(bounds=[0, 1])
    with pytest.raises(NoAnswer, match="agent 'site' has no feasible answer") as caught:
        derive_bounds(_single(x >= 2, cost=x), np.zeros(0), np.zeros(0))
    assert caught.value.agent == "site"
