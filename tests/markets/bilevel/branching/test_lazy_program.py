"""Rows and columns that wait change nothing: same answers as a plain model at all bounds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from equigrid.markets.bilevel.branching.lazy_program import LazyProgram
from equigrid.markets.forms.highs_model import Assembled, Solution

# Bounds of the first columns and rows change; all others may wait, more than 200 of each.
OWN, COLUMNS, FIRST, ROWS = 6, 236, 10, 260


def _program(seed: int, *, bounded: bool = True) -> Assembled:
    """Inequalities around the origin; small decisions of 0 to 1 that cost something or gain."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-3, 4, (ROWS, COLUMNS)).astype(float)
    matrix *= rng.random((ROWS, COLUMNS)) < np.where(np.arange(COLUMNS) < OWN, 0.5, 0.05)
    room = rng.uniform(1, 12, (2, ROWS))
    most, late = (3.0 if bounded else np.inf), np.arange(COLUMNS) >= OWN
    return Assembled(
        matrix=sparse.csr_array(matrix),
        row_lower=np.where(rng.random(ROWS) < 0.3, -room[0], -np.inf),
        row_upper=room[1],
        lower=np.where(late, 0.0, -most),
        upper=np.where(late, 1.0, most),
        cost=np.where(late, rng.uniform(-1, 6, COLUMNS), rng.integers(-5, 6, COLUMNS)),
        integer=np.zeros(COLUMNS, dtype=bool),
    )


def _lazy(program: Assembled) -> LazyProgram:
    return LazyProgram(program, np.arange(ROWS) >= FIRST, np.arange(COLUMNS) >= OWN)


def _assert_same(lazy: Solution, program: Assembled) -> str:
    plain = program.model(presolve="off").solve()
    assert lazy.status == plain.status
    if plain.status == "optimal":
        assert lazy.objective == pytest.approx(plain.objective, abs=1e-5)
        assert program.cost @ lazy.columns == pytest.approx(plain.objective, abs=1e-5)
        assert lazy.rows == pytest.approx(program.matrix @ lazy.columns)
        assert (lazy.rows <= program.row_upper + 1e-5).all()
        assert (lazy.rows >= program.row_lower - 1e-5).all()
        assert (lazy.columns >= program.lower - 1e-6).all()
        assert (lazy.columns <= program.upper + 1e-6).all()
    return plain.status


def _change(model: LazyProgram, program: Assembled, rng: np.random.Generator) -> Assembled:
    """Change some bounds of columns, or of rows, that may not wait."""
    if rng.random() < 0.5:
        at, lower, upper = rng.choice(OWN, 2, False), program.lower.copy(), program.upper.copy()
        lower[at] = rng.integers(-4, 1, 2)
        upper[at] = lower[at] + rng.choice([0.0, 2.0, np.inf], 2)
        model.set_bounds(at, lower[at], upper[at])
        return replace(program, lower=lower, upper=upper)
    rows, most = rng.choice(FIRST, 3, False), program.row_upper.copy()
    most[rows] = np.maximum(rng.uniform(-6, 9, 3), program.row_lower[rows])
    model.set_rows(rows, program.row_lower[rows], most[rows])
    return replace(program, row_upper=most)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), bounded=st.booleans())
def test_changed_bounds_give_what_a_plain_model_gives(seed: int, bounded: bool) -> None:
    program, rng = _program(seed, bounded=bounded), np.random.default_rng(seed)
    model = _lazy(program)
    _assert_same(model.solve(), program)
    for _ in range(8):
        program = _change(model, program, rng)
        _assert_same(model.solve(), program)


def test_changed_bounds_lead_to_every_kind_of_end() -> None:
    ends: Counter[str] = Counter()
    for seed in range(8):
        program, rng = _program(seed), np.random.default_rng(seed)
        free = np.arange(COLUMNS) == 0  # in no row, and worth having: only its bounds hold it
        without = sparse.csr_array(program.matrix.toarray() * ~free)
        program = replace(program, matrix=without, cost=np.where(free, -2.0, program.cost))
        model = _lazy(program)
        for _ in range(8):
            program = _change(model, program, rng)
            ends[_assert_same(model.solve(), program)] += 1
    assert set(ends) == {"optimal", "infeasible", "unbounded"}


def test_bounds_that_leave_nothing_and_then_something_again() -> None:
    program = _program(1)
    model, own = _lazy(program), np.arange(OWN)
    far, first = np.full(OWN, 50.0), model.solve()
    model.set_bounds(own, far, far)
    assert model.solve().status == "infeasible"
    model.set_bounds(own, program.lower[own], program.upper[own])
    assert model.solve().objective == pytest.approx(first.objective)


def test_what_only_waiting_rows_bound_is_not_called_unbounded() -> None:
    """Columns that gain are held at first, where no row is near, and let go then."""
    own = np.arange(COLUMNS) < OWN
    program = replace(_program(2), cost=np.where(own, -1.0, 5.0))
    program = replace(program, upper=np.where(own, 0.0, 1.0), lower=np.where(own, -0.1, 0.0))
    model, at = _lazy(program), np.arange(OWN)
    _assert_same(model.solve(), program)
    model.set_bounds(at, program.lower[at], np.full(OWN, np.inf))
    freed = replace(program, upper=np.where(own, np.inf, 1.0))
    assert _assert_same(model.solve(), freed) == "optimal"


def test_what_only_waiting_columns_make_feasible_is_not_called_infeasible() -> None:
    """A row asks for 5 of what late columns give up to 1 each, all dearer than nothing."""
    program = _program(3)
    matrix = program.matrix.tolil()
    matrix[0] = -(np.arange(COLUMNS) >= OWN + 50).astype(float)
    late = np.arange(COLUMNS) >= OWN
    program = replace(
        program,
        matrix=sparse.csr_array(matrix),
        row_lower=np.full(ROWS, -np.inf),
        cost=np.where(late, 1.0 + np.arange(COLUMNS), program.cost),
    )
    model = _lazy(program)
    _assert_same(model.solve(), program)
    model.set_rows(np.array([0]), np.array([-np.inf]), np.array([-5.0]))
    most = program.row_upper.copy()
    most[0] = -5.0
    assert _assert_same(model.solve(), replace(program, row_upper=most)) == "optimal"


def test_cuts_hold_beside_what_waits() -> None:
    program = _program(4)
    own = np.arange(COLUMNS) < OWN
    program = replace(program, cost=np.where(own, program.cost, 0.5))
    model = _lazy(program)
    before = model.solve()
    cut = sparse.csr_array(np.where(own, program.cost, 0.0)[None, :])
    at_most = float((cut @ before.columns)[0]) + 1.0
    model.cut(-cut, np.array([-at_most]))
    stated = replace(
        program,
        matrix=sparse.csr_array(sparse.vstack([program.matrix, -cut])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, -at_most),
    )
    after = model.solve()
    assert after.objective == pytest.approx(stated.model().solve().objective, abs=1e-6)
    assert after.objective > before.objective + 1e-3
    assert len(after.rows) == ROWS


def test_few_rows_and_columns_do_not_wait() -> None:
    program = _program(5)
    rows, columns = np.arange(ROWS) >= ROWS - 200, np.arange(COLUMNS) >= COLUMNS - 200
    _assert_same(LazyProgram(program, rows, columns).solve(), program)
