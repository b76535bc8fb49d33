"""KKT residuals: stationarity and complementarity of an answer with multipliers.

The agent is taken in its own standard form: the whole declaration, with nothing that a method
added, took out or bounded.
"""

from collections.abc import Mapping

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.certification.money_moved import SHARE, columns_money, relative
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm

# A last digit of a cost, as a share of the figures that make it.
_DIGIT = 1e-9


def stationarity_residual(form: StandardForm, point: Point) -> float:
    """Return the greatest of |Qx + c + Cθ + A'μ + ρ_up - ρ_low|, relative to the greatest part."""
    return relative(greatest(sum(_slope_parts(form, point))), _dearest(form, point))


def complementarity_residual(form: StandardForm, point: Point) -> float:
    """Return the greatest of multiplier × slack, relative to the money that columns move.

    A multiplier of the wrong sign counts relative to the greatest cost, a limit that is missed
    relative to the greatest right-hand side, bound or column.
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
    dearest = _dearest(form, point)
    ends = [end[np.isfinite(end)] for end in (form.lower, form.upper)]
    size = max(greatest(part) for part in (rhs, point.columns, *ends))
    return max(
        relative(greatest(products), max(columns_money(form, point), SHARE * dearest * size)),
        relative(greatest(wrong), dearest),
        relative(greatest(missed), size),
    )


def _dearest(form: StandardForm, point: Point) -> float:
    """Greatest part of a slope, or a last digit of what costs cancel from where that is more."""
    stated = np.abs(form.cost) + abs(form.cost_of_heard) @ np.abs(point.heard)
    return max(*map(greatest, _slope_parts(form, point)), _DIGIT * greatest(stated))


def _slope_parts(form: StandardForm, point: Point) -> list[FloatArray]:
    """What the Lagrangian's slope in the columns is made of."""
    bent, by_rows = form.quadratic @ point.columns, form.matrix.T @ point.rows
    return [form.cost_at(point.heard), bent, by_rows, point.upper, -point.lower]


def distance_of_point(
    form: StandardForm,
    point: Point,
    heard: Mapping[str, FloatArray],
    said: Mapping[str, FloatArray],
    sizes: Mapping[str, float],
) -> float:
    """Return how far a point is from what is heard and said at the answer that it proves.

    Parameters
    ----------
    form : StandardForm
    point : Point
    heard, said : Mapping of str to array
        By name.
    sizes : Mapping of str to float
        Above 0: what each counts as a whole, by name.
    """
    off = [
        greatest(point.heard[form.heard[name]] - np.ravel(value, order="F")) / sizes[name]
        for name, value in heard.items()
    ]
    off += [
        greatest(form.said[name].value(point.columns, point.heard) - value) / sizes[name]
        for name, value in said.items()
    ]
    return max(off, default=0.0)


def _room(distance: FloatArray) -> FloatArray:
    return np.where(np.isfinite(distance), distance, 1.0)
