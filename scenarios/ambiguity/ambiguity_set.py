"""The worst expectation over all distributions that are near enough to nominal probabilities."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import distance as metric

from equigrid.arrays import FloatArray
from equigrid.scenarios.ambiguity.probability_checks import (
    checked_distribution,
    distance_findings,
    raise_if,
    sample_findings,
    tolerance_findings,
)
from equigrid.scenarios.ambiguity.probability_limits import (
    ProbabilityLimits,
    costliest,
    limit_largest_deviation,
    limit_total_deviation,
    limit_transport,
)


@dataclass(frozen=True, eq=False)
class AmbiguitySet:
    """Distributions over S scenarios, among which the worst one counts.

    Usually made by `from_confidence`, `mixed_norm` or `wasserstein`. Without limits it holds all
    distributions.

    Attributes
    ----------
    probability : array of shape (S,)
        Nominal probabilities π⁰, not negative, adding up to 1.
    limits : tuple of ProbabilityLimits
        All of them hold. The nominal probabilities have to meet them.

    Examples
    --------
    The dearest scenario gains 0.1, half of what may move in all, and the cheapest loses it:

    >>> near = AmbiguitySet.mixed_norm([0.5, 0.25, 0.25], total_deviation=0.2)
    >>> near.worst_distribution([10.0, 20.0, 40.0]).round(9).tolist()
    [0.4, 0.25, 0.35]
    >>> round(near.worst_value([10.0, 20.0, 40.0]), 9)
    23.0
    """

    probability: FloatArray
    limits: tuple[ProbabilityLimits, ...] = ()

    def __post_init__(self) -> None:
        """Turn into arrays and check."""
        object.__setattr__(self, "probability", checked_distribution(self.probability))
        count = len(self.probability)
        raise_if(
            f"limits '{limits.label}' are for {limits.on_probability.shape[1]} scenarios; "
            f"the ambiguity set has {count}"
            for limits in self.limits
            if limits.on_probability.shape[1] != count
        )

    @classmethod
    def mixed_norm(
        cls,
        probability: ArrayLike,
        total_deviation: float = np.inf,
        largest_deviation: float = np.inf,
    ) -> "AmbiguitySet":
        """Limit the sum of absolute deviations, A(1), and the largest one, A(2).

        Parameters
        ----------
        probability : array of shape (S,)
        total_deviation, largest_deviation : float
            At least 0; infinite where there is no limit.

        Raises
        ------
        ValueError
            With everything that is wrong, one sentence a line.
        """
        nominal = checked_distribution(
            probability,
            tolerance_findings("total_deviation", total_deviation),
            tolerance_findings("largest_deviation", largest_deviation),
        )
        tolerances = (
            (limit_total_deviation, total_deviation),
            (limit_largest_deviation, largest_deviation),
        )
        return cls(nominal, tuple(limit(nominal, t) for limit, t in tolerances if t < np.inf))

    @classmethod
    def from_confidence(
        cls, probability: ArrayLike, samples: int, confidence: float
    ) -> "AmbiguitySet":
        """Hold the true distribution with a stated confidence, A(1) and A(2).

        Parameters
        ----------
        probability : array of shape (S,)
            Shares of the samples that belong to each scenario.
        samples : int
            How many observations the probabilities were counted from.
        confidence : float
            In (0, 1], for either norm. At 1 nothing is excluded: all distributions.

        Raises
        ------
        ValueError
            With everything that is wrong, one sentence a line.
        """
        nominal = checked_distribution(probability, sample_findings(samples, confidence))
        if confidence == 1:
            return cls(nominal)
        count = len(nominal)
        largest = np.log(2 * count / (1 - confidence)) / (2 * samples)
        return cls.mixed_norm(nominal, count * largest, largest)

    @classmethod
    def wasserstein(
        cls, probability: ArrayLike, radius: float, distance: ArrayLike
    ) -> "AmbiguitySet":
        """Limit the cost of moving the nominal probabilities to others (Wasserstein-1).

        Parameters
        ----------
        probability : array of shape (S,)
        radius : float
            At least 0, in the unit of the distances.
        distance : array of shape (S, S)
            Between scenarios, for example from `profile_distance`.

        Raises
        ------
        ValueError
            With everything that is wrong, one sentence a line.
        """
        apart = np.asarray(distance, dtype=float)
        nominal = checked_distribution(
            probability,
            tolerance_findings("radius", radius),
            distance_findings(apart, np.size(probability)),
        )
        return cls(nominal, (limit_transport(nominal, radius, apart),) if radius < np.inf else ())

    def worst_case(self, cost: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
        """Return the worst expectation of a cost, as something to be minimised.

        It is the dual of the maximum over distributions. A minimiser finds its least value,
        which is that maximum; where nothing minimises it, it is only an upper bound. The cost of
        a scenario stands alone on the smaller side of its own row.

        Parameters
        ----------
        cost : cvxpy.Expression of shape (S,)
            Convex or affine. Of a profit, give the negative.

        Returns
        -------
        worst : cvxpy.Expression
            Scalar and affine.
        constraints : list of cvxpy.Constraint

        Raises
        ------
        ValueError
            When the cost has another shape or is not convex.
        """
        if cost.shape != self.probability.shape or not cost.is_convex():
            raise ValueError(
                f"the cost of scenarios has shape {cost.shape} and is {cost.curvature.lower()}; it "
                f"must be a convex expression of shape ({len(self.probability)},)"
            )
        total = cp.Variable(name="A(3) sum of probabilities")
        multipliers = [
            cp.Variable(len(limits.limit), name=limits.label, nonneg=True) for limits in self.limits
        ]
        pairs = list(zip(self.limits, multipliers, strict=True))
        covered = total + sum(limits.on_probability.T @ m for limits, m in pairs)
        constraints = [
            (covered >= cost).set_label("A(4) cost of a scenario"),
            *(
                (limits.on_auxiliary.T @ m >= 0).set_label(limits.label)
                for limits, m in pairs
                if limits.on_auxiliary.shape[1]
            ),
        ]
        return total + sum(limits.limit @ m for limits, m in pairs), constraints

    def worst_distribution(self, cost: ArrayLike) -> FloatArray:
        """Return a distribution at which the expected cost is greatest, shape (S,).

        Where several are, it is a vertex that depends on nothing but the set and the costs; where
        all costs are equal, the nominal one.

        Parameters
        ----------
        cost : array of shape (S,)

        Raises
        ------
        ValueError
            When costs are not S finite numbers, or when no distribution meets the limits.
        """
        values = np.asarray(cost, dtype=float)
        count = len(self.probability)
        if values.shape != (count,) or not np.isfinite(values).all():
            raise ValueError(f"costs must be {count} finite numbers, one of each scenario")
        span = np.ptp(values)
        if span == 0:
            return self.probability.copy()
        result = np.clip(costliest((values - values.min()) / span, self.limits), 0.0, None)
        return np.asarray(result / result.sum())

    def worst_value(self, cost: ArrayLike) -> float:
        """Return the greatest expected cost.

        Parameters
        ----------
        cost : array of shape (S,)
        """
        return float(self.worst_distribution(cost) @ np.asarray(cost, dtype=float))


def profile_distance(values: ArrayLike) -> FloatArray:
    """Return the distances between scenarios: absolute differences, added up over hours.

    Parameters
    ----------
    values : array of shape (S, T)
        Of one quantity, as in ``ScenarioSet.values``.

    Returns
    -------
    array of shape (S, S)
        In the unit of the quantity times hours: MWh for a power in MW.

    Examples
    --------
    >>> profile_distance([[0.0, 1.0], [2.0, 4.0]]).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    return np.asarray(metric.squareform(metric.pdist(np.asarray(values, float), "cityblock")))
