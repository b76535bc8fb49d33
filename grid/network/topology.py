"""Topology of a network: its graph, and findings on loops, islands and their sources."""

from collections.abc import Iterator

import networkx as nx
import pandas as pd

from equigrid.grid.network.components import fed_islands, loops


def network_graph(
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


def radial_findings(graph: "nx.MultiGraph[int]", sources: pd.DataFrame) -> list[str]:
    """Return a sentence for each loop, each island without a source, each with several."""
    return [
        *loop_findings(graph),
        *unfed_islands(graph, sources),
        *twice_fed_islands(graph, sources),
    ]


def loop_findings(graph: "nx.MultiGraph[int]") -> Iterator[str]:
    """Return a sentence for each loop."""
    for loop in loops(graph):
        named = ", ".join(f"{kind} {name!r}" for kind, name in loop)
        yield f"A loop runs over {named}: open one of them."


def twice_fed_islands(graph: "nx.MultiGraph[int]", sources: pd.DataFrame) -> Iterator[str]:
    """Return a sentence for each island that several sources feed."""
    for _, inside in fed_islands(graph, sources):
        if len(inside) > 1:
            yield (
                f"{len(inside)} sources (at the buses {', '.join(map(str, inside))}) feed the same "
                f"island: keep one in service, or open a branch between them."
            )


def unfed_islands(graph: "nx.MultiGraph[int]", sources: pd.DataFrame) -> Iterator[str]:
    """Return a sentence for each island that no source feeds."""
    for island, inside in fed_islands(graph, sources):
        if not inside:
            named = ", ".join(str(bus) for bus in sorted(island))
            yield (
                f"No source reaches the buses {named}: close a branch towards a source, "
                f"or take them out of service."
            )
