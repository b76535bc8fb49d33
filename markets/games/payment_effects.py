"""Sensitivity of an agent's optimal cost to money that it hears, rows included.

Money may enter an objective itself or through rows, as the worst of several incomes does. Where
columns can move so that every row moves with the money and nothing else does, the optimal cost
moves by what that costs, whatever else the agent hears: the proof is one system of equations.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.linalg import lsqr

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.forms.standard_form import StandardForm

# Rows of whole programs are met to this, relative to their greatest entry.
_MET = 1e-8
# Above so many entries a system of equations is solved step by step.
_DENSE = 4_000_000


def total_effect(form: StandardForm, where: slice) -> float | None:
    """Return by how much the optimal cost grows per unit more of every entry of a heard value.

    Parameters
    ----------
    form : StandardForm
    where : slice
        Of the heard value in θ.

    Returns
    -------
    float or None
        The same for all that the agent may hear, wherever it has an answer; None where that
        could not be shown.
    """
    direct = float(form.offset_of_heard[where].sum())
    if sparse.csc_array(form.cost_of_heard)[:, where].nnz:
        return None  # it multiplies decisions
    by_heard = sparse.csr_array(form.rhs_of_heard[:, where])
    if not by_heard.nnz:
        return direct
    rows = _rows_that_matter(form)
    touched = rows & (np.diff(by_heard.indptr) > 0)
    if not touched.any():
        return direct
    moved = np.asarray(by_heard.sum(axis=1)).ravel()
    through = _translation(form, rows, touched, moved)
    return None if through is None else direct + through


def never_helps(form: StandardForm, where: slice, sign: float) -> bool:
    """Whether more of no single entry of a heard value lowers sign × the optimal cost."""
    if (sign * form.offset_of_heard[where] < -_MET).any():
        return False
    moved = sparse.csr_array(form.rhs_of_heard[:, where])
    if not moved.nnz:
        return True
    rows = _rows_that_matter(form)
    equal = np.arange(len(form.rhs)) < form.equal_rows
    tightens = np.where(equal[:, None], np.abs(moved.toarray()), sign * moved.toarray())
    if (tightens[rows] <= _MET).all():
        return True
    return all(
        _is_no_gain(form, rows, -sign * moved[:, [k]].toarray().ravel(), entry)
        for k, entry in enumerate(sign * form.offset_of_heard[where])
    )


def _is_no_gain(form: StandardForm, rows: BoolArray, moved: FloatArray, direct: float) -> bool:
    """Whether columns can follow rows that move, at no more than what was saved directly.

    Less of what costs, or more of what is gained, may then never make the optimum dearer.
    """
    equal = np.flatnonzero(rows[: form.equal_rows])
    other = form.equal_rows + np.flatnonzero(rows[form.equal_rows :])
    still = form.integer | _curved(form)
    lower = np.where(np.isfinite(form.lower) | still, 0.0, -np.inf)
    upper = np.where(np.isfinite(form.upper) | still, 0.0, np.inf)
    solution = linprog(
        form.cost,
        A_ub=form.matrix[other] if other.size else None,
        b_ub=moved[other] if other.size else None,
        A_eq=form.matrix[equal] if equal.size else None,
        b_eq=moved[equal] if equal.size else None,
        bounds=np.column_stack([lower, upper]),
    )
    return bool(solution.status == 0 and solution.fun - direct <= _MET)


def _curved(form: StandardForm) -> BoolArray:
    """Columns whose cost is not the same for all that is heard and decided."""
    heard = np.diff(sparse.csr_array(form.cost_of_heard).indptr) > 0
    return np.asarray(heard | (np.diff(sparse.csr_array(form.quadratic).indptr) > 0))


def _rows_that_matter(form: StandardForm) -> BoolArray:
    """Rows that may bind: not those without columns, nor those that a cost drives away from.

    They say only where there is an answer, and that alone moves no optimum.
    """
    rows: BoolArray = np.diff(sparse.csr_array(form.matrix).indptr) > 0
    entries = sparse.coo_array(form.matrix)
    row, column = entries.coords
    away = _alone(form)[column] & (entries.data * form.cost[column] > 0)
    rows[row[away & (row >= form.equal_rows)]] = False
    return rows


def _alone(form: StandardForm) -> BoolArray:
    """Columns that share no row and no curvature with another."""
    matrix = sparse.csr_array(form.matrix)
    shared = np.repeat(np.diff(matrix.indptr) > 1, np.diff(matrix.indptr))
    alone = np.ones(form.columns, dtype=bool)
    alone[matrix.indices[shared]] = False
    return np.asarray(alone & ~_curved(form) & ~form.integer)


def _free(form: StandardForm) -> BoolArray:
    """Columns that may move both ways without end, as far as their cost could drive them."""
    below, above = np.isfinite(form.lower), np.isfinite(form.upper)
    # A lone column is driven one way: the bound on its other side never binds.
    lone = _alone(form)
    below &= ~(lone & (form.cost < 0))
    above &= ~(lone & (form.cost > 0))
    return np.asarray(~(below | above | form.integer | _curved(form)))


def _translation(
    form: StandardForm, rows: BoolArray, touched: BoolArray, moved: FloatArray
) -> float | None:
    """Return what it costs to move free columns so that rows move as given and no other does."""
    columns, reached = _reached(form, rows, touched)
    if not columns.size:
        return None
    part = sparse.csr_array(form.matrix[reached][:, columns])
    wanted = moved[reached]
    if part.shape[0] * part.shape[1] <= _DENSE:
        step = np.linalg.lstsq(part.toarray(), wanted, rcond=None)[0]
    else:
        step = lsqr(part, wanted, atol=1e-13, btol=1e-13, iter_lim=20_000)[0]
    off = float(np.abs(part @ step - wanted).max())
    if off > _MET * max(1.0, float(np.abs(wanted).max())):
        return None
    return float(form.cost[columns] @ step)


def _reached(form: StandardForm, rows: BoolArray, touched: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the free columns that are tied to the touched rows, and all rows they stand in."""
    used = sparse.csr_array(form.matrix[:, np.flatnonzero(_free(form))]).astype(bool)
    columns = np.zeros(used.shape[1], dtype=bool)
    reached = touched.copy()
    while True:
        more = np.asarray(used[reached].sum(axis=0) > 0).ravel()
        if not (more & ~columns).any():
            break
        columns |= more
        reached |= rows & (np.asarray(used[:, np.flatnonzero(columns)].sum(axis=1)).ravel() > 0)
    return np.flatnonzero(_free(form))[columns], np.flatnonzero(reached)
