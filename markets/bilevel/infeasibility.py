"""Infeasibility of a led game: which agent leaves it without an answer."""

import numpy as np
from scipy import sparse

from equigrid.errors import NoAnswer
from equigrid.markets.bilevel.kkt import FollowerColumns, KktProgram
from equigrid.markets.forms.linear_program import LinearProgram


def why_no_answer(game: KktProgram) -> NoAnswer:
    """Return the first agent that has no feasible or no bounded answer, else the leader."""
    for name, follower in game.followers.items():
        if not _feasible(game, follower):
            return NoAnswer(
                f"agent '{name}' has no feasible answer at any signal; relax its constraints", name
            )
        if not _bounded(game, follower):
            return NoAnswer(
                f"agent '{name}' has no bounded answer at any signal: nothing limits what it "
                "gains; bound its variables",
                name,
            )
    leader = str(game.game.leader)
    return NoAnswer(
        f"leader '{leader}' has no decision that its followers' best answers allow; "
        "relax its constraints",
        leader,
    )


def _feasible(game: KktProgram, follower: FollowerColumns) -> bool:
    """Whether some y meets Ay {=, ≤} b + Bθ at some θ of the box."""
    form, program = follower.form, LinearProgram()
    heard = program.add_columns(form.heard_size, *game.signals.box(form))
    own = program.add_columns(form.columns, form.lower, form.upper)
    equal = np.arange(len(form.rhs)) < form.equal_rows
    terms = [(form.matrix, own), (-form.rhs_of_heard, heard)]
    program.add_rows(terms, np.where(equal, form.rhs, -np.inf), form.rhs)
    return program.model().solve().status != "infeasible"


def _bounded(game: KktProgram, follower: FollowerColumns) -> bool:
    """Whether some multipliers are stationary at some θ of the box."""
    form, program = follower.form, LinearProgram()
    heard = program.add_columns(form.heard_size, *game.signals.box(form))
    own = program.add_columns(form.columns, form.lower, form.upper)
    equal = np.arange(len(form.rhs)) < form.equal_rows
    rows = program.add_columns(len(form.rhs), np.where(equal, -np.inf, 0.0))
    ends = [np.where(np.isfinite(end), np.inf, 0.0) for end in (form.upper, form.lower)]
    upper, lower = (program.add_columns(form.columns, 0.0, most) for most in ends)
    eye = sparse.eye_array(form.columns, format="csr")
    terms = [
        (form.quadratic, own),
        (form.cost_of_heard, heard),
        (form.matrix.T, rows),
        (eye, upper),
        (-eye, lower),
    ]
    program.add_rows(terms, -form.cost, -form.cost)
    return program.model().solve().status != "infeasible"
