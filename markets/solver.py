"""Solving one agent again and again: compiled once, a persistent solver, a warm start."""

from typing import Any

import clarabel
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from equigrid.markets.agent import Agent
from equigrid.markets.compilation import compile_agent
from equigrid.markets.findings import NoAnswer, SolverFailed, did_you_mean
from equigrid.markets.linear_program import Assembled
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]


# What is only almost proven is not proven.
CLARABEL_STATUS = {
    "Solved": "optimal",
    "AlmostSolved": "optimal",
    "PrimalInfeasible": "infeasible",
    "DualInfeasible": "unbounded",
}


class _Linear:
    """A HiGHS model that keeps its basis."""

    solver = "HiGHS"

    def __init__(self, form: StandardForm) -> None:
        equal = np.arange(len(form.rhs)) < form.equal_rows
        self._below = np.where(equal, 0.0, -np.inf)
        self._columns, self._rows = np.arange(form.columns), np.arange(len(form.rhs))
        self._model = Assembled(
            matrix=form.matrix,
            row_lower=form.rhs + self._below,
            row_upper=form.rhs,
            lower=form.lower,
            upper=form.upper,
            cost=form.cost,
            integer=form.integer,
        ).model(mip_rel_gap=0.0)

    def set_cost(self, cost: Vector) -> None:
        self._model.set_costs(self._columns, cost)

    def set_rhs(self, rhs: Vector) -> None:
        self._model.set_rows(self._rows, rhs + self._below, rhs)

    def solve(self) -> tuple[str, str, Vector]:
        solution = self._model.solve_anew_if_failed()
        return solution.status, solution.words, solution.columns


class _Quadratic:
    """A Clarabel model whose vectors are updated; column bounds are rows of it."""

    solver = "Clarabel"

    def __init__(self, form: StandardForm) -> None:
        eye = sparse.eye_array(form.columns, format="csr")
        upper, lower = (np.flatnonzero(np.isfinite(end)) for end in (form.upper, form.lower))
        self._bounds = np.concatenate([form.upper[upper], -form.lower[lower]])
        matrix = sparse.csc_matrix(sparse.vstack([form.matrix, eye[upper], -eye[lower]]))
        inequalities = matrix.shape[0] - form.equal_rows
        cones = [clarabel.ZeroConeT(form.equal_rows), clarabel.NonnegativeConeT(inequalities)]
        settings = clarabel.DefaultSettings()
        settings.verbose, settings.presolve_enable = False, False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
        curved = sparse.csc_matrix(sparse.triu(form.quadratic))
        rhs = np.concatenate([form.rhs, self._bounds])
        self._solver: Any = clarabel.DefaultSolver(
            curved, form.cost, matrix, rhs, [c for c in cones if c.dim], settings
        )

    def set_cost(self, cost: Vector) -> None:
        self._solver.update(q=cost)

    def set_rhs(self, rhs: Vector) -> None:
        self._solver.update(b=np.concatenate([rhs, self._bounds]))

    def solve(self) -> tuple[str, str, Vector]:
        solution = self._solver.solve()
        words = str(solution.status)
        return CLARABEL_STATUS.get(words, "failed"), words, np.array(solution.x)


class AgentSolver:
    """An agent's own problem, compiled once and solved for whatever it hears.

    Linear problems go to HiGHS with a warm basis, quadratic ones to Clarabel with updated
    vectors.

    Parameters
    ----------
    agent : Agent or StandardForm
        Linear, mixed-integer linear or convex quadratic.

    Raises
    ------
    UnusableGame
        When the problem is none of these.

    Examples
    --------
    >>> import cvxpy as cp
    >>> price, output_mw = cp.Parameter(2), cp.Variable(2, bounds=[0, 3])
    >>> wind = Agent("wind", cp.Problem(cp.Maximize(price @ output_mw)),
    ...              hears={"price": price}, says={"output_mw": output_mw})
    >>> AgentSolver(wind).answer(price=[5.0, -1.0])["output_mw"]
    array([3., 0.])
    """

    def __init__(self, agent: Agent | StandardForm) -> None:
        affine = agent if isinstance(agent, StandardForm) else _compiled(agent)
        self.form = affine
        if affine.is_quadratic and affine.integer.any():
            name = affine.agent.name
            raise NoAnswer(
                f"agent '{name}' has whole numbers and a quadratic cost, which no solver here "
                "takes; write the cost piecewise linear",
                name,
            )
        said = list(affine.said.values())
        self._of_columns = sparse.csr_array(
            sparse.vstack([sparse.csr_array((0, affine.columns)), *(a.of_columns for a in said)])
        )
        self._of_heard = sparse.csr_array(
            sparse.vstack([sparse.csr_array((0, affine.heard_size)), *(a.of_heard for a in said)])
        )
        self._constant = np.concatenate([np.zeros(0), *(a.constant for a in said)])
        self._ends = np.cumsum([len(a.constant) for a in said])[:-1]
        self._model = _Quadratic(affine) if affine.is_quadratic else _Linear(affine)

    def solve(self, heard: Vector) -> Vector:
        """Return the agent's optimal columns, shape (n,).

        Parameters
        ----------
        heard : array of shape (P,)
            What it hears, θ.

        Raises
        ------
        NoAnswer
            Naming the agent when it has no feasible or no bounded answer.
        SolverFailed
            When the solver comes to no end, in its own words.
        """
        if not self.form.columns:
            return np.zeros(0)
        self._model.set_cost(self.form.cost_at(heard))
        if self.form.rhs_of_heard.nnz:
            self._model.set_rhs(self.form.rhs_at(heard))
        status, words, columns = self._model.solve()
        if status == "optimal":
            return columns
        name = self.form.agent.name
        if status in ("infeasible", "unbounded"):
            raise NoAnswer(f"agent '{name}' has no best answer to what it hears ({status})", name)
        raise SolverFailed.on(self._model.solver, words, name)

    def answer(self, **heard: ArrayLike) -> dict[str, Vector]:
        """Return what the agent says in answer to what it hears, by name.

        Parameters
        ----------
        **heard : array
            A value for every name in the agent's ``hears``, in the shape of its Parameter.

        Raises
        ------
        ValueError
            When a name is unknown or missing, or a shape is wrong.
        NoAnswer
            Naming the agent when it has no feasible or no bounded answer.
        """
        theta = self.form.heard_vector(self._checked(heard))
        columns = self.solve(theta)
        # One product for everything said: a product has a price of its own.
        flat = self._of_columns @ columns + self._constant
        if self._of_heard.nnz:
            flat += self._of_heard @ theta
        parts = np.split(flat, self._ends)
        said = self.form.said.items()
        return {
            n: np.reshape(part, a.shape, order="F")
            for (n, a), part in zip(said, parts, strict=True)
        }

    def _checked(self, heard: dict[str, ArrayLike]) -> dict[str, Vector]:
        agent, values = self.form.agent, {}
        for name in [n for n in heard if n not in agent.hears]:
            raise ValueError(
                f"'{agent.name}' does not hear '{name}'{did_you_mean(name, agent.hears)}"
            )
        for name, parameter in agent.hears.items():
            if name not in heard:
                raise ValueError(f"'{agent.name}' needs a value for '{name}'")
            values[name] = np.asarray(heard[name], dtype=float)
            if values[name].shape != parameter.shape:
                raise ValueError(
                    f"'{agent.name}.{name}' has shape {parameter.shape}, not {values[name].shape}"
                )
        return values


def _compiled(agent: Agent) -> StandardForm:
    """Compile with everything said that is affine; the rest is not for other agents anyway."""
    return compile_agent(agent, [name for name, said in agent.says.items() if said.is_affine()])
