"""The three ways to the best configuration: look at all, exchange, bound what is left."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import BoolArray
from equigrid.grid.switching.bound import Outer
from equigrid.grid.switching.branch_exchange import descend, descend_by_pairs, pairs, scores_of
from equigrid.grid.switching.configurations import RadialConfigurations
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph
from equigrid.grid.switching.starts import starting_configurations

_ROWS_AT_ONCE = 50_000
_SHOWN = 150  # so many good configurations the relaxation is shown before it begins


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The best configuration so far.

    Attributes
    ----------
    closed : array of bool (B,)
        Which branches it closes.
    score, bound : float
        Its score, infinite where nothing was found, and what no score is below, NaN if unknown.
    method : str
        ``enumeration`` or ``branch exchange``.
    power_flows : int
        So many were run.
    """

    closed: BoolArray
    score: float
    bound: float
    method: str
    power_flows: int


def enumerated(judge: Evaluator, configurations: RadialConfigurations) -> SearchResult:
    """Evaluate all configurations, some at a time; of equally good ones keep the first."""
    best, closed = np.inf, np.zeros(len(configurations.graph.rest), np.bool_)
    for table in configurations.chunks(_ROWS_AT_ONCE):
        scores = judge.scores(table)
        at = int(scores.argmin())
        if scores[at] < best:
            best, closed = float(scores[at]), table[at]
    return SearchResult(closed, best, best, "enumeration", configurations.count)


def searched(judge: Evaluator, graph: LoopGraph, restarts: int, seed: int) -> SearchResult:
    """Exchange branches from several configurations, then pairs of them."""
    ends, scores, flows = descend(
        judge, graph, starting_configurations(judge, graph, restarts, seed)
    )
    closed, score, more = descend_by_pairs(judge, graph, ends[scores.argmin()])
    return SearchResult(closed, score, np.nan, "branch exchange", flows + more)


@dataclass(frozen=True)
class Limits:
    """What a bound may take: mixed-integer programs, nodes of each, and the gap that ends it."""

    rounds: int
    nodes: int
    gap: float


def bounded(
    judge: Evaluator,
    graph: LoopGraph,
    found: SearchResult,
    effort: Limits,
    progress: Callable[[str], None],
) -> SearchResult:
    """Bound all scores; search on from what the relaxation comes upon, if that is better."""
    if not effort.rounds:
        return found
    near = pairs(graph, found.closed)
    near = near[scores_of(judge, near).argsort(kind="stable")[:_SHOWN]]
    outer = Outer(judge, graph, found.score)
    outer.begin([found.closed, *near])
    for number in range(1, effort.rounds + 1):
        progress(f"bound, program {number} of at most {effort.rounds}{_gap_so_far(found)}")
        known = outer.size
        bound, closed = outer.whole(effort.nodes, effort.gap / 2)
        found = replace(found, bound=float(np.fmax(found.bound, bound)))
        if closed is None or found.score - found.bound <= effort.gap * abs(found.score):
            break
        found = _searched_on(judge, graph, found, closed)
        outer.score_at(closed)
        if outer.size == known:
            break
    return replace(found, bound=min(found.bound, found.score))


def _gap_so_far(found: SearchResult) -> str:
    gap = (found.score - found.bound) / max(abs(found.score), 1e-12)
    return f": {100 * gap:.2f} % to go" if np.isfinite(gap) else ""


def _searched_on(
    judge: Evaluator, graph: LoopGraph, found: SearchResult, closed: BoolArray
) -> SearchResult:
    """Exchange on from a configuration that is better than what was found."""
    flows = found.power_flows + 1
    if not judge.scores(closed[None])[0] < found.score:
        return replace(found, power_flows=flows)
    closed, score, more = descend_by_pairs(judge, graph, closed)
    return replace(found, closed=closed, score=score, power_flows=flows + more)
