"""Compilation: from a cvxpy declaration to the standard form, once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import UnusableGame
from equigrid.markets.forms.linearity import (
    not_linear,
    refuse_curved,
    refuse_products,
    refuse_structured,
)
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.model.agent import Agent


@runtime_checkable
class Compiled(Protocol):
    """An agent that knows its own standard form, as a fleet does from that of its member."""

    def form(self, names: Iterable[str]) -> StandardForm:
        """Return the form with what is said as far as it is wanted."""


def compile_agent(agent: Agent, said: Iterable[str] = ()) -> StandardForm:
    """Compile an agent's problem to its standard form.

    Parameters
    ----------
    agent : Agent
        An agent with a linear, convex quadratic or mixed-integer linear problem, or with none.
    said : iterable of str
        Which of its says are wanted as affine maps; they must be affine.

    Raises
    ------
    UnusableGame
        When a heard value multiplies a variable in a constraint, when something said is not
        affine, or when the problem is neither linear nor convex quadratic.
    """
    names = list(said)
    if isinstance(agent, Compiled):
        return agent.form(names)
    refuse_structured(agent)
    refuse_curved(agent, names)
    stated = agent.problem or cp.Problem(cp.Minimize(0))
    # A said quantity is read off a marker column that is defined to equal it; the row and the
    # column are taken out again. So cvxpy itself does all the bookkeeping of expressions.
    markers = {name: cp.Variable(agent.says[name].shape) for name in names}
    defining = [marker == agent.says[name] for name, marker in markers.items()]
    mentioned = cp.Problem(stated.objective, stated.constraints + defining)
    owned = [_at_rest(variable) for variable in _orphans(agent, mentioned)]
    if not mentioned.variables() + owned:
        owned = [_at_rest(cp.Variable())]  # cvxpy compiles no problem without a variable
    problem = cp.Problem(stated.objective, stated.constraints + defining + owned)
    program = _program(agent, problem)
    return _without_markers(program, markers)


def _orphans(agent: Agent, stated: cp.Problem) -> list[cp.Variable]:
    """Variables that the agent only says: bounded decisions that no constraint mentions."""
    known = {variable.id for variable in stated.variables()}
    return [variable for variable in agent.variables() if variable.id not in known]


def _at_rest(variable: cp.Variable) -> cp.Constraint:
    """Return a constraint that keeps a variable in the problem without restricting it."""
    return variable + cp.Variable(variable.shape) == 0


def _program(agent: Agent, problem: cp.Problem) -> StandardForm:
    """Read cvxpy's compiled program, whose data are affine in the parameters."""
    if problem.is_mixed_integer() and not problem.objective.expr.is_pwl():
        raise UnusableGame(
            [
                f"agent '{agent.name}' has whole numbers and a quadratic cost, which no solver "
                "here takes together; write the cost piecewise linear"
            ]
        )
    try:
        data, _, _ = problem.get_problem_data(cp.HIGHS)
    except (cp.SolverError, ValueError) as error:
        raise UnusableGame([not_linear(agent, str(error))]) from error
    program = data[cp.settings.PARAM_PROB]
    n, m = program.x.size, program.constr_size
    heard, place = _heard(agent, program)
    cost, tensor = _replaced(program.q, place), _replaced(program.A, place)
    coefficients = tensor[: m * n]
    refuse_products(agent, heard, coefficients[:, :-1])
    lower, upper = _bounds(program, data)
    _refuse_not_finite(agent, [cost, coefficients], tensor[m * n :])
    return StandardForm(
        agent=agent,
        quadratic=_quadratic(agent, program, place),
        cost=cost[:n, [-1]].toarray().ravel(),
        cost_of_heard=sparse.csr_array(cost[:n, :-1]),
        offset=float(cost[n, -1]),
        offset_of_heard=cost[[n], :-1].toarray().ravel(),
        matrix=-sparse.csr_array(coefficients[:, [-1]].reshape((m, n), order="F")),
        rhs=tensor[m * n :, [-1]].toarray().ravel(),
        rhs_of_heard=sparse.csr_array(tensor[m * n :, :-1]),
        equal_rows=program.cone_dims.zero,
        lower=lower,
        upper=upper,
        integer=np.isin(np.arange(n), data["bool_vars_idx"] + data["int_vars_idx"]),
        heard=heard,
        said={},
        variable_columns=_variable_columns(problem, program),
    )


def _refuse_not_finite(
    agent: Agent, tables: Iterable[sparse.csr_array], rhs: sparse.csr_array
) -> None:
    """A coefficient that is no finite number would end in a solver's error, or in no answer.

    A right-hand side may be infinite: that limit is none.
    """
    if np.isnan(rhs.data).any() or not all(np.isfinite(table.data).all() for table in tables):
        raise UnusableGame(
            [
                f"the problem of agent '{agent.name}' has a cost or a coefficient that is no "
                "finite number, or a limit that is none; look for nan and inf in its data"
            ]
        )


def _quadratic(agent: Agent, program: Any, place: IntArray) -> sparse.csr_array:
    """Read Q, which no heard value may change."""
    n = program.x.size
    if program.P is None:
        return sparse.csr_array((n, n))
    tensor = _replaced(program.P, place)
    refuse_products(agent, _heard(agent, program)[0], tensor[:, :-1], "a quadratic cost")
    matrix = sparse.csr_array(tensor[:, [-1]].reshape((n, n), order="F"))
    return sparse.csr_array((matrix + matrix.T) / 2)


def _heard(agent: Agent, program: Any) -> tuple[dict[str, slice], IntArray]:
    """Return where each heard value stands in θ, and θ's place for each column of cvxpy's.

    A Parameter that the problem does not use has no column there; the constant comes last.
    """
    heard, at = {}, 0
    place = np.zeros(program.total_param_size + 1, dtype=np.int64)
    for name, parameter in agent.hears.items():
        heard[name] = slice(at, at + parameter.size)
        start = program.param_id_to_col.get(parameter.id)
        if start is not None:
            place[start : start + parameter.size] = np.arange(at, at + parameter.size)
        at += parameter.size
    place[-1] = at
    return heard, place


def _replaced(tensor: Any, place: IntArray) -> sparse.csc_array:
    """Put a tensor's columns where θ has them."""
    entries = sparse.coo_array(tensor)
    shape = (entries.shape[0], int(place[-1]) + 1)
    data = (entries.data, (entries.row, place[entries.col]))
    result = sparse.csc_array(sparse.coo_array(data, shape=shape))
    result.eliminate_zeros()
    return result


def _bounds(program: Any, data: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    n = program.x.size
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    if program.lb_tensor is not None or program.ub_tensor is not None:
        raise UnusableGame(
            ["bounds of a variable depend on a Parameter; state them as a constraint instead"]
        )
    if program.lower_bounds is not None:
        lower = np.array(program.lower_bounds, dtype=float)
    if program.upper_bounds is not None:
        upper = np.array(program.upper_bounds, dtype=float)
    binary = data["bool_vars_idx"]
    lower[binary], upper[binary] = np.maximum(lower[binary], 0), np.minimum(upper[binary], 1)
    return lower, upper


def _variable_columns(problem: cp.Problem, program: Any) -> dict[int, slice]:
    # cvxpy drops variables without entries: they have no columns.
    starts = {v.id: program.var_id_to_col[v.id] if v.size else 0 for v in problem.variables()}
    return {v.id: slice(starts[v.id], starts[v.id] + v.size) for v in problem.variables()}


def _without_markers(form: StandardForm, markers: Mapping[str, cp.Variable]) -> StandardForm:
    """Take the marker columns and their defining rows out; they become affine maps."""
    if not markers:
        return form
    gone = np.zeros(form.columns, dtype=bool)
    for marker in markers.values():
        gone[form.variable_columns[marker.id]] = True
    defining = np.diff(form.matrix[:, np.flatnonzero(gone)].indptr) > 0
    said = {name: _read_marker(form, marker, ~gone) for name, marker in markers.items()}
    position = np.cumsum(~gone) - 1
    kept_columns = {
        key: slice(
            int(position[where.start]), int(position[where.start]) + where.stop - where.start
        )
        for key, where in form.variable_columns.items()
        if where.start == where.stop or not gone[where.start]
    }
    return replace(
        form,
        quadratic=form.quadratic[~gone][:, np.flatnonzero(~gone)],
        cost=form.cost[~gone],
        cost_of_heard=form.cost_of_heard[~gone],
        matrix=form.matrix[~defining][:, np.flatnonzero(~gone)],
        rhs=form.rhs[~defining],
        rhs_of_heard=form.rhs_of_heard[~defining],
        equal_rows=form.equal_rows - int(defining.sum()),
        lower=form.lower[~gone],
        upper=form.upper[~gone],
        integer=form.integer[~gone],
        said=said,
        variable_columns=kept_columns,
    )


def _read_marker(form: StandardForm, marker: cp.Variable, kept: BoolArray) -> Affine:
    """Solve a marker's defining rows, a w + r'x = b + Bθ, for w."""
    columns = np.arange(form.columns)[form.variable_columns[marker.id]]
    block = sparse.csc_array(form.matrix[:, columns])
    rows, pivots = block.indices, sparse.diags_array(1 / block.data)
    return Affine(
        of_columns=sparse.csr_array(-pivots @ form.matrix[rows][:, np.flatnonzero(kept)]),
        of_heard=sparse.csr_array(pivots @ form.rhs_of_heard[rows]),
        constant=np.asarray(pivots @ form.rhs[rows]),
        shape=tuple(marker.shape),
    )
