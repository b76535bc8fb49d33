"""Branch exchange: close an open branch, open another of the loop that closes, keep the best."""

import numpy as np
from numba import njit

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph

_ROWS_AT_ONCE = 20_000
# Better by less than this share is no better: two orders of adding up differ by as much.
_LEAST_GAIN = 1e-9


def descend(
    evaluator: Evaluator, graph: LoopGraph, configurations: BoolArray
) -> tuple[BoolArray, FloatArray, int]:
    """Exchange from every configuration until no single exchange is better.

    Parameters
    ----------
    evaluator : Evaluator
        Scores all exchanges of all configurations at once.
    graph : LoopGraph
        What may be switched.
    configurations : array of bool (K, B)
        Radial ones to begin at.

    Returns
    -------
    array of bool (K, B), array (K,), int
        Where each search ended, its score, and how many power flows were run.
    """
    here, scores = configurations.copy(), evaluator.scores(configurations)
    moving, flows = np.arange(len(configurations)), len(configurations)
    while len(moving):
        rows, origin = neighbours(graph, here[moving])
        row_scores = scores_of(evaluator, rows)
        flows += len(rows)
        best = [_least(row_scores, origin, k) for k in range(len(moving))]
        better = [
            at >= 0 and _is_better(row_scores[at], scores[k])
            for at, k in zip(best, moving, strict=True)
        ]
        chosen = np.array(best)[better]
        moving = moving[better]
        here[moving], scores[moving] = rows[chosen], row_scores[chosen]
    return here, scores, flows


def descend_by_pairs(
    evaluator: Evaluator, graph: LoopGraph, start: BoolArray
) -> tuple[BoolArray, float, int]:
    """Exchange from one configuration until no two exchanges in a row are better.

    Returns
    -------
    array of bool (B,), float, int
        Where the search ended, its score, and how many power flows were run.
    """
    ends, scores, flows = descend(evaluator, graph, start[None])
    here, score = ends[0], float(scores[0])
    while True:
        rows = pairs(graph, here)
        row_scores = scores_of(evaluator, rows)
        flows += len(rows)
        if not _is_better(row_scores.min(), score):
            return here, score, flows
        ends, scores, more = descend(evaluator, graph, rows[[row_scores.argmin()]])
        here, score, flows = ends[0], float(scores[0]), flows + more


def scores_of(evaluator: Evaluator, rows: BoolArray) -> FloatArray:
    """Score many rows, some at a time."""
    chunks = (rows[k : k + _ROWS_AT_ONCE] for k in range(0, len(rows), _ROWS_AT_ONCE))
    return np.concatenate([*map(evaluator.scores, chunks), np.empty(0)])


def _is_better(new: float, score: float) -> bool:
    return bool(new < score - _LEAST_GAIN * abs(score)) if np.isfinite(score) else new < score


def _least(scores: FloatArray, origin: IntArray, k: int) -> int:
    """Return which row that comes from configuration k scores least, -1 where there is none."""
    rows = np.flatnonzero(origin == k)
    return int(rows[scores[rows].argmin()]) if len(rows) else -1


def neighbours(graph: LoopGraph, closed: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return all configurations one exchange away, and the row that each comes from.

    Parameters
    ----------
    closed : array of bool (K, B)
        Radial configurations.
    """
    switchable = np.flatnonzero(graph.switchable)
    origin, closing, opening = _exchanges(
        graph.ends[switchable], graph.nodes, closed[:, switchable]
    ).T
    rows = closed[origin]
    at = np.arange(len(rows))
    rows[at, switchable[closing]] = True
    rows[at, switchable[opening]] = False
    return rows, origin


def pairs(graph: LoopGraph, closed: BoolArray) -> BoolArray:
    """Return all configurations two exchanges away from one (B,), or one or none."""
    once, _ = neighbours(graph, closed[None])
    return np.unique(np.concatenate([closed[None], once, neighbours(graph, once)[0]]), axis=0)


@njit(cache=True)
def _exchanges(ends: IntArray, nodes: int, closed: BoolArray) -> IntArray:
    """Return row, branch to close and branch to open of every exchange, (exchanges, 3)."""
    result = np.empty((1024, 3), np.int64)
    count = 0
    via, level = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    for row in range(len(closed)):
        _set_levels(ends, closed[row], via, level)
        for tie in range(len(ends)):
            if closed[row, tie] or ends[tie, 0] == ends[tie, 1]:
                continue
            one, other = ends[tie, 0], ends[tie, 1]
            while one != other:
                if level[one] < level[other]:
                    one, other = other, one
                if count == len(result):
                    result = np.concatenate((result, np.empty_like(result)))
                result[count, 0], result[count, 1], result[count, 2] = row, tie, via[one]
                count += 1
                up = via[one]
                one = ends[up, 0] + ends[up, 1] - one
    return result[:count]


@njit(cache=True)
def _set_levels(ends: IntArray, closed: BoolArray, via: IntArray, level: IntArray) -> None:
    """Set the branch to the parent of every node, and its level: branches up to the sources."""
    via[:], level[:] = -1, -1
    level[0] = 0
    changed = True
    while changed:
        changed = False
        for k in range(len(ends)):
            one, other = ends[k, 0], ends[k, 1]
            if closed[k] and (level[one] < 0) != (level[other] < 0):
                below = one if level[one] < 0 else other
                via[below], level[below] = k, level[one] + level[other] + 2
                changed = True
