"""The batch power flow over all rows in parallel, compiled.

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

from equigrid.arrays import BoolArray, FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import choose, largest, store
from equigrid.grid.batch.kernels.kernel_network import KernelNetwork
from equigrid.grid.batch.kernels.simd_rows import WIDTH, Register, fill
from equigrid.grid.batch.kernels.sweep import (
    LOADING_MAX,
    LOSS,
    NOT_CONVERGED,
    TOLERANCE,
    VOLTAGE_MAX,
    VOLTAGE_MIN,
    Work,
    backward_sweep,
    converge,
    empty_work,
)
from equigrid.grid.batch.kernels.tables import (
    FlowResults,
    Loads,
    add_one_ended,
    add_unsupplied,
    read_loads,
    store_active_powers,
    store_currents,
    store_voltages,
    write_nan,
)
from equigrid.grid.batch.kernels.tree import (
    DIVERGED,
    FED,
    FIRST,
    ISLANDED,
    Tree,
    empty_tree,
    lay_out,
    set_ends,
)
from equigrid.grid.batch.kernels.tree_access import write
from equigrid.grid.batch.kernels.trees_side_by_side import (
    Trees,
    empty_side_by_side,
    pad_lanes,
    put_tree,
)

# Rows are dealt to threads in so many parts; answers do not depend on it. A thread is given turns
# that follow each other: parts are taken in strides, so that hard rows side by side (levels of load
# that rise, rows near a collapse) fall to all threads.
PARTS, STRIDE = 64, 37
ERROR = 0  # row of the figures that holds the error, once they are written


@inner
def _write_figures(
    results: FlowResults, error: Register, figures: FloatArray, start: int, stop: int
) -> None:
    """Write the figures; rows that are no trees or did not converge are blank."""
    status, table = results.status, results.figures
    worst = largest(error)
    for row in range(start, stop):
        for figure in range(len(figures)):
            table[figure, row] = figures[figure, row - start]
    store(figures, ERROR, error)
    for row in range(start, stop):
        if status[row] > ISLANDED:
            write_nan(results, status[row], row)
        elif worst > TOLERANCE and figures[ERROR, row - start] > TOLERANCE:
            write_nan(results, DIVERGED, row)


@inner
def _solve_rows(
    network: KernelNetwork,
    closed: BoolArray,
    tree: Trees,
    work: Work,
    loads: Loads,
    results: FlowResults,
    rows: tuple[int, int],
) -> None:
    """Solve rows whose tree or trees are laid out, and write what they are asked."""
    start, stop = rows
    figures = work.figures
    read_loads(tree, work, loads, start, stop)
    error = converge(tree, work)
    least, most, total = store_voltages(tree, work)
    error = choose(
        total, fill(-1.0), error, fill(NOT_CONVERGED)
    )  # what is no number has not settled
    store(figures, VOLTAGE_MIN, least)
    store(figures, VOLTAGE_MAX, most)
    if len(results.voltage_pu):
        write(work.voltage, tree.bus_position, results.voltage_pu, start, stop)
    if results.with_currents:
        backward_sweep(tree, work, True)
        loss, loading = store_currents(tree, work)
        store(figures, LOSS, loss)
        store(figures, LOADING_MAX, loading)
        if len(results.branch_current_ka):
            write(work.amperes, tree.branch_position, results.branch_current_ka, start, stop)
        if len(results.branch_active_mw):
            store_active_powers(tree, work)
            write(work.from_mw, tree.branch_position, results.branch_active_mw, start, stop)
        add_one_ended(network, tree, closed, work, results, rows)
    if results.with_unsupplied:
        add_unsupplied(network, tree, work, loads, results, rows)
    _write_figures(results, error, figures, start, stop)


@inner
def _lay_out_with_ends(
    network: KernelNetwork, closed: BoolArray, tree: Tree, with_currents: bool
) -> int:
    """Lay out the branches that are closed; return the status of the layout."""
    status = lay_out(network, closed, tree)
    if status <= ISLANDED and with_currents:
        set_ends(network, tree)
    return status


@inner
def _solve_one_tree(
    network: KernelNetwork,
    closed: BoolArray,
    loads: Loads,
    results: FlowResults,
    first: int,
    last: int,
) -> None:
    """Solve rows first to last, which have the same branches closed."""
    tree, work = empty_tree(network), empty_work(len(network.node) + 1)
    status = _lay_out_with_ends(network, closed, tree, results.with_currents)
    results.status[first:last] = status
    if status > ISLANDED:
        for row in range(first, last):
            write_nan(results, status, row)
        return
    for start in range(first, last, WIDTH):
        rows = (start, min(start + WIDTH, last))
        _solve_rows(network, closed, tree, work, loads, results, rows)


@inner
def _same_state(closed: BoolArray, row: int, other: int) -> bool:
    """Whether two rows have the same branches closed."""
    alike = True
    for k in range(closed.shape[1]):
        alike &= closed[row, k] == closed[other, k]
    return alike


@inner
def _solve_own_trees(
    network: KernelNetwork,
    closed: BoolArray,
    loads: Loads,
    results: FlowResults,
    first: int,
    last: int,
) -> None:
    """Solve rows first to last, which have trees of their own; equal ones are laid out once."""
    tree, trees, work = (
        empty_tree(network),
        empty_side_by_side(network),
        empty_work(len(network.node) + 1),
    )
    status, laid_out, row_in_lane = FED, first - 1, np.full(WIDTH, -1)
    for start in range(first, last, WIDTH):
        stop = min(start + WIDTH, last)
        for row in range(start, stop):
            if laid_out < first or not _same_state(closed, laid_out, row):
                status = _lay_out_with_ends(network, closed[row], tree, results.with_currents)
                laid_out = row
            results.status[row] = status
            if row_in_lane[row - start] != laid_out:
                row_in_lane[row - start] = laid_out
                put_tree(trees, row - start, tree, status, results.with_currents)
        pad_lanes(trees, stop - start, tree.size[FIRST])
        _solve_rows(network, closed, trees, work, loads, results, (start, stop))


def _solve_range(
    network: KernelNetwork,
    closed: BoolArray,
    loads: Loads,
    results: FlowResults,
    first: int,
    last: int,
) -> Any:
    """Solve rows first to last."""


@overload(_solve_range)
def _by_states(
    network: KernelNetwork,
    closed: BoolArray,
    loads: Loads,
    results: FlowResults,
    first: int,
    last: int,
) -> Any:
    def one_tree(
        network: KernelNetwork,
        closed: BoolArray,
        loads: Loads,
        results: FlowResults,
        first: int,
        last: int,
    ) -> Any:
        return _solve_one_tree(network, closed, loads, results, first, last)

    def own_trees(
        network: KernelNetwork,
        closed: BoolArray,
        loads: Loads,
        results: FlowResults,
        first: int,
        last: int,
    ) -> Any:
        return _solve_own_trees(network, closed, loads, results, first, last)

    return one_tree if closed.ndim == 1 else own_trees


@njit(cache=True, parallel=True)
def solve_all(
    network: KernelNetwork, closed: BoolArray, loads: Loads, results: FlowResults
) -> None:
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
            _solve_range(network, closed, loads, results, first, last)
