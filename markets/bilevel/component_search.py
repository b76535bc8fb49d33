"""Search component by component, and a master problem that ties the answers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from equigrid.markets.bilevel.branching.incumbents import Incumbent, SearchResult
from equigrid.markets.bilevel.branching.nodes import OPEN
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.components import Component, Components
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.search_limits import SearchLimits

Progress = Callable[[int, float, float], None]
# What the gaps of components add up to has to stay within the gap of the whole.
_SHARE = 0.2
_REMEMBERED: dict[str, SearchResult] = {}
_MOST = 512


def solve_by_component(
    stated: Mpcc,
    components: Components,
    gap: float,
    effort: SearchLimits,
    progress: Progress | None = None,
    tell_every: int = 50,
) -> SearchResult | None:
    """Settle every component to a share of the gap; None where only the whole tells.

    Parameters
    ----------
    stated : Mpcc
    components : Components
        Of it.
    gap : float
        Relative.
    effort : SearchLimits
        What all components together may spend.
    progress : callable, optional
        Told nodes, answer and bound of the component that is being settled now and then.
    tell_every : int
        Nodes between two words of progress.
    """
    collected: list[SearchResult] = []
    for component in components.each:
        collected.append(_settled(component, _SHARE * gap, effort, progress, tell_every))
        if collected[-1].status == "unbounded" or (
            collected[-1].status == "limit" and not effort.over
        ):
            return None  # another one may be infeasible, the master indifferent; another way help
        if collected[-1].best is None:
            nodes = sum(one.nodes for one in collected)
            return SearchResult(None, -np.inf, nodes, collected[-1].status)
    return _together(stated, components, collected, gap)


def _settled(
    component: Component,
    gap: float,
    effort: SearchLimits,
    progress: Progress | None,
    tell_every: int,
) -> SearchResult:
    """Settle a component, or remember how it was settled.

    Games that are solved in rounds, and cases that differ only in what ties their components, come
    again and again to the same ones.
    """
    key = component.digest(gap)
    if key not in _REMEMBERED:
        own = component.stated.in_own_units()
        left = max(1, effort.node_limit - effort.nodes)
        result = Branching(own, gap, progress, tell_every).run(left, effort)
        # Here and not in the whole game, where a component may weigh nothing and be left as it is.
        result = result.sharpened(own).declared(own)
        if result.status != "optimal" or result.best is None:
            return result
        _REMEMBERED[key] = result
        while len(_REMEMBERED) > _MOST:
            del _REMEMBERED[next(iter(_REMEMBERED))]
    return _REMEMBERED[key]


def _together(
    stated: Mpcc, components: Components, found: Sequence[SearchResult], gap: float
) -> SearchResult | None:
    nodes = sum(one.nodes for one in found)
    at_bounds = components.weigh(np.array([one.bound for one in found]))
    if (
        at_bounds.status == "infeasible"
    ):  # the components' best together cost more than the master may
        return SearchResult(None, -np.inf, nodes, "infeasible")
    answers = [one.best for one in found if one.best is not None]
    at_answers = components.weigh(np.array([answer.value for answer in answers]))
    if at_bounds.status != "optimal" or at_answers.status != "optimal":
        return None
    columns = np.zeros(len(stated.program.cost))
    states = np.full(stated.pairs.count, OPEN)
    columns[components.rest] = at_answers.columns[: len(components.rest)]
    for component, answer in zip(components.each, answers, strict=True):
        columns[component.columns], states[component.pairs] = answer.columns, answer.states
    value, bound = at_answers.objective, at_bounds.objective
    closed = value - bound <= stated.allowed(columns, value, gap)
    status = "optimal" if closed else "limit"
    return SearchResult(Incumbent(value, columns, states), bound, nodes, status, sharp=True)
