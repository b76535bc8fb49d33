"""Shipped feeders and network files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandapower.networks
import pandas as pd
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.network.feeders import feeder, list_feeders, read_network, write_network
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import SCHEMAS


def test_published_base_case(feeder33: Network) -> None:
    """Baran and Wu 1989: 202.677 kW of losses, 0.91309 p.u. at bus 18."""
    net = feeder33.to_pandapower()
    pandapower.runpp(net, numba=False)
    assert net.res_line["pl_mw"].sum() * 1e3 == pytest.approx(202.677, abs=1e-3)
    assert net.res_bus["vm_pu"].min() == pytest.approx(0.91309, abs=1e-5)
    assert net.res_bus["vm_pu"].idxmin() == 18


def test_feeder_is_the_published_one(feeder33: Network) -> None:
    ours, theirs = feeder33.branches, pandapower.networks.case33bw().line
    assert list(feeder33.buses.index) == list(range(1, 34))
    assert feeder33.buses["load_mw"].sum() == pytest.approx(3.715)
    assert feeder33.buses["load_mvar"].sum() == pytest.approx(2.3)
    assert list(ours["closed"]) == [True] * 32 + [False] * 5
    assert ours["r_ohm"].to_numpy() == pytest.approx(theirs["r_ohm_per_km"].to_numpy(), abs=1e-4)
    assert ours["x_ohm"].to_numpy() == pytest.approx(theirs["x_ohm_per_km"].to_numpy(), abs=1e-4)
    assert list(ours["rating_ka"]) == [0.4] * 5 + [0.25] * 32


def test_every_shipped_feeder_can_be_read() -> None:
    assert list_feeders()
    for name in list_feeders():
        assert feeder(name).is_radial()


def test_unknown_feeder() -> None:
    with pytest.raises(NetworkError, match=r"'baran-wu-32' is neither.*did you mean 'baran-wu-33'"):
        feeder("baran-wu-32")


def test_a_feeder_is_a_name_or_a_file(feeder33: Network, tmp_path: Path) -> None:
    write_network(feeder33, tmp_path / "village.json")
    for name, folder in ((tmp_path / "village.json", ""), ("village.json", tmp_path)):
        assert len(feeder(name, folder).buses) == 33
    assert feeder("baran-wu-33") is feeder("baran-wu-33")
    wrong: dict[Any, str] = {
        "vilage.json": r"'vilage.json' is neither .*did you mean 'village.json'",
        "": "is a folder",
        3: "The feeder is int: give a name or a path",
    }
    for given, words in wrong.items():
        with pytest.raises(NetworkError, match=words):
            feeder(given, tmp_path)


def test_written_and_read_again(feeder33: Network, tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    cigre = Network.from_pandapower(pandapower.networks.create_cigre_network_mv())
    for network in (feeder33, cigre):
        write_network(network, path, source="a test")
        again = read_network(path)
        for table in SCHEMAS:
            pd.testing.assert_frame_equal(again.tables[table], network.tables[table])
        assert (again.name, again.f_hz, again.base_mva) == (
            network.name,
            network.f_hz,
            network.base_mva,
        )
    assert json.loads(path.read_text(encoding="utf-8"))["source"] == "a test"


@pytest.mark.slow
def test_pandapower_files_are_known_by_content(tmp_path: Path) -> None:
    net = pandapower.networks.case33bw()
    pandapower.to_json(net, str(tmp_path / "net.json"))
    network = read_network(tmp_path / "net.json")
    assert list(network.buses.index) == list(net.bus.index)
    assert np.allclose(network.branches["r_ohm"], net.line["r_ohm_per_km"])


def test_a_pandapower_file_may_be_refused(tmp_path: Path) -> None:
    net = pandapower.create_empty_network()
    pandapower.create_gen(net, pandapower.create_bus(net, vn_kv=20), p_mw=1)
    pandapower.to_json(net, str(tmp_path / "net.json"))
    with pytest.raises(NetworkError, match="1 row in 'gen'"):
        read_network(tmp_path / "net.json")


HEAD = '{"format": "equigrid-network-1"'


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "describes no network"),
        ('{"buses": []}', "describes no network"),
        (HEAD + "}", "lacks a name"),
        (HEAD + ', "name": "a", "busses": []}', "did you mean 'buses'"),
        (HEAD + ', "name": "a", "buses": 3}', "buses is no list"),
        (HEAD + ', "name": "a"}', "no source in service"),
        (HEAD + ', "name": "a", "f_hz": "50", "sources": 3}', "sources is no list"),
        ('{"_class": "pandapowerNet"}', "pandapower cannot read"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, fragment: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NetworkError, match=fragment):
        read_network(path)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be read"):
        read_network(tmp_path / "missing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NetworkError, match="cannot be read"):
        read_network(tmp_path / "binary.json")


@pytest.mark.parametrize(
    "text", ["years of work", "{}", '{"_class": "pandapowerNet"}', "[" * 10**5]
)
def test_nothing_but_a_network_of_ours_is_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "feeder.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NetworkError, match="name another file"):
        write_network(feeder("baran-wu-33"), path)
    assert path.read_text(encoding="utf-8") == text
    path.unlink()
    write_network(feeder("baran-wu-33"), path)
    write_network(feeder("das-70"), path)
    assert len(read_network(path).buses) == 70
    (tmp_path / "link.json").symlink_to(path)
    with pytest.raises(NetworkError, match="name another file"):
        write_network(feeder("baran-wu-33"), tmp_path / "link.json")
