"""How far an answer with multipliers is from satisfying an agent's optimality conditions.

The agent is taken in its own standard form: the whole declaration, with nothing that a method
added, took out or bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Point:
    """An answer of an agent with its multipliers, in its own standard form.

    The Lagrangian is cost + μ'(Ax - b - Bθ) + ρ_up'(x - u) + ρ_low'(l - x).

    Attributes
    ----------
    columns : array of shape (n,)
        x.
    heard : array of shape (P,)
        θ.
    rows : array of shape (m,)
        μ, at least 0 for inequalities.
    lower, upper : array of shape (n,)
        ρ_low and ρ_up, at least 0, and 0 where there is no bound.
    """

    columns: Vector
    heard: Vector
    rows: Vector
    lower: Vector
    upper: Vector


def stationarity_residual(form: StandardForm, point: Point) -> float:
    """Return the greatest of |Qx + c + Cθ + A'μ + ρ_up - ρ_low|, relative to the greatest cost."""
    cost = form.cost_at(point.heard)
    slope = form.quadratic @ point.columns + cost + form.matrix.T @ point.rows
    return _greatest(slope + point.upper - point.lower) / max(1.0, _greatest(cost))


def complementarity_residual(form: StandardForm, point: Point) -> float:
    """Return the greatest of multiplier × slack, relative to the agent's own cost.

    A multiplier of the wrong sign counts relative to the greatest cost, a limit that is missed
    relative to the greatest right-hand side.
    """
    rhs = form.rhs_at(point.heard)
    slack = rhs - form.matrix @ point.columns
    equal, free = slack[: form.equal_rows], slack[form.equal_rows :]
    multipliers = [point.rows[form.equal_rows :], point.upper, point.lower]
    # Where there is no bound there must be no multiplier: it counts by its own size.
    slacks = [free, _room(form.upper - point.columns), _room(point.columns - form.lower)]
    products = np.concatenate([m * s for m, s in zip(multipliers, slacks, strict=True)])
    missed = np.concatenate([np.abs(equal), *(np.maximum(0.0, -s) for s in slacks)])
    wrong = np.maximum(0.0, -np.concatenate(multipliers))
    own = form.objective_at(point.columns, point.heard)
    return max(
        _greatest(products) / max(1.0, abs(own)),
        _greatest(wrong) / max(1.0, _greatest(form.cost_at(point.heard))),
        _greatest(missed) / max(1.0, _greatest(rhs)),
    )


def distance_of_point(
    form: StandardForm,
    point: Point,
    heard: Mapping[str, Vector],
    said: Mapping[str, Vector],
) -> float:
    """Return how far a point is from what is heard and said at the answer that it proves."""
    off = [_greatest(form.heard_vector(heard) - point.heard)]
    off += [
        _greatest(form.said[name].value(point.columns, point.heard) - value)
        for name, value in said.items()
    ]
    return max(off)


def _room(distance: Vector) -> Vector:
    return np.where(np.isfinite(distance), distance, 1.0)


def _greatest(values: Vector) -> float:
    return float(np.abs(values).max(initial=0.0))
