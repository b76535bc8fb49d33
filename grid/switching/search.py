"""Search for the best configuration: enumeration, branch exchange, and the bound of the rest."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import BoolArray
from equigrid.grid.switching.bound import OuterApproximation
from equigrid.grid.switching.branch_exchange import descend, descend_by_pairs, pairs, scores_of
from equigrid.grid.switching.configurations import RadialConfigurations
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.loops import LoopGraph
from equigrid.grid.switching.search_effort import SearchEffort
from equigrid.grid.switching.starting_configurations import starting_configurations

_ROWS_AT_ONCE = 50_000
_SHOWN = 150  # so many good configurations have tangents before the first program


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The best configuration so far.

    Attributes
    ----------
    closed : array of bool (B,)
        Which branches it closes.
    score, bound : float
        Its score, infinite where nothing was result, and what no score is below, NaN if unknown.
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


def enumerated(evaluator: Evaluator, configurations: RadialConfigurations) -> SearchResult:
    """Evaluate all configurations, some at a time; of equally good ones keep the first."""
    best, closed = np.inf, np.zeros(len(configurations.graph.fixed_closed), np.bool_)
    for table in configurations.chunks(_ROWS_AT_ONCE):
        scores = evaluator.scores(table)
        at = int(scores.argmin())
        if scores[at] < best:
            best, closed = float(scores[at]), table[at]
    return SearchResult(closed, best, best, "enumeration", configurations.count)


def searched(evaluator: Evaluator, graph: LoopGraph, effort: SearchEffort) -> SearchResult:
    """Exchange branches from several configurations, then pairs of them."""
    ends, scores, flows = descend(
        evaluator, graph, starting_configurations(evaluator, graph, effort.restarts, effort.seed)
    )
    closed, score, more = descend_by_pairs(evaluator, graph, ends[scores.argmin()])
    return SearchResult(closed, score, np.nan, "branch exchange", flows + more)


def bounded(
    evaluator: Evaluator,
    graph: LoopGraph,
    result: SearchResult,
    effort: SearchEffort,
    progress: Callable[[str], None],
) -> SearchResult:
    """Bound all scores; search on from what the relaxation comes upon, if that is better."""
    if not effort.bound_rounds:
        return result
    neighbours = pairs(graph, result.closed)
    neighbours = neighbours[scores_of(evaluator, neighbours).argsort(kind="stable")[:_SHOWN]]
    relaxation = OuterApproximation(evaluator, graph, result.score)
    relaxation.add_initial_tangents([result.closed, *neighbours])
    for number in range(1, effort.bound_rounds + 1):
        progress(f"bound, program {number} of at most {effort.bound_rounds}{_gap_so_far(result)}")
        rows_before = relaxation.rows
        bound, closed = relaxation.solve_integer(effort.bound_nodes, effort.gap / 2)
        result = replace(result, bound=float(np.fmax(result.bound, bound)))
        if closed is None or result.score - result.bound <= effort.gap * abs(result.score):
            break
        result = _searched_on(evaluator, graph, result, closed)
        relaxation.score_at(closed)
        if relaxation.rows == rows_before:
            break
    return replace(result, bound=min(result.bound, result.score))


def _gap_so_far(result: SearchResult) -> str:
    gap = (result.score - result.bound) / max(abs(result.score), 1e-12)
    return f": {100 * gap:.2f} % to go" if np.isfinite(gap) else ""


def _searched_on(
    evaluator: Evaluator, graph: LoopGraph, result: SearchResult, closed: BoolArray
) -> SearchResult:
    """Exchange on from a configuration that is better than the result."""
    flows = result.power_flows + 1
    if not evaluator.scores(closed[None])[0] < result.score:
        return replace(result, power_flows=flows)
    closed, score, more = descend_by_pairs(evaluator, graph, closed)
    return replace(result, closed=closed, score=score, power_flows=flows + more)
