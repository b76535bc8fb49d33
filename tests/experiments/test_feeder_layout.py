import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.experiments.report.feeder_layout import tree_layout
from equigrid.grid.network.feeders import feeder


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 30))
def test_no_two_buses_share_a_place(parents: list[int], cut: int) -> None:
    wires: nx.MultiGraph[int] = nx.MultiGraph()
    wires.add_nodes_from(range(len(parents) + 1))
    ends = [(parent % (bus + 1), bus + 1) for bus, parent in enumerate(parents) if bus != cut]
    wires.add_edges_from(ends)
    places = tree_layout(wires, [0])
    assert len(set(places.values())) == len(places) == len(parents) + 1
    assert all(places[below][0] == places[above][0] + 1 for above, below in ends)


def test_trunk_is_straight_and_laterals_are_beside_it() -> None:
    places = tree_layout(feeder("baran-wu-33").graph(), [1])
    assert {places[bus][1] for bus in range(1, 19)} == {0}
    assert len({places[bus][1] for bus in (18, 22, 25, 33)}) == 4
