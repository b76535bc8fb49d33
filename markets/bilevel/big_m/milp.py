"""The big-M MILP of a led game: a binary for every complementarity pair, derived constants."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.bilevel.big_m.pair_bounds import PairBounds
from equigrid.markets.bilevel.branching.incumbents import Incumbent, SearchResult, polished
from equigrid.markets.bilevel.branching.nodes import BINDING, NO_VALUE
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.bilevel.quadratic_cuts import tangents
from equigrid.markets.forms.highs_model import Assembled, Solution
from equigrid.markets.forms.search_limits import SearchLimits

# Times that a program with squares is solved again with more tangents.
_CUTS = 60
# What is left of a gap in absolute terms, in units of the program's own.
_ABSOLUTE = 1e-9
# How near a value has to be to that of the columns it is said of.
_SAME = 1e-6
# A tangent that HiGHS may miss by its usual 1e-6 would cut off the same answer for ever.
_EXACT = {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9}


def margins(stated: Mpcc, margin: float) -> FloatArray:
    """Return a least multiplier of every limit that binds, in the units of a program."""
    unit = 1.0 if stated.units is None else stated.units.columns[stated.pairs.multiplier]
    return np.asarray(np.broadcast_to(margin / unit, (stated.pairs.count,)))


class BigMMilp:
    """HiGHS' branch and bound, squares by tangents at its answers.

    Parameters
    ----------
    stated : Mpcc
    bounds : PairBounds
    gap : float
        Relative.
    margin : float
        Least multiplier of a limit that an answer rests on; where it is positive, every answer
        is a corner of what its follower may do.
    """

    def __init__(
        self,
        stated: Mpcc,
        bounds: PairBounds,
        gap: float,
        margin: float = 0.0,
    ) -> None:
        self._stated, self._bounds, self._gap = stated, bounds, gap
        self._margin = margins(stated, margin)
        self._whole, self._binaries = with_binaries(stated, bounds, self._margin)
        # Gaps are relative to what moves, so the constant of the game stays out.
        self._whole = replace(self._whole, offset=stated.moving_offset)
        self._model = self._whole.model()
        self._cancelled = False

    def run(
        self, node_limit: int, known: Incumbent | None = None, effort: SearchLimits | None = None
    ) -> SearchResult:
        """Solve from the beginning, with the best answer that is known.

        Parameters
        ----------
        node_limit : int
        known : Incumbent, optional
        effort : SearchLimits, optional
            What the search may spend beside that. Ctrl-C ends it like a limit, and it says so.
        """
        effort = effort or SearchLimits(node_limit)
        effort.on_interrupt(self.cancel)
        self._now = SearchResult(known, -np.inf, 0, "limit")
        try:
            self._search(node_limit, effort)
        except KeyboardInterrupt:
            effort.interrupt()
            self._now = replace(self._now, status="limit")
        return self._now

    def _search(self, node_limit: int, effort: SearchLimits) -> None:
        for _ in range(_CUTS):
            if self._cancelled or effort.over:
                self._now = replace(self._now, status="limit")
                break
            solution = self._solved(node_limit, effort, self._now.best)
            if self._is_stale(solution):
                # HiGHS may hand back the start in place of the better answer that it values.
                solution = self._solved(node_limit, effort, None)
            self._take(solution)
            if not solution.found or self._cancelled:
                break
            if self._closed():
                return
            if not self._cut(solution):
                break
        if self._now.best is not None and self._now.status == "optimal" and not self._closed():
            # Its last digits are not fine enough: what is left of the gap is said.
            self._now = replace(self._now, status="limit")

    def _take(self, solution: Solution) -> None:
        """Keep what a run has proven, and what it has found if that is better."""
        now, best = self._now, self._now.best
        better = self._answer(solution) if solution.found and not self._cancelled else None
        if better is not None and (best is None or better.value < best.value):
            best = better
        bound = max(now.bound, solution.bound - self._whole.offset)
        status = "limit" if self._cancelled else solution.status
        self._now = SearchResult(best, bound, now.nodes + solution.nodes, status)

    def _solved(self, node_limit: int, effort: SearchLimits, start: Incumbent | None) -> Solution:
        """Solve once, from an answer that is known."""
        self._begin(node_limit, effort, start)
        solution = self._model.solve()
        size = sum(self._whole.matrix.shape)
        effort.spend(solution.nodes, solution.iterations, size, cutting=True)
        return solution

    def _is_stale(self, solution: Solution) -> bool:
        """Whether the columns of an optimal answer are not worth what is said of them."""
        if self._cancelled or solution.status != "optimal":
            return False
        value = float(self._whole.cost @ solution.columns) + self._whole.offset
        return abs(value - solution.objective) > _SAME * max(1.0, abs(solution.objective))

    def _begin(self, node_limit: int, effort: SearchLimits, start: Incumbent | None) -> None:
        """Make a new model: an old one holds on to the bound it had before it was cut."""
        known = self._now.best
        absolute = _ABSOLUTE
        if known is not None:
            absolute = self._stated.allowed(known.columns, known.value, self._gap) / 2
        # Restarts of the root repeat heuristics that found all they could: twice the time.
        self._model = self._whole.model(
            mip_rel_gap=self._gap / 2,
            mip_abs_gap=absolute,
            mip_max_nodes=min(node_limit, effort.nodes_left(sum(self._whole.matrix.shape))),
            mip_allow_restart=False,
            **_EXACT,
            time_limit=effort.seconds_left,
        )
        if start is not None:
            self._model.begin_with(self._extended(start))

    def cancel(self) -> None:
        """Stop a run that goes on in another thread."""
        self._cancelled = True
        self._model.cancel()

    def _extended(self, known: Incumbent) -> FloatArray:
        chosen = known.states[self._bounds.open] == BINDING
        return np.concatenate([known.columns, chosen.astype(float)])

    def _answer(self, solution: Solution) -> Incumbent | None:
        """Solve once more with the binaries at whole numbers."""
        states = np.where(self._bounds.multiplier > 0, BINDING, NO_VALUE).astype(np.int8)
        chosen = np.round(solution.columns[self._binaries]) > 0
        states[self._bounds.open] = np.where(chosen, BINDING, NO_VALUE)
        columns = solution.columns[: len(self._stated.program.cost)]
        return polished(self._stated, states, columns, self._margin)

    def _closed(self) -> bool:
        best, stated = self._now.best, self._stated
        if best is None:
            return False
        return best.value - self._now.bound <= stated.allowed(best.columns, best.value, self._gap)

    def _cut(self, solution: Solution) -> bool:
        """Add tangents at an answer, and tell whether there were any to add."""
        n = len(self._stated.program.cost)
        near = 1e-9 * max(1.0, abs(solution.objective))
        cut = tangents(self._stated.squares, solution.columns[:n], near)
        if cut is None:
            return False
        wide = sparse.csr_array((len(cut[1]), len(solution.columns) - n))
        matrix = sparse.csr_array(sparse.hstack([cut[0], wide]))
        whole = self._whole
        self._whole = replace(
            whole,
            matrix=sparse.csr_array(sparse.vstack([whole.matrix, matrix])),
            row_lower=np.concatenate([whole.row_lower, np.full(len(cut[1]), -np.inf)]),
            row_upper=np.concatenate([whole.row_upper, cut[1]]),
        )
        return True


def with_binaries(
    stated: Mpcc, bounds: PairBounds, margin: FloatArray | float = 0.0
) -> tuple[Assembled, IntArray]:
    """Let of every pair one be zero; return the program and its new binary columns.

    Parameters
    ----------
    stated : Mpcc
    bounds : PairBounds
    margin : float or array of shape (P,)
        Least multiplier of a limit that an answer rests on.
    """
    program, pairs = stated.program, stated.pairs
    at = np.flatnonzero(bounds.open)
    count, n = len(at), len(program.cost)
    reach, most = bounds.slack[at], bounds.multiplier[at]
    multiplier = _rows_of(pairs.multiplier[at], n)
    slack, constant = _slacks(stated, at)
    # slack ≤ reach (1 - z), multiplier ≤ most z; with a margin, multiplier ≥ margin z and corners
    blocks = [
        sparse.hstack([slack, sparse.diags_array(reach)]),
        sparse.hstack([multiplier, sparse.diags_array(-most)]),
    ]
    highs = [reach - constant, np.zeros(count)]
    least = np.broadcast_to(margin, (pairs.count,))[at]
    if np.any(margin):
        blocks.append(sparse.hstack([-multiplier, sparse.diags_array(least)]))
        chosen, most_free = _corners(bounds, at)
        blocks.append(sparse.hstack([sparse.csr_array((chosen.shape[0], n)), -chosen]))
        highs += [np.zeros(count), most_free]
    wide = sparse.hstack([program.matrix, sparse.csr_array((program.matrix.shape[0], count))])
    upper = program.upper.copy()
    upper[pairs.multiplier] = np.minimum(upper[pairs.multiplier], bounds.multiplier)
    whole = replace(
        program,
        matrix=sparse.csr_array(sparse.vstack([wide, *blocks])),
        row_lower=np.concatenate([program.row_lower, np.full(sum(map(len, highs)), -np.inf)]),
        row_upper=np.concatenate([program.row_upper, *highs]),
        lower=np.concatenate([program.lower, np.zeros(count)]),
        upper=np.concatenate([upper, np.ones(count)]),
        cost=np.concatenate([program.cost, np.zeros(count)]),
        integer=np.concatenate([program.integer, np.ones(count, dtype=bool)]),
    )
    return whole, np.arange(n, n + count)


def _corners(bounds: PairBounds, at: IntArray) -> tuple[sparse.csr_array, FloatArray]:
    """Count, for each follower, the binaries that have to be 1 for its answer to be a corner."""
    followers = len(bounds.corner)
    ones, place = np.ones(len(at)), (bounds.owner[at], np.arange(len(at)))
    chosen = sparse.csr_array((ones, place), shape=(followers, len(at)))
    always = np.bincount(bounds.owner[np.isinf(bounds.multiplier)], minlength=followers)
    return chosen, always - bounds.corner


def _rows_of(columns: IntArray, n: int) -> sparse.csr_array:
    shape, ones = (len(columns), n), np.ones(len(columns))
    return sparse.csr_array((ones, (np.arange(len(columns)), columns)), shape=shape)


def _slacks(stated: Mpcc, at: IntArray) -> tuple[sparse.csr_array, FloatArray]:
    """Return matrix and constant of the slacks of some pairs: bound - Ax, or x - bound."""
    program, pairs = stated.program, stated.pairs
    by_row, upper = pairs.row[at] >= 0, pairs.upper[at]
    rows, columns = pairs.row[at], pairs.column[at]
    sign = np.where(upper, -1.0, 1.0)
    both = sparse.vstack([program.matrix, sparse.eye_array(len(program.cost), format="csr")])
    place = np.where(by_row, rows, program.matrix.shape[0] + columns)
    bound = np.where(upper, program.upper[columns], program.lower[columns])
    bound[by_row] = program.row_upper[rows[by_row]]
    matrix = sparse.diags_array(sign) @ sparse.csr_array(both)[place]
    return sparse.csr_array(matrix), -sign * bound
