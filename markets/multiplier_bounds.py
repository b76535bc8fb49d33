"""Bounds on a follower's slacks and multipliers that are proven, never guessed.

A multiplier μ_i of a row with slack s_i obeys μ_i s_i(y°) ≤ c(θ)'y° - v(θ) for every feasible
y°, by weak duality: Σ_k μ_k s_k(y°) is exactly what y° costs more than the optimum v(θ). That
excess is at most D(y°), a sum over columns of the worst product of a cost interval and a
distance interval. The ratio D(y°) / s_i(y°) is minimised exactly by one linear program a row
(Charnes-Cooper), so the bound holds for every signal θ in its box. Interval propagation through
stationarity then tightens the multipliers of column bounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from equigrid.markets.findings import NoAnswer
from equigrid.markets.linear_program import HighsModel, LinearProgram
from equigrid.markets.signals import activity
from equigrid.markets.standard_form import StandardForm

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]
# Multipliers come from a solver with this accuracy, so the proven bound gets this much room.
_ROOM = 1e-6


class NoBoundError(NoAnswer):
    """A slack or multiplier that nothing bounds: the game is not for the MILP route."""


@dataclass(frozen=True)
class Box:
    """Intervals for a follower's columns, costs and right-hand sides over all signals."""

    lower: Vector
    upper: Vector
    cost_lower: Vector
    cost_upper: Vector
    rhs_lower: Vector
    rhs_upper: Vector


@dataclass(frozen=True)
class Bounds:
    """What the inequalities of one follower can at most be.

    Attributes
    ----------
    row_slack, row_multiplier : array of shape (rows,)
        For every row; infinite multipliers belong to equalities and rows that always bind
        (slack 0), multiplier 0 to rows that never do.
    lower_multiplier, upper_multiplier : array of shape (n,)
        For the column bounds, 0 where there is none.
    box : Box
        Ranges that they were derived from.
    """

    row_slack: Vector
    row_multiplier: Vector
    lower_multiplier: Vector
    upper_multiplier: Vector
    box: Box


def derive_bounds(form: StandardForm, heard_lower: Vector, heard_upper: Vector) -> Bounds:
    """Bound all slacks and multipliers of a follower over the box of what it hears.

    Parameters
    ----------
    form : StandardForm
        A linear follower.
    heard_lower, heard_upper : array of shape (P,)
        Box of θ; infinite entries are refused when they price something.

    Raises
    ------
    NoBoundError
        When a column of the follower, or a signal it hears, is unbounded.
    NoAnswer
        When it has no feasible answer.
    """
    box = _box(form, heard_lower, heard_upper)
    least, _ = activity(form.matrix, box.lower, box.upper)
    _, most = activity(form.matrix, box.lower, box.upper)
    slack = np.maximum(box.rhs_upper - least, 0.0)
    never = most < box.rhs_lower - _ROOM
    never[: form.equal_rows] = False
    rows, lower, upper = _ratios(form, box, never)
    slack[np.isinf(rows)] = 0.0
    return _propagated(form, Bounds(slack, rows, lower, upper, box))


def _box(form: StandardForm, heard_lower: Vector, heard_upper: Vector) -> Box:
    cost = activity(form.cost_of_heard, heard_lower, heard_upper)
    rhs = activity(form.rhs_of_heard, heard_lower, heard_upper)
    rhs_lower, rhs_upper = form.rhs + rhs[0], form.rhs + rhs[1]
    _refuse_infinite_signals(form, cost, rhs)
    lower, upper = _column_ranges(form, rhs_lower, rhs_upper)
    return Box(lower, upper, form.cost + cost[0], form.cost + cost[1], rhs_lower, rhs_upper)


def _refuse_infinite_signals(
    form: StandardForm, cost: tuple[Vector, Vector], rhs: tuple[Vector, Vector]
) -> None:
    name = form.agent.name
    if not all(np.isfinite(end).all() for end in (*cost, *rhs)):
        raise NoBoundError(
            f"agent '{name}' hears a signal that nothing bounds; give the variable that is said "
            "bounds, such as cp.Variable(bounds=[0, cap])",
            name,
        )
    moved = (rhs[1] - rhs[0])[: form.equal_rows]
    if moved.any():
        raise NoBoundError(
            f"an equality of agent '{name}' moves with a signal that another agent decides; the "
            "multipliers of the MILP route cannot be bounded then",
            name,
        )


def _column_ranges(
    form: StandardForm, rhs_lower: Vector, rhs_upper: Vector
) -> tuple[Vector, Vector]:
    """Range of each column over the feasible set, by linear programs where bounds are open."""
    lower, upper = form.lower.copy(), form.upper.copy()
    equal = np.arange(len(rhs_lower)) < form.equal_rows
    model = HighsModel(
        matrix=form.matrix,
        row_lower=np.where(equal, rhs_lower, -np.inf),
        row_upper=rhs_upper,
        lower=lower,
        upper=upper,
        cost=np.zeros(form.columns),
        integer=np.zeros(form.columns, dtype=bool),
        options={"presolve": "off"},
    )
    if model.solve().status == "infeasible":
        name = form.agent.name
        raise NoAnswer(f"agent '{name}' has no feasible answer at any signal", name)
    for column in np.flatnonzero(np.isinf(lower)):
        lower[column] = _extreme(model, form, column, 1.0)
    for column in np.flatnonzero(np.isinf(upper)):
        upper[column] = -_extreme(model, form, column, -1.0)
    return lower, upper


def _extreme(model: HighsModel, form: StandardForm, column: int, sign: float) -> float:
    at = np.array([column])
    model.set_costs(at, np.array([sign]))
    solution = model.solve()
    model.set_costs(at, np.zeros(1))
    if solution.status != "optimal":
        owner = next((v for v in form.agent.variables() if column in _span(form, v.id)), None)
        label = "an auxiliary column" if owner is None else f"variable '{owner.name()}'"
        raise NoBoundError(
            f"{label} of agent '{form.agent.name}' is unbounded; give it bounds", form.agent.name
        )
    return solution.objective - _ROOM


def _span(form: StandardForm, variable: int) -> range:
    where = form.variable_columns.get(variable, slice(0, 0))
    return range(where.start, where.stop)


def _ratios(
    form: StandardForm, box: Box, never: NDArray[np.bool_]
) -> tuple[Vector, Vector, Vector]:
    """Smallest provable multipliers of rows, lower bounds and upper bounds, block by block."""
    rows = np.where(never, 0.0, np.inf)
    lower, upper = np.zeros(form.columns), np.zeros(form.columns)
    fixed = form.upper - form.lower <= 0
    for block_rows, block_columns in _blocks(form):
        programme = _RatioProgram(form, box, block_rows, block_columns)
        for row in block_rows[block_rows >= form.equal_rows]:
            if not never[row]:
                rows[row] = programme.ratio(("row", row))
        for column in block_columns:
            for side, store, bound in (("lower", lower, form.lower), ("upper", upper, form.upper)):
                if np.isfinite(bound[column]):
                    store[column] = np.inf if fixed[column] else programme.ratio((side, column))
    return rows, lower, upper


def _blocks(form: StandardForm) -> list[tuple[Indices, Indices]]:
    """Rows and columns of the independent parts of a follower."""
    touching = sparse.csr_array(abs(form.matrix.T) @ abs(form.matrix))
    count, part = connected_components(touching, directed=False)
    first = np.array(
        [
            form.matrix.indices[a] if a < b else -1
            for a, b in zip(form.matrix.indptr[:-1], form.matrix.indptr[1:], strict=True)
        ],
        dtype=int,
    )
    row_part = np.where(first < 0, 0, part[np.maximum(first, 0)])
    return [(np.flatnonzero(row_part == k), np.flatnonzero(part == k)) for k in range(count)]


class _RatioProgram:
    """Minimise D(y°) over s_i(y°) on one block: w = τ y°, and the slack in question is 1."""

    def __init__(self, form: StandardForm, box: Box, rows: Indices, columns: Indices) -> None:
        program, n = LinearProgram(), len(columns)
        w, tau = program.add_columns(n), program.add_columns(1, lower=0.0)
        excess = program.add_columns(n, cost=1.0)
        self._slacks: dict[tuple[str, int], int] = {}
        eye = sparse.eye_array(n, format="csr")

        def homogeneous(matrix: object, rhs: Vector, names: list[tuple[str, int]]) -> None:
            """State matrix @ w + slack = rhs τ."""
            s = program.add_columns(len(names), lower=0.0)
            self._slacks.update(zip(names, s.tolist(), strict=True))
            terms = [(matrix, w), (-rhs[:, None], tau)]
            if names:
                terms.append((sparse.eye_array(len(names)), s))
            program.add_rows(terms, 0.0, 0.0)

        part = form.matrix[rows][:, columns]
        equal = rows < form.equal_rows
        if equal.any():
            homogeneous(part[equal], box.rhs_lower[rows[equal]], [])
        if (~equal).any():
            names = [("row", int(row)) for row in rows[~equal]]
            homogeneous(part[~equal], box.rhs_lower[rows[~equal]], names)
        for side, sign, bound in (("lower", -1.0, form.lower), ("upper", 1.0, form.upper)):
            at = np.flatnonzero(np.isfinite(bound[columns]))
            if at.size:
                names = [(side, int(column)) for column in columns[at]]
                homogeneous(sign * eye[at], sign * bound[columns[at]], names)
        for cost in (box.cost_lower[columns], box.cost_upper[columns]):
            for end in (box.lower[columns], box.upper[columns]):
                # excess ≥ cost (w - end τ), for the four corners of the two intervals
                scaled = sparse.diags_array(cost, format="csr")
                terms = [(eye, excess), (-scaled, w), ((cost * end)[:, None], tau)]
                program.add_rows(terms, lower=0.0)
        self._model = program.model(presolve="off")
        self._open = np.inf

    def ratio(self, name: tuple[str, int]) -> float:
        """Return the bound, infinite for a row that binds at every feasible point."""
        at = np.array([self._slacks[name]])
        one = np.ones(1)
        self._model.set_bounds(at, one, one)
        solution = self._model.solve()
        self._model.set_bounds(at, np.zeros(1), np.array([np.inf]))
        if solution.status != "optimal":
            return np.inf
        return max(solution.objective, 0.0) + _ROOM


def _propagated(form: StandardForm, bounds: Bounds) -> Bounds:
    """Tighten the multipliers of column bounds through c + A'μ + ρ_up - ρ_low = 0."""
    low = np.where(np.arange(len(bounds.row_slack)) < form.equal_rows, -np.inf, 0.0)
    high = bounds.row_multiplier
    low, high = _equality_ranges(form, bounds, low, high)
    least, most = activity(sparse.csr_array(form.matrix.T), low, high)
    down = np.maximum(bounds.box.cost_upper + most, 0.0) + _ROOM
    up = np.maximum(-(bounds.box.cost_lower + least), 0.0) + _ROOM
    free = form.upper - form.lower <= 0
    return Bounds(
        bounds.row_slack,
        bounds.row_multiplier,
        np.where(free, bounds.lower_multiplier, np.minimum(bounds.lower_multiplier, down)),
        np.where(free, bounds.upper_multiplier, np.minimum(bounds.upper_multiplier, up)),
        bounds.box,
    )


def _equality_ranges(
    form: StandardForm, bounds: Bounds, low: Vector, high: Vector
) -> tuple[Vector, Vector]:
    """Intervals of equality multipliers from each column they price, a few rounds of it."""
    low, high = low.copy(), high.copy()
    by_column = sparse.csc_array(form.matrix)
    for _ in range(3):
        for column in range(form.columns):
            span = slice(by_column.indptr[column], by_column.indptr[column + 1])
            rows, values = by_column.indices[span], by_column.data[span]
            for row, value in zip(rows, values, strict=True):
                if row < form.equal_rows:
                    rest = rows != row
                    ends = _others(form, bounds, column, rows[rest], values[rest], low, high)
                    ends = np.sort(-np.array(ends) / value)
                    low[row], high[row] = max(low[row], ends[0]), min(high[row], ends[1])
    return low, high


def _others(
    form: StandardForm,
    bounds: Bounds,
    column: int,
    rows: Indices,
    values: Vector,
    low: Vector,
    high: Vector,
) -> tuple[float, float]:
    """Interval of everything in a column's stationarity but one multiplier."""
    at_low = np.where(values > 0, low[rows], high[rows]) * values
    at_high = np.where(values > 0, high[rows], low[rows]) * values
    least = bounds.box.cost_lower[column] - bounds.lower_multiplier[column] + at_low.sum()
    most = bounds.box.cost_upper[column] + bounds.upper_multiplier[column] + at_high.sum()
    return float(least), float(most)
