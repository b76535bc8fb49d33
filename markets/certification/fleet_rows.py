"""Rows and box of a fleet's members, as the certificate states them."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.forms.standard_form import StandardForm


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of a form for n members, and the box in which each one's columns lie.

    Attributes
    ----------
    matrix : sparse array of shape (m, columns)
    equal : int
        The first rows are equalities, all others are "at most".
    rhs : array of shape (n, m)
    lower, upper : array of shape (n, columns)
    """

    matrix: sparse.csr_array
    equal: int
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray


def members_rows(form: StandardForm, rhs: FloatArray) -> Rows:
    """Return rows and box of n members with right-hand sides of shape (n, rows).

    The rows stay as they were declared; one that names a single column says the same as a bound
    of it, and a bound proves more where its multiplier is not known.
    """
    entries = sparse.coo_array(form.matrix)
    nonzero = entries.data != 0
    row, column, value = entries.row[nonzero], entries.col[nonzero], entries.data[nonzero]
    alone = np.bincount(row, minlength=form.matrix.shape[0])[row] == 1
    row, column, value = row[alone], column[alone], value[alone]
    end = rhs[:, row] / value
    both = row < form.equal_rows
    lower, upper = (np.tile(side, (len(rhs), 1)).T for side in (form.lower, form.upper))
    above, below = both | (value > 0), both | (value < 0)
    np.minimum.at(upper, column[above], end[:, above].T)
    np.maximum.at(lower, column[below], end[:, below].T)
    # Ends that cross by a last digit are one.
    return Rows(form.matrix, form.equal_rows, rhs, np.minimum(lower, upper).T, upper.T)
