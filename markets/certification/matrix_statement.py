"""An agent stated by its standard form in cvxpy: quick to solve again, open in what it hears."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.certification.money_moved import cost_unit
from equigrid.markets.certification.standalone import Statement
from equigrid.markets.forms.standard_form import Affine, StandardForm


@dataclass(frozen=True, eq=False)
class Flat:
    """An agent's compiled problem at what it hears.

    Attributes
    ----------
    own : Statement
        Says what is linked or paid for.
    columns : cvxpy.Variable
    free : Mapping of str to cvxpy.Variable
        What it hears without a value, flattened in column-major order, by name.
    """

    own: Statement
    columns: cp.Variable
    free: Mapping[str, cp.Variable]


def flattened(
    form: StandardForm, heard: Mapping[str, FloatArray], free: Iterable[str] = ()
) -> Flat:
    """State an agent's compiled problem in vectors and matrices, which is quick to solve again.

    Parameters
    ----------
    form : StandardForm
    heard : Mapping of str to array
        Value of everything that it hears.
    free : iterable of str
        What it hears that shall be a variable; it may multiply no decision.
    """
    open_ = {name: cp.Variable(form.agent.hears[name].size) for name in free}
    theta = form.heard_vector(heard)
    for name in open_:
        theta[form.heard[name]] = 0.0
    whole = (np.flatnonzero(form.integer),) if form.integer.any() else False
    columns = cp.Variable(form.columns, bounds=[form.lower, form.upper], integer=whole)
    cost = form.cost_at(theta) @ columns + form.offset + form.offset_of_heard @ theta
    if form.is_quadratic:
        cost = cost + cp.quad_form(columns, cp.psd_wrap(form.quadratic)) / 2
    limits, by_heard = form.matrix @ columns, sparse.csc_array(form.rhs_of_heard)
    for name, variable in open_.items():
        cost = cost + form.offset_of_heard[form.heard[name]] @ variable
        limits = limits - sparse.csr_array(by_heard[:, form.heard[name]]) @ variable
    rhs, equal = form.rhs_at(theta), form.equal_rows
    rows = [limits[:equal] == rhs[:equal], limits[equal:] <= rhs[equal:]]
    says = {name: _said(affine, columns, theta) for name, affine in form.said.items()}
    unit = cost_unit(form, theta)
    return Flat(Statement(form.agent, cost, rows, says, unit), columns, open_)


def moves_no_costs(form: StandardForm, name: str) -> bool:
    """Whether a heard value multiplies none of an agent's decisions."""
    return not sparse.csc_array(form.cost_of_heard)[:, form.heard[name]].nnz


def _said(affine: Affine, columns: cp.Variable, theta: FloatArray) -> cp.Expression:
    flat = affine.of_columns @ columns + (affine.of_heard @ theta + affine.constant)
    return cp.reshape(flat, affine.shape, order="F")
