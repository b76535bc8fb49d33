"""How kernels find their way, in one tree for eight rows or in eight trees side by side.

Kernels are written once. Where a :class:`~equigrid.grid.batch.tree.Tree` has a number, a
:class:`~equigrid.grid.batch.grove.Grove` has one for each lane, in one dimension more, by which
numba knows which way is meant. Both add in the same order, so that a row's answer is the same, to
the last bit.

The first functions are only names; what follows is what compiled code takes for them, inlined.
"""

from typing import Any

from numba.extending import overload

from equigrid.grid.batch.lanes import (
    add_each,
    choose_each,
    fill,
    gather,
    load,
    load_each,
    scatter,
    store,
)
from equigrid.grid.batch.tree import CHAINED, FORKED, PARENT

# Columns of a grove's links: the parent's position, and the same or 0 if it is the one before.
ABOVE, JUMP = range(2)


def figure(figures: Any, j: Any, column: Any) -> Any:
    """Return a figure of position j: a number, or one in each lane."""


def forks(links: Any, j: Any) -> Any:
    """Whether a child of position j may stand elsewhere than right behind it."""


def at_parent(links: Any, j: Any, array: Any) -> Any:
    """Return an array's numbers at the parent of position j."""


def from_above(links: Any, j: Any, before: Any, array: Any) -> Any:
    """Return the same, knowing those of the position before."""


def of_row(array: Any, row: Any, number: Any) -> Any:
    """Return an entry of what is kept once for all rows, or row by row."""


def pass_up(links: Any, j: Any, p: Any, q: Any, p_fork: Any, q_fork: Any) -> Any:
    """Return what position j hands to the one before; to a parent elsewhere it is added."""


def read(table: Any, position: Any, start: Any, stop: Any, numbers: Any) -> Any:
    """Add rows start to stop of a table, by bus, to numbers by position; the last fills up."""


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
        if links[j, CHAINED]:
            return before
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
def _pass_up(links: Any, j: Any, p: Any, q: Any, p_fork: Any, q_fork: Any) -> Any:
    def tree(links: Any, j: Any, p: Any, q: Any, p_fork: Any, q_fork: Any) -> Any:
        if links[j, CHAINED]:
            return p, q
        i = links[j, PARENT]
        store(p_fork, i, load(p_fork, i) + p)
        store(q_fork, i, load(q_fork, i) + q)
        return fill(0.0), fill(0.0)

    def grove(links: Any, j: Any, p: Any, q: Any, p_fork: Any, q_fork: Any) -> Any:
        row, nothing = 2 * j + JUMP, fill(0.0)
        add_each(p_fork, links, row, p)
        add_each(q_fork, links, row, q)
        return choose_each(links, row, nothing, p), choose_each(links, row, nothing, q)

    return tree if links.ndim == 2 else grove


@overload(read, inline="always")
def _read(table: Any, position: Any, start: Any, stop: Any, numbers: Any) -> Any:
    def tree(table: Any, position: Any, start: Any, stop: Any, numbers: Any) -> Any:
        for bus in range(len(position)):
            j = position[bus]
            store(numbers, j, load(numbers, j) + gather(table, start, stop, bus))

    def grove(table: Any, position: Any, start: Any, stop: Any, numbers: Any) -> Any:
        for row in range(start, stop):
            lane = row - start
            for bus in range(position.shape[1]):
                numbers[position[lane, bus], lane] += table[row, bus]

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
