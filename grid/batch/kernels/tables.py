"""Loads in, voltages, currents and losses out, compiled: between rows of tables and lanes."""

from typing import Any, NamedTuple

import numpy as np

from equigrid.arrays import FloatArray, StateArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import larger, smaller, square_root, store
from equigrid.grid.batch.kernels.simd import fill, load
from equigrid.grid.batch.kernels.tree import (
    B_ABOVE,
    B_BELOW,
    COUNT,
    FIRST,
    G_ABOVE,
    G_BELOW,
    KA_ABOVE,
    KA_BELOW,
    LOSS_SHARE,
    PERCENT,
    R_ABOVE,
    SCALE_ABOVE,
    SCALE_SQUARED,
    X_ABOVE,
)
from equigrid.grid.batch.kernels.tree_access import at_parent, figure, read

# Rows of the figures.
LOSS, VOLTAGE_MIN, VOLTAGE_MAX, LOADING_MAX = range(4)


class FlowFigures(NamedTuple):
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

    status: StateArray
    voltage_pu: FloatArray
    branch_current_ka: FloatArray
    figures: FloatArray
    with_currents: bool


@inner
def read_loads(tree: Any, work: Any, loads: Any, start: int, stop: int) -> None:
    """Sum up the loads of rows start to stop by position; spare lanes repeat the last row."""
    load_mw, load_mvar = loads
    p, q, position = work.p, work.q, tree.bus_position
    p[: tree.size[COUNT]] = 0.0
    q[: tree.size[COUNT]] = 0.0
    read(load_mw, load_mvar, position, start, stop, p, q)


@inner
def tell_voltages(tree: Any, work: Any) -> Any:
    """Note voltages (p.u.) and return the least, the greatest and their sum, row by row.

    Comparing skips NaN, the sum does not: it says whether all are numbers.
    """
    v_here, voltage, figures = work.v, work.voltage, tree.figures
    nothing, total = fill(np.nan), fill(0.0)
    least = most = nothing
    store(voltage, 0, nothing)
    for j in range(1, tree.size[COUNT]):
        here = square_root(load(v_here, j) * figure(figures, j, SCALE_SQUARED))
        store(voltage, j, here)
        least, most, total = smaller(least, here), larger(most, here), total + here
    return least, most, total


@inner
def tell_currents(tree: Any, work: Any) -> Any:
    """Note currents (kA) and return the loss (MW) and the worst loading (%), row by row.

    The powers out of branches have to be there, and the tree's ends noted.
    """
    links, figures, ends = tree.links, tree.figures, tree.ends
    v_here, p_out, q_out, amperes = work.v, work.p_out, work.q_out, work.amperes
    inverse = work.inverse
    loss, worst = fill(0.0), fill(0.0)
    store(amperes, 0, loss)
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        p, q, v = load(p_out, j), load(q_out, j), load(v_here, j)
        squared = (p * p + q * q) * load(inverse, j)
        p_in = p + squared * figure(figures, j, R_ABOVE)
        q_in = q + squared * figure(figures, j, X_ABOVE)
        v_near = v * figure(figures, j, SCALE_SQUARED)
        v_far = at_parent(links, j, v_here) * figure(ends, j, SCALE_ABOVE)
        p, q = p - v_near * figure(ends, j, G_BELOW), q + v_near * figure(ends, j, B_BELOW)
        p_in = p_in + v_far * figure(ends, j, G_ABOVE)
        q_in = q_in - v_far * figure(ends, j, B_ABOVE)
        loss = loss + (p_in - p) * figure(ends, j, LOSS_SHARE)
        at_near = (p * p + q * q) * load(inverse, j) * figure(ends, j, KA_BELOW)
        over_v = at_parent(links, j, inverse)
        at_far = (p_in * p_in + q_in * q_in) * over_v * figure(ends, j, KA_ABOVE)
        squared_ka = larger(at_near, at_far)
        worst = larger(squared_ka * figure(ends, j, PERCENT), worst)
        store(amperes, j, square_root(squared_ka))
    return loss, square_root(worst)
