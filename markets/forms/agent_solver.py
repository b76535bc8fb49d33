"""Agent solver: one agent solved again and again, compiled once and warm."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed, did_you_mean
from equigrid.markets.forms.agent_models import Optimum, Spent, model_of
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent


class AgentSolver:
    """An agent's own problem, compiled once and solved for whatever it hears.

    Linear problems go to HiGHS with a warm basis, quadratic ones to Clarabel with updated
    vectors.

    Parameters
    ----------
    agent : Agent or StandardForm
        Linear, mixed-integer linear or convex quadratic.
    gap : float
        Relative gap at which a search for whole numbers may stop.
    node_limit : int, optional
        Branch-and-bound nodes after which its best answer so far is taken.

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

    def __init__(
        self, agent: Agent | StandardForm, *, gap: float = 0.0, node_limit: int | None = None
    ) -> None:
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
        self._model = model_of(affine, gap, node_limit)

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
        self._hear(heard)
        status, words, columns = self._model.solve()
        if status == "optimal":
            return columns
        raise self._without_answer(status, words)

    @property
    def spent(self) -> Spent:
        """What the last search for whole numbers came to."""
        return self._model.spent

    def allow(self, **options: Any) -> None:
        """Limit searches for whole numbers from now on, by options of HiGHS."""
        self._model.allow(options)

    def optimum(self, heard: FloatArray) -> Optimum:
        """Return the agent's optimal columns with multipliers and the solver's bound.

        Parameters
        ----------
        heard : array of shape (P,)

        Raises
        ------
        NoAnswer
            Naming the agent when it has no feasible or no bounded answer, or none was found
            before a limit.
        SolverFailed
            When the solver comes to no end, in its own words.
        """
        self._hear(heard)
        result = self._model.optimum()
        if result.status == "optimal" or (result.status == "limit" and len(result.columns)):
            return result
        raise self._without_answer(result.status, result.words)

    def _hear(self, heard: FloatArray) -> None:
        self._model.set_cost(self.form.cost_at(heard))
        if self.form.rhs_of_heard.nnz:
            self._model.set_rhs(self.form.rhs_at(heard))

    def _without_answer(self, status: str, words: str) -> NoAnswer:
        name = self.form.agent.name
        if status in ("infeasible", "unbounded"):
            return NoAnswer(f"agent '{name}' has no best answer to what it hears ({status})", name)
        if status == "limit":
            return NoAnswer(
                f"no answer of agent '{name}' was found before the node limit; raise node_limit",
                name,
            )
        return SolverFailed.on(self._model.solver, words, name)

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
        theta = self.heard_vector(heard)
        return self.said_at(self.solve(theta), theta)

    def heard_vector(self, heard: Mapping[str, ArrayLike]) -> FloatArray:
        """Return what is heard as θ of shape (P,); names and shapes are checked."""
        return self.form.heard_vector(self._checked(heard))

    def said_at(self, columns: FloatArray, theta: FloatArray) -> dict[str, FloatArray]:
        """Return what the agent says at given columns and what it heard, by name."""
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

    def _checked(self, heard: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
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
