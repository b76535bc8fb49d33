"""An agent solved alone through cvxpy, as it was declared: what certificates rest on."""

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from equigrid.markets.agent import Agent
from equigrid.markets.findings import NoAnswer
from equigrid.markets.standard_form import Affine, StandardForm

Vector = NDArray[np.float64]
# Said values are matched as closely as a solver can; where that is not enough, with this room.
ROOM = 1e-9


@dataclass(frozen=True, eq=False)
class Statement:
    """An agent's problem with its objective as a cost: a maximised one has its sign changed.

    Attributes
    ----------
    agent : Agent
    cost : cvxpy.Expression
    constraints : sequence of cvxpy.Constraint
    says : Mapping of str to cvxpy.Expression
    """

    agent: Agent
    cost: cp.Expression
    constraints: Sequence[cp.Constraint]
    says: Mapping[str, cp.Expression]

    def problem(
        self, added: Sequence[cp.Constraint] = (), cost: cp.Expression | None = None
    ) -> cp.Problem:
        """Return the problem with constraints added, or with another cost in place of its own."""
        goal = cp.Minimize(self.cost if cost is None else cost)
        return cp.Problem(goal, [*self.constraints, *added])


def stated(agent: Agent) -> Statement:
    """Return an agent's problem as it was declared."""
    assert agent.problem is not None
    expression = agent.problem.objective.args[0]
    cost = -expression if agent.maximises else expression
    return Statement(agent, cost, agent.problem.constraints, agent.says)


def restated(
    agent: Agent, heard: Mapping[str, Vector], instead: Mapping[str, cp.Expression]
) -> Statement:
    """Return an agent's problem with what it hears as numbers, or as other expressions.

    Parameters
    ----------
    agent : Agent
    heard : Mapping of str to array
        Value of everything that it hears.
    instead : Mapping of str to cvxpy.Expression
        What stands in place of a value, such as a Variable, by heard name.
    """
    plain = stated(agent)
    swap = {
        id(parameter): instead[name] if name in instead else cp.Constant(heard[name])
        for name, parameter in agent.hears.items()
    }
    return Statement(
        agent,
        plain.cost.tree_copy(swap),
        [constraint.tree_copy(swap) for constraint in plain.constraints],
        {name: said.tree_copy(swap) for name, said in plain.says.items()},
    )


@dataclass(frozen=True, eq=False)
class Flat:
    """An agent's compiled problem at what it hears.

    Attributes
    ----------
    own : Statement
        Says what is linked or paid for.
    columns : cvxpy.Variable
    free : Mapping of str to cvxpy.Variable
        What it hears without a value, flattened in column-major order, by name.
    """

    own: Statement
    columns: cp.Variable
    free: Mapping[str, cp.Variable]


def flattened(form: StandardForm, heard: Mapping[str, Vector], free: Iterable[str] = ()) -> Flat:
    """State an agent's compiled problem in vectors and matrices, which is quick to solve again.

    Parameters
    ----------
    form : StandardForm
    heard : Mapping of str to array
        Value of everything that it hears.
    free : iterable of str
        What it hears that shall be a variable; it may multiply no decision.
    """
    open_ = {name: cp.Variable(form.agent.hears[name].size) for name in free}
    theta = form.heard_vector(heard)
    for name in open_:
        theta[form.heard[name]] = 0.0
    whole = (np.flatnonzero(form.integer),) if form.integer.any() else False
    columns = cp.Variable(form.columns, bounds=[form.lower, form.upper], integer=whole)
    cost = form.cost_at(theta) @ columns + form.offset + form.offset_of_heard @ theta
    if form.is_quadratic:
        cost = cost + cp.quad_form(columns, cp.psd_wrap(form.quadratic)) / 2
    limits, by_heard = form.matrix @ columns, sparse.csc_array(form.rhs_of_heard)
    for name, variable in open_.items():
        cost = cost + form.offset_of_heard[form.heard[name]] @ variable
        limits = limits - sparse.csr_array(by_heard[:, form.heard[name]]) @ variable
    rhs, equal = form.rhs_at(theta), form.equal_rows
    stated = [limits[:equal] == rhs[:equal], limits[equal:] <= rhs[equal:]]
    says = {name: _said(affine, columns, theta) for name, affine in form.said.items()}
    return Flat(Statement(form.agent, cost, stated, says), columns, open_)


def moves_no_costs(form: StandardForm, name: str) -> bool:
    """Whether a heard value multiplies none of an agent's decisions."""
    return not sparse.csc_array(form.cost_of_heard)[:, form.heard[name]].nnz


def _said(affine: Affine, columns: cp.Variable, theta: Vector) -> cp.Expression:
    flat = affine.of_columns @ columns + (affine.of_heard @ theta + affine.constant)
    return cp.reshape(flat, affine.shape, order="F")


def solve(agent: Agent, problem: cp.Problem) -> float:
    """Solve a problem of an agent as tightly as can be, and return its value.

    Raises
    ------
    NoAnswer
        When there is none, naming the agent.
    """
    if problem.is_lp() or problem.is_mixed_integer():
        _solve_linear(problem)
    else:
        _solve_quadratic(problem)
    if problem.value is None or problem.status not in ("optimal", "optimal_inaccurate"):
        raise NoAnswer(
            f"agent '{agent.name}' has no best answer to what it hears ({problem.status})",
            agent.name,
        )
    return float(problem.value)


def _solve_quadratic(problem: cp.Problem) -> None:
    """Solve by Clarabel, once more without its scaling where that leads nowhere."""
    strict = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
    with warnings.catch_warnings():
        # Short of these tolerances is near enough: what is found is compared all the same.
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        for scaled in (True, False):
            with contextlib.suppress(cp.SolverError):
                problem.solve(solver=cp.CLARABEL, equilibrate_enable=scaled, **strict)
                return


def _solve_linear(problem: cp.Problem) -> None:
    """Solve by HiGHS, once more at its own tolerances where the tightest lead nowhere.

    Between rows that are nearly the same the tightest may even take it for infeasible.
    """
    strict = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    for options in (strict, {}):
        # cvxpy raises either of the two when HiGHS comes to no end.
        with contextlib.suppress(ValueError, cp.SolverError):
            problem.solve(solver=cp.HIGHS, mip_rel_gap=0.0, **options)
            if problem.status not in ("infeasible", "infeasible_or_unbounded"):
                return


def cost_of_claims(own: Statement, claims: Mapping[str, Vector]) -> tuple[float, float]:
    """Return how far claims are from what an agent can do, and the least own cost that has them.

    Parameters
    ----------
    own : Statement
        With values for what it hears.
    claims : Mapping of str to array
        What it is said to say, by name.
    """
    off = cp.Variable(nonneg=True)
    # In two rows each: of an absolute value cvxpy works out bounds, and warns where there are none.
    apart = [sign * (own.says[name] - said) for name, said in claims.items() for sign in (1, -1)]
    residual = solve(own.agent, own.problem([each <= off for each in apart], off))
    room = cp.Parameter(nonneg=True, value=residual)
    problem = own.problem([each <= room for each in apart])
    if problem.is_lp():
        # Room is worth money: a billionth of a unit at 40 000 is more than settlements may be off.
        with contextlib.suppress(NoAnswer):
            return residual, solve(own.agent, problem)
    room.value = residual + ROOM
    return residual, solve(own.agent, problem)


@contextmanager
def hearing(agent: Agent, heard: Mapping[str, Vector]) -> Iterator[None]:
    """Set what the agent hears, and restore it whatever happens."""
    before = {name: parameter.value for name, parameter in agent.hears.items()}
    try:
        for name, parameter in agent.hears.items():
            parameter.value = heard[name]
        yield
    finally:
        for name, parameter in agent.hears.items():
            parameter.value = before[name]
