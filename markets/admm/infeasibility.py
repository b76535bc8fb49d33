"""Infeasibility of an exchange: which agent, or which balance, leaves it without an answer."""

import numpy as np
from scipy import sparse

from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.admm.central_program import CentralProgram
from equigrid.markets.forms.highs_model import Assembled


def why_no_exchange(program: CentralProgram, status: str) -> NoAnswer:
    """Return who or which balance is the reason that an exchange has no answer."""
    for name in program.forms:
        if not _feasible_alone(program, name):
            return NoAnswer(
                f"agent '{name}' has no feasible answer, whatever the prices; relax its "
                "constraints",
                name,
            )
    if status == "unbounded":
        return NoAnswer("nothing bounds the total cost of this exchange; bound the agents' columns")
    if status != "infeasible":
        return SolverFailed(
            f"the central problem could not be solved: the solver ended with '{status}', which "
            "says nothing about the agents; choose units that bring its numbers closer together"
        )
    balance, place, short = _most_missing(program)
    return NoAnswer(
        f"balance '{balance}' cannot hold: at entry {place} its terms miss it by {short:.4g} at "
        "least, whatever the agents decide; add what can supply or absorb that much"
    )


def _feasible_alone(program: CentralProgram, name: str) -> bool:
    form = program.forms[name]
    rhs = form.rhs_at(program.heard[name])
    equal = np.arange(len(rhs)) < form.equal_rows
    stated = Assembled(
        matrix=form.matrix,
        row_lower=np.where(equal, rhs, -np.inf),
        row_upper=rhs,
        lower=form.lower,
        upper=form.upper,
        cost=np.zeros(form.columns),
        integer=form.integer,
    )
    return stated.model().solve().status != "infeasible"


def _most_missing(program: CentralProgram) -> tuple[str, tuple[int, ...], float]:
    """Return the balance and entry that miss most where all together miss least."""
    stated, size = program.assembled(), sum(len(market.rhs) for market in program.markets)
    rows, columns = stated.matrix.shape
    slack = sparse.vstack([sparse.csr_array((rows - size, size)), sparse.eye_array(size)])
    relaxed = Assembled(
        matrix=sparse.csr_array(sparse.hstack([stated.matrix, slack, -slack])),
        row_lower=stated.row_lower,
        row_upper=stated.row_upper,
        lower=np.concatenate([stated.lower, np.zeros(2 * size)]),
        upper=np.concatenate([stated.upper, np.full(2 * size, np.inf)]),
        cost=np.concatenate([np.zeros(columns), np.ones(2 * size)]),
        integer=np.concatenate([stated.integer, np.zeros(2 * size, dtype=bool)]),
    )
    result = relaxed.model().solve().columns[columns:]
    missing = np.abs(result[:size] - result[size:])
    at = int(np.argmax(missing))
    for market in program.markets:
        if at < len(market.rhs):
            place = np.unravel_index(at, market.shape, order="F")
            return market.balance.name, tuple(int(i) for i in place), float(missing.max())
        at -= len(market.rhs)
    raise AssertionError("an entry belongs to a balance")
