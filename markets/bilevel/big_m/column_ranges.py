"""Ranges of a follower's columns, costs and right-hand sides over all signals."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.bilevel.signals import activity
from equigrid.markets.forms.highs_model import Assembled, HighsModel
from equigrid.markets.forms.scaling import Units
from equigrid.markets.forms.standard_form import StandardForm

# A column's range comes from a solver with this accuracy, so it gets this much room.
ROOM = 1e-6


class NoBoundError(NoAnswer):
    """A slack or multiplier that nothing bounds: the game is not for the MILP route."""


@dataclass(frozen=True)
class Box:
    """Intervals for a follower's columns, costs and right-hand sides over all signals.

    The cost of a quadratic follower is its gradient c + Cθ + Qy.
    """

    lower: FloatArray
    upper: FloatArray
    cost_lower: FloatArray
    cost_upper: FloatArray
    rhs_lower: FloatArray
    rhs_upper: FloatArray

    def declared(self, units: Units) -> "Box":
        """Return the box in the units of the declaration."""
        worth = units.money / units.columns
        return Box(
            self.lower * units.columns,
            self.upper * units.columns,
            self.cost_lower * worth,
            self.cost_upper * worth,
            self.rhs_lower * units.rows,
            self.rhs_upper * units.rows,
        )


def column_box(
    form: StandardForm,
    heard_lower: FloatArray,
    heard_upper: FloatArray,
    reach: tuple[FloatArray, FloatArray] | None = None,
) -> Box:
    """Return the box over all signals between two ends of shape (P,).

    Parameters
    ----------
    form : StandardForm
    heard_lower, heard_upper : array of shape (P,)
    reach : pair of arrays of shape (n,), optional
        What is known of the columns' ranges beyond their bounds.
    """
    cost = activity(form.cost_of_heard, heard_lower, heard_upper)
    rhs = activity(form.rhs_of_heard, heard_lower, heard_upper)
    rhs_lower, rhs_upper = form.rhs + rhs[0], form.rhs + rhs[1]
    _refuse_infinite_signals(form, cost, rhs)
    known = reach or (form.lower, form.upper)
    lower, upper = _column_ranges(form, rhs_lower, rhs_upper, known)
    bent = activity(form.quadratic, lower, upper)
    least, most = form.cost + cost[0] + bent[0], form.cost + cost[1] + bent[1]
    return Box(lower, upper, least, most, rhs_lower, rhs_upper)


def _refuse_infinite_signals(
    form: StandardForm, cost: tuple[FloatArray, FloatArray], rhs: tuple[FloatArray, FloatArray]
) -> None:
    name = form.agent.name
    if not all(np.isfinite(end).all() for end in (*cost, *rhs)):
        raise NoBoundError(
            f"agent '{name}' hears a signal that nothing bounds; give the variable that is said "
            "bounds, such as cp.Variable(bounds=[0, cap])",
            name,
        )


def _column_ranges(
    form: StandardForm,
    rhs_lower: FloatArray,
    rhs_upper: FloatArray,
    known: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Range of each column over the feasible set, by linear programs where bounds are open."""
    lower, upper = np.maximum(form.lower, known[0]), np.minimum(form.upper, known[1])
    equal = np.arange(len(rhs_lower)) < form.equal_rows
    model = Assembled(
        matrix=form.matrix,
        row_lower=np.where(equal, rhs_lower, -np.inf),
        row_upper=rhs_upper,
        lower=form.lower,
        upper=form.upper,
        cost=np.zeros(form.columns),
        integer=np.zeros(form.columns, dtype=bool),
    ).model(presolve="off")
    if model.solve().status == "infeasible":
        name = form.agent.name
        raise NoAnswer(f"agent '{name}' has no feasible answer at any signal", name)
    for column in np.flatnonzero(np.isinf(lower)):
        lower[column] = _extreme(model, form, int(column), 1.0)
    for column in np.flatnonzero(np.isinf(upper)):
        upper[column] = -_extreme(model, form, int(column), -1.0)
    return lower, upper


def _extreme(model: HighsModel, form: StandardForm, column: int, sign: float) -> float:
    at = np.array([column])
    model.set_costs(at, np.array([sign]))
    solution = model.solve()
    model.set_costs(at, np.zeros(1))
    if solution.status not in ("optimal", "unbounded"):
        raise SolverFailed.on("HiGHS", solution.words, form.agent.name)
    if solution.status != "optimal":
        owner = next((v for v in form.agent.variables() if column in _span(form, v.id)), None)
        name = form.agent.name
        raise NoBoundError(
            f"a convex term of agent '{name}' is unbounded; write it with a bounded variable"
            if owner is None
            else f"variable '{owner.name()}' of agent '{name}' is unbounded; give it bounds",
            name,
        )
    return solution.objective - ROOM


def _span(form: StandardForm, variable: int) -> range:
    where = form.variable_columns.get(variable, slice(0, 0))
    return range(where.start, where.stop)
