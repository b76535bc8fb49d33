"""Big-M constants of a follower: proven bounds on slacks and dual multipliers, never guessed.

A multiplier μ_i of a row with slack s_i obeys μ_i s_i(y°) ≤ c(θ)'y° - v(θ) for every feasible
y°, by weak duality: Σ_k μ_k s_k(y°) is exactly what y° costs more than the optimum v(θ). That
excess is at most D(y°), a sum over columns of the worst product of a cost interval and a
distance interval. The ratio D(y°) / s_i(y°) is minimised exactly by one linear program a row
(Charnes-Cooper), so the bound holds for every signal θ in its box. Interval propagation through
stationarity then tightens the multipliers of column bounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.big_m.column_ranges import Box, column_box
from equigrid.markets.bilevel.big_m.excess_ratio import ratios
from equigrid.markets.bilevel.signals import activity
from equigrid.markets.forms.scaling import Figures, Units, ends
from equigrid.markets.forms.standard_form import StandardForm

Indices = NDArray[np.integer]
# Multipliers come from a solver with this accuracy, so the proven bound gets this much room.
_ROOM = 1e-6


@dataclass(frozen=True)
class MultiplierBounds:
    """What the inequalities of one follower can at most be.

    Attributes
    ----------
    row_slack, row_multiplier : array of shape (rows,)
        For every row; infinite multipliers belong to equalities and rows that always bind
        (slack 0), multiplier 0 to rows that never do.
    lower_multiplier, upper_multiplier : array of shape (n,)
        For the column bounds, 0 where there is none.
    box : Box
        Ranges that they were derived from.
    """

    row_slack: FloatArray
    row_multiplier: FloatArray
    lower_multiplier: FloatArray
    upper_multiplier: FloatArray
    box: Box

    def declared(self, units: Units) -> "MultiplierBounds":
        """Return the bounds in the units of the declaration."""
        return MultiplierBounds(
            self.row_slack * units.rows,
            self.row_multiplier * units.money / units.rows,
            self.lower_multiplier * units.money / units.columns,
            self.upper_multiplier * units.money / units.columns,
            self.box.declared(units),
        )


def derive_bounds(
    form: StandardForm,
    heard_lower: FloatArray,
    heard_upper: FloatArray,
    reach: tuple[FloatArray, FloatArray] | None = None,
    *,
    vertices: bool = True,
) -> MultiplierBounds:
    """Bound all slacks and multipliers of a follower over the box of what it hears.

    Parameters
    ----------
    form : StandardForm
        A linear follower.
    heard_lower, heard_upper : array of shape (P,)
        Box of θ; infinite entries are refused when they price something.
    reach : pair of arrays of shape (n,), optional
        What is known of the columns' ranges beyond their bounds.
    vertices : bool
        Whether multipliers at vertices of the dual will do: not where somebody hears a dual.

    Raises
    ------
    NoBoundError
        When a column of the follower, or a signal it hears, is unbounded, or when a limit that
        moves with a signal leaves no room at all at some value of it.
    NoAnswer
        When it has no feasible answer.
    """
    units = _own_units(form, heard_lower, heard_upper)
    known = None if reach is None else (reach[0] / units.columns, reach[1] / units.columns)
    own = form.measured(units)
    return _derived(own, heard_lower, heard_upper, known, vertices=vertices).declared(units)


def _own_units(form: StandardForm, heard_lower: FloatArray, heard_upper: FloatArray) -> Units:
    """Return units in which a follower's figures are nearest to 1, over all it may hear."""
    figures = Figures(form.matrix, np.ones(form.columns, dtype=bool))
    rhs = activity(form.rhs_of_heard, heard_lower, heard_upper)
    cost = activity(form.cost_of_heard, heard_lower, heard_upper)
    figures.add_rows(ends(form.rhs + rhs[0], form.rhs + rhs[1]))
    figures.add_columns(ends(form.lower, form.upper))
    figures.add_costs(ends(form.cost + cost[0], form.cost + cost[1]))
    figures.add_curvature(form.quadratic)
    return figures.units()


def _derived(
    form: StandardForm,
    heard_lower: FloatArray,
    heard_upper: FloatArray,
    reach: tuple[FloatArray, FloatArray] | None,
    *,
    vertices: bool,
) -> MultiplierBounds:
    box = column_box(form, heard_lower, heard_upper, reach)
    least, _ = activity(form.matrix, box.lower, box.upper)
    _, most = activity(form.matrix, box.lower, box.upper)
    slack = np.maximum(box.rhs_upper - least, 0.0)
    never = most < box.rhs_lower - _ROOM
    never[: form.equal_rows] = False
    rows, lower, upper = ratios(form, box, never, vertices=vertices)
    slack[np.isinf(rows)] = 0.0
    return _propagated(form, MultiplierBounds(slack, rows, lower, upper, box))


def _propagated(form: StandardForm, bounds: MultiplierBounds) -> MultiplierBounds:
    """Tighten the multipliers of column bounds through c + A'μ + ρ_up - ρ_low = 0."""
    low = np.where(np.arange(len(bounds.row_slack)) < form.equal_rows, -np.inf, 0.0)
    high = bounds.row_multiplier
    low, high = _equality_ranges(form, bounds, low, high)
    least, most = activity(sparse.csr_array(form.matrix.T), low, high)
    down = np.maximum(bounds.box.cost_upper + most, 0.0) + _ROOM
    up = np.maximum(-(bounds.box.cost_lower + least), 0.0) + _ROOM
    free = form.upper - form.lower <= 0
    return MultiplierBounds(
        bounds.row_slack,
        bounds.row_multiplier,
        np.where(free, bounds.lower_multiplier, np.minimum(bounds.lower_multiplier, down)),
        np.where(free, bounds.upper_multiplier, np.minimum(bounds.upper_multiplier, up)),
        bounds.box,
    )


def _equality_ranges(
    form: StandardForm, bounds: MultiplierBounds, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Intervals of equality multipliers from each column they price, a few rounds of it."""
    low, high = low.copy(), high.copy()
    by_column = sparse.csc_array(form.matrix)
    for _ in range(3):
        for column in range(form.columns):
            span = slice(by_column.indptr[column], by_column.indptr[column + 1])
            rows, values = by_column.indices[span], by_column.data[span]
            for row, value in zip(rows, values, strict=True):
                if row < form.equal_rows:
                    rest = rows != row
                    other = _others(form, bounds, column, rows[rest], values[rest], low, high)
                    ends = np.sort(-np.array(other) / value)
                    low[row], high[row] = max(low[row], ends[0]), min(high[row], ends[1])
    return low, high


def _others(
    form: StandardForm,
    bounds: MultiplierBounds,
    column: int,
    rows: Indices,
    values: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> tuple[float, float]:
    """Interval of everything in a column's stationarity but one multiplier."""
    at_low = np.where(values > 0, low[rows], high[rows]) * values
    at_high = np.where(values > 0, high[rows], low[rows]) * values
    least = bounds.box.cost_lower[column] - bounds.lower_multiplier[column] + at_low.sum()
    most = bounds.box.cost_upper[column] + bounds.upper_multiplier[column] + at_high.sum()
    return float(least), float(most)
