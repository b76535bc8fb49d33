"""Substitution: columns that equality rows define, or that are fixed, are taken out."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import EquigridError
from equigrid.markets.forms.cancellation import plus, plus_product
from equigrid.markets.forms.highs_model import Assembled

# How many parties can say again what they hear before it is taken for a circle.
_DEPTH = 50


class CircleError(EquigridError, ValueError):
    """Definitions that go round in a circle.

    Attributes
    ----------
    columns : indices
        Of the program, each defined by others of them.
    """

    def __init__(self, columns: IntArray) -> None:
        self.columns = columns
        super().__init__(columns)


@dataclass(frozen=True, eq=False)
class Substituted:
    """A program in fewer columns, and the way back.

    Attributes
    ----------
    program : Assembled
    column, row : array
        New place of each column and row of the program it came from, -1 for those taken out.
    restore : array of shape (N, n)
    shift : array of shape (N,)
        All N columns are restore @ x + shift.
    """

    program: Assembled
    column: IntArray
    row: IntArray
    restore: sparse.csr_array
    shift: FloatArray

    def then(self, further: "Substituted") -> "Substituted":
        """Join two steps into one."""
        return Substituted(
            further.program,
            _through(self.column, further.column),
            _through(self.row, further.row),
            sparse.csr_array(self.restore @ further.restore),
            np.asarray(self.restore @ further.shift + self.shift),
        )


def itself(program: Assembled) -> Substituted:
    """Return a program from which nothing was taken out."""
    m, n = program.matrix.shape
    return Substituted(
        program, np.arange(n), np.arange(m), sparse.eye_array(n, format="csr"), np.zeros(n)
    )


def _through(first: IntArray, second: IntArray) -> IntArray:
    return np.where(first >= 0, second[np.maximum(first, 0)], -1) if len(second) else first * 0 - 1


def without_fixed(program: Assembled) -> Substituted:
    """Put the values of fixed columns in."""
    fixed = program.lower == program.upper
    gone = np.flatnonzero(fixed)
    nothing = sparse.csr_array((len(gone), int((~fixed).sum())))
    return _substituted(program, gone, nothing, program.lower[gone], np.zeros(0, dtype=int))


def substitute(program: Assembled, columns: IntArray, rows: IntArray) -> Substituted:
    """Take out free columns, each defined by the equality row of the same place.

    Raises
    ------
    CircleError
        When the definitions go round in a circle.
    """
    pivots = np.array([program.matrix[r, c] for r, c in zip(rows, columns, strict=True)])
    scaled = sparse.diags_array(1.0 / pivots) @ program.matrix[rows]
    others = np.setdiff1d(np.arange(program.matrix.shape[1]), columns)
    one = sparse.eye_array(len(columns), format="csr")
    chain = one - scaled[:, columns]
    chain.eliminate_zeros()
    terms, shift = -scaled[:, others], program.row_upper[rows] / pivots
    part, moved = sparse.csr_array(terms), shift
    for _ in range(_DEPTH):
        if not chain.nnz:
            break
        part, moved = sparse.csr_array(chain @ part), chain @ moved
        if not (part.nnz or moved.any()):
            break
        # Parties that say again what they hear may take back what others say.
        terms, shift = plus_product(part, one, terms), plus(moved, one, shift)
    else:
        raise CircleError(columns[_circular(chain)])
    return _substituted(program, columns, sparse.csr_array(terms), shift, rows)


def _circular(chain: sparse.csr_array) -> BoolArray:
    """Definitions that lead back to themselves."""
    _, part = connected_components(chain, connection="strong")
    return np.asarray((np.bincount(part)[part] > 1) | (chain.diagonal() != 0.0))


def _substituted(
    program: Assembled, gone: IntArray, terms: sparse.csr_array, shift: FloatArray, rows: IntArray
) -> Substituted:
    """Replace columns by terms @ others + shift, and leave out the rows that said so."""
    n, m = program.matrix.shape[1], program.matrix.shape[0]
    kept, kept_rows = np.setdiff1d(np.arange(n), gone), np.setdiff1d(np.arange(m), rows)
    left = sparse.csc_array(program.matrix[kept_rows])
    # What cancels but for a digit would tie parts together that are separate, or be a cost.
    matrix = plus_product(left[:, kept], left[:, gone], terms)
    row_lower, row_upper = (
        plus(end[kept_rows], left[:, gone], -shift)
        for end in (program.row_lower, program.row_upper)
    )
    smaller = replace(
        program,
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        lower=program.lower[kept],
        upper=program.upper[kept],
        cost=plus(program.cost[kept], terms.T, program.cost[gone]),
        integer=program.integer[kept],
        offset=program.offset + float(program.cost[gone] @ shift),
    )
    column, row = np.full(n, -1), np.full(m, -1)
    column[kept], row[kept_rows] = np.arange(len(kept)), np.arange(len(kept_rows))
    eye = sparse.eye_array(n, format="csc")
    restore = sparse.csr_array(eye[:, kept] + eye[:, gone] @ terms)
    full = np.zeros(n)
    full[gone] = shift
    return Substituted(smaller, column, row, restore, full)
