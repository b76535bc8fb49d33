"""Quadratic costs as sums of squares, and tangents to squares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.quadratic_cuts import Squares, tangents
from equigrid.markets.bilevel.quadratic_factors import add_curve, square_root
from equigrid.markets.forms.linear_program import LinearProgram


def _semidefinite(seed: int) -> tuple[sparse.csr_array, int]:
    """Blocks of several sizes and scales, some singular, in random order; with their rank."""
    rng = np.random.default_rng(seed)
    blocks, rank = [], 0
    for _ in range(rng.integers(1, 5)):
        size = int(rng.integers(1, 5))
        root = rng.integers(-3, 4, (rng.integers(1, size + 1), size)).astype(float)
        rank += int(np.linalg.matrix_rank(root))
        blocks.append(root.T @ root * 10.0 ** rng.integers(-6, 7))
    whole = sparse.block_diag([sparse.coo_array(block) for block in blocks]).toarray()
    order = rng.permutation(len(whole))
    return sparse.csr_array(whole[order][:, order]), rank


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_square_of_the_root_is_the_matrix(seed: int) -> None:
    matrix, rank = _semidefinite(seed)
    factor = square_root(matrix)
    off = abs((factor.T @ factor - matrix).toarray())
    assert (off <= 1e-10 * matrix.diagonal().max(initial=1e-6)).all()
    assert factor.shape == (rank, matrix.shape[0])
    assert (np.diff(factor.indptr) > 0).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_root_ties_no_columns_together_that_the_matrix_does_not(seed: int) -> None:
    matrix, _ = _semidefinite(seed)
    together = abs(matrix)
    for _ in range(4):
        together = sparse.csr_array(together + together @ together)
    factor = abs(square_root(matrix))
    touching = sparse.coo_array(factor.T @ factor)
    assert all(together[i, j] > 0 for i, j in zip(touching.row, touching.col, strict=True))


def test_a_flat_cost_has_no_root() -> None:
    assert square_root(sparse.csr_array((3, 3))).shape == (0, 3)


def test_small_and_large_curvature_beside_each_other_are_both_kept() -> None:
    matrix = sparse.csr_array(np.diag([1e-8, 1e6]))
    factor = square_root(matrix)
    assert (factor.T @ factor).toarray() == pytest.approx(matrix.toarray(), rel=1e-12)


def test_a_curve_adds_a_column_for_every_square() -> None:
    program = LinearProgram()
    own = program.add_columns(3)
    curve = add_curve(program, sparse.csr_array(np.diag([4.0, 0.0, 9.0])), own, cost=2.0)
    assert curve.columns.tolist() == own.tolist()
    assert program.size == 5
    stated = program.assembled()
    assert stated.cost[curve.epigraph].tolist() == [2.0, 2.0]
    assert stated.lower[curve.epigraph].tolist() == [0.0, 0.0]


def _squares(seed: int) -> tuple[Squares, FloatArray]:
    """Three squares of four columns, whose epigraphs are columns 4 to 6, and a point."""
    rng = np.random.default_rng(seed)
    factor = np.hstack([rng.integers(-3, 4, (3, 4)), np.zeros((3, 3))])
    squares = Squares(
        rng.permutation([4, 5, 6]), sparse.csr_array(factor), rng.integers(-2, 3, 3).astype(float)
    )
    return squares, np.concatenate([rng.normal(0, 3, 4), rng.uniform(0, 20, 3)])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_tangents_cut_the_point_off_and_never_a_square(seed: int) -> None:
    squares, point = _squares(seed)
    below = squares.excess(point) > 1e-6
    cut = tangents(squares, point, 1e-6)
    if cut is None:
        assert not below.any()
        return
    matrix, upper = cut
    assert matrix.shape[0] == below.sum()
    assert (matrix @ point > upper).all()
    assert matrix @ point - upper == pytest.approx(squares.excess(point)[below])
    for other in np.random.default_rng(seed + 1).normal(0, 5, (20, 7)):
        other[squares.epigraph] = 0.0
        other[squares.epigraph] = squares.excess(other)  # on the square
        assert (matrix @ other <= upper + 1e-9).all()


def test_what_is_near_enough_is_not_cut() -> None:
    squares = Squares(np.array([1]), sparse.csr_array([[1.0, 0.0]]), np.zeros(1))
    assert squares.excess(np.array([3.0, 8.0])).tolist() == [1.0]
    assert tangents(squares, np.array([3.0, 8.0]), 1.0) is None
    assert tangents(squares, np.array([3.0, 8.0]), 0.5) is not None
