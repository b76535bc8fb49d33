"""Mixed-integer relaxation of the AC power flow in radial configurations: variables and rows.

Branch flow with on/off copies of voltages (Jabr, Singh and Pal, "Minimum loss network
reconfiguration using mixed-integer convex programming", IEEE Transactions on Power Systems 27(2),
2012). A branch is closed, x = 1, in one of two directions, and every bus but the sources is fed by
one branch: both make trees. Of a branch there are the series flows P and Q at ``from_bus``, the
squared current l, and w = x v at both ends, with v the squared voltages of buses:

- power balances at every bus, with shunts and line charging in proportion to v or w;
- ``w_to = w_from / ratio^2 - 2 (r P + x Q) + (r^2 + x^2) l``, which says 0 = 0 of open branches, so
  that it needs no big-M;
- ``l w >= P^2 + Q^2`` at both ends, here by the tangents of :func:`tangents`.

Every radial configuration in range keeps all of them with equality in the cones, so that the least
objective here is a bound on its own. In range means: no worse than the best known configuration,
losses below all loads, injections and charging together, voltages within the limits and from 0.8
to 1.2 p.u. Powers are shares of ``base_mva``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from equigrid.arrays import FloatArray, IntArray
from equigrid.grid.switching.flow_ranges import Ranges
from equigrid.grid.switching.scaled_feeder import ScaledFeeder

Term = tuple[Any, ...]


@dataclass(frozen=True)
class Columns:
    """Where the variables stand: m branches, n nodes.

    Attributes
    ----------
    closed, forward, backward : array of int (m,)
        x, and its directions: fed from ``from_bus``, fed from ``to_bus``.
    p, q, squared : array of int (m,)
        P, Q and l.
    w_from, w_to : array of int (m,)
        w at both ends.
    v : array of int (n,)
        Squared voltages.
    lowest : int
        Least squared voltage, where that is the objective.
    """

    closed: IntArray
    forward: IntArray
    backward: IntArray
    p: IntArray
    q: IntArray
    squared: IntArray
    w_from: IntArray
    w_to: IntArray
    v: IntArray
    lowest: int

    @classmethod
    def of(cls, branches: int, nodes: int) -> "Columns":
        """Number them."""
        x, forward, backward, p, q, squared, w_from, w_to = np.arange(8 * branches).reshape(
            8, branches
        )
        v, lowest = 8 * branches + np.arange(nodes), 8 * branches + nodes
        return cls(x, forward, backward, p, q, squared, w_from, w_to, v, lowest)


@dataclass
class Rows:
    """Rows ``low <= matrix z <= high``, gathered block by block."""

    width: int
    blocks: list[tuple[csr_array, FloatArray, FloatArray]] = field(default_factory=list)

    def add(self, terms: Sequence[Term], low: Any, high: Any) -> None:
        """Add a block: terms (columns, coefficients), by default one for each of its rows.

        A third entry names the rows of the block that a term belongs to.
        """
        placed = [self._placed(*term) for term in terms]
        row, column, value = (np.concatenate(parts) for parts in zip(*placed, strict=True))
        count = len(low) if np.ndim(low) else len(high) if np.ndim(high) else int(row.max()) + 1
        matrix = csr_array((value, (row, column)), shape=(count, self.width))
        limits = (np.broadcast_to(np.asarray(side, np.float64), count) for side in (low, high))
        self.blocks.append((matrix, *limits))

    @staticmethod
    def _placed(
        columns: Any, value: Any, rows: Any = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        columns = np.atleast_1d(columns)
        rows = np.arange(len(columns)) if rows is None else rows
        columns = np.broadcast_to(columns, len(rows))
        return rows, columns, np.broadcast_to(np.asarray(value, np.float64), len(rows))

    def stacked(self) -> tuple[csr_array, FloatArray, FloatArray]:
        """Return all blocks as one."""
        matrices, low, high = zip(*self.blocks, strict=True)
        return csr_array(vstack(matrices)), np.concatenate(low), np.concatenate(high)


@dataclass(frozen=True)
class Relaxation:
    """The linear part.

    Attributes
    ----------
    columns : Columns
        What the variables are; closed, forward and backward are whole numbers.
    cost, lower, upper : array
        By variable.
    rows : Rows
        All linear constraints.
    """

    columns: Columns
    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    rows: Rows


def relax(feeder: ScaledFeeder, ranges: Ranges, objective: str) -> Relaxation:
    """State the relaxation of a feeder."""
    columns = Columns.of(len(feeder.from_node), len(feeder.p))
    rows = Rows(columns.lowest + 1)
    lower, upper = _bounds(feeder, ranges, columns)
    _trees(rows, feeder, columns)
    _voltages(rows, feeder, ranges, columns)
    _balances(rows, feeder, columns)
    _directions(rows, feeder, ranges, columns)
    cost = _objective(rows, feeder, columns, objective)
    counting = np.flatnonzero(cost)
    rows.add([(counting, cost[counting], np.zeros(len(counting), int))], -np.inf, [ranges.cutoff])
    return Relaxation(columns, cost, lower, upper, rows)


def _bounds(feeder: ScaledFeeder, ranges: Ranges, at: Columns) -> tuple[FloatArray, FloatArray]:
    lower, upper = np.zeros(at.lowest + 1), np.ones(at.lowest + 1)
    lower[at.closed] = feeder.fixed
    for flow, reach in ((at.p, ranges.p_high), (at.q, ranges.q_high)):
        upper[flow] = np.maximum(reach, 0) + feeder.total
        lower[flow] = -upper[flow]
    upper[at.squared] = ranges.squared_high
    upper[at.w_from], upper[at.w_to] = (
        ranges.v_high[feeder.from_node],
        ranges.v_high[feeder.to_node],
    )
    lower[at.v], upper[at.v] = ranges.v_low, ranges.v_high
    source = feeder.source
    upper[at.forward] = ~np.isin(feeder.to_node, source)
    upper[at.backward] = ~np.isin(feeder.from_node, source)
    upper[at.lowest] = np.inf
    return lower, upper


def _trees(rows: Rows, feeder: ScaledFeeder, at: Columns) -> None:
    rows.add([(at.closed, 1), (at.forward, -1), (at.backward, -1)], 0, 0)
    fed = np.ones(len(feeder.p))
    fed[feeder.source] = 0
    rows.add([(at.forward, 1, feeder.to_node), (at.backward, 1, feeder.from_node)], fed, fed)


def _voltages(rows: Rows, feeder: ScaledFeeder, ranges: Ranges, at: Columns) -> None:
    squares = feeder.r**2 + feeder.x**2
    through = [(at.w_to, 1), (at.w_from, -1 / feeder.ratio_squared), (at.squared, -squares)]
    rows.add([*through, (at.p, 2 * feeder.r), (at.q, 2 * feeder.x)], 0, 0)
    for w, node in ((at.w_from, feeder.from_node), (at.w_to, feeder.to_node)):
        low, high = ranges.v_low[node], ranges.v_high[node]
        rows.add([(w, 1), (at.closed, -high)], -np.inf, 0)
        rows.add([(w, 1), (at.closed, -low)], 0, np.inf)
        rows.add([(at.v[node], 1), (w, -1), (at.closed, high)], -np.inf, high)
        rows.add([(at.v[node], 1), (w, -1), (at.closed, low)], low, np.inf)


def _balances(rows: Rows, feeder: ScaledFeeder, at: Columns) -> None:
    """Let what leaves a bus by its branches be what is injected there; sources supply any."""
    one, other, inner = feeder.from_node, feeder.to_node, 1 / feeder.ratio_squared
    anything = np.where(np.isin(np.arange(len(feeder.p)), feeder.source), np.inf, 0)
    for flow, lost, taken, at_from, at_to, shunt in (
        (at.p, feeder.r, feeder.p, feeder.shunt_from.real, feeder.shunt_to.real, feeder.shunt.real),
        (
            at.q,
            feeder.x,
            feeder.q,
            -feeder.shunt_from.imag,
            -feeder.shunt_to.imag,
            -feeder.shunt.imag,
        ),
    ):
        leaving = [(flow, 1, one), (at.w_from, at_from * inner, one)]
        arriving = [(flow, -1, other), (at.squared, lost, other), (at.w_to, at_to, other)]
        terms = [*leaving, *arriving, (at.v, shunt)]
        rows.add(terms, -taken - anything, -taken + anything)


def _directions(rows: Rows, feeder: ScaledFeeder, ranges: Ranges, at: Columns) -> None:
    """Let a branch carry what may stand below it, in its direction, and nothing when open."""
    for flow, high, low in (
        (at.p, ranges.p_high, ranges.p_low),
        (at.q, ranges.q_high, ranges.q_low),
    ):
        rows.add([(flow, 1), (at.forward, -high), (at.backward, low[feeder.from_node])], -np.inf, 0)
        rows.add([(flow, 1), (at.forward, -low[feeder.to_node]), (at.backward, high)], 0, np.inf)


def _objective(rows: Rows, feeder: ScaledFeeder, at: Columns, objective: str) -> FloatArray:
    cost = np.zeros(at.lowest + 1)
    if objective == "loss":
        cost[at.squared] = feeder.r * feeder.lossy
        cost[at.w_from] = feeder.shunt_from.real / feeder.ratio_squared * feeder.lossy
        cost[at.w_to] = feeder.shunt_to.real * feeder.lossy
        cost[at.v] = feeder.one_ended
        return cost
    if objective == "balance":
        cost[at.squared] = feeder.loading
        return cost
    cost[at.lowest] = -1
    rows.add([(at.v, 1), (np.full(len(at.v), at.lowest), -1)], 0, np.inf)
    return cost


def tangents(feeder: ScaledFeeder, at: Columns, z: FloatArray, tolerance: float) -> csr_array:
    """Return rows <= 0 that a point breaks and no point of the cones does.

    ``l w >= P^2 + Q^2`` is ``|(2 P, 2 Q, l - w)| <= l + w``, whose tangents are linear.
    """
    blocks = []
    for w, inner, lost in (
        (at.w_from, 1 / feeder.ratio_squared, 0.0),
        (at.w_to, np.ones(len(feeder.r)), 1.0),
    ):
        r, x = lost * feeder.r, lost * feeder.x
        squared, volt = z[at.squared], z[w] * inner
        point = [2 * (z[at.p] - r * squared), 2 * (z[at.q] - x * squared), squared - volt]
        norm = np.linalg.norm(point, axis=0)
        broken = np.flatnonzero(norm - squared - volt > tolerance)
        a, b, c = (part[broken] / norm[broken] for part in point)
        rows = Rows(len(z))
        on_squared = c - 1 - 2 * a * np.broadcast_to(r, len(norm))[broken]
        on_squared -= 2 * b * np.broadcast_to(x, len(norm))[broken]
        terms = [(at.p[broken], 2 * a), (at.q[broken], 2 * b), (at.squared[broken], on_squared)]
        rows.add([*terms, (w[broken], (-1 - c) * inner[broken])], -np.inf, np.zeros(len(broken)))
        blocks.append(rows.blocks[0][0])
    return csr_array(vstack(blocks))
