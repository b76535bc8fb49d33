"""Follower presolve: definitions are substituted before KKT conditions are stated.

A free column that stands in one equality only is defined by that row: both leave, and what was
said of the column is said of the others. A balance whose exchange is unbounded in effect then
disappears, and the devices behind it fall apart into independent blocks.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.signals import activity
from equigrid.markets.forms.cancellation import cleared, plus, plus_product
from equigrid.markets.forms.standard_form import Affine, StandardForm

_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Multipliers of the rows of a form and of its columns' bounds."""

    rows: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Step:
    """Columns taken out of a form, each with the row that defines it."""

    form: StandardForm
    rows: IntArray
    columns: IntArray

    def undone(
        self, columns: FloatArray, heard: FloatArray, small: Multipliers
    ) -> tuple[FloatArray, Multipliers]:
        """Return columns and multipliers of the form from those of the smaller one.

        A column that is taken out stands in its row alone, and that row keeps it within its
        bounds, whose multipliers are 0. So its own stationarity says what the row's multiplier is.
        """
        form, x = self.form, np.zeros(self.form.columns)
        kept = np.setdiff1d(np.arange(form.columns), self.columns)
        kept_rows = np.setdiff1d(np.arange(len(form.rhs)), self.rows)
        pivots = np.asarray(form.matrix[self.rows, self.columns]).ravel()
        x[kept] = columns
        x[self.columns] = (form.rhs_at(heard) - form.matrix @ x)[self.rows] / pivots
        slope = form.cost_at(heard) + form.quadratic @ x
        full = Multipliers(np.zeros(len(form.rhs)), np.zeros(len(x)), np.zeros(len(x)))
        full.rows[kept_rows], full.rows[self.rows] = small.rows, -slope[self.columns] / pivots
        full.lower[kept], full.upper[kept] = small.lower, small.upper
        return x, full


@dataclass(frozen=True, eq=False)
class Reduced:
    """A smaller form with the same optima, and the way back.

    Attributes
    ----------
    form : StandardForm
        Without the defined columns.
    restore : Affine
        All original columns as a map of the remaining ones and θ.
    steps : tuple of Step
        How it became so small, in order.
    """

    form: StandardForm
    restore: Affine
    steps: tuple[Step, ...] = ()

    def restored_multipliers(
        self, columns: FloatArray, heard: FloatArray, multipliers: Multipliers
    ) -> Multipliers:
        """Return multipliers of all original rows and bounds.

        Parameters
        ----------
        columns : array of shape (n,)
            The remaining ones.
        heard : array of shape (P,)
        multipliers : Multipliers
            Of the smaller form.
        """
        for step in reversed(self.steps):
            columns, multipliers = step.undone(columns, heard, multipliers)
        return multipliers


def reduce_form(form: StandardForm, heard_lower: FloatArray, heard_upper: FloatArray) -> Reduced:
    """Take out all columns that an equality row defines.

    Parameters
    ----------
    form : StandardForm
        A linear form.
    heard_lower, heard_upper : array of shape (P,)
        Box in which the heard values lie; only signals in right-hand sides matter.
    """
    n, p = form.columns, form.heard_size
    identity = Affine(
        sparse.eye_array(n, format="csr"), sparse.csr_array((n, p)), np.zeros(n), (n,)
    )
    reduced = Reduced(form, identity)
    while True:
        rows, columns = _definitions(reduced.form, heard_lower, heard_upper)
        if not rows.size:
            return reduced
        reduced = _substitute(reduced, rows, columns)


def _definitions(
    form: StandardForm, heard_lower: FloatArray, heard_upper: FloatArray
) -> tuple[IntArray, IntArray]:
    """Pair equality rows with the column each defines, one column a row."""
    by_column = sparse.csc_array(form.matrix)
    single = np.flatnonzero(np.diff(by_column.indptr) == 1)
    rows, pivots = (
        by_column.indices[by_column.indptr[single]],
        by_column.data[by_column.indptr[single]],
    )
    allowed = (rows < form.equal_rows) & ~form.integer[single] & _separable(form, single, rows)
    allowed &= _one_curved_column(form, single, rows)
    single, rows, pivots = single[allowed], rows[allowed], pivots[allowed]
    keep = (
        np.array(
            [
                _implied(form, r, c, a, heard_lower, heard_upper)
                for r, c, a in zip(rows, single, pivots, strict=True)
            ],
            dtype=bool,
        )
        if single.size
        else np.zeros(0, dtype=bool)
    )
    single, rows = single[keep], rows[keep]
    rows, first = np.unique(rows, return_index=True)
    return rows, single[first]


def _separable(form: StandardForm, columns: IntArray, rows: IntArray) -> BoolArray:
    """Heard costs times heard right-hand sides would not be affine any more."""
    priced = np.diff(form.cost_of_heard.indptr)[columns] > 0
    curved = np.diff(form.quadratic.indptr)[columns] > 0
    moved = np.diff(form.rhs_of_heard.indptr)[rows] > 0
    return np.asarray(~((priced | curved) & moved))


def _one_curved_column(form: StandardForm, columns: IntArray, rows: IntArray) -> BoolArray:
    """A curved column stays where its definition would spread the curvature over many."""
    curved = np.diff(form.quadratic.indptr)[columns] > 0
    others = np.diff(form.matrix.indptr)[rows] - 1
    return np.asarray(~curved | (others <= 1))


def _implied(
    form: StandardForm, row: int, column: int, pivot: float, low: FloatArray, high: FloatArray
) -> bool:
    """Whether the row keeps the column within its bounds by itself."""
    if np.isinf(form.lower[column]) and np.isinf(form.upper[column]):
        return True
    others = form.matrix[[row]].copy()
    others.data[others.indices == column] = 0.0
    others.eliminate_zeros()
    least, most = activity(others, form.lower, form.upper)
    b_low, b_high = activity(form.rhs_of_heard[[row]], low, high)
    ends = np.array([form.rhs[row] + b_low - most, form.rhs[row] + b_high - least]).ravel() / pivot
    # Where a signal ends at the bound, the bound has a say in the dual of that signal.
    near = np.array([*ends, form.lower[column], form.upper[column]])
    slack = _SLACK * float(np.abs(near[np.isfinite(near)]).max(initial=0.0))
    room = slack if form.rhs_of_heard[[row]].nnz else -slack
    return bool(ends.min() >= form.lower[column] + room and ends.max() <= form.upper[column] - room)


def _substitute(reduced: Reduced, rows: IntArray, columns: IntArray) -> Reduced:
    """Replace each column by what its row says of it."""
    form = reduced.form
    kept = np.setdiff1d(np.arange(form.columns), columns)
    kept_rows = np.setdiff1d(np.arange(form.matrix.shape[0]), rows)
    inverse = sparse.diags_array(1.0 / form.matrix[rows, columns].ravel(), format="csr")
    defined = Affine(
        of_columns=sparse.csr_array(-inverse @ form.matrix[rows][:, kept]),
        of_heard=sparse.csr_array(inverse @ form.rhs_of_heard[rows]),
        constant=np.asarray(inverse @ form.rhs[rows]),
        shape=(len(rows),),
    )
    passed = defined.of_columns.T
    quadratic, bent, lifted = _curvature(form, kept, columns, defined)
    straight = plus(form.cost[kept], passed, form.cost[columns])
    smaller = replace(
        form,
        quadratic=sparse.csr_array(quadratic),
        cost=cleared(straight + bent, np.abs(straight) + np.abs(bent)),
        cost_of_heard=plus_product(form.cost_of_heard[kept], passed, form.cost_of_heard[columns]),
        offset=form.offset + float(form.cost[columns] @ defined.constant) + lifted,
        offset_of_heard=form.offset_of_heard
        + defined.of_heard.T @ form.cost[columns]
        + form.cost_of_heard[columns].T @ defined.constant,
        matrix=form.matrix[kept_rows][:, kept],
        rhs=form.rhs[kept_rows],
        rhs_of_heard=form.rhs_of_heard[kept_rows],
        equal_rows=form.equal_rows - len(rows),
        lower=form.lower[kept],
        upper=form.upper[kept],
        integer=form.integer[kept],
        said={name: _rewrite(said, kept, columns, defined) for name, said in form.said.items()},
    )
    taken = Step(form, rows, columns)
    restore = _rewrite(reduced.restore, kept, columns, defined)
    return Reduced(smaller, restore, (*reduced.steps, taken))


def _curvature(
    form: StandardForm, kept: IntArray, columns: IntArray, defined: Affine
) -> tuple[sparse.csr_array, FloatArray, float]:
    """Write ½x'Qx in the kept columns y: with x = Ty + t, it is ½y'T'QTy + (T'Qt)'y + ½t'Qt.

    A defined column that is curved does not move with θ, so t is a constant.
    """
    eye = sparse.eye_array(form.columns, format="csc")
    spread = eye[:, kept] + eye[:, columns] @ defined.of_columns
    shift = eye[:, columns] @ defined.constant
    bent = form.quadratic @ shift
    return spread.T @ form.quadratic @ spread, spread.T @ bent, float(shift @ bent) / 2


def _rewrite(said: Affine, kept: IntArray, columns: IntArray, defined: Affine) -> Affine:
    """State a map of all columns as a map of the kept ones."""
    gone = said.of_columns[:, columns]
    return Affine(
        of_columns=plus_product(said.of_columns[:, kept], gone, defined.of_columns),
        of_heard=plus_product(said.of_heard, gone, defined.of_heard),
        constant=plus(said.constant, gone, defined.constant),
        shape=said.shape,
    )
