"""E and A in steps of other lengths than an hour: money, energies, ramps, times, replay."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.experiments.conftest import small as small_disco
from tests.experiments.frp_aggregator.conftest import small as small_frp
from tests.support.shorter_steps import shorter

from equigrid.experiments.frp_aggregator.days import days_of
from equigrid.experiments.frp_aggregator.stored_energy import what_cannot_be_stored
from equigrid.experiments.replay import replay
from equigrid.experiments.result import Result
from equigrid.experiments.running.loading import load_study
from equigrid.experiments.running.run import run
from equigrid.experiments.spec.findings import UnusableInput

MONEY = 3e-4  # the gap of each search, and a little
Data = dict[str, Any]


def _kpis(result: Result, case: str) -> dict[str, float]:
    return {name: kpi.value for name, kpi in result.case(case).kpis.items()}


def _played(data: Data, folder: Path, **how: Any) -> Result:
    """Return a result that is certified and replayed without differences."""
    folder.mkdir(exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    result = run(path, folder / "result", **how)
    assert result.certified, [case.shortcomings for case in result.cases]
    assert replay(folder / "result") == []
    return result


def _generators(data: Data) -> Iterator[dict[str, Any]]:
    for agent in data["agents"]:
        yield from agent.get("generators", [])
        yield from [agent["generator"]] if "generator" in agent else []


def _agile(data: Data) -> Data:
    """Let generators change in half an hour as much as in an hour, so that nothing is lost."""
    for unit in _generators(data):
        unit |= {name: 4 * unit[name] for name in ("ramp_up_mw_per_h", "ramp_down_mw_per_h")}
    return data


@pytest.mark.slow
def test_disco_in_half_hours_has_the_money_and_energies_of_hours(tmp_path: Path) -> None:
    hours = _played(_agile(small_disco()), tmp_path / "hours")
    halves = _played(shorter(_agile(small_disco()), 2), tmp_path / "halves")
    for case in ("without-flexibility", "with-flexibility"):
        one, other = _kpis(hours, case), _kpis(halves, case)
        for name in one.keys() - {"profit_forgone"}:
            if "ramp_up" not in name and "ramp_down" not in name:
                assert other[name] == pytest.approx(one[name], rel=1e-3, abs=1e-3), name
        assert other["disco_profit"] == pytest.approx(one["disco_profit"], rel=MONEY)
    # What a change between hours came to in an hour, it comes to in half of one.
    one, other = (_kpis(found, "with-flexibility") for found in (hours, halves))
    assert other["max_ramp_up_mw_per_h"] == pytest.approx(2 * one["max_ramp_up_mw_per_h"], rel=1e-3)
    _rules(halves, 0.5)


def _rules(result: Result, hours: float) -> None:
    """Compare figures with what the tables say, added up here."""
    for case in result.cases:
        rows = {n: t[t["case"] == case.name] for n, t in result.tables.items() if "case" in t}
        kpis, purchase = _kpis(result, case.name), rows["purchase"]
        bought, sites = purchase["purchase_mw"].to_numpy(), rows["microgrids"]
        assert kpis["wholesale_energy_mwh"] == pytest.approx(bought.mean() * len(bought) * hours)
        assert purchase["ramp_mw_per_h"].iloc[1:].to_numpy() * hours == pytest.approx(
            np.diff(bought), abs=1e-9
        )
        assert kpis["microgrid_import_mwh"] == pytest.approx(hours * sites["import_mw"].sum())
        owed = rows["settlement"].set_index("payment")["amount"]
        price = rows["prices"]["wholesale_price_per_mwh"].to_numpy()
        assert owed["wholesale"] == pytest.approx(hours * price @ bought)
        penalty = rows["prices"]["ramp_penalty_per_mw"] * purchase["ramp_limit_mw_per_h"]
        assert kpis["ramp_penalty"] == pytest.approx(hours * penalty.sum(), abs=1e-6)
        for _, site in sites.groupby("microgrid"):
            moved = np.diff(site["stored_mwh"])
            charged = hours * (0.95 * site["charge_mw"] - site["discharge_mw"] / 0.95)
            assert moved == pytest.approx(charged.iloc[1:].to_numpy(), abs=1e-7)


@pytest.fixture(scope="module")
def dated(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return three hours in quarters of the last evening before clocks change."""
    data = shorter(yaml.safe_load(tiny_file.read_text("utf-8")), 4)
    data |= {"start": "2026-03-27T22:00 Europe/Berlin", "cases": data["cases"][1:]}
    return _played(data, tmp_path_factory.mktemp("dated"), method="exact")


@pytest.mark.slow
def test_quarter_hours_follow_the_same_rules(dated: Result) -> None:
    assert len(dated.tables["purchase"]) == 12
    _rules(dated, 0.25)
    units = {unit["name"]: unit for unit in _generators(small_disco()) if "name" in unit}
    for name, rows in dated.tables["dispatch"].query("kind == 'generator'").groupby("resource"):
        rise = np.diff(rows["power_mw"])
        assert rise.max() <= 0.25 * units[str(name)]["ramp_up_mw_per_h"] + 1e-9


@pytest.mark.slow
def test_tables_and_pictures_show_times(dated: Result, tmp_path: Path) -> None:
    begins = pd.date_range("2026-03-27T22:00", periods=12, freq="15min", tz="Europe/Berlin")
    for name in ("purchase", "prices", "voltages", "scenarios", "bids"):
        table = dated.tables[name]
        assert (table["time"] == begins[table["step"] - 1]).all(), name
    written = pd.read_parquet(_table(dated, tmp_path, "purchase"))
    assert written["time"].tolist() == begins.tolist()
    content = dated.content
    head, rows = next(t for t in content.tables if t.key == "prices-table").read(dated)
    assert (head[0], rows[8][0]) == ("Time", "2026-03-28 00:00")
    picture = next(p for p in content.pictures if p.key == "purchase")
    axes = picture.draw(dated).axes[0]
    assert axes.get_xlabel() == "2026-03-27 to 2026-03-28, Europe/Berlin"
    shown = dict(
        zip(axes.get_xticks(), (t.get_text() for t in axes.get_xticklabels()), strict=True)
    )
    assert shown[0.5] == "22:00"
    assert shown[8.5] == "03-28"
    said = next(p for p in content.pictures if p.key == "loading").say(dated)
    assert "step " in said
    assert "(2026-03-2" in said


def _table(result: Result, folder: Path, name: str) -> Path:
    result.write(folder / "again", "")
    return folder / "again" / "tables" / f"{name}.parquet"


def _busy(data: Data) -> Data:
    """Let every prosumer need nearly all the power that it may take, in the secure case alone."""
    for agent in data["agents"]:
        if agent["kind"] == "prosumer":
            needed = 0.999 * 0.95 * 0.05 * data["steps"]  # a little is left to decide
            agent |= {"power_max_mw": 0.05, "efficiency": 0.95, "retention": 1.0}
            agent["energy_final_mwh"] = agent["energy_initial_mwh"] + needed
    data["network"]["linearisation"].pop("case", None)
    return data | {"cases": data["cases"][1:]}


@pytest.mark.slow
def test_aggregator_in_half_hours_has_the_money_and_energies_of_hours(tmp_path: Path) -> None:
    hours = _played(_busy(small_frp()), tmp_path / "hours")
    halves = _played(shorter(_busy(small_frp()), 2), tmp_path / "halves")
    one, other = _kpis(hours, "secure"), _kpis(halves, "secure")
    assert one["energy_cost"] > 10
    assert one["frp_up_mwh"] > 0.3
    assert other == pytest.approx(one, rel=1e-3, abs=1e-4)
    bought = 0.5 * halves.tables["offers"].groupby(["scenario", "prosumer"])["import_mw"].sum()
    assert bought.to_numpy() == pytest.approx(0.999 * 0.15)
    for product in ("energy", "up", "down"):
        column = f"{product}_price_per_mwh"
        prices = [
            found.tables["offers"].groupby("prosumer")[column].mean() for found in (hours, halves)
        ]
        assert prices[1].to_numpy() == pytest.approx(prices[0].to_numpy(), rel=1e-3), product


def _days(data: Data, **said: Any) -> Data:
    days = {"kind": "drawn", "days": 40, "clusters": 3, "first_hour": 16}
    return data | {"scenarios": days | said}


@pytest.fixture
def frp(tmp_path: Path) -> Callable[[Data], Any]:
    """Read a study of paper A."""

    def read(data: Data) -> Any:
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return load_study(path)

    return read


def test_hours_of_days_are_repeated_for_their_steps(frp: Callable[[Data], Any]) -> None:
    hours, quarters = (
        days_of(frp(data)).scenarios
        for data in (_days(small_frp()), _days(shorter(small_frp(), 4)))
    )
    assert (quarters["irradiance"] == np.repeat(hours["irradiance"], 4, axis=1)).all()
    assert (quarters.probability == hours.probability).all()


def test_longer_steps_have_the_means_of_their_hours(frp: Callable[[Data], Any]) -> None:
    data = small_frp()
    for agent in data["agents"]:
        agent |= {f: v[0] for f, v in agent.items() if isinstance(v, list) and len(v) == 3}
    hours = days_of(frp(_days(data | {"steps": 4}, first_hour=10))).scenarios
    longer = days_of(frp(_days(data | {"steps": 2, "step_minutes": 120}, first_hour=10))).scenarios
    pairs = hours["irradiance"].reshape(3, 2, 2).mean(axis=2)
    assert longer["irradiance"] == pytest.approx(pairs)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"step_minutes": 45},
            "step_minutes: days of kind drawn are hourly, so an hour has to be a whole number of "
            "steps, or a step of hours, like 15, 30, 60 or 120; or use scenarios of kind given",
        ),
        ({"step_minutes": 90}, "step_minutes: days of kind drawn are hourly"),
        (
            {"step_minutes": 30},
            "steps: days are hourly, and 3 steps of 30 minutes are no whole hours; write a "
            "multiple of 2",
        ),
        ({"step_minutes": 240}, "steps: days have 24 hours, and these begin with hour 16"),
    ],
)
def test_steps_that_hours_do_not_fill_are_refused(
    changed: Data, words: str, frp: Callable[[Data], Any]
) -> None:
    with pytest.raises(UnusableInput) as refused:
        frp(_days(small_frp()) | changed)
    assert words in str(refused.value)


def test_given_scenarios_may_have_steps_of_45_minutes(frp: Callable[[Data], Any]) -> None:
    assert frp(small_frp() | {"step_minutes": 45}).spec.step_hours == 0.75


def test_what_cannot_be_stored_counts_the_hours_of_a_step(frp: Callable[[Data], Any]) -> None:
    data = shorter(small_frp(), 4)
    data["agents"][4]["power_max_mw"] = 0.001
    with pytest.raises(UnusableInput, match="'p2' is infeasible: in step 12 it can reach at most"):
        frp(data)
    battery = frp(small_frp()).spec.prosumers[0]
    assert what_cannot_be_stored(battery, 4, 0.5) == what_cannot_be_stored(battery, 2) == ""
