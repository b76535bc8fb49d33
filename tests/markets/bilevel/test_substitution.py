"""Columns that rows define, and fixed ones, are taken out: same optimum, and all come back."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from equigrid.arrays import FloatArray, IntArray
from equigrid.errors import UnusableGame
from equigrid.markets.bilevel.substitution import (
    CircleError,
    Substituted,
    substitute,
    without_fixed,
)
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link


def _program(seed: int, decided: int = 5, defined: int = 4) -> tuple[Assembled, IntArray, IntArray]:
    """A program whose last columns are defined by its last rows, in random order.

    A column is defined by decisions and by those defined before it.
    """
    rng = np.random.default_rng(seed)
    n = decided + defined
    limits = rng.integers(-3, 4, (4, n)) * (rng.random((4, n)) < 0.6)
    chain = np.hstack([rng.integers(-2, 3, (defined, decided)), np.zeros((defined, defined))])
    chain[:, decided:] = np.tril(rng.integers(-1, 2, (defined, defined)), -1)
    pivots = rng.choice([-2.0, -1.0, 1.0, 3.0], defined)
    chain[np.arange(defined), decided + np.arange(defined)] = pivots
    constant = rng.integers(-3, 4, defined).astype(float)
    inside = np.zeros(n)
    inside[:decided] = rng.uniform(0, 2, decided)
    inside[decided:] = np.linalg.solve(
        chain[:, decided:], constant - chain[:, :decided] @ inside[:decided]
    )
    order, row_order = rng.permutation(n), rng.permutation(4 + defined)
    matrix = np.vstack([limits, chain])[row_order][:, order]
    most = np.concatenate([limits @ inside + rng.uniform(0, 2, 4), constant])[row_order]
    least = np.concatenate([np.full(4, -np.inf), constant])[row_order]
    lower = np.concatenate([np.zeros(decided), np.full(defined, -np.inf)])[order]
    upper = np.concatenate([np.full(decided, 2.0), np.full(defined, np.inf)])[order]
    cost, integer = rng.integers(-4, 5, n).astype(float), np.zeros(n, dtype=bool)
    program = Assembled(
        sparse.csr_array(matrix), least, most, lower, upper, cost, integer, float(rng.integers(9))
    )
    columns = np.argsort(order)[decided:]
    rows = np.argsort(row_order)[4:]
    shuffle = rng.permutation(defined)
    return program, columns[shuffle], rows[shuffle]


def _optimum(program: Assembled) -> tuple[float, FloatArray]:
    """Solve with scipy, offset included."""
    equal = program.row_lower == program.row_upper
    found = linprog(
        program.cost,
        program.matrix[~equal],
        program.row_upper[~equal],
        program.matrix[equal],
        program.row_upper[equal],
        bounds=np.column_stack([program.lower, program.upper]),
    )
    assert found.status == 0, found.message
    return float(found.fun + program.offset), np.asarray(found.x)


def _assert_same(program: Assembled, smaller: Substituted) -> None:
    value, _ = _optimum(program)
    again, columns = _optimum(smaller.program)
    restored = smaller.restore @ columns + smaller.shift
    assert again == pytest.approx(value, abs=1e-7)
    assert program.cost @ restored + program.offset == pytest.approx(value, abs=1e-7)
    activity = program.matrix @ restored
    assert (activity <= program.row_upper + 1e-7).all()
    assert (activity >= program.row_lower - 1e-7).all()
    assert (restored >= program.lower - 1e-7).all()
    assert (restored <= program.upper + 1e-7).all()
    kept = smaller.column >= 0
    assert restored[kept] == pytest.approx(columns[smaller.column[kept]])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_defined_columns_leave_the_optimum_as_it_is_and_come_back(seed: int) -> None:
    program, columns, rows = _program(seed)
    smaller = substitute(program, columns, rows)
    assert smaller.program.matrix.shape == (4, 5)
    assert (smaller.column[columns] == -1).all()
    assert (smaller.row[rows] == -1).all()
    assert sorted(smaller.row[smaller.row >= 0].tolist()) == [0, 1, 2, 3]
    _assert_same(program, smaller)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_fixed_columns_first_and_definitions_then_are_one_step(seed: int) -> None:
    program, columns, rows = _program(seed)
    decided = np.setdiff1d(np.arange(9), columns)
    at = _optimum(program)[1][decided[:2]]
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[decided[:2]] = upper[decided[:2]] = at
    program = replace(program, lower=lower, upper=upper)
    first = without_fixed(program)
    joined = first.then(substitute(first.program, first.column[columns], first.row[rows]))
    assert joined.program.matrix.shape == (4, 3)
    assert (joined.column[decided[:2]] == -1).all()
    _assert_same(program, joined)


def _ring(length: int, weight: float) -> tuple[Assembled, IntArray, IntArray]:
    """x_k = weight · x_(k+1), and the last is the first again: 1 + the others' sum is x_0."""
    matrix = np.eye(length) - weight * np.roll(np.eye(length), 1, axis=1)
    zero, open_ = np.zeros(length), np.full(length, np.inf)
    integer = np.zeros(length, dtype=bool)
    program = Assembled(sparse.csr_array(matrix), zero + 1, zero + 1, -open_, open_, zero, integer)
    return program, np.arange(length), np.arange(length)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_definitions_in_a_circle_are_refused(length: int) -> None:
    with pytest.raises(CircleError):
        substitute(*_ring(length, 1.0))


def test_a_chain_as_long_as_the_limit_is_no_circle() -> None:
    """45 definitions, each of the one before."""
    n = 45
    matrix = np.eye(n) - np.eye(n, k=-1)
    open_, one = np.full(n, np.inf), np.ones(n)
    integer = np.zeros(n, dtype=bool)
    program = Assembled(sparse.csr_array(matrix), one, one, -open_, open_, one, integer)
    smaller = substitute(program, np.arange(n), np.arange(n))
    assert smaller.shift.tolist() == list(range(1, n + 1))
    assert smaller.program.offset == n * (n + 1) / 2


def test_terms_that_cancel_leave_nothing_behind() -> None:
    """0.1 x + 0.2 x - 0.3 x is nothing, not 5e-17, which would tie parts together."""
    matrix = sparse.csr_array([[1.0, -0.1, 0.0], [3.0, -0.3, 1.0]])
    three, zero = np.zeros(3), np.zeros(2)
    program = Assembled(
        matrix, zero, zero, three - np.inf, three + np.inf, three, np.zeros(3, dtype=bool)
    )
    smaller = substitute(program, np.array([0]), np.array([0]))
    assert smaller.program.matrix.nnz == 1
    assert smaller.program.matrix[0, smaller.column[2]] == 1.0


def test_a_program_without_definitions_stays() -> None:
    program, _, _ = _program(3)
    nothing = np.zeros(0, dtype=int)
    smaller = substitute(program, nothing, nothing)
    assert (smaller.program.matrix != program.matrix).nnz == 0
    _assert_same(program, smaller)


def _echo(name: str) -> Agent:
    """An agent that says what it hears, and something of its own on top."""
    told, own = cp.Parameter(1), cp.Variable(1, bounds=[0, 1])
    return Agent(name, cp.Problem(cp.Minimize(cp.sum(own))), {"told": told}, {"again": told + own})


def test_agents_that_say_again_what_they_hear_of_each_other_are_refused() -> None:
    heard = cp.Parameter(1)
    leader = Agent("leader", cp.Problem(cp.Minimize(cp.sum(heard))), {"heard": heard})
    links = [Link("a.again", "b.told"), Link("b.again", "a.told"), Link("a.again", "leader.heard")]
    with pytest.raises(UnusableGame, match="are said again in a circle"):
        Exact().solve(Game([leader, _echo("a"), _echo("b")], "leader", links))
