"""Infeasibility of a leader at known answers: which of its limits is in the way, and when."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from equigrid.errors import UnusableGame
from equigrid.markets.accounts.dlmp_decomposition import labelled_rows
from equigrid.markets.best_response.master_program import AnswerProgram
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.forms.row_steps import step_of

_SHORT = 1e-7


def broken_limit(program: AnswerProgram) -> str:
    """Say which limit is broken most where the leader's limits are broken as little as can be.

    Parameters
    ----------
    program : AnswerProgram
        The leader's choice among the answers that it heard, or at one announcement.

    Returns
    -------
    str
        ``"LABEL cannot hold in step 3, short by 0.5"``; empty where that is not what is wrong.
    """
    form = program.leader_form
    elastic = _elastic(program.program.assembled(), len(form.rhs))
    solution = elastic.model(mip_rel_gap=1e-3).solve()
    if not solution.found:
        return ""
    missing = np.abs(solution.columns[-2 * len(form.rhs) :].reshape(2, -1)).sum(axis=0)
    if missing.max(initial=0.0) <= _SHORT:
        return ""
    row = int(missing.argmax())
    label, at, size = _entry(program, row)
    step = f" in step {step_of(at, size, _hours(program))}" if size > 1 else ""
    return f"{label} cannot hold{step}, short by {missing[row]:.3g}"


def _elastic(stated: Assembled, limits: int) -> Assembled:
    """Let the first rows, which are the leader's, be broken at the cost of nothing else."""
    slack = sparse.csr_array(np.eye(stated.matrix.shape[0], limits))
    zeros, none = np.zeros(2 * limits), np.full(2 * limits, np.inf)
    return replace(
        stated,
        matrix=sparse.csr_array(sparse.hstack([stated.matrix, slack, -slack])),
        lower=np.concatenate([stated.lower, zeros]),
        upper=np.concatenate([stated.upper, none]),
        cost=np.concatenate([np.zeros_like(stated.cost), 1 + zeros]),
        integer=np.concatenate([stated.integer, zeros > 0]),
        offset=0.0,
    )


def _entry(program: AnswerProgram, row: int) -> tuple[str, int, int]:
    """Return the label of the constraint that a row belongs to, its place there, their number."""
    try:
        for label, rows, shape in labelled_rows(program.leader_form):
            if rows.start <= row < rows.stop:
                place = np.unravel_index(row - rows.start, shape or (1,), order="F")
                at = int(np.ravel_multi_index(place, shape or (1,)))  # hours last, scenarios first
                return f"'{label}'", at, rows.stop - rows.start
    except UnusableGame:  # rows that are not those of the declaration, as of absolute values
        pass
    return "one of its constraints", 0, 1


def _hours(program: AnswerProgram) -> int:
    """Return the longest series that the leader announces, or that it says at all."""
    agent = program.leader_form.agent
    linked = {link.source for link in program.game.links}
    heard = [v.shape for name, v in agent.says.items() if f"{agent.name}.{name}" in linked]
    shapes = heard or [value.shape for value in agent.says.values()]
    return max((shape[-1] for shape in shapes if shape), default=2)
