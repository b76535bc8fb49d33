"""Checks of a lone decision: feasible, of the cost that it says, and optimal as far as is claimed.

Feasibility and objective are evaluated by cvxpy on the declaration, and what multipliers prove is
held against the agent's own standard form. Of whole numbers the solver's own bound is all that is
known, and it is called so.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import cvxpy as cp
import numpy as np

from equigrid.markets.certification.certificate_checks import BOUND, FEASIBLE, MONEY, OPTIMAL
from equigrid.markets.certification.check import Check
from equigrid.markets.certification.kkt_residuals import (
    complementarity_residual,
    stationarity_residual,
)
from equigrid.markets.certification.money_moved import columns_money, relative
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm

# A figure is measured against no less than this share of the greatest figure of the decision.
_LEAST = 1e-3
# HiGHS takes a number for whole within this.
_WHOLE = 1e-6


def decision_checks(
    form: StandardForm, point: Point, objective: float, bound: float, tolerance: Mapping[str, float]
) -> Iterator[Check]:
    """Yield what is asked of a decision.

    Parameters
    ----------
    form : StandardForm
    point : Point
        Columns with multipliers; those of rows are empty where the solver has none.
    objective, bound : float
        As the solver has them, in the agent's own sense.
    tolerance : Mapping of str to float
        ``gap, settlement``.
    """
    with _evaluated_at(form, point):
        yield from _checks(form, point, objective, bound, tolerance)


def _checks(
    form: StandardForm, point: Point, objective: float, bound: float, tolerance: Mapping[str, float]
) -> Iterator[Check]:
    part, name = "The decision", form.agent.name
    moved = columns_money(form, point)
    yield _feasible(form, point, name, part)
    assert form.agent.problem is not None
    stated = float(form.agent.problem.objective.value)
    yield Check("The objective", stated, part=part, how="by cvxpy, as declared", unit="money")
    yield Check.asked(
        "What the solver's objective differs by, of the money that it moves",
        relative(abs(stated - objective), moved),
        tolerance["settlement"],
        part=MONEY,
        how="the solver's own value against the declaration's",
        shortfall=f"the objective of '{name}' is {stated:.6g}, and the solver has {objective:.6g}",
    )
    if form.integer.any():
        yield _solvers_bound(form, point, stated, bound, tolerance["gap"])
    elif len(point.rows):
        yield from _proven(form, point, name, part)
    else:
        yield Check(
            "Whether multipliers prove it",
            None,
            holds=False,
            part=part,
            shortfall=f"the solver has no multipliers that prove the decision of '{name}'",
            words=("no multipliers", ""),
        )


@contextmanager
def _evaluated_at(form: StandardForm, point: Point) -> Iterator[None]:
    """Let the declaration's expressions have their values at a point; it is left as it was.

    Values are kept as they are, beyond a bound as well: that is for the checks to say.
    """
    leaves = [*form.agent.variables(), *form.agent.hears.values()]
    before = [leaf.value for leaf in leaves]
    for variable in form.agent.variables():
        columns = point.columns[form.variable_columns[variable.id]]
        variable.save_value(np.reshape(columns, variable.shape, order="F"))
    for name, parameter in form.agent.hears.items():
        heard = point.heard[form.heard[name]]
        parameter.save_value(np.reshape(heard, parameter.shape, order="F"))
    try:
        yield
    finally:
        for leaf, value in zip(leaves, before, strict=True):
            leaf.save_value(value)


def _feasible(form: StandardForm, point: Point, name: str, part: str) -> Check:
    """Evaluate every constraint as declared, and bounds and whole numbers of the columns."""
    whole = greatest(point.columns)
    beyond = np.maximum(form.lower - point.columns, point.columns - form.upper).max(initial=0.0)
    off = {"a bound of a variable": relative(float(beyond), whole)}
    integer = point.columns[form.integer]
    if (broken := greatest(integer - np.round(integer))) > _WHOLE:
        off["a whole number"] = broken
    assert form.agent.problem is not None
    for constraint in form.agent.problem.constraints:
        label = str(constraint.label or "a constraint")
        off[label] = max(off.get(label, 0.0), _missed(constraint, whole))
    worst = max(off, key=lambda label: off[label])
    return Check.asked(
        "What the decision misses its constraints by, of their greatest figure",
        off[worst],
        FEASIBLE,
        part=part,
        how="each constraint by cvxpy, as declared",
        shortfall=f"the decision of '{name}' misses {worst} by {off[worst]:.2g} of its greatest "
        "figure",
    )


def _missed(constraint: cp.Constraint, whole: float) -> float:
    size = max((greatest(arg.value) for arg in constraint.args), default=0.0)
    return relative(greatest(constraint.violation()), max(size, _LEAST * whole))


def bound_gap(form: StandardForm, point: Point, objective: float, bound: float) -> float:
    """Return how far an objective is from a bound, as a share of the money that moves.

    It is negative where the bound cuts off the decision itself.
    """
    sign = -1.0 if form.agent.maximises else 1.0
    return relative(sign * (objective - bound), columns_money(form, point))


def _solvers_bound(
    form: StandardForm, point: Point, objective: float, bound: float, allowed: float
) -> Check:
    gap = bound_gap(form, point, objective, bound)
    holds = gap <= allowed and gap >= -BOUND
    return Check(
        "Distance of the objective from the solver's own bound",
        max(gap, 0.0) if gap >= -BOUND else gap,
        allowed,
        holds=bool(holds),
        part="The decision",
        how="of the money it moves; whole numbers have no multipliers that prove them, so the "
        "bound is HiGHS' own",
        shortfall=f"the decision of '{form.agent.name}' is {gap:.2g} of the money it moves from "
        "the solver's own bound",
        note=f"{abs(objective - bound):.2g} in currency",
    )


def _proven(form: StandardForm, point: Point, name: str, part: str) -> Iterator[Check]:
    for value, question, how in (
        (
            stationarity_residual(form, point),
            "Costs that the multipliers leave unbalanced, of the greatest",
            "stationarity, in every column",
        ),
        (
            complementarity_residual(form, point),
            "Multipliers on limits that are not met, times the room left, of the cost",
            "complementarity, in every row and bound",
        ),
    ):
        yield Check.asked(
            question,
            value,
            OPTIMAL,
            part=part,
            how=how,
            shortfall=f"the multipliers of '{name}' do not prove its decision ({how}: {value:.2g})",
        )
