"""Programs assembled block by block, and what is asked of HiGHS."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equigrid.markets.forms.linear_program import LinearProgram
from equigrid.own_thread import _OwnThread


def _knapsack() -> LinearProgram:
    """Pick at most 10 of weight from items of weight 3, 4, 5, 6 and value 4, 5, 7, 8."""
    program = LinearProgram()
    items = program.add_columns(4, 0.0, 1.0, [-4.0, -5.0, -7.0, -8.0], integer=True)
    program.add_rows([(np.array([[3.0, 4.0, 5.0, 6.0]]), items)], upper=10.0)
    return program


def test_integers_and_then_what_is_left() -> None:
    program = _knapsack()
    share = program.add_columns(1, 0.0, 0.5, cost=-1.0)
    assert program.integer_columns().tolist() == [0, 1, 2, 3]
    model = program.model(offset=100.0, mip_rel_gap=0.0)
    found = model.solve()
    assert found.status == "optimal"
    assert found.objective == pytest.approx(86.5)
    assert found.bound == pytest.approx(86.5)
    exact = model.fixed_at(found, program.integer_columns())
    assert exact.columns[:4].tolist() == [0, 1, 0, 1]
    assert exact.columns[share].tolist() == [0.5]
    assert exact.objective == pytest.approx(86.5)


def test_changed_vectors_are_solved_again() -> None:
    program = LinearProgram()
    x = program.add_columns(2, 0.0, [4.0, 5.0], [1.0, 2.0])
    row = program.add_rows([(np.ones((1, 2)), x)], lower=3.0)
    model = program.model()
    assert model.solve().columns.tolist() == [3, 0]
    model.set_costs(x, np.array([3.0, 2.0]))
    assert model.solve().columns.tolist() == [0, 3]
    model.set_rows(row, np.array([6.0]), np.array([np.inf]))
    assert model.solve().columns.tolist() == [1, 5]
    model.set_bounds(x[1:], np.zeros(1), np.ones(1))
    assert model.solve().status == "infeasible"


@pytest.mark.parametrize("integer", [False, True])
def test_unbounded_is_not_called_infeasible(integer: bool) -> None:
    program = LinearProgram()
    x = program.add_columns(2, 0.0, cost=-1.0, integer=[integer, False])
    program.add_rows([(np.array([[1.0, -1.0]]), x)], upper=2.0)
    assert program.model().solve().status == "unbounded"


def test_a_program_without_rows_or_columns() -> None:
    program = LinearProgram()
    assert program.model().solve().objective == 0.0
    program.add_columns(1, -2.0, 2.0, 1.0)
    assert program.model().solve().objective == -2.0


def test_any_columns_are_tightened_but_never_loosened() -> None:
    program = LinearProgram()
    first, second = program.add_columns(2, 0.0, 9.0, -1.0), program.add_columns(1, 0.0, 9.0, -1.0)
    program.tighten(first, -1.0, [4.0, 12.0])
    program.tighten(second, -np.inf, 5.0)
    assert program.model().solve().columns.tolist() == [4, 9, 5]


def test_a_coefficient_that_is_not_finite_is_refused() -> None:
    program = LinearProgram()
    x = program.add_columns(1)
    program.add_rows([(np.array([[np.inf]]), x)], upper=1.0)
    with pytest.raises(ValueError, match="not finite"):
        program.model()


def test_an_interrupt_waits_until_branch_and_bound_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, asked = _knapsack().model(), list[int]()
    right = model.solve().objective

    def interrupted(thread: _OwnThread, work: Callable[[], Any]) -> None:
        thread._handed += 1
        thread._calls.put(work)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_OwnThread, "call", interrupted)
        patched.setattr(model._highs, "cancelSolve", lambda: asked.append(1))
        with pytest.raises(KeyboardInterrupt):
            model.solve()
    assert asked == [1]
    # Nothing runs any more: the model may be used again.
    assert model.solve().objective == pytest.approx(right)
