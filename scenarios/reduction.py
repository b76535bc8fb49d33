"""Many days cut down to a few scenarios, each the mean of days that are alike."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster import hierarchy
from scipy.spatial import distance

from equigrid.arrays import FloatArray, IntArray
from equigrid.scenarios.scenario_set import ScenarioSet


def cluster_days(profiles: Mapping[str, ArrayLike], count: int) -> ScenarioSet:
    """Group days that are alike, by Ward's method and then by k-means.

    Two groups at a time are joined, those whose union adds least to the squared distances of
    days from the mean of their group. Then days move to the nearest mean until none gains
    (Lloyd). Nothing is random. A quantity weighs by its spread over all days and hours, so units
    play no part.

    Parameters
    ----------
    profiles : Mapping of str to array of shape (D, T)
        Days by quantity, named with its unit. The same day stands in the same row.
    count : int
        How many scenarios S, at least 1 and at most D.

    Returns
    -------
    ScenarioSet
        Means of the groups, ordered by the sum over hours of the first quantity, the least
        first. Their probabilities are shares of days, so expectations are means of all days.

    Raises
    ------
    ValueError
        With everything that is wrong, one sentence a line.

    Examples
    --------
    >>> days = {"irradiance": [[0.8, 0.9], [0.1, 0.1], [0.9, 0.8], [0.8, 0.7]]}
    >>> two = cluster_days(days, 2)
    >>> two["irradiance"].round(3).tolist(), two.probability.tolist()
    ([[0.1, 0.1], [0.833, 0.8]], [0.25, 0.75])
    """
    arrays = {name: np.asarray(value, dtype=float) for name, value in profiles.items()}
    if result := _findings(arrays, count):
        raise ValueError("\n".join(result))
    group = _groups(np.hstack([_in_spreads(value) for value in arrays.values()]), count)
    means = {name: _means(value, group, count) for name, value in arrays.items()}
    size = np.bincount(group, minlength=count)
    order = np.argsort(next(iter(means.values())).sum(axis=1), kind="stable")
    values = {name: value[order] for name, value in means.items()}
    return ScenarioSet(values, size[order] / len(group))


def _findings(arrays: Mapping[str, FloatArray], count: int) -> list[str]:
    if not arrays:
        return ["there are no profiles; give at least one quantity"]
    findings = [
        f"profiles '{name}' have shape {value.shape}; it must be (days, hours)"
        for name, value in arrays.items()
        if value.ndim != 2 or not value.size
    ]
    findings += [
        f"profiles '{name}' hold {np.sum(~np.isfinite(value))} values that are no finite numbers"
        for name, value in arrays.items()
        if not np.isfinite(value).all()
    ]
    days = {name: len(value) for name, value in arrays.items() if value.ndim}
    if len(set(days.values())) > 1:
        findings += [f"numbers of days differ: {days}; the same days must stand in all profiles"]
    if not 1 <= count <= min(days.values(), default=0):
        findings += [f"{count} scenarios cannot be made of {min(days.values(), default=0)} days"]
    return findings


def _in_spreads(profile: FloatArray) -> FloatArray:
    return np.asarray(profile / (profile.std() or 1.0))


def _groups(days: FloatArray, count: int) -> IntArray:
    """Return the group of each day, shape (D,)."""
    if len(days) == 1:  # there is nothing to link
        return np.zeros(1, dtype=int)
    tree = hierarchy.linkage(days, method="ward")
    return _settled(days, np.ravel(hierarchy.cut_tree(tree, n_clusters=count)), count)


def _settled(days: FloatArray, group: IntArray, count: int) -> IntArray:
    """Move days to the nearest mean as long as that gains and leaves no group empty."""
    spread = np.inf
    while True:
        apart = distance.cdist(days, _means(days, group, count), "sqeuclidean")
        gained = apart[np.arange(len(days)), group].sum()
        nearest = apart.argmin(axis=1)
        if gained >= spread * (1 - 1e-12) or len(np.unique(nearest)) < count:
            return group
        group, spread = nearest, gained


def _means(values: FloatArray, group: IntArray, count: int) -> FloatArray:
    member = group == np.arange(count)[:, None]
    return np.asarray(member @ values / member.sum(axis=1, keepdims=True))
