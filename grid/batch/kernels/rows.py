"""All rows in parallel, compiled.

Threads take packs of eight rows that follow each other, all of one tree or each of its own. They
have scratch of their own and write to rows of their own.

Kernels are kept on disk beside their source (``cache=True``): compiling takes twenty seconds, the
next process starts at once. Arrays are therefore always handed over as one kind, contiguous and
writeable (:func:`~equigrid.grid.batch.request.for_kernels`).
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numba.extending import overload

from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import choose, largest, store
from equigrid.grid.batch.kernels.kernel_network import (
    END_KA,
    LOADING,
    SHUNT_B,
    SHUNT_G,
    KernelNetwork,
)
from equigrid.grid.batch.kernels.simd import WIDTH, fill
from equigrid.grid.batch.kernels.sweep import NEVER, TOLERANCE, backward, empty_work, settle
from equigrid.grid.batch.kernels.tables import (
    LOADING_MAX,
    LOSS,
    VOLTAGE_MAX,
    VOLTAGE_MIN,
    FlowFigures,
    read_loads,
    tell_currents,
    tell_voltages,
)
from equigrid.grid.batch.kernels.tree import FIRST, ISLANDED, TWICE_FED, empty_tree, grow, note_ends
from equigrid.grid.batch.kernels.tree_access import of_row, write
from equigrid.grid.batch.kernels.trees_side_by_side import empty_side_by_side, fill_up, plant

# Rows are dealt to threads in so many parts; answers do not depend on it. A thread is given turns
# that follow each other: parts are taken in strides, so that hard rows side by side (levels of load
# that rise, rows near a collapse) fall to all threads.
PARTS, STRIDE = 64, 37
DIVERGED = 3


@inner
def _hanging(
    wires: KernelNetwork, tree: Any, closed: Any, work: Any, told: FlowFigures, rows: Any
) -> None:
    """Add what branches take that end nowhere: no tree has them."""
    start, stop = rows
    ends, nodes, end, branch = wires.hanging, wires.hanging_node, wires.end, wires.branch
    position, voltage, figures = tree.node_position, work.voltage, work.figures
    current = told.branch_current_ka
    for number in range(len(ends)):
        here, k = ends[number], ends[number] // 2
        g, admittance = end[here, SHUNT_G], np.hypot(end[here, SHUNT_G], end[here, SHUNT_B])
        for row in range(start, stop):
            lane = row - start
            j = of_row(position, lane, nodes[number])
            if j == 0 or not of_row(closed, row, k):
                continue
            v = voltage[j, lane]
            current_ka = admittance * v * end[here, END_KA]
            loading = np.sqrt(branch[k, LOADING]) * current_ka
            figures[LOSS, lane] += g * v**2
            figures[LOADING_MAX, lane] = max(figures[LOADING_MAX, lane], loading)
            if len(current):
                current[row, k] = current_ka


@inner
def _blank(told: FlowFigures, status: int, row: int) -> None:
    """Write a row without an answer."""
    told.status[row] = status
    told.figures[:, row] = np.nan
    if len(told.voltage_pu):
        told.voltage_pu[row] = np.nan
    if len(told.branch_current_ka):
        told.branch_current_ka[row] = np.nan


@inner
def _conclude(told: FlowFigures, error: Any, figures: Any, start: int, stop: int) -> None:
    """Write the figures; rows that are no trees or did not settle are blank."""
    status, table = told.status, told.figures
    worst = largest(error)
    for row in range(start, stop):
        for figure in range(len(figures)):
            table[figure, row] = figures[figure, row - start]
    store(figures, 0, error)
    for row in range(start, stop):
        if status[row] > ISLANDED:
            _blank(told, status[row], row)
        elif worst > TOLERANCE and figures[0, row - start] > TOLERANCE:
            _blank(told, DIVERGED, row)


@inner
def _solve_rows(
    wires: KernelNetwork,
    closed: Any,
    tree: Any,
    work: Any,
    loads: Any,
    told: FlowFigures,
    rows: Any,
) -> None:
    """Solve rows whose tree or trees are laid out, and write what they are asked."""
    start, stop = rows
    figures = work.figures
    read_loads(tree, work, loads, start, stop)
    error = settle(tree, work)
    least, most, total = tell_voltages(tree, work)
    error = choose(total, fill(-1.0), error, fill(NEVER))  # what is no number has not settled
    store(figures, VOLTAGE_MIN, least)
    store(figures, VOLTAGE_MAX, most)
    if len(told.voltage_pu):
        write(work.voltage, tree.bus_position, told.voltage_pu, start, stop)
    if told.with_currents:
        backward(tree, work, True)
        loss, loading = tell_currents(tree, work)
        store(figures, LOSS, loss)
        store(figures, LOADING_MAX, loading)
        if len(told.branch_current_ka):
            write(work.amperes, tree.branch_position, told.branch_current_ka, start, stop)
        _hanging(wires, tree, closed, work, told, rows)
    _conclude(told, error, figures, start, stop)


@inner
def _laid_out(wires: KernelNetwork, closed: Any, tree: Any, with_currents: bool) -> int:
    """Lay out the branches that are closed; return what they are."""
    layout = grow(wires, closed, tree)
    if layout <= ISLANDED and with_currents:
        note_ends(wires, tree)
    return layout


@inner
def _solve_alike(
    wires: KernelNetwork, closed: Any, loads: Any, told: FlowFigures, first: int, last: int
) -> None:
    """Solve rows first to last, which have the same branches closed."""
    tree, work = empty_tree(wires), empty_work(len(wires.node) + 1)
    layout = _laid_out(wires, closed, tree, told.with_currents)
    told.status[first:last] = layout
    if layout > ISLANDED:
        for row in range(first, last):
            _blank(told, layout, row)
        return
    for start in range(first, last, WIDTH):
        rows = (start, min(start + WIDTH, last))
        _solve_rows(wires, closed, tree, work, loads, told, rows)


@inner
def _alike(closed: Any, row: int, other: int) -> bool:
    """Whether two rows have the same branches closed."""
    alike = True
    for k in range(closed.shape[1]):
        alike &= closed[row, k] == closed[other, k]
    return alike


@inner
def _solve_each(
    wires: KernelNetwork, closed: Any, loads: Any, told: FlowFigures, first: int, last: int
) -> None:
    """Solve rows first to last, which have trees of their own; equal ones are laid out once."""
    tree, grove, work = (
        empty_tree(wires),
        empty_side_by_side(wires),
        empty_work(len(wires.node) + 1),
    )
    layout, grown, planted = 0, first - 1, np.full(WIDTH, -1)
    for start in range(first, last, WIDTH):
        stop = min(start + WIDTH, last)
        for row in range(start, stop):
            if grown < first or not _alike(closed, grown, row):
                layout, grown = _laid_out(wires, closed[row], tree, told.with_currents), row
            told.status[row] = layout
            if planted[row - start] != grown:
                planted[row - start] = grown
                plant(grove, row - start, tree, layout, told.with_currents)
        fill_up(grove, stop - start, tree.size[FIRST])
        _solve_rows(wires, closed, grove, work, loads, told, (start, stop))


def _solve_range(wires: Any, closed: Any, loads: Any, told: Any, first: Any, last: Any) -> Any:
    """Solve rows first to last."""


@overload(_solve_range)
def _by_states(wires: Any, closed: Any, loads: Any, told: Any, first: Any, last: Any) -> Any:
    def alike(wires: Any, closed: Any, loads: Any, told: Any, first: Any, last: Any) -> Any:
        return _solve_alike(wires, closed, loads, told, first, last)

    def each(wires: Any, closed: Any, loads: Any, told: Any, first: Any, last: Any) -> Any:
        return _solve_each(wires, closed, loads, told, first, last)

    return alike if closed.ndim == 1 else each


@njit(cache=True, parallel=True)
def solve_all(wires: KernelNetwork, closed: Any, loads: Any, told: FlowFigures) -> None:
    """Solve every row that is radial; others are given the status of their layout and NaN.

    Parameters
    ----------
    closed : array of bool (branches,) or (S, branches)
        Which branches are closed, in all rows or row by row; kernels of its own for either.
    loads : pair of arrays (S, N)
        MW and MVAr.
    """
    rows = len(loads[0])
    packs = (rows + WIDTH - 1) // WIDTH
    for turn in prange(PARTS):
        part = turn * STRIDE % PARTS
        first = part * packs // PARTS * WIDTH
        last = min((part + 1) * packs // PARTS * WIDTH, rows)
        if first < last:
            _solve_range(wires, closed, loads, told, first, last)


@njit(cache=True, parallel=True)
def twice_fed(wires: KernelNetwork, closed: Any) -> Any:
    """Return which rows of switch states join two sources, (S,) or (1,)."""
    found = np.zeros(len(closed), np.bool_)
    for part in prange(PARTS):
        first, last = part * len(closed) // PARTS, (part + 1) * len(closed) // PARTS
        if first < last:
            tree = empty_tree(wires)
            for row in range(first, last):
                found[row] = grow(wires, closed[row], tree) == TWICE_FED
    return found


@njit(cache=True, parallel=True)
def all_finite(table: Any) -> bool:
    """Whether an array has no NaN and no infinity."""
    flat = table.ravel()
    wrong = 0
    for part in prange(PARTS):
        count = 0
        for i in range(part * len(flat) // PARTS, (part + 1) * len(flat) // PARTS):
            count += not abs(flat[i]) < np.inf
        wrong += count
    return wrong == 0
