"""Worst cases by dual, by linear program and by brute force over the corners of the set."""

import re
from itertools import chain, combinations
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, sparse

from equigrid.arrays import FloatArray
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet, profile_distance
from equigrid.scenarios.ambiguity.probability_limits import ProbabilityLimits

TOLERANCES = st.one_of(st.just(np.inf), st.floats(0.0, 1.5).map(lambda value: round(value, 3)))
PART: Any = 1.5
NONE: Any = np.nan
CONFIDENCES = st.floats(0.01, 1.0)


@st.composite
def odds_and_costs(draw: st.DrawFn, most: int = 6, least: int = 1) -> tuple[FloatArray, FloatArray]:
    parts = draw(st.lists(st.integers(0, 20), min_size=least, max_size=most).filter(any))
    costs = arrays(np.float64, len(parts), elements=st.integers(-50, 50).map(float))
    return np.array(parts) / sum(parts), draw(costs)


def dual_value(near: AmbiguitySet, cost: FloatArray) -> float:
    worst, constraints = near.worst_case(cp.Constant(cost))
    problem = cp.Problem(cp.Minimize(worst), constraints)
    return float(problem.solve(solver=cp.HIGHS))


def corner_value(nominal: FloatArray, cost: FloatArray, total: float, largest: float) -> float:
    """Greatest expectation over all corners of A(1)-(4), which are written without auxiliaries.

    The deviations add up to 0, so A(1) says that no group of scenarios gains more than half of it.
    """
    count = len(nominal)
    groups = chain.from_iterable(combinations(range(count), k) for k in range(1, count))
    gains = np.array([np.isin(np.arange(count), group) for group in groups], dtype=float)
    one = np.eye(count)
    sides = [(-one, np.zeros(count))]
    if total < np.inf:
        sides.append((gains, gains @ nominal + total / 2))
    if largest < np.inf:
        sides += [(one, nominal + largest), (-one, largest - nominal)]
    left, right = np.vstack([a for a, _ in sides]), np.concatenate([b for _, b in sides])
    picks = np.array(list(combinations(range(len(left)), count - 1)))
    square = np.concatenate([np.ones((len(picks), 1, count)), left[picks]], axis=1)
    values = np.concatenate([np.ones((len(picks), 1)), right[picks]], axis=1)
    regular = abs(np.linalg.det(square)) > 1e-9
    points = np.linalg.solve(square[regular], values[regular][..., None])[..., 0]
    inside = (points @ left.T <= right + 1e-9).all(axis=1)
    return float((points[inside] @ cost).max())


def line_value(nominal: FloatArray, cost: FloatArray, radius: float, apart: FloatArray) -> float:
    """Least over one price of distance: piecewise linear, so only its kinks are tried."""
    gain = cost[None, :, None] - cost[None, None, :]
    way = apart[:, :, None] - apart[:, None, :]
    prices = np.append((gain / np.where(way == 0, np.inf, way)).ravel(), 0.0)
    prices = prices[prices >= 0]
    reached = (cost[None, None, :] - prices[:, None, None] * apart[None]).max(axis=2)
    return float((prices * radius + reached @ nominal).min())


def transport_value(
    nominal: FloatArray, cost: FloatArray, radius: float, apart: FloatArray
) -> float:
    count = len(nominal)
    answer = optimize.linprog(
        -np.tile(cost, count),
        A_ub=apart.reshape(1, -1),
        b_ub=[radius],
        A_eq=np.kron(np.eye(count), np.ones((1, count))),
        b_eq=nominal,
    )
    return float(-answer.fun)


@settings(max_examples=40, deadline=None)
@given(drawn=odds_and_costs(4, least=2), total=TOLERANCES, largest=TOLERANCES)
def test_mixed_norm_by_three_ways(
    drawn: tuple[FloatArray, FloatArray], total: float, largest: float
) -> None:
    nominal, cost = drawn
    near = AmbiguitySet.mixed_norm(nominal, total, largest)
    brute = corner_value(nominal, cost, total, largest)
    assert near.worst_value(cost) == pytest.approx(brute, abs=1e-7)
    assert dual_value(near, cost) == pytest.approx(brute, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_five_scenarios_with_the_paper_s_tolerances(seed: int) -> None:
    draw = np.random.default_rng(seed)
    nominal, cost = draw.dirichlet(np.ones(5)), draw.normal(0, 100, 5)
    near = AmbiguitySet.from_confidence(nominal, 60, 0.9)
    spread = np.log(2 * 5 / 0.1)
    brute = corner_value(nominal, cost, 5 / (2 * 60) * spread, 1 / (2 * 60) * spread)
    assert near.worst_value(cost) == pytest.approx(brute, abs=1e-7)
    assert dual_value(near, cost) == pytest.approx(brute, abs=1e-7)
    worst = near.worst_distribution(cost)
    assert abs(worst - nominal).sum() <= 5 / 120 * spread + 1e-9
    assert abs(worst - nominal).max() <= spread / 120 + 1e-9


@settings(max_examples=40, deadline=None)
@given(drawn=odds_and_costs(5), radius=st.floats(0.0, 20.0), seed=st.integers(0, 99))
def test_wasserstein_by_four_ways(
    drawn: tuple[FloatArray, FloatArray], radius: float, seed: int
) -> None:
    nominal, cost = drawn
    places = np.random.default_rng(seed).integers(0, 9, (len(cost), 2)).astype(float)
    apart = profile_distance(places)
    assert apart == pytest.approx(abs(places[:, None] - places).sum(axis=2))
    near = AmbiguitySet.wasserstein(nominal, radius, apart)
    brute = line_value(nominal, cost, radius, apart)
    assert transport_value(nominal, cost, radius, apart) == pytest.approx(brute, abs=1e-6)
    assert near.worst_value(cost) == pytest.approx(brute, abs=1e-7)
    assert dual_value(near, cost) == pytest.approx(brute, abs=1e-7)


def test_wasserstein_between_nominal_and_dearest() -> None:
    nominal, cost = np.array([0.5, 0.3, 0.2]), np.array([1.0, 5.0, 9.0])
    apart = profile_distance([[0.0], [1.0], [3.0]])
    assert AmbiguitySet.wasserstein(nominal, 0, apart).worst_distribution(cost) == pytest.approx(
        nominal, abs=1e-12
    )
    for far in (1e6, np.inf):
        assert AmbiguitySet.wasserstein(nominal, far, apart).worst_value(cost) == 9.0


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    drawn=odds_and_costs(),
    samples=st.integers(1, 5000),
    confidences=st.tuples(CONFIDENCES, CONFIDENCES).map(sorted),
)
def test_more_confidence_is_never_cheaper(
    drawn: tuple[FloatArray, FloatArray], samples: int, confidences: list[float]
) -> None:
    nominal, cost = drawn
    low, high = (
        AmbiguitySet.from_confidence(nominal, samples, confidence).worst_value(cost)
        for confidence in confidences
    )
    assert nominal @ cost - 1e-9 <= low <= high + 1e-9 <= cost.max() + 2e-9


@settings(max_examples=30, deadline=None)
@given(drawn=odds_and_costs(), confidence=st.floats(0.01, 0.999))
def test_many_samples_leave_the_nominal_distribution(
    drawn: tuple[FloatArray, FloatArray], confidence: float
) -> None:
    nominal, cost = drawn
    gaps = [
        AmbiguitySet.from_confidence(nominal, samples, confidence).worst_value(cost)
        - nominal @ cost
        for samples in (10, 10**4, 10**10)
    ]
    assert gaps[0] >= gaps[1] - 1e-9
    assert gaps[1] >= gaps[2] - 1e-9
    assert gaps[2] <= 1e-6


@settings(max_examples=30, deadline=None)
@given(drawn=odds_and_costs())
def test_full_confidence_is_the_dearest_scenario(drawn: tuple[FloatArray, FloatArray]) -> None:
    near = AmbiguitySet.from_confidence(drawn[0], 1000, 1)
    assert near.worst_value(drawn[1]) == pytest.approx(drawn[1].max(), rel=1e-12)
    assert dual_value(near, drawn[1]) == pytest.approx(drawn[1].max())


@settings(max_examples=40, deadline=None)
@given(drawn=odds_and_costs(), total=TOLERANCES, largest=TOLERANCES, data=st.data())
def test_the_worst_case_grows_with_each_cost(
    drawn: tuple[FloatArray, FloatArray], total: float, largest: float, data: st.DataObject
) -> None:
    nominal, cost = drawn
    rise = data.draw(arrays(np.float64, len(cost), elements=st.integers(0, 9).map(float)))
    near = AmbiguitySet.mixed_norm(nominal, total, largest)
    low, high = near.worst_value(cost), near.worst_value(cost + rise)
    assert low - 1e-8 <= high <= low + rise.max() + 1e-8


def test_a_decision_against_the_worst_case() -> None:
    """The least worst cost of a convex decision, where brute force searches the decision."""
    aim, near = np.array([0.0, 1.0, 5.0]), AmbiguitySet.mixed_norm([0.5, 0.3, 0.2], 0.4, 0.15)
    decision = cp.Variable()
    worst, constraints = near.worst_case(cp.square(decision - aim))
    found = cp.Problem(cp.Minimize(worst), constraints).solve(solver=cp.CLARABEL)
    brute = optimize.minimize_scalar(lambda x: near.worst_value((x - aim) ** 2), bounds=(0, 5))
    assert found == pytest.approx(brute.fun, abs=1e-6)


def test_labels_and_rows() -> None:
    cost = cp.Variable(3)
    apart = profile_distance([[0.0], [1.0], [3.0]])
    both = AmbiguitySet.mixed_norm([0.5, 0.3, 0.2], 0.4, 0.15)
    moved = AmbiguitySet.wasserstein([0.5, 0.3, 0.2], 0.4, apart)
    names = []
    for near in (both, moved):
        worst, constraints = near.worst_case(cost)
        rows, *others = constraints
        assert rows.label == "A(4) cost of a scenario"
        # A cost stands in the row of its scenario, and nowhere else.
        assert not any(v is cost for row in [*others, worst] for v in row.variables())
        names += sorted({row.label for row in others} | {v.name() for v in worst.variables()})
    assert names == [
        "A(1) total deviation",
        "A(2) largest deviation",
        "A(3) sum of probabilities",
        "A(3) sum of probabilities",
        "Wasserstein distance",
    ]


def test_sets_meet_in_one() -> None:
    """All limits hold at once: here transport, and a limit of one's own on one scenario."""
    nominal, cost = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 3.0])
    own = ProbabilityLimits(
        "third", sparse.csr_array([[0.0, 0.0, 1.0]]), sparse.csr_array((1, 0)), np.array([0.3])
    )
    (moved,) = AmbiguitySet.wasserstein(nominal, 1.0, 1 - np.eye(3)).limits
    near = AmbiguitySet(nominal, (moved, own))
    assert near.worst_value(cost) == pytest.approx(0.7 + 0.9)
    assert dual_value(near, cost) == pytest.approx(0.7 + 0.9)
    with pytest.raises(ValueError, match="'third' are for 3 scenarios; the ambiguity set has 2"):
        AmbiguitySet(np.array([0.5, 0.5]), (own,))
    narrow = ProbabilityLimits(own.label, own.on_probability, own.on_auxiliary, np.array([-0.1]))
    with pytest.raises(ValueError, match="no distribution meets the limits 'third'"):
        AmbiguitySet(nominal, (narrow,)).worst_value(cost)


def test_ties_are_resolved_the_same_way() -> None:
    near = AmbiguitySet.from_confidence([0.25] * 4, 20, 0.5)
    first = near.worst_distribution([3.0, 3.0, 1.0, 1.0])
    assert all((near.worst_distribution([3.0, 3.0, 1.0, 1.0]) == first).all() for _ in range(5))
    assert (near.worst_distribution([2.0] * 4) == 0.25).all()


@pytest.mark.parametrize(
    ("make", "findings"),
    [
        (
            lambda: AmbiguitySet.mixed_norm([0.5, 0.6]),
            ["probabilities add up to 1.1; they must add up to 1"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([1.5, -0.2]),
            ["the probability of scenario 2 is negative", "probabilities add up to 1.3; they must"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([np.nan, 1]),
            ["the probability of scenario 1 is not a finite"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([[0.5, 0.5]]),
            ["probabilities have shape (1, 2); they must be one"],
        ),
        (lambda: AmbiguitySet.mixed_norm([]), ["probabilities have shape (0,)"]),
        (
            lambda: AmbiguitySet.mixed_norm([0.5, 0.6], -1, np.nan),
            [
                "probabilities add up",
                "total_deviation is -1; it must be at least 0",
                "largest_deviation is nan",
            ],
        ),
        (
            lambda: AmbiguitySet.from_confidence([0.5, 0.6], 0, 90),
            [
                "probabilities add up",
                "samples is 0; it must be a whole number of observations, at least 1",
                "confidence is 90; it must lie in (0, 1], where 1 excludes nothing",
            ],
        ),
        (lambda: AmbiguitySet.from_confidence([1], PART, 1), ["samples is 1.5"]),
        (lambda: AmbiguitySet.from_confidence([1], NONE, NONE), ["samples is", "confidence"]),
        (lambda: AmbiguitySet.from_confidence([1], 9, 0), ["confidence is 0"]),
        (
            lambda: AmbiguitySet.wasserstein([0.5, 0.6], -1, np.ones((3, 3))),
            ["probabilities add up", "radius is -1", "distances have shape (3, 3); it must be (2"],
        ),
        (
            lambda: AmbiguitySet.wasserstein([0.5, 0.5], 1, [[0, -1], [2, 3]]),
            [
                "the distance of scenario 1 is negative; none may be",
                "the distance of scenario 1, 2 is not the same in both directions",
                "the distance of scenario 2 is not 0 from itself",
            ],
        ),
        (
            lambda: AmbiguitySet.wasserstein([0.5, 0.5], 1, [[0, np.inf], [np.inf, 0]]),
            ["the distances of scenario 1, 2 are not finite numbers"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([1]).worst_value([1, 2]),
            ["costs must be 1 finite numbers"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([1]).worst_case(cp.Variable(2)),
            ["the cost of scenarios has shape (2,) and is affine; it must be a convex expression"],
        ),
        (
            lambda: AmbiguitySet.mixed_norm([1]).worst_case(cp.sqrt(cp.Variable(1))),
            ["the cost of scenarios has shape (1,) and is concave"],
        ),
    ],
)
def test_everything_wrong_is_told_at_once(make: Any, findings: list[str]) -> None:
    with pytest.raises(ValueError, match=re.escape(findings[0])) as caught:
        make()
    lines = str(caught.value).splitlines()
    assert len(lines) == len(findings)
    assert all(line.startswith(said) for line, said in zip(lines, findings, strict=True))
