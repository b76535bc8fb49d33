"""Loads read into lanes, and voltages, currents and losses written out of them, compiled."""

from typing import NamedTuple, TypeAlias

import numpy as np

from equigrid.arrays import BoolArray, FloatArray, StateArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import larger, smaller, square_root, store
from equigrid.grid.batch.kernels.kernel_network import (
    END_KA,
    LOADING,
    SHUNT_B,
    SHUNT_G,
    KernelNetwork,
)
from equigrid.grid.batch.kernels.simd_rows import Register, fill, load
from equigrid.grid.batch.kernels.sweep import LOADING_MAX, LOSS, UNSUPPLIED, Work
from equigrid.grid.batch.kernels.tree import (
    B_ABOVE,
    B_BELOW,
    COUNT,
    FIRST,
    FROM_HERE,
    G_ABOVE,
    G_BELOW,
    ISLANDED,
    KA_ABOVE,
    KA_BELOW,
    LOSS_SHARE,
    PERCENT,
    R_ABOVE,
    SCALE_ABOVE,
    SCALE_SQUARED,
    X_ABOVE,
)
from equigrid.grid.batch.kernels.tree_access import at_parent, of_row, parameter, read
from equigrid.grid.batch.kernels.trees_side_by_side import Trees

# Loads in MW and MVAr, (S, N) each.
Loads: TypeAlias = tuple[FloatArray, FloatArray]


class FlowResults(NamedTuple):
    """Results of all rows.

    Attributes
    ----------
    status : array of int8 (S,)
    voltage_pu, branch_current_ka, branch_active_mw : array (S, N), (S, B), (S, B)
        Without rows where nobody asks for them.
    figures : array (FIGURES, S)
        LOSS (MW), VOLTAGE_MIN and VOLTAGE_MAX (p.u.), LOADING_MAX (%), UNSUPPLIED (MW).
    with_currents : bool
        Whether loss, loading, currents or active powers are asked for.
    with_unsupplied : bool
        Whether what nothing feeds is asked for.
    """

    status: StateArray
    voltage_pu: FloatArray
    branch_current_ka: FloatArray
    branch_active_mw: FloatArray
    figures: FloatArray
    with_currents: bool
    with_unsupplied: bool


@inner
def read_loads(tree: Trees, work: Work, loads: Loads, start: int, stop: int) -> None:
    """Sum up the loads of rows start to stop by position; spare lanes repeat the last row."""
    load_mw, load_mvar = loads
    p, q, position = work.p, work.q, tree.bus_position
    p[: tree.size[COUNT]] = 0.0
    q[: tree.size[COUNT]] = 0.0
    read(load_mw, load_mvar, position, start, stop, p, q)


@inner
def store_voltages(tree: Trees, work: Work) -> tuple[Register, Register, Register]:
    """Store voltages (p.u.) and return the least, the greatest and their sum, row by row.

    Comparing skips NaN, the sum does not: it says whether all are numbers.
    """
    v_here, voltage, parameters = work.v, work.voltage, tree.parameters
    nothing, total = fill(np.nan), fill(0.0)
    least = most = nothing
    store(voltage, 0, nothing)
    for j in range(1, tree.size[COUNT]):
        here = square_root(load(v_here, j) * parameter(parameters, j, SCALE_SQUARED))
        store(voltage, j, here)
        least, most, total = smaller(least, here), larger(most, here), total + here
    return least, most, total


@inner
def store_currents(tree: Trees, work: Work) -> tuple[Register, Register]:
    """Store currents (kA) and return the loss (MW) and the worst loading (%), row by row.

    The powers out of branches and the tree's ends have to be there.
    """
    links, parameters, ends = tree.links, tree.parameters, tree.ends
    v_here, p_out, q_out, amperes = work.v, work.p_out, work.q_out, work.amperes
    inverse = work.inverse
    loss, worst = fill(0.0), fill(0.0)
    store(amperes, 0, loss)
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        p, q, v = load(p_out, j), load(q_out, j), load(v_here, j)
        squared = (p * p + q * q) * load(inverse, j)
        p_in = p + squared * parameter(parameters, j, R_ABOVE)
        q_in = q + squared * parameter(parameters, j, X_ABOVE)
        v_near = v * parameter(parameters, j, SCALE_SQUARED)
        v_far = at_parent(links, j, v_here) * parameter(ends, j, SCALE_ABOVE)
        p, q = p - v_near * parameter(ends, j, G_BELOW), q + v_near * parameter(ends, j, B_BELOW)
        p_in = p_in + v_far * parameter(ends, j, G_ABOVE)
        q_in = q_in - v_far * parameter(ends, j, B_ABOVE)
        loss = loss + (p_in - p) * parameter(ends, j, LOSS_SHARE)
        at_near = (p * p + q * q) * load(inverse, j) * parameter(ends, j, KA_BELOW)
        over_v = at_parent(links, j, inverse)
        at_far = (p_in * p_in + q_in * q_in) * over_v * parameter(ends, j, KA_ABOVE)
        squared_ka = larger(at_near, at_far)
        worst = larger(squared_ka * parameter(ends, j, PERCENT), worst)
        store(amperes, j, square_root(squared_ka))
    return loss, square_root(worst)


@inner
def store_active_powers(tree: Trees, work: Work) -> None:
    """Store the active powers (MW) that enter branches at their ``from_bus``, row by row.

    As for :func:`store_currents`; apart from it, so that it costs nothing where nobody asks.
    """
    links, parameters, ends = tree.links, tree.parameters, tree.ends
    v_here, inverse, p_out, q_out = work.v, work.inverse, work.p_out, work.q_out
    from_mw = work.from_mw
    store(from_mw, 0, fill(0.0))
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        p, q = load(p_out, j), load(q_out, j)
        squared = (p * p + q * q) * load(inverse, j)
        v_near = load(v_here, j) * parameter(parameters, j, SCALE_SQUARED)
        v_far = at_parent(links, j, v_here) * parameter(ends, j, SCALE_ABOVE)
        at_near = v_near * parameter(ends, j, G_BELOW) - p
        at_far = p + squared * parameter(parameters, j, R_ABOVE)
        at_far = at_far + v_far * parameter(ends, j, G_ABOVE)
        here = parameter(ends, j, FROM_HERE)
        store(from_mw, j, at_near * here + at_far * (1.0 - here))


@inner
def add_one_ended(
    network: KernelNetwork,
    tree: Trees,
    closed: BoolArray,
    work: Work,
    results: FlowResults,
    rows: tuple[int, int],
) -> None:
    """Add loss, loading, current and power of branches open at one end, which are in no tree."""
    start, stop = rows
    ends, nodes, end, branch = (
        network.one_ended,
        network.one_ended_node,
        network.end,
        network.branch,
    )
    position, voltage, figures = tree.node_position, work.voltage, work.figures
    current, active = results.branch_current_ka, results.branch_active_mw
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
            if len(active) and here % 2 == 0:  # nothing enters at an open from_bus
                active[row, k] = g * v**2


@inner
def add_unsupplied(
    network: KernelNetwork,
    tree: Trees,
    work: Work,
    loads: Loads,
    results: FlowResults,
    rows: tuple[int, int],
) -> None:
    """Add up what buses in service take (MW) that nothing feeds."""
    start, stop = rows
    figures, status, load_mw = work.figures, results.status, loads[0]
    bus_node, position = network.bus_node, tree.bus_position
    for row in range(start, stop):
        lane, total = row - start, 0.0
        if status[row] == ISLANDED:
            for bus in range(len(bus_node)):
                if bus_node[bus] >= 0 and of_row(position, lane, bus) == 0:
                    total += max(load_mw[row, bus], 0.0)
        figures[UNSUPPLIED, lane] = total


@inner
def write_nan(results: FlowResults, status: int, row: int) -> None:
    """Write the status of a row without a solution, and NaN."""
    results.status[row] = status
    results.figures[:, row] = np.nan
    if len(results.voltage_pu):
        results.voltage_pu[row] = np.nan
    if len(results.branch_current_ka):
        results.branch_current_ka[row] = np.nan
    if len(results.branch_active_mw):
        results.branch_active_mw[row] = np.nan
