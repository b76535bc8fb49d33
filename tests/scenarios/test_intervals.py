"""Intervals keep the mean, order and weights of the distribution that they cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from equigrid.scenarios.intervals import beta_intervals, normal_intervals

WEIGHTS = st.lists(st.integers(1, 20), min_size=1, max_size=5).map(
    lambda parts: [part / sum(parts) for part in parts]
)


@given(
    mean=st.lists(st.floats(-50, 50), min_size=1, max_size=4),
    share=st.floats(0.01, 2.0),
    weights=WEIGHTS,
)
def test_normal_means_are_kept(mean: list[float], share: float, weights: list[float]) -> None:
    deviation = np.full(len(mean), share)
    cut = normal_intervals(mean, deviation, weights)
    assert cut.shape == (len(weights), len(mean))
    assert np.asarray(weights) @ cut == pytest.approx(np.array(mean), abs=1e-9)
    assert (np.diff(cut, axis=0) > 0).all()


@given(mean=st.floats(0.02, 0.98), share=st.floats(0.05, 0.9), weights=WEIGHTS)
def test_beta_means_are_kept_within_the_unit_interval(
    mean: float, share: float, weights: list[float]
) -> None:
    deviation = share * np.sqrt(mean * (1 - mean))
    cut = beta_intervals([mean, 0.0], [deviation, 0.0], weights)
    assert np.asarray(weights) @ cut == pytest.approx(np.array([mean, 0.0]), abs=1e-7)
    assert (cut >= 0).all()
    assert (cut <= 1).all()
    assert (np.diff(cut[:, 0]) >= -1e-6).all()
    assert (cut[:, 1] == 0).all()


def test_the_paper_s_three_intervals_by_quadrature() -> None:
    """Conditional means of the lowest 30 %, the middle 60 % and the highest 10 %."""
    weights = [0.3, 0.6, 0.1]
    edges = stats.norm.ppf([0.0, 0.3, 0.9, 1.0])
    for k, found in enumerate(normal_intervals([2.0], [0.5], weights)):
        integral, _ = integrate.quad(
            lambda z: (2.0 + 0.5 * z) * stats.norm.pdf(z), edges[k], edges[k + 1]
        )
        assert found[0] == pytest.approx(integral / weights[k], abs=1e-8)
    beta = stats.beta(2.0, 3.0)
    low, middle, high = beta_intervals([beta.mean()], [beta.std()], [0.1, 0.2, 0.7])[:, 0]
    integral, _ = integrate.quad(lambda x: x * beta.pdf(x), 0.0, beta.ppf(0.1))
    assert low == pytest.approx(integral / 0.1, abs=1e-7)
    assert low < middle < high


@pytest.mark.parametrize("deviation", [0.0, 0.5, 0.6])
def test_no_beta_has_this_deviation(deviation: float) -> None:
    with pytest.raises(ValueError, match=r"below sqrt\(mean \(1 - mean\)\)"):
        beta_intervals([0.5], [deviation], [0.5, 0.5])
