"""What pandapower's nets say beyond a network's tables: it counts, is refused by name, or said."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandapower as pp
import pytest

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.experiments.running.loading import load_study
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.grid.ac import ac_check
from equigrid.grid.linear.lindistflow import linearise

WithStudy = Callable[[Path], Path]


def _taken(given: pp.pandapowerNet) -> FloatArray:
    """Return what the linear network and AC make of a net at its own loads."""
    network = eg.Network.from_pandapower(given)
    buses = network.buses
    net_mw, net_mvar = (
        (buses[f"load_{unit}"] - buses[f"generation_{unit}"]).to_numpy()[:, None]
        for unit in ("mw", "mvar")
    )
    linear = linearise(network, net_mw, net_mvar).values(net_mw, net_mvar)
    judged = ac_check(network, net_mw, net_mvar)
    parts = [*linear.values(), judged.voltage_pu, judged.loading_percent]
    return np.concatenate([np.ravel(part) for part in parts])


# What only pandapower has, and what its columns are multiplied with.
FACTORS: dict[str, tuple[str, str, Any]] = {
    "load scaling": ("load", "scaling", 1.3),
    "generation scaling": ("sgen", "scaling", 0.5),
    "line length": ("line", "length_km", 2.0),
    "parallel lines": ("line", "parallel", 2),
    "derating": ("line", "df", 0.7),
    "line rating": ("line", "max_i_ka", 0.1),
    "shunt steps": ("shunt", "step", 2),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name if name == "load scaling" else pytest.param(name, marks=pytest.mark.slow)
        for name in FACTORS
    ],
)
def test_factors_of_pandapower_count(name: str, own: SimpleNamespace) -> None:
    table, column, value = FACTORS[name]
    given, changed = own.net(), own.net()
    changed[table][column] = value
    assert not np.allclose(_taken(given), _taken(changed), rtol=1e-9, atol=1e-9)


ELEMENTS: dict[str, Callable[[pp.pandapowerNet], Any]] = {
    "gen": lambda given: pp.create_gen(given, 2, p_mw=0.1),
    "storage": lambda given: pp.create_storage(given, 2, p_mw=0.1, max_e_mwh=1),
    "ward": lambda given: pp.create_ward(given, 2, 0.1, 0, 0, 0),
    "impedance": lambda given: pp.create_impedance(given, 2, 3, 0.1, 0.1, 1),
    "motor": lambda given: pp.create_motor(given, 2, 0.1, 0.9),
    "asymmetric_load": lambda given: pp.create_asymmetric_load(given, 2, p_a_mw=0.1),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_without_a_model_are_refused_by_name(name: str, own: SimpleNamespace) -> None:
    given = own.net()
    ELEMENTS[name](given)
    with pytest.raises(eg.NetworkError, match=f"row in '{name}'"):
        eg.Network.from_pandapower(given)


@pytest.mark.slow
def test_two_sources_of_one_tree_are_refused_by_a_study(
    tmp_path: Path, own: SimpleNamespace, with_study: WithStudy
) -> None:
    given = own.net()
    pp.create_ext_grid(given, 3)
    pp.to_json(given, str(tmp_path / "own.json"))
    with pytest.raises(UnusableInput, match=r"2 sources .* feed the same island"):
        load_study(with_study(tmp_path))


NOTES: dict[str, tuple[Callable[[pp.pandapowerNet], Any], str]] = {
    "limits": (lambda given: given.bus.insert(0, "min_vm_pu", 0.95), "voltage_min_pu"),
    "loading": (lambda given: given.line.insert(0, "max_loading_percent", 80.0), "ratings_ka"),
    "costs": (lambda given: pp.create_poly_cost(given, 0, "ext_grid", 9.0), "poly_cost"),
    "control": (lambda given: given.sgen.update({"controllable": [True]}), "controllable"),
    "switch ratings": (lambda given: given.switch.update({"in_ka": [0.1]}), "in_ka"),
    "exchange": (lambda given: given.ext_grid.insert(0, "max_p_mw", 2.0), "purchase_max_mw"),
}


@pytest.mark.parametrize(
    "name",
    [name if name == "limits" else pytest.param(name, marks=pytest.mark.slow) for name in NOTES],
)
def test_statements_that_are_no_part_of_a_power_flow_are_said(
    name: str, own: SimpleNamespace
) -> None:
    change, words = NOTES[name]
    given = own.net()
    assert eg.Network.from_pandapower(given).notes == ()
    change(given)
    [note] = eg.Network.from_pandapower(given).notes
    assert words in note


@pytest.mark.slow
def test_a_study_tells_them_with_file_and_line(
    tmp_path: Path, own: SimpleNamespace, with_study: WithStudy
) -> None:
    given = own.net()
    given.bus["max_vm_pu"] = 1.04
    pp.to_json(given, str(tmp_path / "own.json"))
    warned = load_study(with_study(tmp_path)).warnings
    assert any("max_vm_pu is not used" in w.message and w.line > 1 for w in warned)
