"""Settling the blocks of a game one after another, and putting their answers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from equigrid.markets.bilevel.blocks import Block, Blocks
from equigrid.markets.bilevel.branching import Branching
from equigrid.markets.bilevel.complementarity import ComplementarityProgram
from equigrid.markets.bilevel.incumbents import Found, Incumbent, polished
from equigrid.markets.bilevel.nodes import OPEN

Progress = Callable[[int, float, float], None]
# What the gaps of blocks add up to has to stay within the gap of the whole.
_SHARE = 0.2
_REMEMBERED: dict[str, Found] = {}
_MOST = 512


def solve_by_blocks(
    stated: ComplementarityProgram,
    blocks: Blocks,
    gap: float,
    node_limit: int,
    progress: Progress | None = None,
    tell_every: int = 50,
) -> Found | None:
    """Settle every block to a share of the gap; None where only the whole tells.

    Parameters
    ----------
    stated : ComplementarityProgram
    blocks : Blocks
        Of it.
    gap : float
        Relative.
    node_limit : int
        Of all blocks together.
    progress : callable, optional
        Told nodes, answer and bound of the block that is being settled now and then.
    tell_every : int
        Nodes between two words of progress.
    """
    found: list[Found] = []
    for block in blocks.parts:
        left = node_limit - sum(part.nodes for part in found)
        found.append(_settled(block, _SHARE * gap, max(left, 1), progress, tell_every))
        if found[-1].status == "unbounded":
            return None  # another block may still be infeasible, or the master indifferent
        if found[-1].best is None:
            nodes = sum(part.nodes for part in found)
            return Found(None, -np.inf, nodes, found[-1].status)
    return _together(stated, blocks, found, gap)


def _settled(
    block: Block, gap: float, node_limit: int, progress: Progress | None, tell_every: int
) -> Found:
    """Settle a block, or remember how it was settled.

    Games that are solved in rounds, and cases that differ only in what ties their blocks, come
    again and again to the same ones.
    """
    key = block.digest(gap)
    if key not in _REMEMBERED:
        found = Branching(block.stated, gap, progress, tell_every).run(node_limit)
        if found.status != "optimal" or found.best is None:
            return found
        # Here and not in the whole game, where a block may weigh nothing and be left as it is.
        best = polished(block.stated, found.best.states, found.best.columns) or found.best
        _REMEMBERED[key] = replace(found, best=best)
        while len(_REMEMBERED) > _MOST:
            del _REMEMBERED[next(iter(_REMEMBERED))]
    return _REMEMBERED[key]


def _together(
    stated: ComplementarityProgram, blocks: Blocks, found: Sequence[Found], gap: float
) -> Found | None:
    nodes = sum(part.nodes for part in found)
    at_bounds = blocks.weigh(np.array([part.bound for part in found]))
    if at_bounds.status == "infeasible":  # the blocks' best together cost more than the master may
        return Found(None, -np.inf, nodes, "infeasible")
    answers = [part.best for part in found if part.best is not None]
    at_answers = blocks.weigh(np.array([answer.value for answer in answers]))
    if at_bounds.status != "optimal" or at_answers.status != "optimal":
        return None
    columns = np.zeros(len(stated.program.cost))
    states = np.full(stated.pairs.count, OPEN)
    columns[blocks.rest] = at_answers.columns[: len(blocks.rest)]
    for block, answer in zip(blocks.parts, answers, strict=True):
        columns[block.columns], states[block.pairs] = answer.columns, answer.states
    value, bound = at_answers.objective, at_bounds.objective
    closed = value - bound <= gap * max(1.0, abs(value + stated.program.offset))
    status = "optimal" if closed else "limit"
    return Found(Incumbent(value, columns, states), bound, nodes, status, sharp=True)
