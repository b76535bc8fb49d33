"""Linear and mixed-integer programs assembled from blocks of columns and rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.forms.highs_model import Assembled, HighsModel


class LinearProgram:
    """Minimise a linear cost over blocks of columns and rows."""

    def __init__(self) -> None:
        self._lower: list[FloatArray] = []
        self._upper: list[FloatArray] = []
        self._cost: list[FloatArray] = []
        self._integer: list[BoolArray] = []
        self._tighter: list[tuple[IntArray, FloatArray, FloatArray]] = []
        self._rows: list[sparse.coo_array] = []
        self._row_lower: list[FloatArray] = []
        self._row_upper: list[FloatArray] = []
        self.size = 0
        self.row_count = 0

    def add_columns(
        self,
        count: int,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
    ) -> IntArray:
        """Add columns and return their indices, shape (count,)."""
        for store, value, kind in (
            (self._lower, lower, float),
            (self._upper, upper, float),
            (self._cost, cost, float),
            (self._integer, integer, bool),
        ):
            store.append(np.broadcast_to(np.asarray(value, dtype=kind), (count,)).copy())
        self.size += count
        return np.arange(self.size - count, self.size)

    def tighten(self, columns: IntArray, lower: ArrayLike, upper: ArrayLike) -> None:
        """Tighten the bounds of some columns."""
        shape = (len(columns),)
        ends = [np.broadcast_to(np.asarray(end, dtype=float), shape) for end in (lower, upper)]
        self._tighter.append((columns, ends[0], ends[1]))

    def integer_columns(self) -> IntArray:
        """Return the indices of all integer columns."""
        return np.flatnonzero(np.concatenate([np.zeros(0, dtype=bool), *self._integer]))

    def add_rows(
        self,
        terms: Sequence[tuple[Any, IntArray]],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> IntArray:
        """Add rows lower ≤ Σ matrix @ columns ≤ upper and return their indices."""
        matrices = [sparse.coo_array(matrix) for matrix, _ in terms]
        count = matrices[0].shape[0]
        row = np.concatenate([matrix.row for matrix in matrices])
        column = np.concatenate([at[m.col] for m, (_, at) in zip(matrices, terms, strict=True)])
        data = np.concatenate([matrix.data for matrix in matrices])
        shape = (count, self.size)
        self._rows.append(sparse.coo_array((data, (row, column)), shape=shape))
        for store, value in ((self._row_lower, lower), (self._row_upper, upper)):
            store.append(np.broadcast_to(np.asarray(value, dtype=float), (count,)).copy())
        self.row_count += count
        return np.arange(self.row_count - count, self.row_count)

    def assembled(self, offset: float = 0.0) -> Assembled:
        """Return the program as one matrix and its vectors."""
        blocks = [self._padded(matrix) for matrix in self._rows]
        matrix = sparse.vstack(blocks) if blocks else sparse.csr_array((0, self.size))
        lower, upper = _joined(self._lower), _joined(self._upper)
        for columns, low, high in self._tighter:
            lower[columns] = np.maximum(lower[columns], low)
            upper[columns] = np.minimum(upper[columns], high)
        return Assembled(
            matrix=sparse.csr_array(matrix),
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            lower=lower,
            upper=upper,
            cost=_joined(self._cost),
            integer=np.concatenate([np.zeros(0, dtype=bool), *self._integer]),
            offset=offset,
        )

    def model(self, offset: float = 0.0, **options: Any) -> HighsModel:
        """Hand the program to a HiGHS model of its own."""
        return self.assembled(offset).model(**options)

    def _padded(self, matrix: sparse.coo_array) -> sparse.coo_array:
        shape = (matrix.shape[0], self.size)
        return sparse.coo_array((matrix.data, (matrix.row, matrix.col)), shape=shape)


def _joined(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate([np.zeros(0), *parts])
