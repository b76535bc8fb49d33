"""Solving one agent again and again: a persistent HiGHS model with a warm basis."""

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.findings import NoAnswer
from equigrid.markets.linear_program import HighsModel
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]


class AgentSolver:
    """An agent's own problem, solved for whatever it hears.

    Parameters
    ----------
    form : StandardForm
        Linear or mixed-integer linear.
    """

    def __init__(self, form: StandardForm) -> None:
        self.form = form
        equal = np.arange(len(form.rhs)) < form.equal_rows
        self._below = np.where(equal, 0.0, -np.inf)
        self._columns, self._rows = np.arange(form.columns), np.arange(len(form.rhs))
        self._model = HighsModel(
            matrix=form.matrix,
            row_lower=form.rhs + self._below,
            row_upper=form.rhs,
            lower=form.lower,
            upper=form.upper,
            cost=form.cost,
            integer=form.integer,
            options={"mip_rel_gap": 0.0},
        )

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
        """
        self._model.set_costs(self._columns, self.form.cost_at(heard))
        if self.form.rhs_of_heard.nnz:
            rhs = self.form.rhs_at(heard)
            self._model.set_rows(self._rows, rhs + self._below, rhs)
        solution = self._model.solve()
        if solution.status != "optimal":
            name = self.form.agent.name
            raise NoAnswer(
                f"agent '{name}' has no best answer to what it hears ({solution.status})", name
            )
        return solution.columns
