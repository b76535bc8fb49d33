"""A small study of paper A: certified, with the paper's pattern, reported, replayed, delivered."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from equigrid.errors import UnusableResult
from equigrid.experiments.cli import main
from equigrid.experiments.deliveries import deliver
from equigrid.experiments.replay import replay
from equigrid.experiments.result import Result
from equigrid.experiments.running.run import run

# Whole runs of paper A; its bad input and parties have quick tests.
pytestmark = pytest.mark.slow

Written = Callable[..., Path]

KPIS = [
    "energy_cost", "frp_revenue", "expected_total_cost", "worst_case_total_cost", "frp_up_mwh",
    "frp_down_mwh", "ac_voltage_violation_after_up_pu", "ac_voltage_violation_after_down_pu",
    "ac_loading_violation_after_up_percent", "ac_loading_violation_after_down_percent",
]  # fmt: skip


def _kpis(result: Result, case: str) -> dict[str, float]:
    return {name: kpi.value for name, kpi in result.case(case).kpis.items()}


def test_both_cases_are_certified_with_the_kpis_that_are_promised(result: Result) -> None:
    assert result.certified, [case.shortcomings for case in result.cases]
    for case in result.cases:
        assert sorted(case.kpis) == sorted(KPIS)
        assert case.certificate.dual_residual is not None
        assert case.certificate.dual_residual <= 1e-6


def test_the_pattern_of_the_paper(result: Result) -> None:
    insecure, secure = (_kpis(result, name) for name in ("insecure", "secure"))
    assert secure["expected_total_cost"] > insecure["expected_total_cost"] + 1
    assert secure["frp_down_mwh"] < insecure["frp_down_mwh"] - 0.1
    assert secure["energy_cost"] == pytest.approx(insecure["energy_cost"], rel=0.1)
    assert insecure["ac_voltage_violation_after_down_pu"] > 1e-3
    assert secure["ac_voltage_violation_after_down_pu"] <= 1e-4
    assert secure["ac_loading_violation_after_down_percent"] <= 0.1
    for kpis in (insecure, secure):
        total = kpis["energy_cost"] - kpis["frp_revenue"]
        assert kpis["expected_total_cost"] == pytest.approx(total)
        assert kpis["worst_case_total_cost"] >= kpis["expected_total_cost"] - 1e-9


def test_costs_are_offers_times_prices(result: Result) -> None:
    chances = {1: 0.4, 2: 0.6}
    for case in result.cases:
        offers = result.tables["offers"].query("case == @case.name")
        weight = offers["scenario"].map(chances)
        energy = (weight * offers["import_mw"] * offers["energy_price_per_mwh"]).sum()
        income = sum(
            (weight * offers[f"{p}_mw"] * offers[f"{p}_price_per_mwh"]).sum()
            for p in ("up", "down")
        )
        assert case.kpis["energy_cost"].value == pytest.approx(energy)
        assert case.kpis["frp_revenue"].value == pytest.approx(income)


def test_ac_says_what_the_kpis_say(result: Result) -> None:
    volts = result.tables["voltages"]
    for case in result.cases:
        for state in ("up", "down"):
            rows = volts[(volts["case"] == case.name) & (volts["state"] == state)]
            assert len(rows) == 2 * 3 * 33
            off = (0.9 - rows["voltage_ac_pu"]).clip(lower=0).max()
            kpi = case.kpis[f"ac_voltage_violation_after_{state}_pu"].value
            assert kpi == pytest.approx(off)
    secured = volts[(volts["state"] == "before") | (volts["case"] == "secure")]
    assert (secured["voltage_linear_pu"] - secured["voltage_ac_pu"]).abs().max() < 3e-4
    assert volts.drop(secured.index)["voltage_linear_pu"].isna().all()


def test_parts_add_up_to_the_prices_that_are_paid(result: Result) -> None:
    assert result.tables["price_residuals"]["residual_per_mwh"].max() <= 1e-8
    prices = result.tables["bus_prices"]
    parts = prices[[f"energy_{p}_per_mwh" for p in ("energy", "loss", "voltage", "congestion")]]
    assert np.allclose(parts.sum(axis=1), prices["energy_price_per_mwh"], atol=1e-8)
    market = result.tables["prices"].set_index("step")
    for product in ("up", "down"):
        at_source = prices[prices["bus"] == 1].set_index("step")[f"{product}_price_per_mwh"]
        given = market[f"{product}_price_per_mwh"].reindex(at_source.index)
        assert np.allclose(at_source, given, atol=1e-6)


def test_rounds_come_nearer_to_ac_until_they_agree(result: Result) -> None:
    table = result.tables["linearisation"]
    assert list(table.columns) == ["case", "stage", "round", "error_pu"]
    for name, rows in table.groupby("case"):
        assert rows["round"].tolist() == list(range(1, len(rows) + 1))
        assert len(rows) > 1
        assert (rows["error_pu"].iloc[:-1] > 1e-3).all()
        assert rows["error_pu"].iloc[-1] <= 1e-3
        assert result.case(str(name)).notes["linear_rounds"] == len(rows)


def test_the_report_shows_every_picture_and_table(result: Result, folder: Path) -> None:
    page = (folder / "result" / "report.html").read_text("utf-8")
    assert "expected total cost rises" in page
    for key in (
        "offers", "delivered-voltages", "delivered-loading", "bus-prices", "given-prices", "loads",
        "feeder", "decisions-table", "states-table", "bills-table", "rounds-table",
    ):  # fmt: skip
        assert f'id="{key}"' in page
    assert 'id="confidence"' not in page
    assert "Disco" not in page
    assert "nan" not in page.split("<main>")[1].split("base64")[0]


def test_a_replay_agrees_and_notices_changes(result: Result, folder: Path, tmp_path: Path) -> None:
    assert replay(folder / "result") == []
    copied = Path(shutil.copytree(folder / "result", tmp_path / "copied"))
    for name, column, words in (
        ("offers", "down_mw", "down_mw of 'p1' differs"),
        ("offers", "energy_price_per_mwh", "payment 'energy-p1' is not price × quantity"),
        ("bills", "up_bill", "bills of up by scenario"),
        ("prices", "up_price_per_mwh", "differs from what was announced"),
        ("settlement", "amount", "payment"),
    ):
        path = copied / "tables" / f"{name}.parquet"
        table = pd.read_parquet(path)
        table.assign(**{column: table[column] + 1}).to_parquet(path, index=False)
        assert any(words in found for found in replay(copied)), column
        table.to_parquet(path, index=False)


@pytest.mark.slow
def test_random_deliveries_hold_where_they_are_promised(result: Result, folder: Path) -> None:
    insecure, secure = deliver(folder / "result", folder / "study.yaml", count=60)
    assert insecure.violating > 0
    assert insecure.kept
    assert secure.violating == 0
    assert "violate a limit in AC" in str(secure)


def test_deliveries_on_the_command_line(result: Result, folder: Path, tmp_path: Path) -> None:
    words = ["deliveries", str(folder / "result"), "--count", "5", "--seed", "3"]
    told = CliRunner().invoke(main, [*words, "--study", str(folder / "study.yaml")])
    assert told.exit_code == 0, told.output
    assert "secure: 0.0 % of 5 deliveries" in told.output
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2
    assert "is not what the result was made of" in refused.output
    with pytest.raises(UnusableResult, match="no complete result"):
        deliver(tmp_path)


@pytest.mark.slow
def test_one_offer_for_all_scenarios_is_the_same_in_each_and_no_cheaper(
    written: Written, result: Result
) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["offers"] = "here-and-now"
        data["cases"] = data["cases"][:1]

    one = run(written(spoil))
    assert one.certified, one.cases[0].shortcomings
    for column in ("import_mw", "up_mw", "down_mw"):
        offers = one.tables["offers"].pivot_table(
            index=["prosumer", "step"], columns="scenario", values=column
        )
        assert np.ptp(offers.to_numpy(), axis=1).max() < 1e-6
    key = "worst_case_total_cost"
    assert one.cases[0].kpis[key].value >= result.cases[0].kpis[key].value - 1e-3
