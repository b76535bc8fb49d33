"""Models of one agent's problem that stay with a solver: linear, whole numbers, quadratic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.forms.highs_model import Assembled, Solution
from equigrid.markets.forms.quadratic_model import QuadraticModel
from equigrid.markets.forms.scaled_solve import ModelInOwnUnits
from equigrid.markets.forms.standard_form import StandardForm


@dataclass(frozen=True, eq=False)
class Optimum:
    """What a solver makes of an agent's problem.

    Attributes
    ----------
    status : str
        ``optimal``; ``limit`` for the best answer with whole numbers that a limit left; else
        ``infeasible``, ``unbounded`` or ``failed``, without columns.
    words : str
        How the solver itself says that it ended.
    columns : array of shape (n,)
        In the agent's standard form.
    rows : array of shape (m,)
        Multipliers of its rows, at least 0 for inequalities; with whole numbers, those of the
        linear program that is left where they are fixed.
    bound : float
        Proven by the solver on the minimised objective, without constants.
    nodes : int
        Of branch and bound.
    """

    status: str
    words: str
    columns: FloatArray
    rows: FloatArray
    bound: float
    nodes: int = 0


@dataclass(frozen=True)
class Spent:
    """What a search for whole numbers came to; a problem without them has none.

    Attributes
    ----------
    nodes, iterations : int
    limited : bool
        Whether a limit ended it.
    """

    nodes: int = 0
    iterations: int = 0
    limited: bool = False


class Model(Protocol):
    """What an agent solver asks of a solver's model."""

    solver: str
    spent: Spent

    def allow(self, options: Mapping[str, Any]) -> None:
        """Limit searches for whole numbers, by options of HiGHS."""
        ...

    def set_cost(self, cost: FloatArray) -> None:
        """Change all costs."""
        ...

    def set_rhs(self, rhs: FloatArray) -> None:
        """Change the limits of all rows."""
        ...

    def solve(self) -> tuple[str, str, FloatArray]:
        """Return status, the solver's own words, and columns."""
        ...

    def optimum(self) -> Optimum:
        """Return columns with multipliers and bound."""
        ...


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


class Linear:
    """A HiGHS model that keeps its basis, in units found when it is solved first."""

    solver, spent = "HiGHS", Spent()

    def __init__(self, form: StandardForm) -> None:
        self._program = _stated(form)
        self._below = np.where(np.arange(len(form.rhs)) < form.equal_rows, 0.0, -np.inf)
        self._rows = np.arange(len(form.rhs))
        self._model: ModelInOwnUnits | None = None

    def set_cost(self, cost: FloatArray) -> None:
        """Change all costs."""
        if self._model is None:
            self._program = replace(self._program, cost=cost)
        else:
            self._model.set_costs(cost)

    def set_rhs(self, rhs: FloatArray) -> None:
        """Change the limits of all rows."""
        if self._model is None:
            self._program = replace(self._program, row_lower=rhs + self._below, row_upper=rhs)
        else:
            self._model.set_rows(self._rows, rhs + self._below, rhs)

    def allow(self, options: Mapping[str, Any]) -> None:
        """Do without: nothing is searched for."""

    def solve(self) -> tuple[str, str, FloatArray]:
        """Return status, the solver's own words, and columns."""
        solution = self._solution()
        return solution.status, solution.words, solution.columns

    def optimum(self) -> Optimum:
        """Return columns with multipliers and bound."""
        found = self._solution()
        assert self._model is not None
        # A row's dual is what one unit more of its limit is worth: a multiplier's opposite.
        rows = -self._model.row_duals() if found.found else np.zeros(0)
        return Optimum(found.status, found.words, found.columns, rows, found.bound)

    def _solution(self) -> Solution:
        if self._model is None:
            self._model = ModelInOwnUnits(self._program, mip_rel_gap=0.0, mip_abs_gap=0.0)
            self._model.set_costs(self._program.cost)
        return self._model.solve_anew_if_failed()


class WholeNumbers(Linear):
    """A HiGHS model for the search, and a linear one for what is left where they are fixed."""

    def __init__(self, form: StandardForm, gap: float, node_limit: int | None) -> None:
        super().__init__(form)
        self._search: dict[str, Any] = {"mip_rel_gap": gap, "mip_abs_gap": 0.0}
        if node_limit is not None:
            self._search["mip_max_nodes"] = node_limit
        self._integer = np.flatnonzero(form.integer)
        self._fixed = ModelInOwnUnits(replace(self._program, integer=np.zeros_like(form.integer)))

    def set_cost(self, cost: FloatArray) -> None:
        """Change all costs."""
        super().set_cost(cost)
        self._fixed.set_costs(cost)

    def set_rhs(self, rhs: FloatArray) -> None:
        """Change the limits of all rows."""
        super().set_rhs(rhs)
        self._fixed.set_rows(self._rows, rhs + self._below, rhs)

    def allow(self, options: Mapping[str, Any]) -> None:
        """Limit searches from now on."""
        self._search.update(options)
        if self._model is not None:
            self._model.set_options(**options)

    def _solution(self) -> Solution:
        if self._model is None:
            self._model = ModelInOwnUnits(self._program, **self._search)
            self._model.set_costs(self._program.cost)
        found = self._model.solve()
        # A limit that was asked for is no failure.
        if found.status == "failed":
            found = self._model.solve_anew_if_failed()
        self.spent = Spent(found.nodes, found.iterations, found.status == "limit")
        return found

    def optimum(self) -> Optimum:
        """Return columns with multipliers and bound."""
        found = self._solution()
        if not found.found:
            return Optimum(found.status, found.words, found.columns, np.zeros(0), found.bound)
        whole = np.round(found.columns[self._integer])
        self._fixed.set_bounds(self._integer, whole, whole)
        exact = self._fixed.solve_anew_if_failed()
        best = exact if exact.status == "optimal" else found
        rows = -self._fixed.row_duals() if best is exact else np.zeros(0)
        return Optimum(found.status, found.words, best.columns, rows, found.bound, found.nodes)


class Quadratic:
    """Clarabel, whose vectors are updated."""

    solver, spent = "Clarabel", Spent()

    def __init__(self, form: StandardForm) -> None:
        model = QuadraticModel(_stated(form), form.quadratic)
        self._model, self.set_cost, self.set_rhs = model, model.set_cost, model.set_rhs

    def allow(self, options: Mapping[str, Any]) -> None:
        """Do without: nothing is searched for."""

    def solve(self) -> tuple[str, str, FloatArray]:
        """Return status, the solver's own words, and columns."""
        solution = self._model.solve()
        return solution.status, solution.words, solution.columns

    def optimum(self) -> Optimum:
        """Return columns with multipliers and bound."""
        found = self._model.solve()
        return Optimum(found.status, found.words, found.columns, -found.row_duals, found.bound)


def model_of(form: StandardForm, gap: float, node_limit: int | None) -> Model:
    """Return the model of a solver that takes the agent's problem."""
    if form.is_quadratic:
        return Quadratic(form)
    return WholeNumbers(form, gap, node_limit) if form.integer.any() else Linear(form)
