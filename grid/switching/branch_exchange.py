"""Branch exchange: close an open branch, open another of the loop that closes, keep the best."""

from typing import Any

import numpy as np
from numba import njit

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph

_ROWS_AT_ONCE = 20_000
# Better by less than this share is no better: two orders of adding up differ by as much.
_LEAST_GAIN = 1e-9


def descend(
    judge: Evaluator, graph: LoopGraph, starts: BoolArray
) -> tuple[BoolArray, FloatArray, int]:
    """Exchange from every start until no single exchange is better.

    Parameters
    ----------
    judge : Evaluator
        Scores all exchanges of all starts at once.
    graph : LoopGraph
        What may be switched.
    starts : array of bool (K, B)
        Radial configurations.

    Returns
    -------
    array of bool (K, B), array (K,), int
        Where each search ended, its score, and how many power flows were run.
    """
    here, scores = starts.copy(), judge.scores(starts)
    moving, flows = np.arange(len(starts)), len(starts)
    while len(moving):
        rows, of = neighbours(graph, here[moving])
        found = scores_of(judge, rows)
        flows += len(rows)
        best = [_least(found, of, k) for k in range(len(moving))]
        better = [
            at >= 0 and _beats(found[at], scores[k]) for at, k in zip(best, moving, strict=True)
        ]
        chosen = np.array(best)[better]
        moving = moving[better]
        here[moving], scores[moving] = rows[chosen], found[chosen]
    return here, scores, flows


def descend_by_pairs(
    judge: Evaluator, graph: LoopGraph, start: BoolArray
) -> tuple[BoolArray, float, int]:
    """Exchange from one configuration until no two exchanges in a row are better.

    Returns
    -------
    array of bool (B,), float, int
        Where the search ended, its score, and how many power flows were run.
    """
    ends, scores, flows = descend(judge, graph, start[None])
    here, score = ends[0], float(scores[0])
    while True:
        rows = pairs(graph, here)
        found = scores_of(judge, rows)
        flows += len(rows)
        if not _beats(found.min(), score):
            return here, score, flows
        ends, scores, more = descend(judge, graph, rows[[found.argmin()]])
        here, score, flows = ends[0], float(scores[0]), flows + more


def scores_of(judge: Evaluator, rows: BoolArray) -> FloatArray:
    """Score many rows, some at a time."""
    starts = range(0, len(rows), _ROWS_AT_ONCE)
    parts = [judge.scores(rows[start : start + _ROWS_AT_ONCE]) for start in starts]
    return np.concatenate([*parts, np.empty(0)])


def _beats(found: float, score: float) -> bool:
    return bool(found < score - _LEAST_GAIN * abs(score)) if np.isfinite(score) else found < score


def _least(found: FloatArray, of: IntArray, k: int) -> int:
    """Return which row of a start scores least, -1 where it has none."""
    rows = np.flatnonzero(of == k)
    return int(rows[found[rows].argmin()]) if len(rows) else -1


def neighbours(graph: LoopGraph, closed: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return all configurations one exchange away, and the row that each comes from.

    Parameters
    ----------
    closed : array of bool (K, B)
        Radial configurations.
    """
    switchable = np.flatnonzero(graph.switchable)
    pairs = _exchanges(graph.ends[switchable], graph.nodes, closed[:, switchable])
    rows = closed[pairs[:, 0]]
    at = np.arange(len(rows))
    rows[at, switchable[pairs[:, 1]]] = True
    rows[at, switchable[pairs[:, 2]]] = False
    return rows, pairs[:, 0]


def pairs(graph: LoopGraph, closed: BoolArray) -> BoolArray:
    """Return all configurations two exchanges away from one (B,), or one or none."""
    once, _ = neighbours(graph, closed[None])
    return np.unique(np.concatenate([closed[None], once, neighbours(graph, once)[0]]), axis=0)


@njit(cache=True)
def _exchanges(ends: Any, nodes: int, closed: Any) -> Any:
    """Return row, branch to close and branch to open of every exchange, (exchanges, 3)."""
    result = np.empty((1024, 3), np.int64)
    count = 0
    via, depth = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    for row in range(len(closed)):
        _hang(ends, closed[row], via, depth)
        for tie in range(len(ends)):
            if closed[row, tie] or ends[tie, 0] == ends[tie, 1]:
                continue
            one, other = ends[tie, 0], ends[tie, 1]
            while one != other:
                if depth[one] < depth[other]:
                    one, other = other, one
                if count == len(result):
                    result = np.concatenate((result, np.empty_like(result)))
                result[count, 0], result[count, 1], result[count, 2] = row, tie, via[one]
                count += 1
                up = via[one]
                one = ends[up, 0] + ends[up, 1] - one
    return result[:count]


@njit(cache=True)
def _hang(ends: Any, closed: Any, via: Any, depth: Any) -> None:
    """Note the branch towards the sources of every node, and how many there are on the way."""
    via[:], depth[:] = -1, -1
    depth[0] = 0
    grown = True
    while grown:
        grown = False
        for k in range(len(ends)):
            one, other = ends[k, 0], ends[k, 1]
            if closed[k] and (depth[one] < 0) != (depth[other] < 0):
                below = one if depth[one] < 0 else other
                via[below], depth[below] = k, depth[one] + depth[other] + 2
                grown = True
