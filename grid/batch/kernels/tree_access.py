"""Access of kernels to one tree for eight rows, or to eight trees side by side, by the same names.

Kernels are written once. Where a :class:`~equigrid.grid.batch.kernels.tree.Tree` has a number, a
:class:`~equigrid.grid.batch.kernels.trees_side_by_side.SideBySide` has one for each lane, in one
dimension more, by which numba knows which way is meant. Both add in the same order, so that a row's
answer is the same, to the last bit.

The first functions are only names; what follows is what compiled code takes for them, inlined. It
has no branches: numba inlines those so badly that kernels take twice as long. An overload is called
with numba's types of the arguments, which have ``ndim`` as well; numba wants the same annotations
on it as on what it returns.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from numba.extending import overload

from equigrid.arrays import FloatArray, IntArray
from equigrid.compiled.simd import store
from equigrid.grid.batch.kernels.simd_rows import (
    Register,
    add_each,
    choose_each,
    fill,
    gather,
    load,
    load_each,
    scatter,
)
from equigrid.grid.batch.kernels.tree import CHAINED, FORKED, PARENT

# Columns of the links of trees side by side: the parent's position, and the same, or 0 where the
# parent is the position before.
ABOVE, JUMP = range(2)
# What an overload returns.
_Kernel: TypeAlias = Callable[..., Any]


def parameter(parameters: FloatArray, j: int, column: int) -> Register:
    """Return a parameter of position j: a number, or one in each lane."""


def forks(links: IntArray, j: int) -> Any:
    """Whether a child of position j may stand elsewhere than right behind it."""


def jumps(links: IntArray, j: int) -> Any:
    """Whether the parent of position j may be another than the position before."""


def at_parent(links: IntArray, j: int, array: FloatArray) -> Register:
    """Return an array's numbers at the parent of position j."""


def at_parent_elsewhere(links: IntArray, j: int, before: Register, array: FloatArray) -> Register:
    """Return the same where position j jumps, knowing those of the position before."""


def of_row(array: Any, row: int, number: int) -> Any:
    """Return an entry of what is kept once for all rows, or row by row."""


def add_to_parent(links: IntArray, j: int, power: Register, fork: FloatArray) -> Register:
    """Add the power of position j to its parent's, where it jumps; return what is not added."""


def read(
    load_mw: FloatArray,
    load_mvar: FloatArray,
    position: IntArray,
    start: int,
    stop: int,
    p: FloatArray,
    q: FloatArray,
) -> Any:
    """Add rows start to stop of loads by bus to loads by position; the last fills up."""


def write(numbers: FloatArray, position: IntArray, table: FloatArray, start: int, stop: int) -> Any:
    """Write numbers by position as rows start to stop of a table, by bus or branch."""


@overload(parameter, inline="always")
def _parameter(parameters: FloatArray, j: int, column: int) -> _Kernel:
    def tree(parameters: FloatArray, j: int, column: int) -> Register:
        return parameters[j, column]

    def trees(parameters: FloatArray, j: int, column: int) -> Register:
        return load(parameters, j * parameters.shape[1] + column)

    return tree if parameters.ndim == 2 else trees


@overload(forks, inline="always")
def _forks(links: IntArray, j: int) -> _Kernel:
    def tree(links: IntArray, j: int) -> Any:
        return links[j, FORKED] != 0

    def trees(links: IntArray, j: int) -> Any:
        return True

    return tree if links.ndim == 2 else trees


@overload(jumps, inline="always")
def _jumps(links: IntArray, j: int) -> _Kernel:
    def tree(links: IntArray, j: int) -> Any:
        return links[j, CHAINED] == 0

    def trees(links: IntArray, j: int) -> Any:
        return True

    return tree if links.ndim == 2 else trees


@overload(at_parent, inline="always")
def _at_parent(links: IntArray, j: int, array: FloatArray) -> _Kernel:
    def tree(links: IntArray, j: int, array: FloatArray) -> Register:
        return load(array, links[j, PARENT])

    def trees(links: IntArray, j: int, array: FloatArray) -> Register:
        return load_each(array, links, 2 * j + ABOVE)

    return tree if links.ndim == 2 else trees


@overload(at_parent_elsewhere, inline="always")
def _at_parent_elsewhere(links: IntArray, j: int, before: Register, array: FloatArray) -> _Kernel:
    def tree(links: IntArray, j: int, before: Register, array: FloatArray) -> Register:
        return load(array, links[j, PARENT])

    def trees(links: IntArray, j: int, before: Register, array: FloatArray) -> Register:
        # Lanes that need not look are sent to position 0, where nothing has to be waited for.
        return choose_each(links, 2 * j + JUMP, load_each(array, links, 2 * j + JUMP), before)

    return tree if links.ndim == 2 else trees


@overload(of_row, inline="always")
def _of_row(array: Any, row: int, number: int) -> _Kernel:
    def tree(array: Any, row: int, number: int) -> Any:
        return array[number]

    def trees(array: Any, row: int, number: int) -> Any:
        return array[row, number]

    return tree if array.ndim == 1 else trees


@overload(add_to_parent, inline="always")
def _add_to_parent(links: IntArray, j: int, power: Register, fork: FloatArray) -> _Kernel:
    def tree(links: IntArray, j: int, power: Register, fork: FloatArray) -> Register:
        i = links[j, PARENT]
        store(fork, i, load(fork, i) + power)
        return fill(0.0)

    def trees(links: IntArray, j: int, power: Register, fork: FloatArray) -> Register:
        add_each(fork, links, 2 * j + JUMP, power)
        return choose_each(links, 2 * j + JUMP, fill(0.0), power)

    return tree if links.ndim == 2 else trees


@overload(read, inline="always")
def _read(
    load_mw: FloatArray,
    load_mvar: FloatArray,
    position: IntArray,
    start: int,
    stop: int,
    p: FloatArray,
    q: FloatArray,
) -> _Kernel:
    def tree(
        load_mw: FloatArray,
        load_mvar: FloatArray,
        position: IntArray,
        start: int,
        stop: int,
        p: FloatArray,
        q: FloatArray,
    ) -> None:
        for bus in range(len(position)):
            j = position[bus]
            store(p, j, load(p, j) + gather(load_mw, start, stop, bus))
            store(q, j, load(q, j) + gather(load_mvar, start, stop, bus))

    def trees(
        load_mw: FloatArray,
        load_mvar: FloatArray,
        position: IntArray,
        start: int,
        stop: int,
        p: FloatArray,
        q: FloatArray,
    ) -> None:
        for row in range(start, stop):
            lane = row - start
            for bus in range(position.shape[1]):
                j = position[lane, bus]
                p[j, lane] += load_mw[row, bus]
                q[j, lane] += load_mvar[row, bus]

    return tree if position.ndim == 1 else trees


@overload(write, inline="always")
def _write(
    numbers: FloatArray, position: IntArray, table: FloatArray, start: int, stop: int
) -> _Kernel:
    def tree(
        numbers: FloatArray, position: IntArray, table: FloatArray, start: int, stop: int
    ) -> None:
        for column in range(table.shape[1]):
            scatter(table, start, stop, column, load(numbers, position[column]))

    def trees(
        numbers: FloatArray, position: IntArray, table: FloatArray, start: int, stop: int
    ) -> None:
        for row in range(start, stop):
            lane = row - start
            for column in range(table.shape[1]):
                table[row, column] = numbers[position[lane, column], lane]

    return tree if position.ndim == 1 else trees
