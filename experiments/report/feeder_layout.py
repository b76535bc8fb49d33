"""Where to draw the buses of a feeder: the trunk straight, laterals on free rows beside it."""

from collections import deque
from collections.abc import Iterable, Iterator

import networkx as nx

Cell = tuple[int, int]


def tree_layout(wires: "nx.MultiGraph[int]", sources: Iterable[int]) -> dict[int, Cell]:
    """Return column (steps from the source) and row of every bus.

    Parameters
    ----------
    wires : networkx.MultiGraph
        What joins the buses; in a loop, the shortest way from the source counts.
    sources : iterable of int
        Where to start; islands without a source start at their lowest bus.
    """
    places: dict[int, Cell] = {}
    taken: set[Cell] = set()
    simple = nx.Graph(wires)
    for root in (*sources, *sorted(simple)):
        if root in simple and root not in places:
            _place_tree(nx.bfs_tree(simple, root), root, places, taken)
    return places


def _place_tree(
    tree: "nx.DiGraph[int]", root: int, places: dict[int, Cell], taken: set[Cell]
) -> None:
    tallest = _tallest_children(tree)
    start = min((row for _, row in taken), default=1) - 1
    waiting = deque([(root, 0, start)])
    while waiting:
        head, column, home = waiting.popleft()
        chain = list(_chain(tallest, head))
        row, cells = _free_row(column, len(chain), home, taken)
        taken |= cells
        places.update({bus: (column + step, row) for step, bus in enumerate(chain)})
        laterals = [
            (child, column + step + 1, row)
            for step, bus in enumerate(chain)
            for child in tallest[bus][1:]
        ]
        # Long laterals first: they are the hardest to find a row for.
        waiting.extend(sorted(laterals, key=lambda lateral: -len([*_chain(tallest, lateral[0])])))


def _tallest_children(tree: "nx.DiGraph[int]") -> dict[int, list[int]]:
    """Return the children of each bus, the one with the longest way below it first."""
    height: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for bus in reversed(list(nx.topological_sort(tree))):
        children[bus] = sorted(tree.successors(bus), key=lambda child: (-height[child], child))
        height[bus] = 1 + max((height[child] for child in children[bus]), default=0)
    return children


def _chain(children: dict[int, list[int]], head: int) -> Iterator[int]:
    """Follow the longest way down from a bus."""
    yield head
    while children[head]:
        head = children[head][0]
        yield head


def _free_row(column: int, length: int, home: int, taken: set[Cell]) -> tuple[int, set[Cell]]:
    """Return the row nearest to home where a lateral and its riser cross nothing."""
    far = 1 + max((abs(row - home) for _, row in taken), default=0)
    offsets = [0] if column == 0 else [side * k for k in range(1, far + 1) for side in (-1, 1)]
    for offset in offsets:
        cells = _lateral_cells(column, length, home, offset)
        if not cells & taken:
            return home + offset, cells
    # Nothing is free: a row outside everything, where only the riser crosses what is there.
    return home + far, _lateral_cells(column, length, home, far)


def _lateral_cells(column: int, length: int, home: int, offset: int) -> set[Cell]:
    step = 1 if offset > 0 else -1
    riser = {(column - 1, home + k) for k in range(step, offset + step, step)} if offset else set()
    return riser | {(column + k, home + offset) for k in range(length)}
