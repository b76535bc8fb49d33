"""Agent solver: one agent solved again and again, compiled once and warm."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed, did_you_mean
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.forms.quadratic_model import QuadraticModel
from equigrid.markets.forms.scaled_solve import ModelInOwnUnits
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent


def _stated(form: StandardForm) -> Assembled:
    equal = np.arange(len(form.rhs)) < form.equal_rows
    return Assembled(
        matrix=form.matrix,
        row_lower=np.where(equal, form.rhs, -np.inf),
        row_upper=form.rhs,
        lower=form.lower,
        upper=form.upper,
        cost=form.cost,
        integer=form.integer,
    )


class _Linear:
    """A HiGHS model that keeps its basis, in units found when it is solved first."""

    solver = "HiGHS"

    def __init__(self, form: StandardForm) -> None:
        self._program = _stated(form)
        self._below = np.where(np.arange(len(form.rhs)) < form.equal_rows, 0.0, -np.inf)
        self._rows = np.arange(len(form.rhs))
        self._model: ModelInOwnUnits | None = None

    def set_cost(self, cost: FloatArray) -> None:
        if self._model is None:
            self._program = replace(self._program, cost=cost)
        else:
            self._model.set_costs(cost)

    def set_rhs(self, rhs: FloatArray) -> None:
        if self._model is None:
            self._program = replace(self._program, row_lower=rhs + self._below, row_upper=rhs)
        else:
            self._model.set_rows(self._rows, rhs + self._below, rhs)

    def solve(self) -> tuple[str, str, FloatArray]:
        if self._model is None:
            self._model = ModelInOwnUnits(self._program, mip_rel_gap=0.0, mip_abs_gap=0.0)
            self._model.set_costs(self._program.cost)
        solution = self._model.solve_anew_if_failed()
        return solution.status, solution.words, solution.columns


class _Quadratic:
    """Clarabel, whose vectors are updated."""

    solver = "Clarabel"

    def __init__(self, form: StandardForm) -> None:
        model = QuadraticModel(_stated(form), form.quadratic)
        self._model, self.set_cost, self.set_rhs = model, model.set_cost, model.set_rhs

    def solve(self) -> tuple[str, str, FloatArray]:
        solution = self._model.solve()
        return solution.status, solution.words, solution.columns


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

    def solve(self, heard: FloatArray) -> FloatArray:
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

    def answer(self, **heard: ArrayLike) -> dict[str, FloatArray]:
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

    def _checked(self, heard: dict[str, ArrayLike]) -> dict[str, FloatArray]:
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
