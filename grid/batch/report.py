"""Loads in, voltages, currents and losses out, compiled: between rows of tables and lanes."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from equigrid.grid.batch.lanes import (
    fill,
    gather,
    larger,
    load,
    scatter,
    smaller,
    square_root,
    store,
)
from equigrid.grid.batch.tree import (
    COUNT,
    FIRST,
    INVERSE_SCALE,
    PARENT,
    R_ABOVE,
    SCALE_SQUARED,
    VIA,
    X_ABOVE,
)
from equigrid.grid.batch.wires import END_KA, LOADING, LOSSY, SHUNT_B, SHUNT_G, Wires

Numbers = NDArray[np.float64]


# Rows of the figures.
LOSS, VOLTAGE_MIN, VOLTAGE_MAX, LOADING_MAX = range(4)


class Told(NamedTuple):
    """Results of all rows.

    Attributes
    ----------
    status : array of int8 (S,)
    voltage_pu, branch_current_ka : array (S, N), (S, B)
        Without rows where nobody asks for them.
    figures : array (4, S)
        LOSS (MW), VOLTAGE_MIN and VOLTAGE_MAX (p.u.), LOADING_MAX (%).
    with_currents : bool
        Whether loss, loading or currents are asked for.
    """

    status: NDArray[np.int8]
    voltage_pu: Numbers
    branch_current_ka: Numbers
    figures: Numbers
    with_currents: bool


@njit(cache=True)
def read_loads(tree: Any, work: Any, loads: Any, start: int, stop: int) -> None:
    """Sum up the loads of rows start to stop by position; spare lanes repeat the last row."""
    load_mw, load_mvar = loads
    p, q, position = work.p, work.q, tree.bus_position
    p[: tree.size[COUNT]] = 0.0
    q[: tree.size[COUNT]] = 0.0
    for bus in range(len(position)):
        j = position[bus]
        store(p, j, load(p, j) + gather(load_mw, start, stop, bus))
        store(q, j, load(q, j) + gather(load_mvar, start, stop, bus))


@njit(cache=True)
def tell_voltages(tree: Any, work: Any) -> Any:
    """Note voltages (p.u.) and return the least, the greatest and their sum, row by row.

    Comparing skips NaN, the sum does not: it says whether all are numbers.
    """
    v_here, voltage, figures = work.v, work.voltage, tree.figures
    nothing, total = fill(np.nan), fill(0.0)
    least = most = nothing
    store(voltage, 0, nothing)
    for j in range(1, tree.size[COUNT]):
        here = square_root(load(v_here, j) * figures[j, SCALE_SQUARED])
        store(voltage, j, here)
        least, most, total = smaller(least, here), larger(most, here), total + here
    return least, most, total


@njit(cache=True)
def tell_currents(wires: Wires, tree: Any, work: Any) -> Any:
    """Note currents (kA) and return the loss (MW) and the worst loading (%), row by row.

    The powers out of branches have to be there.
    """
    links, figures, end, branch = tree.links, tree.figures, wires.end, wires.branch
    v_here, p_out, q_out, amperes = work.v, work.p_out, work.q_out, work.amperes
    inverse = work.inverse
    loss, worst = fill(0.0), fill(0.0)
    store(amperes, 0, loss)
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        i, near = links[j, PARENT], links[j, VIA]
        far, k = near ^ 1, near // 2
        p, q, v = load(p_out, j), load(q_out, j), load(v_here, j)
        squared = (p * p + q * q) * load(inverse, j)
        p_in, q_in = p + squared * figures[j, R_ABOVE], q + squared * figures[j, X_ABOVE]
        v_near = v * figures[j, SCALE_SQUARED]
        v_far = load(v_here, i) * figures[i, SCALE_SQUARED]
        p, q = p - v_near * end[near, SHUNT_G], q + v_near * end[near, SHUNT_B]
        p_in, q_in = p_in + v_far * end[far, SHUNT_G], q_in - v_far * end[far, SHUNT_B]
        loss = loss + (p_in - p) * branch[k, LOSSY]
        unit = end[near, END_KA] ** 2 * figures[j, INVERSE_SCALE]
        at_near = (p * p + q * q) * load(inverse, j) * unit
        unit = end[far, END_KA] ** 2 * figures[i, INVERSE_SCALE]
        at_far = (p_in * p_in + q_in * q_in) * load(inverse, i) * unit
        squared_ka = larger(at_near, at_far)
        worst = larger(squared_ka * branch[k, LOADING], worst)
        store(amperes, j, square_root(squared_ka))
    return loss, square_root(worst)


@njit(cache=True)
def write(figures: Any, position: Any, table: Any, start: int, stop: int) -> None:
    """Write figures by position as columns of rows start to stop, by bus or branch."""
    for column in range(table.shape[1]):
        scatter(table, start, stop, column, load(figures, position[column]))
