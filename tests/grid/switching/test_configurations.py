"""Radial configurations against brute force over all subsets and against determinants."""

from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import equigrid as eg
from equigrid.errors import NetworkError
from equigrid.grid.switching.configurations import RadialConfigurations

Pairs = list[tuple[int, int]]
COUNTS = {"baran-wu-33": 50_751, "baran-wu-69": 407_924, "das-70": 383_204_016}


def _network(pairs: Pairs, sources: tuple[int, ...] = (0,), **tables: Any) -> eg.Network:
    """Lines 0, 1, … between these buses; every other one is open to begin with."""
    lines = [
        {"name": str(k), "from_bus": one, "to_bus": other, "r_ohm": 1.0, "x_ohm": 1.0}
        | {"in_service": k % 2 == 0}
        for k, (one, other) in enumerate(pairs)
    ]
    buses = sorted({0, *(bus for pair in pairs for bus in pair)})
    return eg.Network(
        "drawn",
        {
            "buses": [{"bus": bus, "name": str(bus), "vn_kv": 10.0} for bus in buses],
            "lines": lines,
            "sources": [{"bus": bus} for bus in sources],
            **tables,
        },
    )


def _brute_force(network: eg.Network, switchable: list[str]) -> set[tuple[bool, ...]]:
    """Try every state of the switchable branches: trees with a source each are what is wanted."""
    branches, sources = network.branches, set(network.sources["bus"])
    free = branches["name"].isin(switchable)
    choices = [(False, True) if f else (c,) for f, c in zip(free, branches["closed"], strict=True)]
    ends = list(zip(branches["from_bus"], branches["to_bus"], strict=True))
    found = set()
    for state in product(*choices):
        graph: nx.MultiGraph[int] = nx.MultiGraph()
        graph.add_nodes_from(network.buses.index)
        graph.add_edges_from(ends[k] for k in np.flatnonzero(state))
        islands = nx.connected_components(graph)
        if nx.is_forest(graph) and all(len(island & sources) == 1 for island in islands):
            found.add(tuple(bool(closed) for closed in state))
    return found


@st.composite
def drawn(draw: Any) -> tuple[eg.Network, list[str]]:
    """Connected multigraphs, with sources at some buses and some branches that stay."""
    nodes = draw(st.integers(2, 5))
    bus = st.integers(0, nodes - 1)
    pairs = [(draw(st.integers(0, k - 1)), k) for k in range(1, nodes)]
    pairs += [p for p in draw(st.lists(st.tuples(bus, bus), max_size=4)) if p[0] != p[1]]
    names = [str(k) for k in range(len(pairs))]
    switchable = draw(st.lists(st.sampled_from(names), unique=True, min_size=len(names) // 2))
    return _network(pairs, tuple(sorted(draw(st.sets(bus, min_size=1, max_size=2))))), switchable


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(drawn())
def test_all_and_only_radial_states(case: tuple[eg.Network, list[str]]) -> None:
    network, switchable = case
    expected = _brute_force(network, switchable)
    try:
        configurations = eg.radial_configurations(network, switchable)
    except NetworkError:
        assert not expected
        return
    rows = [tuple(row) for row in configurations.table().tolist()]
    assert len(rows) == configurations.count == len(expected)
    assert set(rows) == expected


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.data())
def test_count_is_a_determinant(nodes: int, data: Any) -> None:
    bus = st.integers(0, nodes - 1)
    pairs = [(k - 1, k) for k in range(1, nodes)]
    pairs += [p for p in data.draw(st.lists(st.tuples(bus, bus), max_size=9)) if p[0] != p[1]]
    graph: nx.MultiGraph[int] = nx.MultiGraph(pairs)
    reduced = nx.laplacian_matrix(graph, nodelist=range(nodes)).toarray()[1:, 1:]
    configurations = eg.radial_configurations(_network(pairs))
    assert configurations.count == round(np.linalg.det(reduced))
    rows = np.concatenate([np.empty((0, len(pairs)), bool), *configurations.chunks(7)])
    assert (rows == configurations.table()).all()
    assert len(np.unique(rows, axis=0)) == configurations.count
    assert (rows.sum(axis=1) == nodes - 1).all()


@pytest.mark.parametrize("name", COUNTS)
def test_shipped_feeders(name: str) -> None:
    network = eg.feeder(name)
    sources = network.sources["bus"].tolist()
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_edges_from(zip(network.branches["from_bus"], network.branches["to_bus"], strict=True))
    for other in sources[1:]:
        graph = nx.contracted_nodes(graph, sources[0], other, self_loops=False)
    reduced = nx.laplacian_matrix(graph).toarray()[1:, 1:]
    count = eg.radial_configurations(network).count
    assert count == COUNTS[name] == round(np.exp(np.linalg.slogdet(reduced)[1]))


def test_the_118_buses_have_too_many_to_list_but_some_can_be_seen() -> None:
    # A determinant in floating point is exact to 1e-12 or so, the count is a whole number.
    configurations = eg.radial_configurations(eg.feeder("zhang-118"))
    assert configurations.count == pytest.approx(4.460226e15, rel=1e-6)


def test_rows_are_radial_in_the_power_flow(feeder33: eg.Network) -> None:
    configurations = eg.radial_configurations(feeder33)
    table = configurations.table()
    assert table.shape == (50_751, 37)
    assert len(np.unique(np.packbits(table, axis=1), axis=0)) == 50_751
    some = table[::500]
    load = np.zeros((len(some), 33))
    flow = eg.power_flow_batch(feeder33, load, load, some)
    assert (flow.status == eg.FlowStatus.CONVERGED).all()


def test_bus_switches_and_transformers_keep_their_state() -> None:
    station = {"name": "station", "from_bus": 3, "to_bus": 4, "sn_mva": 1.0, "vn_hv_kv": 10.0}
    station |= {"vn_lv_kv": 10.0, "vk_percent": 5.0, "vkr_percent": 1.0}
    network = _network(
        [(0, 1), (1, 2), (2, 3), (3, 0), (4, 1)],
        transformers=[station],
        bus_switches=[{"from_bus": 1, "to_bus": 2}],
    )
    # Bus 1 is bus 2, so that line 1 stays open; 3 is joined to 4; one of the others is open too.
    assert eg.radial_configurations(network).table()[:, [1, 5]].tolist() == [[False, True]] * 5


@pytest.mark.parametrize(
    ("network", "switchable", "said"),
    [
        (_network([(0, 1), (0, 1)]), ["00"], "There is no branch '00'"),
        (_network([(0, 1), (1, 2), (0, 1)]), [], "A loop runs over"),
        (_network([(0, 1), (1, 2)]), ["0"], "No source reaches the buses 2"),
        (_network([(0, 1)], (0, 1)), [], "2 sources"),
    ],
)
def test_hopeless_feeders_are_refused(
    network: eg.Network, switchable: list[str], said: str
) -> None:
    with pytest.raises(NetworkError, match=said):
        eg.radial_configurations(network, switchable)


def test_numbers_out_of_range_are_refused() -> None:
    configurations: RadialConfigurations = eg.radial_configurations(_network([(0, 1), (0, 1)]))
    assert configurations.table(1, 2).tolist() == [[True, False]]
    assert repr(configurations) == "RadialConfigurations(2)"
    for start, stop in ((1, 3), (2, 1), (-1, 1), (0, 1.5)):
        with pytest.raises(NetworkError, match=f"no configurations {start} to {stop}"):
            configurations.table(start, stop)  # type: ignore[arg-type]
    for rows in (0, -5, 2.5):
        with pytest.raises(NetworkError, match=f"rows is {rows}: give a positive whole number"):
            configurations.chunks(rows)  # type: ignore[arg-type]


def test_more_shapes_than_memory_holds_are_refused() -> None:
    configurations = eg.radial_configurations(eg.feeder("zhang-118"))
    assert configurations.count == 4_460_226_199_546_680
    with pytest.raises(NetworkError, match=r"too many to be numbered.*use best_configuration"):
        configurations.table(0, 2)
