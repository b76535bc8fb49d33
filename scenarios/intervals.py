"""Cutting a distribution into a few intervals, each represented by its conditional mean.

Means are kept exactly: the weighted mean of the representatives is the mean of the distribution.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from equigrid.arrays import FloatArray


def normal_intervals(mean: ArrayLike, deviation: ArrayLike, weights: Sequence[float]) -> FloatArray:
    """Cut normal distributions, hour by hour.

    Parameters
    ----------
    mean, deviation : array of shape (T,)
        Of the quantity, in its own unit.
    weights : sequence of K floats
        Probabilities of the intervals, from the lowest to the highest outcomes.

    Returns
    -------
    array of shape (K, T)
        Conditional means of the intervals.

    Examples
    --------
    >>> cut = normal_intervals([10.0], [1.0], [0.5, 0.5])
    >>> cut.round(3).ravel().tolist()
    [9.202, 10.798]
    """
    edges = stats.norm.ppf(_edges(weights))
    density = stats.norm.pdf(edges)
    standard = (density[:-1] - density[1:]) / np.asarray(weights)
    return np.asarray(np.asarray(mean) + standard[:, None] * np.asarray(deviation))


def beta_intervals(mean: ArrayLike, deviation: ArrayLike, weights: Sequence[float]) -> FloatArray:
    """Cut beta distributions on [0, 1] (relative irradiance), hour by hour.

    Parameters
    ----------
    mean, deviation : array of shape (T,)
        Where the mean is 0 (night) the outcome is 0.
    weights : sequence of K floats
        Probabilities of the intervals, from the lowest to the highest outcomes.

    Returns
    -------
    array of shape (K, T)
        Conditional means of the intervals.

    Raises
    ------
    ValueError
        When a deviation is too great for any beta distribution of that mean.

    Examples
    --------
    >>> beta_intervals([0.0, 0.5], [0.0, 0.2], [0.5, 0.5]).round(3).tolist()
    [[0.0, 0.334], [0.0, 0.666]]
    """
    mu, sigma = np.asarray(mean, dtype=float), np.asarray(deviation, dtype=float)
    day = mu > 0
    if (sigma[day] ** 2 >= mu[day] * (1 - mu[day])).any() or (sigma[day] <= 0).any():
        raise ValueError(
            "the deviation of irradiance must be positive and below sqrt(mean (1 - mean))"
        )
    outcomes = np.zeros((len(weights), len(mu)))
    concentration = mu[day] * (1 - mu[day]) / sigma[day] ** 2 - 1
    a, b = mu[day] * concentration, (1 - mu[day]) * concentration
    below = _mean_below(_edges(weights)[:, None], a, b)
    means = mu[day] * np.diff(below, axis=0) / np.asarray(weights)[:, None]
    outcomes[:, day] = np.clip(means, 0.0, 1.0)  # rounding may leave the interval by a last digit
    return outcomes


def _mean_below(share: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """E[X; X < x] / E[X] of a beta(a, b) at its quantiles x, accurate at both ends.

    It is the distribution of a beta(a + 1, b), share - x^a (1 - x)^b / (a B(a, b)), with 1 - x as
    a quantile of its own: so close to 1 that x is rounded, the term still counts.
    """
    x, rest = stats.beta.ppf(share, a, b), stats.beta.ppf(1 - share, b, a)
    term = special.xlogy(a, x) + special.xlogy(b, rest) - np.log(a) - special.betaln(a, b)
    return np.asarray(share - np.exp(term))


def _edges(weights: Sequence[float]) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(weights)])
    total[-1] = 1.0
    return np.asarray(total)
