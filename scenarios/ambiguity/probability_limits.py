"""Polytopes of probabilities: how far the odds of scenarios may lie from nominal ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from equigrid.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class ProbabilityLimits:
    """All probabilities π for which some w ≥ 0 meets A π + B w ≤ b.

    Attributes
    ----------
    label : str
        Of the equation that they are.
    on_probability : sparse array of shape (M, S)
        The matrix A.
    on_auxiliary : sparse array of shape (M, W)
        The matrix B; W may be 0.
    limit : array of shape (M,)
        The vector b.
    """

    label: str
    on_probability: sparse.csr_array
    on_auxiliary: sparse.csr_array
    limit: FloatArray


def limit_total_deviation(probability: FloatArray, tolerance: float) -> ProbabilityLimits:
    """Limit the sum of absolute deviations, A(1).

    Both probabilities add up to 1, so what some gain others lose: half of the tolerance limits
    what is gained, w ≥ π − π⁰.
    """
    count = len(probability)
    return ProbabilityLimits(
        "A(1) total deviation",
        sparse.vstack([sparse.eye_array(count), sparse.csr_array((1, count))], format="csr"),
        sparse.vstack([-sparse.eye_array(count), np.ones((1, count))], format="csr"),
        np.append(probability, tolerance / 2),
    )


def limit_largest_deviation(probability: FloatArray, tolerance: float) -> ProbabilityLimits:
    """Limit the largest absolute deviation, A(2)."""
    count = len(probability)
    one = sparse.eye_array(count)
    return ProbabilityLimits(
        "A(2) largest deviation",
        sparse.vstack([one, -one], format="csr"),
        sparse.csr_array((2 * count, 0)),
        np.concatenate([probability + tolerance, tolerance - probability]),
    )


def limit_transport(
    probability: FloatArray, radius: float, distance: FloatArray
) -> ProbabilityLimits:
    """Limit the Wasserstein distance: probability moved, times how far, adds up to the radius.

    The auxiliary w_rs is what moves from scenario r to scenario s, in the order of the rows of
    ``distance``. No more leaves r than it had, no more is at s than came there; with both sums 1
    both hold exactly.
    """
    count = len(probability)
    scale = float(distance.max()) or 1.0
    one, ones = sparse.eye_array(count), np.ones((1, count))
    arrives, leaves = sparse.kron(ones, one), sparse.kron(one, ones)
    return ProbabilityLimits(
        "Wasserstein distance",
        sparse.vstack([one, sparse.csr_array((count + 1, count))], format="csr"),
        sparse.vstack([-arrives, leaves, distance.reshape(1, -1) / scale], format="csr"),
        np.concatenate([np.zeros(count), probability, [radius / scale]]),
    )


def costliest(cost: FloatArray, limits: Sequence[ProbabilityLimits]) -> FloatArray:
    """Return a vertex, shape (S,), at which the expected cost is greatest, by linear programming.

    Parameters
    ----------
    cost : array of shape (S,)
        Of the order of 1.
    limits : sequence of ProbabilityLimits

    Raises
    ------
    ValueError
        When no distribution meets the limits.
    """
    count, others = len(cost), sum(part.on_auxiliary.shape[1] for part in limits)
    answer = optimize.linprog(
        np.append(-cost, np.zeros(others)),
        A_eq=np.append(np.ones(count), np.zeros(others))[None, :],
        b_eq=[1.0],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        **_rows(limits),
    )
    if answer.status not in (0, 2):
        raise RuntimeError(f"HiGHS cannot find the costliest distribution: {answer.message}")
    if answer.x is None:
        names = ", ".join(f"'{part.label}'" for part in limits)
        raise ValueError(f"no distribution meets the limits {names}; widen them")
    return np.asarray(answer.x[:count])


def _rows(limits: Sequence[ProbabilityLimits]) -> dict[str, object]:
    """Rows over probabilities and the auxiliaries of all limits, as linprog takes them."""
    if not limits:
        return {}
    left = sparse.vstack([part.on_probability for part in limits])
    right = sparse.block_diag([sparse.coo_array(part.on_auxiliary) for part in limits])
    return {
        "A_ub": sparse.csr_array(sparse.hstack([left, right])),
        "b_ub": np.concatenate([part.limit for part in limits]),
    }
