"""Points: answers with their dual multipliers, as engines hand them over to be checked."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.forms.standard_form import StandardForm


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

    columns: FloatArray
    heard: FloatArray
    rows: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class FleetPoint:
    """What all members of a fleet do, with multipliers of their rows.

    Attributes
    ----------
    columns : array of shape (n, columns)
    rows : array of shape (n, m)
        Multipliers of all rows of a member's form, 0 where a row is taken for a bound.
    """

    columns: FloatArray
    rows: FloatArray


def with_bound_multipliers(
    form: StandardForm, columns: FloatArray, heard: FloatArray, rows: FloatArray
) -> Point:
    """Return a point whose bounds' multipliers are what costs and rows leave of each column."""
    slope = form.cost_at(heard) + form.quadratic @ columns
    slope = slope + (form.matrix.T @ rows if len(rows) else 0.0)
    # Where there is no bound on that side, what is left stays unbalanced.
    lower = np.where(np.isfinite(form.lower), np.maximum(slope, 0.0), 0.0)
    upper = np.where(np.isfinite(form.upper), np.maximum(-slope, 0.0), 0.0)
    return Point(columns, heard, rows, lower, upper)
