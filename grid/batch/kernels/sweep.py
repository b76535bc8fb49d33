"""Backward-forward sweep power flow of eight rows, of one tree or of one each, compiled.

With squared voltages v and the power p + j q that leaves the branch above a bus, the branch carries
``l = (p^2 + q^2) / v``, takes ``r l`` and ``x l``, and its parent's voltage is exactly
``v + 2 (r p + x q) + (r^2 + x^2) l``. A backward sweep adds up powers and stores those drops; a
forward sweep subtracts them. Angles are not needed: no magnitude in a tree depends on them. Only
losses rest on old voltages, so the error shrinks as losses over loads times the drop, near a
collapse as slowly as any sweep; there a step is extrapolated from the last changes.

Voltages start at that of the source and fall from there, so what is found is the upper solution,
which a grid can be run at. Newton's method, which knows no direction, at times ends at a lower one.
"""

from typing import NamedTuple

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.compiled.compiling import inner
from equigrid.compiled.simd import choose, larger, largest, magnitude, smaller, store
from equigrid.grid.batch.kernels.simd_rows import WIDTH, Register, fill, load
from equigrid.grid.batch.kernels.tree import (
    B_HERE,
    COUNT,
    FIRST,
    G_HERE,
    R_ABOVE,
    X_ABOVE,
    Z_SQUARED,
)
from equigrid.grid.batch.kernels.tree_access import (
    add_to_parent,
    at_parent_elsewhere,
    forks,
    jumps,
    parameter,
)
from equigrid.grid.batch.kernels.trees_side_by_side import Trees

# Of the squared voltages: error allowed at the end, and what rounding alone may do.
TOLERANCE, ROUNDING = 1e-10, 1e-13
# Rows of the figures.
LOSS, VOLTAGE_MIN, VOLTAGE_MAX, LOADING_MAX, UNSUPPLIED = range(5)
FIGURES = UNSUPPLIED + 1
SWEEPS, FIRST_EXTRAPOLATION, BETWEEN_EXTRAPOLATIONS, LONGEST_STEP = 500, 16, 6, 1000.0
# Errors of rows that do not converge, and of those that have a voltage of 0 or less.
NOT_CONVERGED, COLLAPSED = 1e30, 1e31


class Work(NamedTuple):
    """Scratch; arrays of shape (positions, WIDTH), scaled p.u. on 1 MVA.

    Attributes
    ----------
    p, q : array
        Load.
    v, inverse : array
        Squared voltage, and a close guess of its inverse.
    drop : array
        By how much v is below that of the parent.
    p_fork, q_fork : array
        Power taken by children that do not stand right behind, to be added to the load.
    before : array
        v before a sweep that is lengthened.
    p_out, q_out : array
        Power out of the branch above.
    voltage, amperes, from_mw : array
        Results: voltage (p.u.), current of the branch above (kA), active power that enters it at
        its ``from_bus`` (MW).
    figures : array (FIGURES, WIDTH)
        Results by row: LOSS (MW), VOLTAGE_MIN and VOLTAGE_MAX (p.u.), LOADING_MAX (%), UNSUPPLIED
        (MW).
    """

    p: FloatArray
    q: FloatArray
    v: FloatArray
    inverse: FloatArray
    drop: FloatArray
    p_fork: FloatArray
    q_fork: FloatArray
    before: FloatArray
    p_out: FloatArray
    q_out: FloatArray
    voltage: FloatArray
    amperes: FloatArray
    from_mw: FloatArray
    figures: FloatArray


@inner
def empty_work(positions: int) -> Work:
    """Return scratch for so many positions."""
    return Work(
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.ones((positions, WIDTH)),
        np.ones((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((positions, WIDTH)),
        np.zeros((FIGURES, WIDTH)),
    )


@inner
def backward_sweep(tree: Trees, work: Work, keep: bool) -> None:
    """Add up powers from the leaves to the sources; store drops, and powers if they are kept."""
    links, parameters, p_load, q_load = tree.links, tree.parameters, work.p, work.q
    v_here, inverse, drop = work.v, work.inverse, work.drop
    p_fork, q_fork, p_kept, q_kept = work.p_fork, work.q_fork, work.p_out, work.q_out
    zero = fill(0.0)
    p_behind, q_behind = zero, zero
    for j in range(tree.size[COUNT] - 1, tree.size[FIRST] - 1, -1):
        v = load(v_here, j)
        p = p_behind + (load(p_load, j) + v * parameter(parameters, j, G_HERE))
        q = q_behind + (load(q_load, j) - v * parameter(parameters, j, B_HERE))
        if forks(links, j):
            p, q = p + load(p_fork, j), q + load(q_fork, j)
            store(p_fork, j, zero)
            store(q_fork, j, zero)
        if keep:
            store(p_kept, j, p)
            store(q_kept, j, q)
        r, x = parameter(parameters, j, R_ABOVE), parameter(parameters, j, X_ABOVE)
        power, over_v = p * p + q * q, load(inverse, j)
        z_squared = parameter(parameters, j, Z_SQUARED)
        store(drop, j, p * (2 * r) + q * (2 * x) + power * (over_v * z_squared))
        p_behind, q_behind = p + power * (over_v * r), q + power * (over_v * x)
        if jumps(links, j):
            p_behind = add_to_parent(links, j, p_behind, p_fork)
            q_behind = add_to_parent(links, j, q_behind, q_fork)


@inner
def _forward_sweep(
    tree: Trees, work: Work, moving: Register, some_converged: bool, divide: bool
) -> tuple[Register, Register]:
    """Subtract drops from the sources to the leaves; invert v by division where it is far off.

    Rows that are not moving stay as they are. Return the largest change of v and its least value,
    row by row.
    """
    links, v_here, inverse, drop = tree.links, work.v, work.inverse, work.drop
    change, least, v, zero = fill(0.0), fill(NOT_CONVERGED), fill(1.0), fill(0.0)
    for j in range(tree.size[FIRST], tree.size[COUNT]):
        if jumps(links, j):
            v = at_parent_elsewhere(links, j, v, v_here)
        before, guess = load(v_here, j), load(inverse, j)
        v = v - load(drop, j)
        if some_converged:
            v = choose(moving, zero, v, before)
        change = larger(magnitude(v - before), change)
        least = smaller(v, least)
        # A step of Newton's method: as v settles, its inverse does.
        close = 1.0 / v if divide else guess * (2.0 - v * guess)
        if some_converged:
            close = choose(moving, zero, close, guess)
        store(v_here, j, v)
        store(inverse, j, close)
    return change, least


@inner
def _extrapolate(
    tree: Trees, work: Work, moving: Register, change: Register, previous: Register
) -> None:
    """Sweep, and lengthen the step as a geometric series with the ratio of the changes would."""
    v_here, inverse, before = work.v, work.inverse, work.before
    near, far, zero = fill(1.0), fill(LONGEST_STEP), fill(0.0)
    factor = choose(previous, change, smaller(previous / (previous - change), far), near)
    positions = range(tree.size[FIRST], tree.size[COUNT])
    for j in positions:
        store(before, j, load(v_here, j))
    backward_sweep(tree, work, False)
    _forward_sweep(tree, work, moving, True, False)
    for j in positions:
        v = load(before, j) + (load(v_here, j) - load(before, j)) * factor
        store(v_here, j, v)
        store(inverse, j, choose(moving, zero, 1.0 / v, load(inverse, j)))


@inner
def _estimated_error(change: Register, previous: Register, least: Register) -> Register:
    """Return the error left if changes go on as they did; COLLAPSED where a voltage is lost."""
    zero = fill(0.0)
    ahead = choose(previous, change, change * change / (previous - change), fill(NOT_CONVERGED))
    error = choose(change, fill(ROUNDING), ahead, zero)
    return choose(least, zero, error, fill(COLLAPSED))


@inner
def _flat_start(tree: Trees, work: Work) -> None:
    """Set every voltage to that of its source."""
    count = tree.size[COUNT]
    work.p_fork[:count], work.q_fork[:count] = 0.0, 0.0
    work.v[:count], work.inverse[:count] = 1.0, 1.0


@inner
def converge(tree: Trees, work: Work) -> Register:
    """Sweep until every row is as exact as TOLERANCE says, or diverged.

    A row stays as it is from then on, so that no answer depends on the rows beside it. Return, row
    by row, the error that is left; where there is no solution it exceeds TOLERANCE.
    """
    _flat_start(tree, work)
    zero, one, enough, lost = fill(0.0), fill(1.0), fill(TOLERANCE), fill(COLLAPSED)
    previous, error, moving, some_converged = zero, fill(NOT_CONVERGED), one, False
    for sweep in range(SWEEPS):
        backward_sweep(tree, work, False)
        change, least = _forward_sweep(tree, work, moving, some_converged, sweep == 0)
        error = choose(moving, zero, _estimated_error(change, previous, least), error)
        moving = choose(error, enough, choose(lost, error, one, zero), zero)
        some_converged = largest(one - moving) > 0
        if largest(moving) == 0:
            break
        if (
            sweep >= FIRST_EXTRAPOLATION
            and (sweep - FIRST_EXTRAPOLATION) % BETWEEN_EXTRAPOLATIONS == 0
        ):
            _extrapolate(tree, work, moving, change, previous)
            previous = zero
        else:
            previous = change
    return error
