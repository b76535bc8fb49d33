"""Bounds on dual multipliers: the smallest ratio of an excess cost to a slack.

One linear program a row (Charnes-Cooper), on each connected component of the follower.
"""

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.markets.bilevel.big_m.column_ranges import Box, NoBoundError
from equigrid.markets.bilevel.big_m.vertex_multipliers import vertex_multipliers
from equigrid.markets.forms.connected_components import components_of_matrix
from equigrid.markets.forms.linear_program import LinearProgram
from equigrid.markets.forms.standard_form import StandardForm

# Multipliers come from a solver with this accuracy, so the proven bound gets this much room.
_ROOM = 1e-6
# A bound this small is none: the multiplier is 0.
_NOTHING = 1e-9


def ratios(
    form: StandardForm, box: Box, never: BoolArray, *, vertices: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the smallest provable multipliers of rows, lower bounds and upper bounds.

    Where there is no room in some signal, the bases of a small component are tried, if vertices
    will do. Infinite for equalities and for inequalities that bind at every feasible point.

    Raises
    ------
    NoBoundError
        When a limit that moves with a signal leaves no room at some value of it.
    """
    result = (np.where(never, 0.0, np.inf), np.zeros(form.columns), np.zeros(form.columns))
    for rows, columns in _components(form):
        try:
            _by_duality(form, box, rows, columns, result)
        except NoBoundError:
            bases = vertex_multipliers(form, box, rows, columns) if vertices else None
            if bases is None:
                raise
            _by_bases(form, rows, columns, bases, result)
    result[0][never] = 0.0
    # A row without columns takes no part in any balance: its multiplier may be 0.
    without = np.diff(form.matrix.indptr) == 0
    without[: form.equal_rows] = False
    if vertices:
        result[0][without] = 0.0
    return result


def _by_duality(
    form: StandardForm, box: Box, rows: IntArray, columns: IntArray, found: tuple[FloatArray, ...]
) -> None:
    """Bound one component by weak duality; a column without room has no multiplier to speak of."""
    programme = _RatioProgram(form, box, rows, columns)
    for row in rows[rows >= form.equal_rows]:
        if found[0][row]:
            found[0][row] = programme.ratio(("row", int(row)))
    fixed = form.upper - form.lower <= 0
    for side, store, bound in (("lower", found[1], form.lower), ("upper", found[2], form.upper)):
        for column in columns[np.isfinite(bound[columns])]:
            free = not fixed[column]
            store[column] = programme.ratio((side, int(column))) if free else np.inf


def _by_bases(
    form: StandardForm,
    rows: IntArray,
    columns: IntArray,
    bases: tuple[FloatArray, FloatArray, FloatArray],
    found: tuple[FloatArray, ...],
) -> None:
    """Bound one component by the vertices of its dual."""
    fixed = (form.upper - form.lower <= 0)[columns]
    found[0][rows] = np.where(rows < form.equal_rows, np.inf, bases[0])
    found[2][columns] = np.where(fixed, np.inf, bases[1])
    found[1][columns] = np.where(fixed, np.inf, bases[2])


def _components(form: StandardForm) -> list[tuple[IntArray, IntArray]]:
    """Rows and columns of the connected components of a follower."""
    if not form.columns:
        return []
    columns, rows = components_of_matrix(form.matrix)  # Q acts through the box
    rows = np.where(rows < 0, 0, rows)
    count = int(columns.max()) + 1
    return [(np.flatnonzero(rows == k), np.flatnonzero(columns == k)) for k in range(count)]


def _refuse_moving_equality(form: StandardForm, box: Box, rows: IntArray) -> None:
    """No point lies on an equality at every value of a signal that moves it."""
    equal = rows[rows < form.equal_rows]
    if (box.rhs_upper > box.rhs_lower)[equal].any():
        name = form.agent.name
        raise NoBoundError(
            f"an equality of agent '{name}' moves with a signal that another agent decides; the "
            "multipliers of the MILP route cannot be bounded then, use Exact(route='branching')",
            name,
        )


class _RatioProgram:
    """Minimise D(y°) over s_i(y°) on one component: w = τ y°, and the slack in question is 1."""

    def __init__(self, form: StandardForm, box: Box, rows: IntArray, columns: IntArray) -> None:
        _refuse_moving_equality(form, box, rows)
        self._form, self._box, self._rows, self._columns = form, box, rows, columns
        self._program, n = LinearProgram(), len(columns)
        self._w = self._program.add_columns(n)
        self._tau = self._program.add_columns(1, lower=0.0)
        self._excess = self._program.add_columns(n, cost=1.0)
        self._slacks: dict[tuple[str, int], int] = {}
        self._add_rows()
        self._add_column_bounds()
        self._add_excess()
        self._model = self._program.model(presolve="off")

    def _add_rows(self) -> None:
        part = self._form.matrix[self._rows][:, self._columns]
        equal = self._rows < self._form.equal_rows
        rhs = self._box.rhs_lower[self._rows]
        self._homogeneous(part[equal], rhs[equal], [])
        names = [("row", int(row)) for row in self._rows[~equal]]
        self._homogeneous(part[~equal], rhs[~equal], names)

    def _add_column_bounds(self) -> None:
        form, columns = self._form, self._columns
        eye = sparse.eye_array(len(columns), format="csr")
        for side, sign, bound in (("lower", -1.0, form.lower), ("upper", 1.0, form.upper)):
            at = np.flatnonzero(np.isfinite(bound[columns]))
            names = [(side, int(column)) for column in columns[at]]
            self._homogeneous(sign * eye[at], sign * bound[columns[at]], names)

    def _homogeneous(self, matrix: object, rhs: FloatArray, names: list[tuple[str, int]]) -> None:
        """State matrix @ w + slack = rhs τ, with a slack for each name."""
        if not len(rhs):
            return
        terms = [(matrix, self._w), (-rhs[:, None], self._tau)]
        if names:
            slack = self._program.add_columns(len(names), lower=0.0)
            self._slacks.update(zip(names, slack.tolist(), strict=True))
            terms.append((sparse.eye_array(len(names)), slack))
        self._program.add_rows(terms, 0.0, 0.0)

    def _add_excess(self) -> None:
        """State excess ≥ cost (w - end τ), for the four corners of the two intervals."""
        box, columns = self._box, self._columns
        eye = sparse.eye_array(len(columns), format="csr")
        for cost in (box.cost_lower[columns], box.cost_upper[columns]):
            for end in (box.lower[columns], box.upper[columns]):
                scaled = sparse.diags_array(cost, format="csr")
                terms = [
                    (eye, self._excess),
                    (-scaled, self._w),
                    ((cost * end)[:, None], self._tau),
                ]
                self._program.add_rows(terms, lower=0.0)

    def ratio(self, name: tuple[str, int]) -> float:
        """Return the bound, infinite for a row that binds at every feasible point."""
        at = np.array([self._slacks[name]])
        one = np.ones(1)
        self._model.set_bounds(at, one, one)
        solution = self._model.solve()
        self._model.set_bounds(at, np.zeros(1), np.array([np.inf]))
        if solution.status == "optimal":
            return solution.objective + _ROOM if solution.objective > _NOTHING else 0.0
        if solution.status == "infeasible" and not self._moves():
            return np.inf
        agent = self._form.agent.name
        raise NoBoundError(
            f"a multiplier of agent '{agent}' cannot be bounded ({solution.words}): give it some "
            "room at every signal it may hear",
            agent,
        )

    def _moves(self) -> bool:
        """Whether a signal moves a limit of the component: no room at one is room at another."""
        return bool((self._box.rhs_lower < self._box.rhs_upper)[self._rows].any())
