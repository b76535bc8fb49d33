"""Connected components of an MPCC, each of which can be solved by itself.

They share no column and no pair. What ties them together, if anything, is rest without pairs, the
master, in which each appears only by one linear cost that may only be *at most* something: an
expectation, or the worst case over an ambiguity set. The master's value then does not fall when the
cost of a component rises. So the least cost of each component is best whatever the master weighs it
by, and the bounds of the components, put into the master, bound the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.complementarity_pairs import Pairs
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.bilevel.substitution import itself
from equigrid.markets.forms.connected_components import components_of_pairs
from equigrid.markets.forms.highs_model import Assembled, Solution
from equigrid.markets.forms.scaled_solve import solved_in_own_units

_SAME = 1e-9
_DECIMALS = 10


@dataclass(frozen=True, eq=False)
class Component:
    """One component with its cost as a program of its own.

    Attributes
    ----------
    stated : Mpcc
        Its objective is the cost by which the master knows the component.
    columns, pairs : indices
        In the whole program.
    shares : array of shape (m + 1,)
        Coefficient of the cost in each row of the whole program, and in its objective.
    """

    stated: Mpcc
    columns: IntArray
    pairs: IntArray
    shares: FloatArray

    def digest(self, gap: float) -> str:
        """Return what tells the component, to be settled to a gap, from every other.

        Figures count to ten decimals: the last digits depend on how the whole was put together.
        """
        program, pairs = self.stated.program, self.stated.pairs
        matrix = sparse.csr_array(program.matrix)
        figures = (
            *(matrix.data, program.row_lower, program.row_upper),
            *(program.lower, program.upper, program.cost, np.array([gap, program.offset])),
        )
        places = (
            *(matrix.indices, matrix.indptr, program.integer, self.stated.limits),
            *(pairs.row, pairs.column, pairs.upper, pairs.multiplier),
        )
        parts = [*(np.round(part, _DECIMALS) + 0.0 for part in figures), *places]
        return hashlib.sha256(b"|".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True, eq=False)
class Components:
    """All components of a game and the master that ties them.

    Attributes
    ----------
    each : sequence of Component
    master : Assembled
        Over the columns of no component, with one more column for the cost of each component.
    rest : indices
        Columns of the master in the whole program.
    """

    each: Sequence[Component]
    master: Assembled
    rest: IntArray

    def weigh(self, costs: FloatArray) -> Solution:
        """Solve the master at costs of the components; its first columns are ``rest``."""
        lower, upper = self.master.lower.copy(), self.master.upper.copy()
        lower[len(self.rest) :] = costs
        # A cost that is known to be at least minus infinity is not known.
        upper[len(self.rest) :] = np.where(np.isfinite(costs), costs, np.inf)
        return solved_in_own_units(replace(self.master, lower=lower, upper=upper))


def components_of(stated: Mpcc) -> Components | None:
    """Split a game into at least two components, None where it is one.

    Parameters
    ----------
    stated : Mpcc
    """
    if stated.squares.epigraph.size:
        return None
    nothing = np.zeros(len(stated.program.cost), dtype=bool)
    for tying in (nothing, stated.program.cost != 0):
        result = _split(stated, tying)
        if result is not None:
            return result
    return None


def _split(stated: Mpcc, tying: BoolArray) -> Components | None:
    """Split where the tying columns, and the rows that they enter, are left out."""
    program, pairs = stated.program, stated.pairs
    open_rows = abs(program.matrix)[:, np.flatnonzero(tying)].sum(axis=1) > 0
    column_of, row_of = _numbers(stated, tying, open_rows)
    numbers = np.unique(column_of[pairs.multiplier])
    home = np.where(pairs.row >= 0, row_of[pairs.row], column_of[pairs.column])
    # A limit that what ties enters is no component's own.
    if len(numbers) < 2 or (home != column_of[pairs.multiplier]).any() or (home < 0).any():
        return None
    cut = [_component(stated, column_of == k, row_of == k) for k in numbers]
    components = [component for component in cut if component is not None]
    rest = np.flatnonzero(~np.isin(column_of, numbers))
    if len(components) < len(cut) or program.integer[rest].any():
        return None
    return Components(
        components, _master(program, components, rest, ~np.isin(row_of, numbers)), rest
    )


def _numbers(stated: Mpcc, tying: BoolArray, open_rows: BoolArray) -> tuple[IntArray, IntArray]:
    """Number of the component that each column and each row belongs to; -1 for what ties."""
    program, pairs = stated.program, stated.pairs
    m, n = program.matrix.shape
    entries = sparse.coo_array(program.matrix)
    kept = ~tying[entries.col] & ~open_rows[entries.row]
    limit = np.where(pairs.row >= 0, n + pairs.row, pairs.column)
    number = components_of_pairs(
        n + m,
        np.concatenate([entries.col[kept], pairs.multiplier]),
        np.concatenate([n + entries.row[kept], limit]),
    )
    return np.where(tying, -1, number[:n]), np.where(open_rows, -1, number[n:])


def _component(stated: Mpcc, columns: BoolArray, rows: BoolArray) -> Component | None:
    """Cut one component out; None where more than one cost of it matters, or it may not rise."""
    program = stated.program
    at, own = np.flatnonzero(columns), np.flatnonzero(rows)
    shared = sparse.vstack([program.matrix[:, at], sparse.csr_array(program.cost[None, at])])
    shared = sparse.csr_array(shared)
    shared.eliminate_zeros()
    outside = np.append(~rows, True)
    tied = np.flatnonzero(outside & (np.diff(shared.indptr) > 0))
    cost, shares = _one_cost(program, shared, tied)
    if cost is None or not _only_at_most(program, shares):
        return None
    small = Assembled(
        matrix=sparse.csr_array(program.matrix[own][:, at]),
        row_lower=program.row_lower[own],
        row_upper=program.row_upper[own],
        lower=program.lower[at],
        upper=program.upper[at],
        cost=cost,
        integer=program.integer[at],
    )
    pairs = np.flatnonzero(columns[stated.pairs.multiplier])
    place, row_place = _places(columns), _places(rows)
    return Component(
        replace(
            stated,
            program=small,
            pairs=_moved(stated.pairs, pairs, place, row_place),
            squares=replace(stated.squares, factor=sparse.csr_array((0, len(at)))),
            limits=row_place[stated.limits[rows[stated.limits]]],
            whole=itself(small),
            money=None,
        ),
        at,
        pairs,
        shares,
    )


def _one_cost(
    program: Assembled, shared: sparse.csr_array, tied: IntArray
) -> tuple[FloatArray | None, FloatArray]:
    """Return the one cost that all tying rows are multiples of, and how many times each is."""
    shares = np.zeros(shared.shape[0])
    if not tied.size:
        return np.zeros(shared.shape[1]), shares
    table = shared[tied].toarray()
    # The objective, if it is among them, comes last; a row that is "at least" turns the sign.
    turned = tied[-1] < len(shares) - 1 and np.isfinite(program.row_lower[tied[-1]])
    cost = -table[-1] if turned else table[-1]
    pivot = int(np.argmax(np.abs(cost)))
    shares[tied] = table[:, pivot] / cost[pivot]
    same = np.abs(table - np.outer(shares[tied], cost)).max() <= _SAME * np.abs(table).max()
    return (cost if same else None), shares


def _only_at_most(program: Assembled, shares: FloatArray) -> bool:
    """Whether a rise of the cost tightens every row that it enters, and never the other way."""
    share, last = shares[:-1], shares[-1]
    rising = (share > 0) & np.isneginf(program.row_lower)
    falling = (share < 0) & np.isposinf(program.row_upper)
    return bool((rising | falling | (share == 0)).all() and last >= 0)


def _moved(pairs: Pairs, kept: IntArray, place: IntArray, row_place: IntArray) -> Pairs:
    row, column = pairs.row[kept], pairs.column[kept]
    return Pairs(
        row=np.where(row >= 0, row_place[row], -1),
        column=np.where(column >= 0, place[column], -1),
        upper=pairs.upper[kept],
        multiplier=place[pairs.multiplier[kept]],
    )


def _places(kept: BoolArray) -> IntArray:
    return np.where(kept, np.cumsum(kept) - 1, -1)


def _master(
    program: Assembled, components: Sequence[Component], rest: IntArray, rows: BoolArray
) -> Assembled:
    shares = np.array([component.shares for component in components]).T
    kept = np.flatnonzero(rows)
    open_ = np.full(len(components), np.inf)
    return Assembled(
        matrix=sparse.csr_array(
            sparse.hstack([program.matrix[kept][:, rest], sparse.csr_array(shares[:-1][kept])])
        ),
        row_lower=program.row_lower[kept],
        row_upper=program.row_upper[kept],
        lower=np.append(program.lower[rest], -open_),
        upper=np.append(program.upper[rest], open_),
        cost=np.append(program.cost[rest], shares[-1]),
        integer=np.zeros(len(rest) + len(components), dtype=bool),
    )
