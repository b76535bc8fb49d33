"""All rows in parallel, compiled.

Threads take packs of at most eight rows that follow each other and have the same tree; a tree stays
until the switch state changes. Each has scratch of its own and writes to rows of its own.

Kernels are kept on disk beside their source (``cache=True``): compiling takes twenty seconds, the
next process starts at once. Arrays are therefore always handed over as one kind, contiguous and
writeable (:func:`~equigrid.grid.batch.request.for_kernels`).
"""

from typing import Any

import numpy as np
from numba import njit, prange

from equigrid.grid.batch.lanes import WIDTH, choose, fill, largest, store
from equigrid.grid.batch.report import (
    LOADING_MAX,
    LOSS,
    VOLTAGE_MAX,
    VOLTAGE_MIN,
    Told,
    read_loads,
    tell_currents,
    tell_voltages,
    write,
)
from equigrid.grid.batch.sweep import NEVER, TOLERANCE, backward, empty_work, settle
from equigrid.grid.batch.tree import COUNT, FED, ISLANDED, TWICE_FED, empty_tree, grow
from equigrid.grid.batch.wires import END_KA, LOADING, SHUNT_B, SHUNT_G, Wires

# Rows are dealt to threads in so many parts; answers do not depend on it. A thread is given turns
# that follow each other: parts are taken in strides, so that hard rows side by side (levels of load
# that rise, rows near a collapse) fall to all threads.
PARTS, STRIDE = 64, 37
DIVERGED = 3


@njit(cache=True)
def _alike(closed: Any, row: int, stop: int) -> int:
    """Return where the rows end that have the branches closed that the first one has."""
    if len(closed) == 1:
        return stop
    for other in range(row + 1, stop):
        for k in range(closed.shape[1]):
            if closed[row, k] != closed[other, k]:
                return other
    return stop


@njit(cache=True)
def _hanging(wires: Wires, tree: Any, closed: Any, work: Any, told: Told, rows: Any) -> None:
    """Add what branches take that end nowhere: no tree has them."""
    start, stop = rows
    ends, nodes, end, branch = wires.hanging, wires.hanging_node, wires.end, wires.branch
    position, voltage, figures = tree.node_position, work.voltage, work.figures
    current = told.branch_current_ka
    for number in range(len(ends)):
        here, j, k = ends[number], position[nodes[number]], ends[number] // 2
        if j == 0 or not closed[k]:
            continue
        g, admittance = end[here, SHUNT_G], np.hypot(end[here, SHUNT_G], end[here, SHUNT_B])
        for row in range(start, stop):
            v = voltage[j, row - start]
            current_ka = admittance * v * end[here, END_KA]
            loading = np.sqrt(branch[k, LOADING]) * current_ka
            figures[LOSS, row - start] += g * v**2
            figures[LOADING_MAX, row - start] = max(figures[LOADING_MAX, row - start], loading)
            if len(current):
                current[row, k] = current_ka


@njit(cache=True)
def _blank(told: Told, status: int, start: int, stop: int) -> None:
    """Write rows without an answer."""
    told.status[start:stop] = status
    told.figures[:, start:stop] = np.nan
    if len(told.voltage_pu):
        told.voltage_pu[start:stop] = np.nan
    if len(told.branch_current_ka):
        told.branch_current_ka[start:stop] = np.nan


@njit(cache=True)
def _conclude(told: Told, error: Any, figures: Any, status: int, start: int, stop: int) -> None:
    """Write status and figures; rows that did not settle are blank."""
    states, table = told.status, told.figures
    for row in range(start, stop):
        states[row] = status
        for figure in range(len(figures)):
            table[figure, row] = figures[figure, row - start]
    if largest(error) > TOLERANCE:
        store(figures, 0, error)
        for row in range(start, stop):
            if figures[0, row - start] > TOLERANCE:
                _blank(told, DIVERGED, row, row + 1)


@njit(cache=True)
def _solve_rows(
    wires: Wires, closed: Any, tree: Any, work: Any, loads: Any, told: Told, rows: Any
) -> None:
    """Solve rows of the same tree and write what they are asked."""
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
        loss, loading = tell_currents(wires, tree, work)
        store(figures, LOSS, loss)
        store(figures, LOADING_MAX, loading)
        if len(told.branch_current_ka):
            write(work.amperes, tree.branch_position, told.branch_current_ka, start, stop)
        _hanging(wires, tree, closed, work, told, rows)
    status = FED if tree.size[COUNT] > len(wires.node) else ISLANDED
    _conclude(told, error, figures, status, start, stop)


@njit(cache=True)
def _solve_range(wires: Wires, closed: Any, loads: Any, told: Told, first: int, last: int) -> None:
    """Solve rows first to last, as many at a time as have the same tree."""
    tree, work = empty_tree(wires), empty_work(len(wires.node) + 1)
    layout, start = -1, first
    while start < last:
        stop = _alike(closed, start, min(start + WIDTH, last))
        row = min(start, len(closed) - 1)
        if layout < 0 or len(closed) > 1:
            layout = grow(wires, closed[row], tree)
        if layout <= ISLANDED:
            _solve_rows(wires, closed[row], tree, work, loads, told, (start, stop))
        else:
            _blank(told, layout, start, stop)
        start = stop


@njit(cache=True, parallel=True)
def solve_all(wires: Wires, closed: Any, loads: Any, told: Told) -> None:
    """Solve every row that is radial; others are given the status of their layout and NaN.

    Parameters
    ----------
    closed : array of bool (S, branches) or (1, branches)
        Which branches are closed; one row for all.
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
def twice_fed(wires: Wires, closed: Any) -> Any:
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
