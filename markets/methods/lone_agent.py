"""A lone agent: its own problem solved again and again for what it hears, as decisions."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from equigrid.markets.decision import Decision
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.points import with_bound_multipliers
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.said_values import SaidValues
from equigrid.threads import one_blas_thread


class LoneAgent:
    """One agent that decides alone; compiled once, and solved again from the last basis.

    Parameters
    ----------
    agent : Agent
        With a problem, linear, mixed-integer linear or convex quadratic.
    gap : float
        Relative gap at which a search for whole numbers may stop.
    node_limit : int, optional
        Branch-and-bound nodes after which the best answer so far is taken.

    Examples
    --------
    >>> import cvxpy as cp
    >>> price, output_mw = cp.Parameter(2), cp.Variable(2, bounds=[0, 3])
    >>> wind = Agent("wind", cp.Problem(cp.Maximize(price @ output_mw)),
    ...              hears={"price": price}, says={"output_mw": output_mw})
    >>> found = LoneAgent(wind).decide({"price": [5.0, -1.0]})
    >>> found.values["wind.output_mw"].tolist(), found.objective, found.status
    ([3.0, 0.0], 15.0, 'optimal')
    """

    def __init__(self, agent: Agent, *, gap: float = 0.0, node_limit: int | None = None) -> None:
        self.agent = agent
        self._solver = AgentSolver(agent, gap=gap, node_limit=node_limit)

    @one_blas_thread()
    def decide(self, heard: Mapping[str, ArrayLike]) -> Decision:
        """Return the agent's best decision at what it hears.

        Parameters
        ----------
        heard : Mapping of str to array
            A value for every name in the agent's ``hears``, in the shape of its Parameter.

        Raises
        ------
        ValueError
            When a name is unknown or missing, or a shape is wrong.
        NoAnswer
            Naming the agent when it has no feasible or no bounded answer.
        SolverFailed
            When the solver comes to no end, in its own words.
        """
        self._refuse_not_finite(heard)
        form, theta = self._solver.form, self._solver.heard_vector(heard)
        best = self._solver.optimum(theta)
        said = self._solver.said_at(best.columns, theta)
        sign = -1.0 if self.agent.maximises else 1.0
        constant = form.offset + form.offset_of_heard @ theta
        return Decision(
            form,
            SaidValues({f"{self.agent.name}.{name}": value for name, value in said.items()}),
            sign * form.objective_at(best.columns, theta),
            sign * (best.bound + float(constant)),
            best.status,
            with_bound_multipliers(form, best.columns, theta, best.rows),
        )

    def _refuse_not_finite(self, heard: Mapping[str, ArrayLike]) -> None:
        for name, value in heard.items():
            odd = np.flatnonzero(~np.isfinite(np.ravel(np.asarray(value, dtype=float))))
            if len(odd):
                raise ValueError(
                    f"what '{self.agent.name}' hears as '{name}' is no finite number in entry "
                    f"{odd[0] + 1}"
                )
