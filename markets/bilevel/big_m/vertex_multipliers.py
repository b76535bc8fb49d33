"""Dual multipliers at vertices of a small dual polyhedron: all bases, one by one.

Every optimal answer has an optimal dual that is a vertex, supported on independent limits. So the
multipliers of a part with few limits are bounded by those of its bases, whatever its right-hand
side; this covers parts without room in some signal, of which weak duality says nothing.
"""

from collections.abc import Iterator
from itertools import combinations, islice
from math import comb

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.big_m.column_ranges import Box
from equigrid.markets.forms.standard_form import StandardForm

_MOST = 50_000
_CHUNK = 4096
_SINGULAR = 1e-9
_ROOM = 1e-6


def vertex_multipliers(
    form: StandardForm, box: Box, rows: IntArray, columns: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Bound the multipliers of one independent part, or None where it has too many bases.

    Returns
    -------
    rows, upper, lower : array
        For the given rows, and for the upper and lower bounds of the given columns.
    """
    eye = np.eye(len(columns))
    upper = np.flatnonzero(np.isfinite(form.upper[columns]))
    lower = np.flatnonzero(np.isfinite(form.lower[columns]))
    part = sparse.csr_array(form.matrix[rows][:, columns]).toarray()
    gradients = np.vstack([part, eye[upper], -eye[lower]])
    size = np.linalg.matrix_rank(gradients) if gradients.size else 0
    if comb(len(gradients), int(size)) > _MOST:
        return None
    free = np.arange(len(gradients)) < int((rows < form.equal_rows).sum())
    most = np.zeros(len(gradients))
    ends = box.cost_lower[columns], box.cost_upper[columns]
    for chosen in _bases(len(gradients), int(size)):
        _raise_to(most, chosen, gradients, ends, free)
    most = most + _ROOM * (1.0 + most)
    bounds = np.zeros((2, len(columns)))
    bounds[0, upper] = most[len(rows) : len(rows) + len(upper)]
    bounds[1, lower] = most[len(rows) + len(upper) :]
    return most[: len(rows)], bounds[0], bounds[1]


def _bases(count: int, size: int) -> Iterator[IntArray]:
    """Subsets of limits, some thousands at a time, shape (k, size)."""
    subsets = combinations(range(count), size)
    while chunk := list(islice(subsets, _CHUNK)):
        yield np.array(chunk, dtype=int).reshape(len(chunk), size)


def _raise_to(
    most: FloatArray,
    chosen: IntArray,
    gradients: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    free: BoolArray,
) -> None:
    """Raise bounds to what the multipliers -M⁺ᵀ(cost) of some bases can be over all costs."""
    spans = gradients[chosen].transpose(0, 2, 1)
    spread = np.linalg.svd(spans, compute_uv=False)
    regular = spread[:, -1] > _SINGULAR * spread[:, 0] if chosen.shape[1] else spread[:, :0].any(1)
    chosen, inverse = chosen[regular], -np.linalg.pinv(spans[regular])
    up, down = np.maximum(inverse, 0.0), np.minimum(inverse, 0.0)
    high = up @ ends[1] + down @ ends[0]
    possible = (free[chosen] | (high >= -_ROOM)).all(axis=1)
    np.maximum.at(most, chosen[possible].ravel(), high[possible].ravel())
