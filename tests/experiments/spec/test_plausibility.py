"""What is implausible is warned of with file and line, and accepted all the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest
import yaml
from click.testing import CliRunner

from equigrid.experiments.cli import main
from equigrid.experiments.running.loading import list_studies, load_study, study_path

Loc = tuple[str | int, ...]


def _study(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(study_path(name).read_text("utf-8"))
    return data


DISCO, FRP = _study("disco-microgrids"), _study("frp-aggregator")
AT = {agent["name"]: k for data in (DISCO, FRP) for k, agent in enumerate(data["agents"])}
HOURS = 24
DOUBTED: list[tuple[dict[str, Any], Loc, Any, str]] = [
    (DISCO, ("agents", AT["mg1"], "photovoltaic_max_mw"), 450, "more than the 1.67 MW of demand"),
    (DISCO, ("agents", AT["mg1"], "generator", "power_max_mw"), 450, "is it in kW?"),
    (DISCO, ("agents", AT["mg1"], "battery", "power_max_mw"), 120, "is it in kW?"),
    (DISCO, ("agents", AT["mg1"], "exchange_max_mw"), 1000, "times the peak load"),
    (DISCO, ("agents", AT["mg1"], "demand_mw"), [410] * HOURS, "times the peak load"),
    (DISCO, ("agents", AT["mg1"], "battery", "energy_max_mwh"), 5000, "is it in kWh?"),
    (DISCO, ("agents", AT["disco"], "price_max_per_mwh"), 10, "below every wholesale price"),
    (DISCO, ("agents", AT["iso"], "wholesale_price_per_mwh"), [0.038, *[38] * 23], "other units?"),
    (DISCO, ("agents", AT["mg1"], "generator", "bid_per_mwh"), 0.045, "per kWh?"),
    (DISCO, ("agents", AT["mg1"], "battery", "charge_efficiency"), 0.05, "loses 95 %"),
    (DISCO, ("agents", AT["mg1"], "interruption_price_fraction"), 80, "8000 %"),
    (DISCO, ("agents", AT["disco"], "purchase_max_mw"), 1, "own net load of 3.72 MW in step 19"),
    (DISCO, ("agents", AT["disco"], "price_max_per_mwh"), 90_000, "per kWh?"),
    (DISCO, ("agents", AT["iso"], "wholesale_price_per_mwh"), [0.05] * HOURS, "are they per kWh?"),
    (DISCO, ("agents", AT["iso"], "ramp_penalty_fraction"), 140, "in percent?"),
    (DISCO, ("agents", AT["customers"], "tariff_fraction"), 120, "in percent?"),
    (DISCO, ("agents", AT["customers"], "load_profile"), [62] * HOURS, "in percent?"),
    (DISCO, ("agents", AT["ders-manager"], "generators", 0, "power_max_mw"), 600, "in kW?"),
    (DISCO, ("agents", AT["ders-manager"], "generators", 0, "bid_per_mwh"), 0.05, "per kWh?"),
    (DISCO, ("agents", AT["ders-manager"], "photovoltaics", 1, "power_max_mw"), 300, "in kW?"),
    (DISCO, ("network", "voltage_min_pu"), 0.5, "outside 0.8 to 1 p.u."),
    (DISCO, ("network", "voltage_max_pu"), 1.5, "outside 1 to 1.2 p.u."),
    (DISCO, ("network", "ratings_ka"), {"line 1": 250}, "is it in A?"),
    (DISCO, ("network", "generation_profile"), [1] * HOURS, "the feeder has no generation"),
    (DISCO, ("methods", "exact", "gap"), 0.01, "wider than the certificate asks for, 0.0001"),
    (DISCO, ("certificate", "gap"), 0.9, "certifies little"),
    (DISCO, ("certificate", "ac_voltage_pu"), 0.5, "certifies little"),
    (FRP, ("agents", AT["dno"], "exchange_max_mw"), 2, "below the feeder's own net load"),
    (FRP, ("agents", AT["dno"], "photovoltaics", 0, "power_max_mw"), 600, "in kW?"),
    (FRP, ("agents", AT["p1"], "power_max_mw"), 500, "in kW?"),
    (FRP, ("agents", AT["market"], "energy_price_per_mwh"), [0.04] * HOURS, "are they per kWh?"),
    (FRP, ("agents", AT["market"], "up_price_per_mwh"), [0.003] * HOURS, "per kWh?"),
    (FRP, ("methods", "exact", "gap"), 0.01, "wider than the certificate asks for, 0.001"),
]


@pytest.mark.parametrize("name", list_studies())
def test_shipped_studies_are_plausible(name: str) -> None:
    assert load_study(name).warnings == ()


@pytest.mark.parametrize(
    ("data", "loc", "value", "words"),
    DOUBTED,
    ids=["-".join(map(str, loc)) for _, loc, *_ in DOUBTED],
)
def test_what_is_implausible_is_warned_of_at_its_line(
    data: dict[str, Any], loc: Loc, value: Any, words: str, written: Callable[..., Path]
) -> None:
    path = written(data=_with(data, loc, value))
    found = [w for w in load_study(path).warnings if words in w.message]
    assert len(found) == 1, load_study(path).warnings
    assert found[0].file == str(path)
    key = str(next(step for step in reversed(loc) if isinstance(step, str)))
    near = path.read_text(encoding="utf-8").splitlines()[found[0].line - 2 : found[0].line]
    assert any(key in line or "line 1" in line for line in near)


def _with(data: dict[str, Any], loc: Loc, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = yaml.safe_load(yaml.safe_dump(data))
    place: Any = copy
    for step in loc[:-1]:
        place = place[step]
    place[loc[-1]] = value
    return copy


def test_the_gap_of_the_stage_that_gives_the_result_counts(written: Callable[..., Path]) -> None:
    # The negotiation's gap is wider than the certificate's, and only compared.
    assert DISCO["methods"]["best_response"]["gap"] > DISCO["certificate"]["gap"]
    found = load_study("disco-microgrids").with_method("best-response").warnings
    assert [finding.path for finding in found] == ["methods.best_response.gap"]


@pytest.mark.slow
def test_warnings_go_to_stderr_and_leave_the_exit_code(tmp_path: Path, own: Any) -> None:
    path = _own_files(tmp_path, own)
    told = CliRunner().invoke(main, ["validate", str(path)])
    assert told.exit_code == 0, told.output
    assert "a valid study" in told.stdout
    assert f"warning: {path}:" in told.stderr
    assert "the feeder generates 0.08 MW (at bus 2) in every step" in told.stderr
    ran = CliRunner().invoke(main, ["run", str(path), "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert ran.stderr.startswith(told.stderr)


def _own_files(folder: Path, own: Any) -> Path:
    pp.to_json(own.net(), str(folder / "own.json"))
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(own.study(), sort_keys=False), encoding="utf-8")
    return path
