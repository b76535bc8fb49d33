"""Presolve of a member: rows with one entry become bounds of a column."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.forms.standard_form import StandardForm

_EMPTY = 1e-9


@dataclass(frozen=True, eq=False)
class Rows:
    """What is left of a form's rows, and the columns' bounds for each of n members.

    Attributes
    ----------
    matrix : sparse array of shape (m, columns)
    equal : int
        The first rows are equalities, all others are "at most".
    rhs : array of shape (n, m)
    lower, upper : array of shape (n, columns)
    impossible : array of shape (n,)
        Whether bounds contradict each other or a row without entries cannot hold.
    kept : array of shape (m,)
        Which of the form's rows they are.
    """

    matrix: sparse.csr_array
    equal: int
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray
    impossible: BoolArray
    kept: IntArray


def rows_of(form: StandardForm, rhs: FloatArray) -> Rows:
    """Return the rows of a form with the right-hand sides of n members, shape (n, rows)."""
    matrix = sparse.csr_array(form.matrix, copy=True)
    matrix.eliminate_zeros()
    counts, equal = np.diff(matrix.indptr), np.arange(len(form.rhs)) < form.equal_rows
    lower, upper = (np.tile(end, (len(rhs), 1)) for end in (form.lower, form.upper))
    for row in np.flatnonzero(counts == 1):
        place = matrix.indptr[row]
        column, pivot = matrix.indices[place], matrix.data[place]
        end = rhs[:, row] / pivot
        if equal[row] or pivot > 0:
            upper[:, column] = np.minimum(upper[:, column], end)
        if equal[row] or pivot < 0:
            lower[:, column] = np.maximum(lower[:, column], end)
    missed = np.where(equal, np.abs(rhs), -rhs)[:, counts == 0]
    room = _EMPTY * np.maximum(1.0, np.abs(lower))
    crossed = np.any(lower > upper + room, axis=1)
    kept = np.flatnonzero(counts > 1)
    return Rows(
        sparse.csr_array(matrix[kept]),
        int(equal[kept].sum()),
        np.ascontiguousarray(rhs[:, kept]),
        np.minimum(lower, upper),
        upper,
        crossed | np.any(missed > _EMPTY, axis=1),
        kept,
    )
