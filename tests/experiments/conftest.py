"""Studies to run and to spoil: the shipped one, a small one of it, one on a feeder of one's own."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import yaml

from equigrid.arrays import FloatArray
from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.running.loading import load_study, study_path
from equigrid.grid.ac import ac_check
from equigrid.grid.linear.lindistflow import linearise

Spoil = Callable[[dict[str, Any]], object]
Written = Callable[..., Path]


def shipped() -> dict[str, Any]:
    """Return what the shipped study says."""
    data: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    return data


def small() -> dict[str, Any]:
    """Return six hours of the shipped study, with two scenarios and two microgrids."""
    data = shipped()
    data["steps"] = 6
    hours = slice(12, 18)
    data["scenarios"]["load"]["weights"] = [1.0]
    data["scenarios"]["irradiance"]["weights"] = [0.4, 0.6]
    data["scenarios"]["irradiance"]["mean"] = data["scenarios"]["irradiance"]["mean"][hours]
    data["methods"]["best_response"]["rounds"] = 5
    data["agents"] = data["agents"][:6]
    for agent in data["agents"]:
        for name, value in agent.items():
            if isinstance(value, list) and len(value) == 24:
                agent[name] = value[hours]
    return data


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a study, spoilt by a function, and return its path."""

    def write(spoil: Spoil = lambda data: None, data: dict[str, Any] | None = None) -> Path:
        content = small() if data is None else data
        spoil(content)
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small study as a file."""
    path = tmp_path_factory.mktemp("small") / "study.yaml"
    path.write_text(yaml.safe_dump(small(), sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three hours of the small study, with one scenario and one microgrid."""
    data = small()
    data["steps"] = 3
    data["scenarios"]["irradiance"]["weights"] = [1.0]
    data["agents"] = data["agents"][:5]
    for part in (data["scenarios"]["irradiance"], *data["agents"]):
        for name, value in part.items():
            if isinstance(value, list) and len(value) == 6:
                part[name] = value[:3]
    path = tmp_path_factory.mktemp("tiny") / "study.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


Tables = dict[str, list[dict[str, Any]]]
OWN_HOURS = 2


def own_tables() -> Tables:
    """Return the tables of a feeder: a trunk, a tie, a transformer at its end."""
    line = {"r_ohm": 0.5, "x_ohm": 0.4, "c_nf": 300.0, "g_us": 2.0, "rating_ka": 0.2}
    transformer: dict[str, Any] = {
        "name": "T", "from_bus": 3, "to_bus": 4, "sn_mva": 0.63, "vn_hv_kv": 20, "vn_lv_kv": 0.4,
        "vk_percent": 6, "vkr_percent": 1.2, "tap_side": "hv", "tap_neutral": 0, "tap_min": -2,
        "tap_max": 2, "tap_step_percent": 2.5, "tap_step_degree": 0, "tap_pos": 0,
        "tap_changer_type": "Ratio", "tap2_side": "lv", "tap2_neutral": 0, "tap2_min": -2,
        "tap2_max": 2, "tap2_step_percent": 1, "tap2_step_degree": 0, "tap2_pos": 0,
        "tap2_changer_type": "Ratio",
    }  # fmt: skip
    return {
        "buses": [
            {"bus": bus, "name": f"station {bus}", "vn_kv": 0.4 if bus == 4 else 20}
            for bus in range(5)
        ],
        "lines": [
            {"name": "first", "from_bus": 0, "to_bus": 1, **line},
            {"name": "second", "from_bus": 1, "to_bus": 2, **line},
            {"name": "third", "from_bus": 2, "to_bus": 3, **line},
            {"name": "tie", "from_bus": 0, "to_bus": 3, **line, "to_closed": False},
        ],
        "transformers": [transformer],
        "bus_switches": [{"name": "coupler", "from_bus": 1, "to_bus": 3, "closed": False}],
        "sources": [{"name": "grid", "bus": 0, "vm_pu": 1.02}],
        "loads": [
            {"name": f"load {b}", "bus": b, "p_mw": 0.3, "q_mvar": 0.1} for b in (1, 2, 3, 4)
        ],
        "generators": [{"name": "hydro", "bus": 2, "p_mw": 0.08, "q_mvar": 0.02}],
        "shunts": [{"name": "coil", "bus": 3, "p_mw": 0.001, "q_mvar": 0.02, "vn_kv": 20}],
    }  # fmt: skip


def own_net_of_pandapower() -> pp.pandapowerNet:
    """Return a net of pandapower's own of the same kind."""
    made = pp.create_empty_network("own")
    for bus in range(5):
        pp.create_bus(made, 0.4 if bus == 4 else 20.0, name=f"station {bus}")
    cable = "NA2XS2Y 1x185 RM/25 12/20 kV"
    for start, end in ((0, 1), (1, 2), (2, 3), (0, 3)):
        pp.create_line(made, start, end, 1.2, cable, name=f"line {start}-{end}")
    pp.create_switch(made, 0, 3, et="l", closed=False)
    pp.create_transformer_from_parameters(
        made, 3, 4, 0.63, 20, 0.4, vkr_percent=1.2, vk_percent=6, pfe_kw=0, i0_percent=0, name="T"
    )
    pp.create_ext_grid(made, 0, vm_pu=1.02)
    for bus in range(1, 5):
        pp.create_load(made, bus, 0.3, 0.1, name=f"load {bus}")
    pp.create_sgen(made, 2, 0.08, 0.02, name="hydro")
    pp.create_shunt(made, 3, q_mvar=0.02, p_mw=0.001)
    return made


def own_study() -> dict[str, Any]:
    """Return two hours of the shipped study on ``own.json``: one microgrid, one scenario."""
    data: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    data |= {"steps": OWN_HOURS, "agents": data["agents"][:5], "cases": data["cases"][1:]}
    data["timetable"] = [e for e in data["timetable"] if e["method"] != "best-response"]
    for uncertain in data["scenarios"].values():
        uncertain["weights"] = [1.0]
    data["scenarios"]["irradiance"]["mean"] = [0.5, 0.6]
    data["network"] = {
        "feeder": "own.json", "open_branches": [], "closed_branches": [],
        "voltage_min_pu": 0.9, "voltage_max_pu": 1.05,
    }  # fmt: skip
    for agent in data["agents"]:
        for name, value in agent.items():
            if isinstance(value, list) and len(value) == 24:
                agent[name] = value[16:18]
        if agent["kind"] == "ders-manager":
            agent["generators"] = agent["generators"][:1]
            agent["photovoltaics"] = agent["photovoltaics"][:1]
        for unit in [agent, *agent.get("generators", []), *agent.get("photovoltaics", [])]:
            unit.update({"bus": 3} if "bus" in unit else {})
    return data


def own_taken(path: Path) -> FloatArray:
    """Return all that the parties of a study know of its feeder: loads, linear network, AC."""
    chosen = load_study(path)
    parties = DiscoMicrogrids(chosen.in_case(chosen.cases[0].name))
    net_mw, net_mvar = parties.disco.fixed_mw(), parties.disco.fixed_mvar()
    linear = linearise(chosen.feeder, net_mw, net_mvar).values(net_mw, net_mvar)
    judged = ac_check(chosen.feeder, net_mw, net_mvar)
    ratings = chosen.feeder.branches["rating_ka"].to_numpy()
    parts = [net_mw, net_mvar, *linear.values(), judged.voltage_pu, judged.loading_percent, ratings]
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.fixture(scope="session")
def own() -> SimpleNamespace:
    """Return a feeder of one's own (`tables`, `net`), a `study` on it, what it takes (`taken`)."""
    return SimpleNamespace(
        tables=own_tables, net=own_net_of_pandapower, study=own_study, taken=own_taken
    )


@pytest.fixture
def with_study() -> Callable[[Path], Path]:
    """Write the study of one's own feeder into a folder, beside ``own.json``."""

    def write(folder: Path) -> Path:
        path = folder / "study.yaml"
        path.write_text(yaml.safe_dump(own_study(), sort_keys=False), encoding="utf-8")
        return path

    return write
