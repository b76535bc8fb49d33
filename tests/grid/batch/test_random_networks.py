"""Random small networks of everything a network may have, against pandapower."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.request import RESULTS
from equigrid.grid.batch.result import FlowStatus
from equigrid.grid.network.network import Network
from equigrid.scenarios.seeds import stream

Row = dict[str, Any]


class _Drawn:
    """Two islands, each of some buses behind a source; lines, transformers and odds and ends."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.tables: dict[str, list[Row]] = {
            name: []
            for name in ("buses", "lines", "transformers", "bus_switches", "sources", "shunts")
        }
        for _ in range(random.integers(1, 3)):
            self._island()

    def network(self) -> Network:
        return Network("drawn", self.tables)

    def _chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def _bus(self, kv: float, *, in_service: bool = True) -> int:
        number = 3 * len(self.tables["buses"]) + 5
        self.tables["buses"].append(
            {"bus": number, "name": f"b{number}", "vn_kv": kv, "in_service": in_service}
        )
        return number

    def _island(self) -> None:
        head = self._bus(20.0)
        self.tables["sources"].append({"bus": head, "vm_pu": self.random.uniform(0.97, 1.03)})
        kv = {head: 20.0}
        for _ in range(self.random.integers(2, 7)):
            parent = list(kv)[self.random.integers(len(kv))]
            down = kv[parent] == 20.0 and self._chance(0.4)
            bus = self._bus(0.4 if down else kv[parent])
            kv[bus] = 0.4 if down else kv[parent]
            (self._transformer if down else self._joint)(parent, bus)
        for bus, here_kv in kv.items():
            if self._chance(0.3):
                self._shunt(bus, here_kv)
        for one, other in self._pairs(kv):
            self._tie(one, other)
        if self._chance(0.3):
            self._line(head, self._bus(20.0, in_service=False), kv=20.0)

    def _pairs(self, kv: dict[int, float]) -> Iterator[tuple[int, int]]:
        for _ in range(self.random.integers(0, 3)):
            one, other = self.random.choice(list(kv), 2, replace=False)
            if kv[one] == kv[other]:
                yield int(one), int(other)

    def _joint(self, parent: int, bus: int) -> None:
        if self._chance(0.15):
            z_ohm = float(self.random.choice([0.0, 0.02]))
            self.tables["bus_switches"].append(
                {"from_bus": parent, "to_bus": bus, "z_ohm": z_ohm, "closed": True}
            )
        else:
            self._line(parent, bus)

    def _tie(self, one: int, other: int) -> None:
        """A branch that is out of service, open at an end, or closes a loop."""
        state = {0: {"in_service": False}, 1: {"from_closed": False}, 2: {"to_closed": False}}
        self._line(one, other, **state.get(int(self.random.integers(4)), {}))

    def _line(self, one: int, other: int, kv: float | None = None, **state: bool) -> None:
        ends = (one, other) if self._chance(0.5) else (other, one)
        kv = kv or next(row["vn_kv"] for row in self.tables["buses"] if row["bus"] == one)
        scale = (kv / 20.0) ** 2
        charged = self._chance(0.5)
        self.tables["lines"].append(
            {
                "name": f"l{len(self.tables['lines'])}",
                "from_bus": ends[0],
                "to_bus": ends[1],
                "r_ohm": self.random.uniform(0.1, 2.0) * scale,
                "x_ohm": self.random.uniform(0.1, 2.0) * scale,
                "c_nf": self.random.uniform(50, 500) / scale * charged,
                "g_us": self.random.uniform(0, 20) / scale * charged,
                "rating_ka": 0.3 if self._chance(0.7) else float("inf"),
                **state,
            }
        )

    def _transformer(self, high: int, low: int) -> None:
        random = self.random
        row: Row = {
            "name": f"t{len(self.tables['transformers'])}",
            "from_bus": high,
            "to_bus": low,
            "sn_mva": 0.63,
            "vn_hv_kv": float(random.choice([20.0, 21.0])),
            "vn_lv_kv": float(random.choice([0.4, 0.42])),
            "vk_percent": 6.0,
            "vkr_percent": 1.2,
            "pfe_kw": float(random.choice([0.0, 1.2])),
            "i0_percent": float(random.choice([0.0, 0.4])),
            "shift_degree": 150.0,
            "parallel": int(random.integers(1, 3)),
            "leakage_resistance_ratio_hv": float(random.choice([0.5, 0.3])),
        }
        if self._chance(0.7):
            kind, side = (
                random.choice(["Ratio", "Symmetrical", "Ideal"]),
                random.choice(["hv", "lv"]),
            )
            row |= {
                "tap_side": str(side),
                "tap_changer_type": str(kind),
                "tap_neutral": 0.0,
                "tap_min": -4.0,
                "tap_max": 4.0,
                "tap_pos": float(random.integers(-3, 4)),
                "tap_step_percent": 0.0 if kind == "Ideal" else 1.5,
                "tap_step_degree": 2.0 if kind == "Ideal" else float(random.choice([0.0, 60.0])),
            }
        self.tables["transformers"].append(row)

    def _shunt(self, bus: int, kv: float) -> None:
        scale = 1.0 if kv > 1 else 0.05
        self.tables["shunts"].append(
            {
                "bus": bus,
                "p_mw": self.random.uniform(0, 0.1) * scale,
                "q_mvar": self.random.uniform(-0.5, 0.5) * scale,
                "vn_kv": kv * 1.02,
            }
        )


def _loads(network: Network, random: np.random.Generator, rows: int = 2) -> tuple[Any, Any]:
    scale = np.where(network.buses["vn_kv"] > 1, 0.6, 0.05)
    return (
        scale * random.uniform(-0.5, 1.0, (rows, len(scale))),
        scale * random.uniform(-0.2, 0.4, (rows, len(scale))),
    )


@pytest.mark.slow
@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_as_pandapower_says(compare: Any, seed: int) -> None:
    """First as the network stands, then with branches opened and closed by a table."""
    random = stream(seed, "a network of everything")
    network = _Drawn(random).network()
    flow = compare(network, *_loads(network, random))
    wires, sources = network.graph(), set(network.sources["bus"])
    trees = not any("loop" in finding for finding in network.radial_findings())
    assert len(wires) > len(sources)
    assert (flow.status == FlowStatus.MESHED).all() == (not trees)
    states = random.random((2, len(network.branches))) < 0.8
    compare(network, *_loads(network, random), states)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_trees_side_by_side_are_each_tree_alone(seed: int) -> None:
    """To the last bit, and whatever stands beside: smaller trees, loops, rows that collapse."""
    random = stream(seed, "trees of everything")
    network = _Drawn(random).network()
    level = random.choice([1.0, 40.0], (19, 1))
    active, reactive = (table * level for table in _loads(network, random, 19))
    states = random.random((19, len(network.branches))) < random.uniform(0.4, 1.0)
    states[4:7] = states[3]
    beside = power_flow_batch(network, active, reactive, states, results=RESULTS)
    for row, state in enumerate(states):
        one = active[row : row + 1], reactive[row : row + 1]
        alone = power_flow_batch(network, one[0], one[1], state, results=RESULTS)
        assert alone.status[0] == beside.status[row]
        for name in RESULTS:
            there, here = getattr(beside, name)[row], getattr(alone, name)[0]
            assert np.array_equal(there, here, equal_nan=True), name
