"""A network is checked when it is made, never changes, and knows its shape."""

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pandas as pd
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import SCHEMAS

Tables = dict[str, list[dict[str, Any]]]


def test_tables_are_copies(feeder33: Network) -> None:
    before = feeder33.branches
    for table in (feeder33.buses, feeder33.branches, feeder33.sources, feeder33.tables["loads"]):
        table.iloc[:, 0] = table.iloc[::-1, 0].to_numpy()
        table.drop(table.index[:1], inplace=True)
    pd.testing.assert_frame_equal(feeder33.branches, before)
    with pytest.raises(FrozenInstanceError):
        feeder33.name = "other"  # type: ignore[misc]


def test_the_callers_tables_stay_the_callers(three_buses: Tables) -> None:
    lines = pd.DataFrame([{**row, "in_service": True} for row in three_buses["lines"]])
    network = Network("three", {**three_buses, "lines": lines})
    lines["r_ohm"] = -1.0
    assert list(network.branches["r_ohm"])[:2] == [0.5, 0.4]


def test_buses_may_be_a_frame_by_number(three_buses: Tables) -> None:
    buses = pd.DataFrame(three_buses["buses"]).set_index("bus")
    network = Network("three", {**three_buses, "buses": buses})
    pd.testing.assert_frame_equal(network.buses, Network("three", three_buses).buses)


def test_branches_in_ohm_seen_from_the_first_bus(three_buses: Tables) -> None:
    branches = Network("three", three_buses).branches.set_index("name")
    assert list(branches["closed"]) == [True, False, True]
    assert branches.at["station", "r_ohm"] == pytest.approx(0.03 * 20**2 / 0.4)
    assert branches.at["station", "x_ohm"] == pytest.approx(0.04 * 20**2 / 0.4)
    assert branches.at["station", "rating_ka"] == pytest.approx(0.4 / np.sqrt(3) / 20)
    assert branches.at["cable", "rating_ka"] == np.inf


def test_buses_add_up_what_stands_there(three_buses: Tables) -> None:
    three_buses["loads"].append({"bus": 7, "p_mw": 0.1})
    three_buses["loads"].append({"bus": 7, "p_mw": 9.0, "in_service": False})
    three_buses["generators"] = [{"bus": 20, "p_mw": 0.05, "q_mvar": 0.01}]
    buses = Network("three", three_buses).buses
    assert list(buses.index) == [10, 20, 7]
    assert buses["load_mw"].to_numpy() == pytest.approx([0, 0.1, 0.3])
    assert buses["load_mvar"].to_numpy() == pytest.approx([0, 0, 0.05])
    assert buses["generation_mw"].to_numpy() == pytest.approx([0, 0.05, 0])


def test_a_transformer_alone_is_a_network(three_buses: Tables) -> None:
    three_buses["sources"][0]["bus"] = 20
    three_buses["lines"] = []
    del three_buses["buses"][0]
    network = Network("station", three_buses)
    assert set(SCHEMAS) == set(network.tables)
    assert len(network.tables) == len(SCHEMAS)
    assert network.branches["closed"].to_list() == [True]
    assert network.branches["closed"].dtype == bool
    assert len(network.to_pandapower().trafo) == 1


def test_copies_and_pickles(three_buses: Tables) -> None:
    network = Network("three", three_buses)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        pd.testing.assert_frame_equal(twin.branches, network.branches)


def _set(table: str, row: int, **values: Any) -> Callable[[Tables], None]:
    return lambda tables: tables[table][row].update(values)


def _unset(table: str, row: int, key: str) -> Callable[[Tables], Any]:
    return lambda tables: tables[table][row].pop(key)


FAULTS: list[tuple[Callable[[Tables], Any], list[str]]] = [
    (_set("lines", 0, to_bus=99), ["'cable'", "to_bus 99", "add the bus"]),
    (_set("loads", 0, bus=8), ["Load number 0 (bus 8)"]),
    (_set("lines", 0, r_ohm=0.0, x_ohm=0), ["'cable' has no impedance", "bus switch"]),
    (_set("lines", 0, r_ohm=-0.1), ["'cable': r_ohm is -0.1, below zero", "nonnegative"]),
    (_set("lines", 0, r_ohm=float("nan")), ["'cable': r_ohm is not a number (NaN)"]),
    (_set("lines", 0, r_ohm="0.5"), ["'cable': r_ohm is '0.5', not a number"]),
    (_set("lines", 0, r_ohm=True), ["r_ohm is True, not a number"]),
    (_set("lines", 0, x_ohm=float("inf")), ["x_ohm is infinite"]),
    (_unset("lines", 0, "r_ohm"), ["'cable': r_ohm is missing"]),
    (_set("lines", 0, to_bus=20), ["'cable' leads from bus 20 to itself"]),
    (_set("lines", 0, rating_ka=0), ["'cable': rating_ka is zero"]),
    (_set("lines", 0, in_service="no"), ["'cable': in_service is 'no', neither true nor false"]),
    (_set("lines", 0, closed=False), ["no column 'closed'", "did you mean 'to_closed'"]),
    (_set("lines", 1, name="cable"), ["branch name 'cable' occurs more than once"]),
    (_set("lines", 1, name="station"), ["branch name 'station'"]),
    (_set("lines", 1, element=0), ["line element 0 occurs more than once"]),
    (_set("buses", 1, bus=10), ["bus number 10 occurs more than once"]),
    (_set("buses", 1, bus=10.5), ["'middle': bus is 10.5, not a whole number"]),
    (_set("buses", 1, name="head"), ["bus name 'head' occurs more than once"]),
    (_unset("buses", 1, "name"), ["Bus 20: name is missing", "give text"]),
    (_set("buses", 1, vn_kv=None), ["'middle': vn_kv is missing"]),
    (_set("sources", 0, in_service=False), ["no source in service", "add one"]),
    (_set("loads", 0, const_z_p_percent=60.0, const_i_p_percent=41), ["exceed 100 together"]),
    (_set("transformers", 0, vkr_percent=6.0), ["'station': vkr_percent 6.0 exceeds vk_percent"]),
    (lambda tables: tables.update(cables=[]), ["no table 'cables'"]),
    (lambda tables: tables.update(lines=[3]), ["Line number 0", "no column ''"]),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("fault", "fragments"), FAULTS)
def test_a_fault_is_named(
    three_buses: Tables, fault: Callable[[Tables], Any], fragments: list[str]
) -> None:
    Network("sound", three_buses)
    fault(three_buses)
    with pytest.raises(NetworkError) as caught:
        Network("faulty", three_buses)
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_all_findings_at_once(three_buses: Tables) -> None:
    three_buses["lines"][0].update(r_ohm=-1, x_ohm="a")
    three_buses["sources"][0].update(vm_pu=0)
    with pytest.raises(NetworkError) as caught:
        Network("faulty", three_buses, f_hz=0.0, base_mva="1")  # type: ignore[arg-type]
    assert len(caught.value.findings) == 5
    assert type(caught.value)(*caught.value.args).findings == caught.value.findings


def test_radial_and_loop(three_buses: Tables) -> None:
    network = Network("three", three_buses)
    assert network.is_radial()
    looped = network.with_closed({"tie": True})
    (finding,) = looped.radial_findings()
    assert "'tie'" in finding
    assert "'cable'" in finding
    assert not network.branches.set_index("name").at["tie", "closed"], "the first is unchanged"
    assert looped.with_closed({"cable": False}).is_radial()


def test_islands_and_several_sources(three_buses: Tables) -> None:
    three_buses["sources"].append({"bus": 7})
    both = Network("three", three_buses)
    assert "2 sources (at the buses 10, 7)" in both.radial_findings()[0]
    assert both.with_closed({"cable": False}).is_radial()
    three_buses["sources"].pop()
    (finding,) = Network("three", three_buses).with_closed({"cable": False}).radial_findings()
    assert "No source reaches the buses 7, 20" in finding


def test_out_of_service_buses_are_no_islands(three_buses: Tables) -> None:
    three_buses["buses"][2]["in_service"] = False
    network = Network("three", three_buses)
    assert network.is_radial()
    assert set(network.graph()) == {10, 20}


def test_bus_switches_join(three_buses: Tables) -> None:
    three_buses["bus_switches"] = [{"from_bus": 10, "to_bus": 20, "name": "coupler"}]
    network = Network("three", three_buses)
    assert "bus switch 'coupler'" in network.radial_findings()[0]
    assert ("bus switch", "coupler") in {key for *_, key in network.graph().edges(keys=True)}


@pytest.mark.slow
def test_every_tie_of_the_feeder_closes_a_loop(feeder33: Network) -> None:
    ties = feeder33.branches.query("not closed")["name"]
    assert len(ties) == 5
    for tie in ties:
        (finding,) = feeder33.with_closed({tie: True}).radial_findings()
        loop = re.findall("line '(.*?)'", finding)
        assert tie in loop
        for name in (loop[1], loop[-1]):
            assert feeder33.with_closed({tie: True, name: False}).is_radial()


def test_unknown_names(feeder33: Network) -> None:
    with pytest.raises(NetworkError, match=r"'tie 3'.*did you mean 'tie 3"):
        feeder33.with_closed({"tie 3": True})
    with pytest.raises(KeyError, match="line"):
        feeder33.tables["line"]


def test_with_loads_replaces_loads_and_generation(three_buses: Tables) -> None:
    three_buses["generators"] = [{"bus": 20, "p_mw": 0.05}]
    network = Network("three", three_buses).with_loads([0, 1, -2], np.array([3, 0, 0]))
    assert list(network.buses["load_mw"]) == [0, 1, -2]
    assert list(network.buses["load_mvar"]) == [3, 0, 0]
    assert not network.buses["generation_mw"].any()
    with pytest.raises(NetworkError, match=r"load_mw has shape \(2,\).*3 buses"):
        network.with_loads([1, 2], [1, 2, 3])
    with pytest.raises(NetworkError, match="NaN"):
        network.with_loads([1, 2, np.nan], [1, 2, 3])
