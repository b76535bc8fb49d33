"""How kernels find their way, in one tree for eight rows or in eight trees side by side.

Kernels are written once. Where a :class:`~equigrid.grid.batch.kernels.tree.Tree` has a number, a
:class:`~equigrid.grid.batch.kernels.trees_side_by_side.SideBySide` has one for each lane, in one
dimension more, by which numba knows which way is meant. Both add in the same order, so that a row's
answer is the same, to the last bit.

The first functions are only names; what follows is what compiled code takes for them, inlined. It
has no branches: numba inlines those so badly that kernels take twice as long.
"""

from typing import Any

from numba.extending import overload

from equigrid.compiled.simd import store
from equigrid.grid.batch.kernels.simd import (
    add_each,
    choose_each,
    fill,
    gather,
    load,
    load_each,
    scatter,
)
from equigrid.grid.batch.kernels.tree import CHAINED, FORKED, PARENT

# Columns of a grove's links: the parent's position, and the same or 0 if it is the one before.
ABOVE, JUMP = range(2)


def figure(figures: Any, j: Any, column: Any) -> Any:
    """Return a figure of position j: a number, or one in each lane."""


def forks(links: Any, j: Any) -> Any:
    """Whether a child of position j may stand elsewhere than right behind it."""


def jumps(links: Any, j: Any) -> Any:
    """Whether the parent of position j may be another than the position before."""


def at_parent(links: Any, j: Any, array: Any) -> Any:
    """Return an array's numbers at the parent of position j."""


def from_above(links: Any, j: Any, before: Any, array: Any) -> Any:
    """Return the same where position j jumps, knowing those of the position before."""


def of_row(array: Any, row: Any, number: Any) -> Any:
    """Return an entry of what is kept once for all rows, or row by row."""


def pass_up(links: Any, j: Any, taken: Any, fork: Any) -> Any:
    """Add what position j takes to its parent's, where it jumps; return what is not added."""


def read(load_mw: Any, load_mvar: Any, position: Any, start: Any, stop: Any, p: Any, q: Any) -> Any:
    """Add rows start to stop of loads by bus to loads by position; the last fills up."""


def write(numbers: Any, position: Any, table: Any, start: Any, stop: Any) -> Any:
    """Write numbers by position as rows start to stop of a table, by bus or branch."""


@overload(figure, inline="always")
def _figure(figures: Any, j: Any, column: Any) -> Any:
    def tree(figures: Any, j: Any, column: Any) -> Any:
        return figures[j, column]

    def grove(figures: Any, j: Any, column: Any) -> Any:
        return load(figures, j * figures.shape[1] + column)

    return tree if figures.ndim == 2 else grove


@overload(forks, inline="always")
def _forks(links: Any, j: Any) -> Any:
    def tree(links: Any, j: Any) -> Any:
        return links[j, FORKED] != 0

    def grove(links: Any, j: Any) -> Any:
        return True

    return tree if links.ndim == 2 else grove


@overload(jumps, inline="always")
def _jumps(links: Any, j: Any) -> Any:
    def tree(links: Any, j: Any) -> Any:
        return links[j, CHAINED] == 0

    def grove(links: Any, j: Any) -> Any:
        return True

    return tree if links.ndim == 2 else grove


@overload(at_parent, inline="always")
def _at_parent(links: Any, j: Any, array: Any) -> Any:
    def tree(links: Any, j: Any, array: Any) -> Any:
        return load(array, links[j, PARENT])

    def grove(links: Any, j: Any, array: Any) -> Any:
        return load_each(array, links, 2 * j + ABOVE)

    return tree if links.ndim == 2 else grove


@overload(from_above, inline="always")
def _from_above(links: Any, j: Any, before: Any, array: Any) -> Any:
    def tree(links: Any, j: Any, before: Any, array: Any) -> Any:
        return load(array, links[j, PARENT])

    def grove(links: Any, j: Any, before: Any, array: Any) -> Any:
        # Lanes that need not look are sent to position 0, where nothing has to be waited for.
        return choose_each(links, 2 * j + JUMP, load_each(array, links, 2 * j + JUMP), before)

    return tree if links.ndim == 2 else grove


@overload(of_row, inline="always")
def _of_row(array: Any, row: Any, number: Any) -> Any:
    def tree(array: Any, row: Any, number: Any) -> Any:
        return array[number]

    def grove(array: Any, row: Any, number: Any) -> Any:
        return array[row, number]

    return tree if array.ndim == 1 else grove


@overload(pass_up, inline="always")
def _pass_up(links: Any, j: Any, taken: Any, fork: Any) -> Any:
    def tree(links: Any, j: Any, taken: Any, fork: Any) -> Any:
        i = links[j, PARENT]
        store(fork, i, load(fork, i) + taken)
        return fill(0.0)

    def grove(links: Any, j: Any, taken: Any, fork: Any) -> Any:
        add_each(fork, links, 2 * j + JUMP, taken)
        return choose_each(links, 2 * j + JUMP, fill(0.0), taken)

    return tree if links.ndim == 2 else grove


@overload(read, inline="always")
def _read(
    load_mw: Any, load_mvar: Any, position: Any, start: Any, stop: Any, p: Any, q: Any
) -> Any:
    def tree(
        load_mw: Any, load_mvar: Any, position: Any, start: Any, stop: Any, p: Any, q: Any
    ) -> Any:
        for bus in range(len(position)):
            j = position[bus]
            store(p, j, load(p, j) + gather(load_mw, start, stop, bus))
            store(q, j, load(q, j) + gather(load_mvar, start, stop, bus))

    def grove(
        load_mw: Any, load_mvar: Any, position: Any, start: Any, stop: Any, p: Any, q: Any
    ) -> Any:
        for row in range(start, stop):
            lane = row - start
            for bus in range(position.shape[1]):
                j = position[lane, bus]
                p[j, lane] += load_mw[row, bus]
                q[j, lane] += load_mvar[row, bus]

    return tree if position.ndim == 1 else grove


@overload(write, inline="always")
def _write(numbers: Any, position: Any, table: Any, start: Any, stop: Any) -> Any:
    def tree(numbers: Any, position: Any, table: Any, start: Any, stop: Any) -> Any:
        for column in range(table.shape[1]):
            scatter(table, start, stop, column, load(numbers, position[column]))

    def grove(numbers: Any, position: Any, table: Any, start: Any, stop: Any) -> Any:
        for row in range(start, stop):
            lane = row - start
            for column in range(table.shape[1]):
                table[row, column] = numbers[position[lane, column], lane]

    return tree if position.ndim == 1 else grove
