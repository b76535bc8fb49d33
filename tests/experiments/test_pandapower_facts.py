"""What pandapower's nets say beyond a network's tables: it counts, is refused by name, or said."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import yaml
from numpy.typing import NDArray

import equigrid as eg
from equigrid.experiments.findings import UnusableInput
from equigrid.experiments.study import load_study

WithStudy = Callable[[Path], Path]


@pytest.fixture(scope="module")
def as_it_is(own: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float64]:
    """Return what a study takes from the net before anything is changed."""
    folder = tmp_path_factory.mktemp("own")
    pp.to_json(own.net(), str(folder / "own.json"))
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(own.study(), sort_keys=False), encoding="utf-8")
    taken: NDArray[np.float64] = own.taken(path)
    return taken


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


@pytest.mark.parametrize("name", FACTORS)
def test_factors_of_pandapower_count(
    name: str,
    tmp_path: Path,
    own: SimpleNamespace,
    with_study: WithStudy,
    as_it_is: NDArray[np.float64],
) -> None:
    table, column, value = FACTORS[name]
    given = own.net()
    given[table][column] = value
    pp.to_json(given, str(tmp_path / "own.json"))
    assert not np.allclose(own.taken(with_study(tmp_path)), as_it_is, rtol=1e-9, atol=1e-9)


ELEMENTS: dict[str, Callable[[pp.pandapowerNet], Any]] = {
    "gen": lambda given: pp.create_gen(given, 2, p_mw=0.1),
    "storage": lambda given: pp.create_storage(given, 2, p_mw=0.1, max_e_mwh=1),
    "ward": lambda given: pp.create_ward(given, 2, 0.1, 0, 0, 0),
    "impedance": lambda given: pp.create_impedance(given, 2, 3, 0.1, 0.1, 1),
    "motor": lambda given: pp.create_motor(given, 2, 0.1, 0.9),
    "asymmetric_load": lambda given: pp.create_asymmetric_load(given, 2, p_a_mw=0.1),
    "several sources": lambda given: pp.create_ext_grid(given, 3),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_without_a_model_are_refused_by_name(
    name: str, tmp_path: Path, own: SimpleNamespace, with_study: WithStudy
) -> None:
    given = own.net()
    ELEMENTS[name](given)
    pp.to_json(given, str(tmp_path / "own.json"))
    words = "sources (at the buses" if name == "several sources" else f"rows in '{name}'"
    with pytest.raises(UnusableInput) as refused:
        load_study(with_study(tmp_path))
    assert any(words in finding.message for finding in refused.value.findings)


NOTES: dict[str, tuple[Callable[[pp.pandapowerNet], Any], str]] = {
    "limits": (lambda given: given.bus.insert(0, "min_vm_pu", 0.95), "voltage_min_pu"),
    "loading": (lambda given: given.line.insert(0, "max_loading_percent", 80.0), "ratings_ka"),
    "costs": (lambda given: pp.create_poly_cost(given, 0, "ext_grid", 9.0), "poly_cost"),
    "control": (lambda given: given.sgen.update({"controllable": [True]}), "controllable"),
    "switch ratings": (lambda given: given.switch.update({"in_ka": [0.1]}), "in_ka"),
    "exchange": (lambda given: given.ext_grid.insert(0, "max_p_mw", 2.0), "purchase_max_mw"),
}


@pytest.mark.parametrize("name", NOTES)
def test_statements_that_are_no_part_of_a_power_flow_are_said(
    name: str, tmp_path: Path, own: SimpleNamespace, with_study: WithStudy
) -> None:
    change, words = NOTES[name]
    given = own.net()
    assert eg.Network.from_pandapower(given).notes == ()
    change(given)
    pp.to_json(given, str(tmp_path / "own.json"))
    warned = load_study(with_study(tmp_path)).warnings
    assert any(words in str(finding) and "study.yaml:" in str(finding) for finding in warned)
