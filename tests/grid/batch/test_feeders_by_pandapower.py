"""Every feeder of the issue against pandapower: loads, generation, switch states."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandapower.networks as pn
import pytest

from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.scenarios.seeds import stream

Array = npt.NDArray[Any]
SHIPPED = ("baran-wu-33", "baran-wu-69", "das-70", "zhang-118")
IMPORTED = {
    "case33bw": pn.case33bw,
    "cigre-mv": pn.create_cigre_network_mv,
    "kerber-landnetz-freileitung": pn.create_kerber_landnetz_freileitung_1,
    "kerber-landnetz-kabel": pn.create_kerber_landnetz_kabel_2,
    "kerber-dorfnetz": pn.create_kerber_dorfnetz,
}


def _loads(network: Network, random: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Draw 0.2 to 1.6 of the nominal loads, bus by bus."""
    buses = network.buses
    factor = random.uniform(0.2, 1.6, (rows, len(buses)))
    return factor * buses["load_mw"].to_numpy(), factor * buses["load_mvar"].to_numpy()


@pytest.mark.parametrize(
    "name", [SHIPPED[0], *(pytest.param(name, marks=pytest.mark.slow) for name in SHIPPED[1:])]
)
def test_random_loads(name: str, compare: Any) -> None:
    network = feeder(name)
    flow = compare(network, *_loads(network, stream(1, name), 11))
    assert (flow.status == FlowStatus.CONVERGED).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPORTED)
def test_imported_feeders(name: str, compare: Any) -> None:
    """The net that was imported is the judge, not the one that is exported again."""
    net = IMPORTED[name]()
    network = Network.from_pandapower(net)
    flow = compare(network, *_loads(network, stream(2, name), 4), net=net)
    assert (flow.status == FlowStatus.CONVERGED).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_random_radial_states(name: str, compare: Any, radial_states: Callable[..., Array]) -> None:
    """Trees drawn anew are long: with all loads some collapse, and pandapower says which."""
    network, random = feeder(name), stream(3, name)
    active, reactive = _loads(network, random, 9)
    level = np.linspace(0.2, 1.0, 9)[:, None]
    states = radial_states(network, random, 9)
    flow = compare(network, level * active, level * reactive, states)
    assert set(flow.status) <= {FlowStatus.CONVERGED, FlowStatus.DIVERGED}
    assert (flow.status == FlowStatus.CONVERGED).sum() >= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baran-wu-33", "zhang-118"])
def test_generation(name: str, compare: Any) -> None:
    """Up to three times the load of its bus flows back: voltages above that of the source."""
    network, random = feeder(name), stream(4, name)
    active, reactive = _loads(network, random, 6)
    active *= random.uniform(-3, 1, active.shape)
    reactive *= random.uniform(-1, 1, reactive.shape)
    flow = compare(network, active, reactive)
    assert (flow.status == FlowStatus.CONVERGED).all()
    assert flow.voltage_max_pu.max() > 1.01


def test_towards_the_collapse(compare: Any) -> None:
    """33 buses carry 3.6 times their loads, says pandapower; close below sweeps converge slowly."""
    network = feeder("baran-wu-33")
    nominal = network.buses[["load_mw", "load_mvar"]].to_numpy().T
    lowest, highest = 1.0, 10.0  # solved, not solved
    level = np.concatenate([np.linspace(lowest, 3.62, 6), [3.9, 5.0, highest]])[:, None]
    flow = compare(network, level * nominal[0], level * nominal[1])
    assert flow.status[0] == FlowStatus.CONVERGED
    assert flow.status[-1] == FlowStatus.DIVERGED


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def _rbts(folder: Path) -> tuple[Network, dict[str, Array]]:
    """Return bus 4 of the RBTS, which three supply points feed, and its tables of loads (MW)."""
    figures = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    lines, points = _rows(folder / "lines.csv"), _rows(folder / "load_points.csv")
    names = list(dict.fromkeys(row[end] for row in lines for end in ("from_node", "to_node")))
    number = {name: bus for bus, name in enumerate(names)}
    network = Network(
        "RBTS bus 4",
        {
            "buses": [
                {"bus": bus, "name": name, "vn_kv": figures["voltage_kv"]}
                for name, bus in number.items()
            ],
            "lines": [
                {
                    "name": row["line"],
                    "from_bus": number[row["from_node"]],
                    "to_bus": number[row["to_node"]],
                    "r_ohm": float(row["length_km"]) * figures["r_ohm_per_km"],
                    "x_ohm": float(row["length_km"]) * figures["x_ohm_per_km"],
                }
                for row in lines
            ],
            "sources": [{"bus": bus} for name, bus in number.items() if name.startswith("SP")],
        },
    )
    loads = {name: np.zeros(len(names)) for name in ("avg_mw", "peak_mw")}
    for row in points:
        for name, load_mw in loads.items():
            load_mw[number[row["load_point"]]] = float(row[name])
    return network, loads


def test_rbts_bus_4(reference_data: Path, compare: Any) -> None:
    """Three sources feed an island each; losses and the lowest voltage are those on file."""
    network, loads = _rbts(reference_data / "networks" / "rbts_bus4")
    said = [
        row for row in _rows(reference_data / "rbts_bus4_power_flow.csv") if row["loads"] in loads
    ]
    power_factor = np.array([float(row["pf"]) for row in said])[:, None]
    active = np.stack([loads[row["loads"]] for row in said])
    flow = power_flow_batch(network, active, active * np.tan(np.arccos(power_factor)))
    assert flow.loss_mw * 1e3 == pytest.approx([float(row["loss_kw"]) for row in said], abs=1e-3)
    lowest = [float(row["vmin"]) for row in said]
    assert np.nanmin(flow.voltage_pu, axis=1) == pytest.approx(lowest, abs=5e-6)
    factor = stream(5, "rbts").uniform(0.2, 1.6, (6, len(network.buses)))
    flow = compare(network, factor * loads["peak_mw"], 0.3 * factor * loads["peak_mw"])
    assert (flow.status == FlowStatus.CONVERGED).all()
