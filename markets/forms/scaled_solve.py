"""Linear programs solved in scaled units, with solutions in those of the declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.forms.highs_model import Assembled, HighsModel, Solution
from equigrid.markets.forms.scaling import Figures, Units, ends


def own_units(program: Assembled) -> Units:
    """Return the units in which a program's figures are nearest to 1."""
    figures = Figures(program.matrix, ~program.integer)
    figures.add_rows(ends(program.row_lower, program.row_upper))
    figures.add_columns(ends(program.lower, program.upper))
    figures.add_costs([program.cost])
    return figures.units()


def solved_in_own_units(program: Assembled) -> Solution:
    """Solve a linear program for sure.

    Raises
    ------
    NoAnswer
        When nothing that HiGHS offers comes to an end.
    """
    units = own_units(program)
    return _declared(program.measured(units).model().solve_surely(), units)


class ModelInOwnUnits:
    """A HiGHS model that stays, in units of its own; costs and rows may change.

    Costs are scaled anew each time by the greatest of them, so that what is told in millions
    is solved like what is told in cents.

    Parameters
    ----------
    program : Assembled
    units : Units, optional
        Where they are known already.
    **options
        Of HiGHS.
    """

    def __init__(self, program: Assembled, units: Units | None = None, **options: Any) -> None:
        self._units = units or own_units(program)
        self._program = program
        # A constant has no part in the search, and none in what a gap is relative to.
        measured = replace(program, offset=0.0).measured(self._units)
        self._model: HighsModel = measured.model(**options)
        self._all = np.arange(len(program.cost))

    def set_costs(self, cost: FloatArray) -> None:
        """Change all costs."""
        moved = np.abs(cost * self._units.columns)
        greatest = float(moved.max(initial=0.0))
        money = float(np.exp2(np.round(np.log2(greatest)))) if greatest > 0 else 1.0
        self._units = replace(self._units, money=money)
        self._model.set_costs(self._all, self._units.cost(cost))

    def set_rows(self, rows: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change limits of some rows."""
        unit = self._units.rows[rows]
        self._model.set_rows(rows, lower / unit, upper / unit)

    def set_bounds(self, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change bounds of some columns."""
        unit = self._units.columns[columns]
        self._model.set_bounds(columns, lower / unit, upper / unit)

    def set_options(self, **options: Any) -> None:
        """Change HiGHS options by their names."""
        self._model.set_options(**options)

    def row_duals(self) -> FloatArray:
        """Return what one unit more of each row's limit is worth, at the last solution."""
        return self._model.row_duals() * self._units.money / self._units.rows

    def solve(self) -> Solution:
        """Solve from where the last solution left off."""
        return self._moved(self._model.solve())

    def solve_anew_if_failed(self) -> Solution:
        """Solve, and where the last basis leads nowhere, begin anew in other ways."""
        return self._moved(self._model.solve_anew_if_failed())

    def fixed_at(self, found: Solution, integer: IntArray) -> Solution:
        """Fix integer columns at a solution and solve the linear program that is left."""
        columns = found.columns / self._units.columns
        return self._moved(self._model.fixed_at(replace(found, columns=columns), integer))

    def _moved(self, solution: Solution) -> Solution:
        result, offset = _declared(solution, self._units), self._program.offset
        return replace(result, objective=result.objective + offset, bound=result.bound + offset)


def _declared(solution: Solution, units: Units) -> Solution:
    """Return a solution in the units of the declaration."""
    return replace(
        solution,
        columns=solution.columns * units.columns if solution.found else solution.columns,
        rows=solution.rows * units.rows if solution.found else solution.rows,
        objective=solution.objective * units.money,
        bound=solution.bound * units.money,
    )
