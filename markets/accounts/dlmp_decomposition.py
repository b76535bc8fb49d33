"""Decomposition of a dual, such as a DLMP, by the labelled constraints behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm

_EQUALITIES = (cp.constraints.Zero, cp.constraints.Equality)


def dual_parts(
    form: StandardForm, point: Point, heard: str, step_h: float = 1.0
) -> Mapping[str, FloatArray]:
    """Split the dual of what an agent hears by the labels of its constraints.

    Parameters
    ----------
    form : StandardForm
    point : Point
        An optimal answer with its multipliers.
    heard : str
    step_h : float
        Length of a step in hours: a dual is the slope of a step's cost per hour.

    Returns
    -------
    Mapping of str to array
        By label, in the shape of what is heard; parts that are 0 everywhere are left out. What
        enters the objective itself is the part of the objective's label. They add up to the dual.

    Raises
    ------
    UnusableGame
        When a constraint of the agent takes other than one row an entry, as absolute values do.
    """
    where, shape = form.heard[heard], form.agent.hears[heard].shape
    in_cost = form.cost_of_heard.T[where] @ point.columns + form.offset_of_heard[where]
    by_label: dict[str, FloatArray] = {_objective_label(form): np.asarray(in_cost)}
    moved = form.rhs_of_heard[:, where]
    for label, rows, _ in labelled_rows(form):
        part = np.asarray(-(moved[rows].T @ point.rows[rows]))
        by_label[label] = by_label.get(label, 0.0) + part
    return {
        label: np.reshape(part, shape, order="F") / step_h
        for label, part in by_label.items()
        if part.any()
    }


def _objective_label(form: StandardForm) -> str:
    assert form.agent.problem is not None
    return str(form.agent.problem.objective.expr.label or "objective")


def labelled_rows(form: StandardForm) -> Iterator[tuple[str, slice, tuple[int, ...]]]:
    """Each constraint's rows and shape: equalities first, both in the order of the declaration."""
    assert form.agent.problem is not None
    stated = form.agent.problem.constraints
    equal = [c for c in stated if isinstance(c, _EQUALITIES)]
    other = [c for c in stated if not isinstance(c, _EQUALITIES)]
    sizes = [sum(c.size for c in part) for part in (equal, other)]
    if sizes != [form.equal_rows, len(form.rhs) - form.equal_rows]:
        raise UnusableGame(
            [
                f"the constraints of '{form.agent.name}' take other than one row an entry, so its "
                "duals cannot be split by label; write absolute values and maxima as two limits"
            ]
        )
    at = 0
    for constraint in [*equal, *other]:
        yield constraint.label or "a constraint", slice(at, at + constraint.size), constraint.shape
        at += constraint.size
