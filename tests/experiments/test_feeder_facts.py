"""Every fact of a feeder that a study names is used, refused by name, or said to play no part."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from equigrid.arrays import FloatArray
from equigrid.experiments.running.loading import load_study
from equigrid.experiments.running.run import run
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.grid.network.feeders import FORMAT
from equigrid.grid.network.tables import SCHEMAS

Tables = dict[str, list[dict[str, Any]]]
USED, REFUSED, NO_PART = "used", "refused", "no part"


def _other_voltage(found: Tables) -> None:
    """Run the whole feeder at another nominal voltage."""
    for row in found["buses"]:
        row["vn_kv"] *= 1.5
    found["transformers"][0]["vn_hv_kv"] *= 1.5
    found["transformers"][0]["vn_lv_kv"] *= 1.5


# For each column: what becomes of it, another value (or a change of the tables), and where it is
# refused, words of the refusal.
# fmt: off
WALK: dict[tuple[str, str], tuple[str, Any, str]] = {
    ("buses", "bus"): (USED, 77, "bus 2 is not among the buses"),
    ("buses", "name"): (NO_PART, "Umspannwerk", ""),
    ("buses", "vn_kv"): (USED, _other_voltage, ""),
    ("buses", "in_service"): (REFUSED, False, "out of service"),
    ("lines", "name"): (NO_PART, "trunk", ""),
    ("lines", "from_bus"): (USED, 1, ""),
    ("lines", "to_bus"): (USED, 3, ""),
    ("lines", "r_ohm"): (USED, 0.9, ""),
    ("lines", "x_ohm"): (USED, 0.9, ""),
    ("lines", "c_nf"): (USED, 900.0, ""),
    ("lines", "g_us"): (USED, 9.0, ""),
    ("lines", "rating_ka"): (USED, 0.1, ""),
    ("lines", "in_service"): (USED, False, "No source reaches"),
    ("lines", "from_closed"): (USED, False, ""),
    ("lines", "to_closed"): (USED, True, "loop runs over"),
    ("lines", "element"): (NO_PART, 9, ""),
    ("transformers", "name"): (NO_PART, "Trafo", ""),
    ("transformers", "from_bus"): (USED, 2, ""),
    ("transformers", "to_bus"): (USED, 2, "loop runs over"),
    ("transformers", "sn_mva"): (USED, 1.0, ""),
    ("transformers", "vn_hv_kv"): (REFUSED, 21, "ratio"),
    ("transformers", "vn_lv_kv"): (REFUSED, 0.42, "ratio"),
    ("transformers", "vk_percent"): (USED, 8, ""),
    ("transformers", "vkr_percent"): (USED, 2, ""),
    ("transformers", "pfe_kw"): (REFUSED, 1, "iron losses"),
    ("transformers", "i0_percent"): (REFUSED, 0.1, "magnetising"),
    ("transformers", "shift_degree"): (NO_PART, 150, ""),
    **{("transformers", f"{tap}_{part}"): (NO_PART, value, "")
       for tap in ("tap", "tap2") for part, value in (
           ("side", "lv"), ("min", -3), ("max", 3), ("step_percent", 1.5), ("step_degree", 1.0),
           ("changer_type", "Symmetrical"))},
    **{("transformers", f"{tap}_{part}"): (REFUSED, 1, "tap")
       for tap in ("tap", "tap2") for part in ("neutral", "pos")},
    ("transformers", "leakage_resistance_ratio_hv"): (
        NO_PART, 0.4, ""),
    ("transformers", "leakage_reactance_ratio_hv"): (
        NO_PART, 0.4, ""),
    ("transformers", "parallel"): (USED, 2, ""),
    ("transformers", "df"): (USED, 0.8, ""),
    ("transformers", "in_service"): (USED, False, "No source"),
    ("transformers", "from_closed"): (USED, False, "No source"),
    ("transformers", "to_closed"): (USED, False, "No source"),
    ("transformers", "element"): (NO_PART, 9, ""),
    ("bus_switches", "name"): (NO_PART, "K1", ""),
    ("bus_switches", "from_bus"): (REFUSED, 4, "0.4 kV"),
    ("bus_switches", "to_bus"): (REFUSED, 4, "0.4 kV"),
    ("bus_switches", "closed"): (REFUSED, True, "bus switch"),
    ("bus_switches", "z_ohm"): (NO_PART, 0.1, ""),
    ("sources", "name"): (NO_PART, "UW Nord", ""),
    ("sources", "bus"): (USED, 1, ""),
    ("sources", "vm_pu"): (USED, 1.0, ""),
    ("sources", "va_degree"): (NO_PART, 30.0, ""),
    ("sources", "in_service"): (USED, False, "no source in service"),
    ("loads", "name"): (NO_PART, "school", ""),
    ("loads", "bus"): (USED, 4, ""),
    ("loads", "p_mw"): (USED, 0.4, ""),
    ("loads", "q_mvar"): (USED, 0.2, ""),
    **{("loads", f"const_{kind}_{power}_percent"): (
        REFUSED, 50, "depends on the voltage")
       for kind in "zi" for power in "pq"},
    ("loads", "in_service"): (USED, False, ""),
    ("generators", "name"): (NO_PART, "mill", ""),
    ("generators", "bus"): (USED, 4, ""),
    ("generators", "p_mw"): (USED, 0.5, ""),
    ("generators", "q_mvar"): (USED, 0.1, ""),
    ("generators", "in_service"): (USED, False, ""),
    ("shunts", "name"): (NO_PART, "C1", ""),
    ("shunts", "bus"): (USED, 1, ""),
    ("shunts", "p_mw"): (USED, 0.01, ""),
    ("shunts", "q_mvar"): (USED, -0.05, ""),
    ("shunts", "vn_kv"): (USED, 15, ""),
    ("shunts", "in_service"): (USED, False, ""),
}
# fmt: on
ROWS = {
    ("buses", "bus"): 2,
    ("buses", "in_service"): 4,
    ("lines", "from_bus"): 2,
    ("lines", "to_bus"): 1,
    ("lines", "from_closed"): 3,
    ("lines", "to_closed"): 3,
}  # the first otherwise
# What is used may be refused all the same, where it leaves a bus without a source.
TAKEN = [key for key, (kind, _, words) in WALK.items() if kind == USED and not words]
QUICK = {
    ("buses", "vn_kv"), ("lines", "r_ohm"), ("transformers", "parallel"), ("sources", "vm_pu"),
    ("loads", "p_mw"), ("generators", "p_mw"), ("shunts", "q_mvar"),
}  # fmt: skip
TAKEN_OR_SLOW = [
    key if key in QUICK else pytest.param(key, marks=pytest.mark.slow) for key in TAKEN
]
WRONG = [key for key, (_, _, words) in WALK.items() if words]
WITHOUT = [key for key, (kind, _, _) in WALK.items() if kind == NO_PART]


class _Own:
    """The feeder of one's own in a folder, as it is or changed."""

    def __init__(self, own: SimpleNamespace, folder: Path) -> None:
        self.own, self.folder = own, folder

    def written(self, found: Tables | None = None, study: Any = None, **figures: float) -> Path:
        """Write feeder and study, and return the study's path."""
        tables = self.own.tables() if found is None else found
        document = {"format": FORMAT, "name": "own", "f_hz": 50.0, **figures, **tables}
        (self.folder / "own.json").write_text(json.dumps(document), encoding="utf-8")
        path = self.folder / "study.yaml"
        said = self.own.study() if study is None else study
        path.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
        return path

    def changed(self, *keys: tuple[str, str]) -> Path:
        """Write them with these facts changed."""
        found = self.own.tables()
        for table, column in keys:
            change = WALK[table, column][1]
            if callable(change):
                change(found)
            else:
                found[table][ROWS.get((table, column), 0)][column] = change
        return self.written(found)

    def taken(self, path: Path) -> FloatArray:
        """Return what the study takes from its feeder."""
        taken: FloatArray = self.own.taken(path)
        return taken


@pytest.fixture
def mine(own: SimpleNamespace, tmp_path: Path) -> _Own:
    """Return the feeder of one's own in a folder of this test."""
    return _Own(own, tmp_path)


def _answer(path: Path) -> dict[str, float]:
    """Return the KPIs of a run, and what AC says of its answer."""
    result = run(path)
    voltages, branches = result.tables["voltages"], result.tables["branches"]
    kpis = [(name, kpi.value) for name, kpi in result.cases[0].kpis.items()]
    volts = [(f"voltage {k}", value) for k, value in enumerate(voltages["voltage_ac_pu"])]
    loads = [(f"loading {k}", value) for k, value in enumerate(branches["loading_percent"])]
    return dict([*kpis, *volts, *loads])


@pytest.fixture(scope="module")
def as_it_is(own: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> FloatArray:
    """Return what is taken from the feeder before anything is changed."""
    before = _Own(own, tmp_path_factory.mktemp("own"))
    return before.taken(before.written())


def test_the_walk_names_every_column_of_a_network() -> None:
    assert set(WALK) == {(table, column) for table in SCHEMAS for column in SCHEMAS[table]}


def test_the_page_says_of_every_column_what_the_walk_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "your-own-feeder.md"
    rows = [line.split("|")[1:4] for line in page.read_text(encoding="utf-8").splitlines()
            if line.startswith("| `")]  # fmt: skip
    said = {
        (table.strip(" `"), column.strip(" `")): kind.strip()
        for table, columns, kind in rows
        for column in columns.split(",")
    }
    assert {key: said.get(key) for key in WALK} == {key: WALK[key][0] for key in WALK}


@pytest.mark.parametrize("key", TAKEN_OR_SLOW, ids=".".join)
def test_what_is_used_changes_what_the_parties_reckon_with(
    key: tuple[str, str], mine: _Own, as_it_is: FloatArray
) -> None:
    assert not np.allclose(mine.taken(mine.changed(key)), as_it_is, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("key", WRONG, ids=".".join)
def test_what_cannot_be_used_is_refused_by_name(key: tuple[str, str], mine: _Own) -> None:
    with pytest.raises(UnusableInput) as refused:
        load_study(mine.changed(key))
    assert any(WALK[key][2] in finding.message for finding in refused.value.findings)
    assert all(finding.line > 1 for finding in refused.value.findings)


def test_what_plays_no_part_changes_nothing(mine: _Own, as_it_is: FloatArray) -> None:
    assert np.allclose(mine.taken(mine.changed(*WITHOUT)), as_it_is, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_frequency_counts_and_the_base_of_the_per_unit_system_does_not(
    mine: _Own, as_it_is: FloatArray
) -> None:
    assert not np.allclose(mine.taken(mine.written(f_hz=60.0)), as_it_is, rtol=1e-9)
    assert np.allclose(mine.taken(mine.written(base_mva=100.0)), as_it_is, rtol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("key", TAKEN, ids=".".join)
def test_what_is_used_changes_an_answer(key: tuple[str, str], mine: _Own) -> None:
    before, after = _answer(mine.written()), _answer(mine.changed(key))
    assert any(abs(before[name] - after[name]) > 1e-6 for name in before if name in after)


@pytest.mark.slow
def test_generation_counts_hour_by_hour(mine: _Own) -> None:
    supplied, more = [], mine.own.tables()
    more["generators"][0]["p_mw"] += 0.1
    data = mine.own.study()
    data["network"]["generation_profile"] = [1.0, 0.0]
    for tables, said in ((None, None), (more, None), (more, data)):
        answer = _answer(mine.written(tables, said))
        supplied.append(answer["wholesale_energy_mwh"] + answer["disco_dg_energy_mwh"])
    before, steady, by_profile = supplied
    assert before - steady == pytest.approx(0.2, abs=0.005)  # losses are lower as well
    assert before - by_profile == pytest.approx(0.1 - 0.08, abs=0.005)
