"""Standalone problems: an agent as it was declared, solved alone by cvxpy."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.model.agent import Agent
from equigrid.own_thread import solve_by_highs

# Said values are matched as closely as a solver can; where that is not enough, with this room, as
# a share of their size.
ROOM = 1e-9
_STRICT = 1e-10
_CLARABEL = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), _STRICT)
_PIQP = dict.fromkeys(("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel"), _STRICT)
# What curved problems are solved by, until one comes to an end.
_CURVED: Sequence[tuple[str, Mapping[str, Any]]] = (
    (cp.CLARABEL, {"equilibrate_enable": True, **_CLARABEL}),
    (cp.CLARABEL, {"equilibrate_enable": False, **_CLARABEL}),
    (cp.PIQP, _PIQP),
)
_PROVEN = ("optimal", "optimal_inaccurate", "infeasible", "unbounded")


@dataclass(frozen=True, eq=False)
class Statement:
    """An agent's problem with its objective as a cost: a maximised one has its sign changed.

    Attributes
    ----------
    agent : Agent
    cost : cvxpy.Expression
    constraints : sequence of cvxpy.Constraint
    says : Mapping of str to cvxpy.Expression
    unit : float
        Of money, a power of two near what a unit of a quantity costs: solvers hold costs to
        tolerances that are absolute, and in this unit they mean the same for any currency.
    """

    agent: Agent
    cost: cp.Expression
    constraints: Sequence[cp.Constraint]
    says: Mapping[str, cp.Expression]
    unit: float = 1.0

    def problem(
        self, added: Sequence[cp.Constraint] = (), cost: cp.Expression | None = None
    ) -> cp.Problem:
        """Return the problem with constraints added, or with another cost in place of its own.

        The cost is in the statement's unit of money.
        """
        goal = cp.Minimize((self.cost if cost is None else cost) / self.unit)
        return cp.Problem(goal, [*self.constraints, *added])

    def near(self, added: Sequence[cp.Constraint], distance: cp.Expression) -> cp.Problem:
        """Return the problem of least distance instead of least cost."""
        return cp.Problem(cp.Minimize(distance), [*self.constraints, *added])

    def least(self, problem: cp.Problem | None = None) -> float:
        """Solve one of its problems, its own if none is given, and return the least cost.

        Raises
        ------
        NoAnswer
            When there is none, naming the agent.
        """
        return self.unit * solve(self.agent, self.problem() if problem is None else problem)


def statement_of(agent: Agent, unit: float = 1.0) -> Statement:
    """Return an agent's problem as it was declared, its cost to be solved in a unit of money."""
    assert agent.problem is not None
    expression = agent.problem.objective.args[0]
    cost = -expression if agent.maximises else expression
    return Statement(agent, cost, agent.problem.constraints, agent.says, unit)


def restated(
    agent: Agent,
    heard: Mapping[str, FloatArray],
    instead: Mapping[str, cp.Expression],
    unit: float = 1.0,
) -> Statement:
    """Return an agent's problem with what it hears as numbers, or as other expressions.

    Parameters
    ----------
    agent : Agent
    heard : Mapping of str to array
        Value of everything that it hears.
    instead : Mapping of str to cvxpy.Expression
        What stands in place of a value, such as a Variable, by heard name.
    unit : float
        Of money.
    """
    plain = statement_of(agent)
    swap = {
        id(parameter): instead[name] if name in instead else cp.Constant(heard[name])
        for name, parameter in agent.hears.items()
    }
    return Statement(
        agent,
        plain.cost.tree_copy(swap),
        [constraint.tree_copy(swap) for constraint in plain.constraints],
        {name: said.tree_copy(swap) for name, said in plain.says.items()},
        unit,
    )


def solve(agent: Agent, problem: cp.Problem) -> float:
    """Solve a problem of an agent as tightly as can be, and return its value.

    Raises
    ------
    NoAnswer
        When there is none, naming the agent.
    SolverFailed
        When the solver comes to no end, in its own words.
    """
    linear = problem.is_lp() or problem.is_mixed_integer()
    words = _solve_linear(problem) if linear else _solve_quadratic(problem)
    if words in ("optimal", "optimal_inaccurate"):
        return float(problem.value)
    if words in ("infeasible", "unbounded", "infeasible_or_unbounded"):
        raise NoAnswer(
            f"agent '{agent.name}' has no best answer to what it hears ({words})", agent.name
        )
    raise SolverFailed.on("HiGHS" if linear else "Clarabel and PIQP", words, agent.name)


def _solve_quadratic(problem: cp.Problem) -> str:
    """Solve by Clarabel, once more without its scaling and by PIQP where that leads nowhere.

    Returns the status, or what the solvers say of their failures.
    """
    failures = []
    with warnings.catch_warnings():
        # Short of these tolerances is near enough: what is found is compared all the same.
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        for solver, options in _CURVED:
            try:
                _solve_with_room(problem, solver, options)
            except cp.SolverError as error:
                failures.append(str(error))
            else:
                if problem.status in _PROVEN:
                    return str(problem.status)
                failures.append(f"{solver}: {problem.status}")
    return "; ".join(dict.fromkeys(failures))


def _solve_with_room(problem: cp.Problem, solver: str, options: Mapping[str, Any]) -> None:
    """Solve as cvxpy does, with limits that hold whatever is decided moved to 1.

    Such a limit, of figures that are all heard, says nothing; but an interior point starts from
    its size, and comes to no end where that is millions beside ones.
    """
    data, chain, back = problem.get_problem_data(solver, solver_opts=dict(options))
    matrix, limit, first = ("F", "G", 0) if "F" in data else ("A", "b", data["dims"].zero)
    limits = np.array(data[limit])
    # What misses this is for the solver to judge.
    holds = limits >= -_STRICT * max(1.0, float(np.abs(limits).max(initial=0.0)))
    empty = np.diff(sparse.csr_array(data[matrix]).indptr) == 0
    limits[empty & holds & (np.arange(len(limits)) >= first)] = 1.0
    data = {**data, limit: limits}
    problem.unpack_results(
        chain.solve_via_data(problem, data, True, False, dict(options)), chain, back
    )


def _solve_linear(problem: cp.Problem) -> str:
    """Solve by HiGHS, once more at its own tolerances where the tightest lead nowhere.

    Between rows that are nearly the same the tightest may even take it for infeasible. Returns the
    status, or what the solver says of its failure.
    """
    strict = dict.fromkeys(("primal_feasibility_tolerance", "dual_feasibility_tolerance"), _STRICT)
    for options in (strict, {}):
        try:
            solve_by_highs(problem, mip_rel_gap=0.0, **options)
        except (ValueError, cp.SolverError) as error:
            # cvxpy raises either of the two when HiGHS comes to no end.
            words = str(error)
        else:
            words = str(problem.status)
            if words not in ("infeasible", "infeasible_or_unbounded"):
                break
    return words


def cost_of_claims(
    own: Statement, claims: Mapping[str, FloatArray], sizes: Mapping[str, float]
) -> tuple[float, float]:
    """Return how far claims are from what an agent can do, and the least own cost that has them.

    Parameters
    ----------
    own : Statement
        With values for what it hears.
    claims : Mapping of str to array
        What it is said to say, by name.
    sizes : Mapping of str to float
        Above 0: what each counts as a whole, by name.

    Returns
    -------
    residual : float
        As a share of those sizes.
    cost : float
    """
    residual = distance_of_claims(own, claims, sizes)
    return residual, cost_near(own, claims, sizes, residual)


def distance_of_claims(
    own: Statement, claims: Mapping[str, FloatArray], sizes: Mapping[str, float]
) -> float:
    """Return how far claims are from what an agent can do, as a share of their sizes."""
    off = cp.Variable(nonneg=True)
    near = [each <= size * off for each, size in _apart(own, claims, sizes)]
    return solve(own.agent, own.near(near, off))


def cost_near(
    own: Statement, claims: Mapping[str, FloatArray], sizes: Mapping[str, float], residual: float
) -> float:
    """Return the least own cost no further from claims than this share of their sizes."""
    room = cp.Parameter(nonneg=True, value=residual)
    problem = own.problem([each <= size * room for each, size in _apart(own, claims, sizes)])
    if problem.is_lp():
        # Room is worth money: a billionth of a unit at 40 000 is more than settlements may be off.
        with contextlib.suppress(NoAnswer):
            return own.least(problem)
    room.value = residual + ROOM
    return own.least(problem)


def _apart(
    own: Statement, claims: Mapping[str, FloatArray], sizes: Mapping[str, float]
) -> list[tuple[cp.Expression, float]]:
    """What has to be small, each with its size: a thousandth is little of one, all of another.

    In two rows each: of an absolute value cvxpy works out bounds, and warns where there are none.
    """
    return [
        (sign * (own.says[name] - said), sizes[name])
        for name, said in claims.items()
        for sign in (1, -1)
    ]


@contextmanager
def hearing(agent: Agent, heard: Mapping[str, FloatArray]) -> Iterator[None]:
    """Set what the agent hears, and restore it whatever happens."""
    before = {name: parameter.value for name, parameter in agent.hears.items()}
    try:
        for name, parameter in agent.hears.items():
            parameter.value = heard[name]
        yield
    finally:
        for name, parameter in agent.hears.items():
            parameter.value = before[name]
