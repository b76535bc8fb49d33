"""Concurrent search: branching on complementarity and the big-M MILP side by side.

What the two know of each other is exchanged after fixed numbers of nodes, never by the clock, so
that answer, bound and gap do not depend on which was faster.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.markets.bilevel.big_m.milp import BigMMilp
from equigrid.markets.bilevel.big_m.pair_bounds import pair_bounds
from equigrid.markets.bilevel.branching.incumbents import SearchResult
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.search_limits import SearchLimits

# The branching goes alone for so many nodes; most games are over by then.
ALONE = 1000
# Nodes of the mixed-integer program in the first round; it begins anew with four times as many.
_BESIDE = 250


def solve_concurrently(
    game: KktProgram,
    stated: Mpcc,
    gap: float,
    effort: SearchLimits,
    progress: Callable[[int, float, float], None] | None = None,
    tell_every: int = 50,
) -> SearchResult:
    """Solve by whichever route fits, by both where one alone takes long or leaves something open.

    Parameters
    ----------
    game : KktProgram
    stated : Mpcc
    gap : float
        Relative.
    effort : SearchLimits
        What either route may spend.
    progress : callable, optional
        Told nodes, incumbent and bound now and then.
    tell_every : int
        Nodes of the branching between two words of progress.
    """
    branching = Branching(stated, gap, progress, tell_every)
    result = branching.run(min(ALONE, effort.node_limit), effort)
    if result.status != "limit" or effort.over:
        return result
    try:
        bounds = pair_bounds(game, stated)
    except NoBoundError:
        return branching.run(effort.node_limit, effort)
    except KeyboardInterrupt:
        effort.interrupt()
        return result
    return _side_by_side(branching, BigMMilp(stated, bounds, gap), result, gap, effort)


def _side_by_side(
    branching: Branching, milp: BigMMilp, found: SearchResult, gap: float, effort: SearchLimits
) -> SearchResult:
    """Let both go on in rounds of growing length, and tell each other what they know.

    Where the other route has done all it may, the branching goes on alone.
    """
    stated, other = branching.evaluator.stated, effort.beside()
    beside, nodes, limit, counted = _BESIDE, 2 * ALONE, effort.node_limit, 0
    with ThreadPoolExecutor(1) as threads:
        while found.status == "limit" and found.nodes < limit and not effort.over:
            alone, proven = beside >= limit or other.over, found.bound
            running = None if alone else threads.submit(milp.run, beside, found.best, other)
            try:
                found = branching.run(limit if running is None else min(nodes, limit), effort)
                if found.status == "limit":
                    found = replace(found, bound=max(found.bound, proven))
                    if running is not None:
                        found = _joined(stated, gap, found, running.result())
                        branching.incumbents.offer(found.best)
                        # What is cut short is not counted: where depends on the clock.
                        counted = other.iterations
            except KeyboardInterrupt:
                effort.interrupt()
            if effort.interrupted or found.status != "limit":
                milp.cancel()
                break
            if running is None:
                break
            beside, nodes = 4 * beside, 2 * nodes
    effort.iterations += counted
    return found


def _joined(stated: Mpcc, gap: float, first: SearchResult, second: SearchResult) -> SearchResult:
    """Take the better answer, the first one of equals, and the better bound."""
    answers = [one.best for one in (first, second) if one.best is not None]
    best = min(answers, key=lambda answer: answer.value, default=None)
    bound = max(first.bound, second.bound)
    joined = replace(first, best=best, bound=bound)
    if best is None:
        return replace(joined, status=second.status if second.status == "infeasible" else "limit")
    allowed = stated.allowed(best.columns, best.value, gap)
    closed = np.isfinite(bound) and best.value - bound <= allowed
    return replace(joined, status="optimal" if closed else "limit")
