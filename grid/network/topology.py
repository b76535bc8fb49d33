"""Which buses hang together, and whether a feeder is a tree."""

from collections.abc import Iterator
from itertools import pairwise

import networkx as nx
import pandas as pd


def graph(
    buses: pd.DataFrame, branches: pd.DataFrame, bus_switches: pd.DataFrame
) -> "nx.MultiGraph[int]":
    """Return buses in service joined by closed branches and closed bus switches.

    Edges have the key ``(kind, name)``; parallel branches are parallel edges.
    """
    result: nx.MultiGraph[int] = nx.MultiGraph()
    result.add_nodes_from(int(bus) for bus in buses.index[buses["in_service"]])
    for rows in (branches, bus_switches.assign(kind="bus switch")):
        for row in rows[rows["closed"]].itertuples():
            if row.from_bus in result and row.to_bus in result:
                result.add_edge(int(row.from_bus), int(row.to_bus), key=(row.kind, row.name))
    return result


def radial_findings(wires: "nx.MultiGraph[int]", sources: pd.DataFrame) -> list[str]:
    """Return a sentence for each loop, each island without a source, each with several."""
    return [
        *loop_findings(wires),
        *unfed_islands(wires, sources),
        *twice_fed_islands(wires, sources),
    ]


def loop_findings(wires: "nx.MultiGraph[int]") -> Iterator[str]:
    """Return a sentence for each loop."""
    forest: nx.Graph[int] = nx.Graph()
    forest.add_nodes_from(wires)
    for one, other, (kind, name) in wires.edges(keys=True):
        label = f"{kind} {name!r}"
        if not nx.has_path(forest, one, other):
            forest.add_edge(one, other, label=label)
            continue
        path = pairwise(nx.shortest_path(forest, one, other))
        loop = ", ".join([label, *(forest.edges[step]["label"] for step in path)])
        yield f"A loop runs over {loop}: open one of them."


def twice_fed_islands(wires: "nx.MultiGraph[int]", sources: pd.DataFrame) -> Iterator[str]:
    """Return a sentence for each island that several sources feed."""
    for _, inside in _fed_islands(wires, sources):
        if len(inside) > 1:
            yield (
                f"{len(inside)} sources (at the buses {', '.join(map(str, inside))}) feed the same "
                f"island: keep one in service, or open a branch between them."
            )


def unfed_islands(wires: "nx.MultiGraph[int]", sources: pd.DataFrame) -> Iterator[str]:
    """Return a sentence for each island that no source feeds."""
    for island, inside in _fed_islands(wires, sources):
        if not inside:
            named = ", ".join(str(bus) for bus in sorted(island))
            yield (
                f"No source reaches the buses {named}: close a branch towards a source, "
                f"or take them out of service."
            )


def _fed_islands(
    wires: "nx.MultiGraph[int]", sources: pd.DataFrame
) -> Iterator[tuple[set[int], list[int]]]:
    """Return the buses of each island, and those of them with sources, one for each source."""
    feeding = [int(bus) for bus in sources["bus"][sources["in_service"]]]
    for island in nx.connected_components(wires):
        yield island, [bus for bus in feeding if bus in island]
