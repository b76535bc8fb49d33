"""Exact by both routes against brute force on random games, and brute force against a grid.

The games, their brute force and the judgement are those of ``benchmarks/random_games.py``, which
does the same for thousands. The grid here shares nothing with brute force: at a fixed decision of
the leader each follower is solved by another solver, the leader picks among all its best answers
and best multipliers, and no complementarity is stated.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import clarabel
import highspy
import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import block_diag
from scipy.optimize import linprog
from tests.support.benchmark_files import benchmark

from equigrid.arrays import BoolArray, FloatArray

_Limits = list[tuple[FloatArray, FloatArray]]
SEED = 7
# A curved follower is solved to this accuracy here, so its best answers are met by that much.
NEAR = 1e-6


convex_pieces = benchmark("convex_pieces")
drawn_games = benchmark("drawn_games")
brute_force = benchmark("brute_force")
random_games = benchmark("random_games")


# The other kinds, and hundreds of games of each, are the benchmark's and the slow tests'.
QUICK = ("linear",)
KINDS = [
    kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow)
    for kind in drawn_games.KINDS
]


@pytest.mark.parametrize("kind", KINDS)
def test_both_routes_agree_with_brute_force(kind: str) -> None:
    reports = [r for number in range(4) for r in random_games.examine(kind, SEED, number)]
    assert {report.name: report.wrong for report in reports if report.wrong} == {}
    assert not [report.brute for report in reports if report.brute.startswith("doubt")]
    solved = [r.outcomes["branching"].status == "solved" for r in reports]
    assert sum(solved) >= 2


@pytest.mark.slow
def test_what_presolve_takes_for_infeasible_is_asked_again() -> None:
    """HiGHS 1.15 presolves the program with binaries of this game to infeasible."""
    (report,) = random_games.examine("chain", 5, 15)
    assert not report.wrong
    assert report.outcomes["milp"].status == "solved"


def test_brute_force_solves_whatever_was_solved_before_in_its_thread() -> None:
    """HiGHS refuses another number of processors than the first solve of a thread has fixed."""

    def after_another() -> str:
        first: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        first.setOptionValue("output_flag", False)
        first.setOptionValue("threads", 2)
        first.run()
        line = np.ones((1, 1)), np.ones(1), np.zeros(1), np.full(1, 2.0)
        return str(convex_pieces.Program(*line).solve())

    with ThreadPoolExecutor(1) as fresh:
        assert fresh.submit(after_another).result() == "solved"


@pytest.mark.parametrize("kind", KINDS)
def test_brute_force_is_the_best_of_a_grid(kind: str) -> None:
    for number in range(2):
        game = drawn_games.draw(kind, SEED, number)
        best = brute_force.best(game)
        if best.status == "unbounded":
            continue
        grid = [_value_at(game, x) for x in _grid(game)]
        assert min(grid) >= best.value - _room(best.value)
        if best.status == "solved":
            again = _value_at(game, best.x, best.answers)
            assert again == pytest.approx(best.value, abs=_room(best.value))


def _room(value: float) -> float:
    return 1e-4 * max(1.0, abs(value)) if np.isfinite(value) else 0.0


def _grid(game: Any) -> list[FloatArray]:
    axes = [
        np.arange(low, high + 1) if whole else np.linspace(low, high, 3)
        for low, high, whole in zip(game.lower, game.upper, game.integer, strict=True)
    ]
    return [np.array(x) for x in product(*axes)]


@dataclass
class _BestOnes:
    """All best answers y and multipliers of a follower: rows @ (y, multipliers) ≤ limit."""

    answer: FloatArray
    rows: FloatArray
    limit: FloatArray
    lower: FloatArray
    upper: FloatArray
    cost: FloatArray
    shared: FloatArray


def _value_at(game: Any, x: FloatArray, told: Sequence[FloatArray] = ()) -> float:
    """The leader's least cost at x over the followers' best answers and multipliers.

    Where one follower hears another, that one's answer is the one told, or any best one.
    """
    parts: list[_BestOnes] = []
    before = np.zeros(0)
    for number, follower in enumerate(game.followers):
        if follower.cost_of_z.shape[1]:
            n = len(before)
            parts[-1].lower[:n], parts[-1].upper[:n] = before - NEAR, before + NEAR
        part = _best_ones(game, number, x, before)
        if part is None:
            return np.inf
        before = told[number] if told else part.answer
        parts.append(part)
    own = game.cost @ x + 0.5 * x @ game.curvature @ x
    left, shared = game.rhs - game.matrix @ x, np.hstack([part.shared for part in parts])
    solved = linprog(
        np.concatenate([part.cost for part in parts]),
        np.vstack([block_diag(*[part.rows for part in parts]), shared, -shared[game.equal]]),
        np.concatenate([*(part.limit for part in parts), left + NEAR, NEAR - left[game.equal]]),
        bounds=[pair for part in parts for pair in zip(part.lower, part.upper, strict=True)],
    )
    assert solved.status in (0, 2, 3), solved.message
    return float(own + solved.fun) if solved.status == 0 else (np.inf, -np.inf)[solved.status - 2]


def _best_ones(game: Any, number: int, x: FloatArray, before: FloatArray) -> _BestOnes | None:
    """What costs no more than the best answer, and the multipliers that prove it best."""
    follower = game.followers[number]
    heard = before if follower.cost_of_z.shape[1] else np.zeros(0)
    cost = follower.cost + follower.cost_of_x @ x + follower.cost_of_z @ heard
    right = follower.rhs + follower.rhs_of_x @ x + follower.rhs_of_z @ heard
    low, high, eye = np.isfinite(follower.lower), np.isfinite(follower.upper), np.eye(len(cost))
    matrix = np.vstack([follower.matrix, eye[high], -eye[low]])  # bounds are rows here
    limit = np.concatenate([right, follower.upper[high], -follower.lower[low]])
    equal = np.concatenate([follower.equal, np.zeros(len(limit) - len(right), dtype=bool)])
    y = _alone(follower.curvature, cost, matrix, limit, equal)
    if y is None:
        return None
    of_answer, of_multipliers = _proof(follower, y, cost, matrix, limit, equal)
    m, n = matrix.shape
    answers, multipliers = (np.vstack([a for a, _ in k]) for k in (of_answer, of_multipliers))
    return _BestOnes(
        y,
        block_diag(answers, multipliers),
        np.concatenate([b for _, b in of_answer + of_multipliers]),
        np.concatenate([np.full(n, -np.inf), np.where(equal, -np.inf, 0.0)]),
        np.full(n + m, np.inf),
        _leader_cost(game, number, x, m),
        np.hstack([game.matrix_of_answers[number], np.zeros((len(game.rhs), m))]),
    )


def _proof(
    follower: Any,
    y: FloatArray,
    cost: FloatArray,
    matrix: FloatArray,
    limit: FloatArray,
    equal: BoolArray,
) -> tuple[_Limits, _Limits]:
    """Limits of answers as good as y, and of multipliers that prove y best."""
    slope, curve = cost + follower.curvature @ y, follower.factor
    room = NEAR * max(1.0, float(np.abs([cost, slope]).max()))
    of_answer = [
        (matrix, limit + NEAR),
        (-matrix[equal], NEAR - limit[equal]),
        (cost[None, :], np.array([cost @ y + room])),
        (curve, curve @ y + room),
        (-curve, room - curve @ y),
    ]
    of_multipliers = [
        (matrix.T, room - slope),
        (-matrix.T, room + slope),
        (limit[None, :], np.array([room - slope @ y])),
    ]
    return of_answer, of_multipliers + _capped(follower, len(limit))


def _capped(follower: Any, rows: int) -> _Limits:
    """The leader's caps on what it is to be charged a unit, as limits of multipliers."""
    paid = follower.paid
    if paid is None or np.isinf(paid.cap):
        return []
    worth = np.zeros((len(paid.prices), rows))
    worth[:, : len(follower.rhs)] = -follower.rhs_of_x[:, paid.prices].T
    return [(sign * worth, np.full(len(worth), paid.cap + NEAR)) for sign in (1, -1)]


def _leader_cost(game: Any, number: int, x: FloatArray, rows: int) -> FloatArray:
    """What an answer and its multipliers cost the leader at x, money included."""
    follower, of_answer = game.followers[number], game.cost_of_answers[number].copy()
    of_multipliers, paid = np.zeros(rows), follower.paid
    if paid is not None:
        at = paid.sign * paid.hours * x[paid.prices]
        of_answer[paid.quantities] -= at[: len(paid.quantities)]
        if paid.at_dual:
            of_multipliers[: len(follower.rhs)] = -follower.rhs_of_x[:, paid.prices] @ at
    return np.concatenate([of_answer, of_multipliers])


def _alone(
    curvature: FloatArray, cost: FloatArray, matrix: FloatArray, limit: FloatArray, equal: BoolArray
) -> FloatArray | None:
    """Solve min ½y'Py + cost'y over matrix @ y {=, ≤} limit with scipy or with Clarabel."""
    if not curvature.any():
        rows = matrix[~equal], limit[~equal], matrix[equal], limit[equal]
        solved = linprog(cost, *rows, bounds=(None, None))
        return np.asarray(solved.x) if solved.status == 0 else None
    order = np.argsort(~equal, kind="stable")
    cones = [clarabel.ZeroConeT(int(equal.sum())), clarabel.NonnegativeConeT(int((~equal).sum()))]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    upper = sparse.triu(sparse.coo_array(curvature), format="csc")
    data = upper, cost, sparse.csc_matrix(matrix[order]), limit[order], cones, settings
    found = clarabel.DefaultSolver(*data).solve()
    return np.array(found.x) if "Solved" in str(found.status) else None
