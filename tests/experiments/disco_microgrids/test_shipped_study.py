"""The shipped study of paper E, whole: certified, in AC, and with the paper's pattern."""

import numpy as np
import pandas as pd
import pytest

from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.running.run import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result() -> Result:
    """Return both cases, solved exactly."""
    return run("disco-microgrids", method="exact")


def _kpi(case: CaseResult, *names: str) -> float:
    return sum(case.kpis[name].value for name in names)


def test_both_cases_are_certified_and_hold_in_ac(result: Result) -> None:
    assert result.certified
    for case in result.cases:
        found = case.certificate
        assert max(found.regret.values()) <= 1e-4
        assert found.optimality_gap is not None
        assert found.optimality_gap <= 1e-4
        assert found.settlement_residual <= 1e-6
        assert found.ac is not None
        assert found.ac.converged
        assert found.ac.max_voltage_violation_pu <= 0.005
        assert found.ac.max_linear_voltage_error_pu is not None
        assert found.ac.max_linear_voltage_error_pu <= 0.005


def test_the_pattern_of_the_paper(result: Result) -> None:
    before, after = result.cases
    for ramp in ("max_ramp_up_mw_per_h", "max_ramp_down_mw_per_h"):
        assert _kpi(after, ramp) < 0.8 * _kpi(before, ramp)
    assert _kpi(after, "wholesale_energy_mwh") < _kpi(before, "wholesale_energy_mwh")
    assert _kpi(after, "disco_profit") < _kpi(before, "disco_profit")
    own = ("disco_dg_energy_mwh", "interrupted_energy_mwh")
    assert _kpi(after, *own) >= _kpi(before, *own)
    forgone = _kpi(before, "disco_profit") - _kpi(after, "disco_profit")
    assert _kpi(after, "profit_forgone") == pytest.approx(forgone)


def test_exchange_prices_sit_on_bids_in_most_hours(result: Result) -> None:
    bids = result.tables["bids"]
    for _, prices in result.tables["prices"].groupby("case"):
        price = prices.set_index("step")["exchange_price_per_mwh"]
        off = (bids["bid_per_mwh"] - price.reindex(bids["step"]).to_numpy()).abs()
        assert int((off.groupby(bids["step"]).min() < 1e-3).sum()) > len(price) / 2


def test_nine_scenarios_with_the_probabilities_that_add_up(result: Result) -> None:
    table = result.tables["scenarios"].drop_duplicates("scenario")
    expected = np.array([3, 6, 21, 6, 12, 42, 1, 2, 7]) / 100
    assert np.allclose(table["probability"], expected)


def test_ac_reports_every_bus_scenario_and_hour(result: Result) -> None:
    voltages: pd.DataFrame = result.tables["voltages"]
    assert len(voltages) == 2 * 9 * 24 * 33
    assert voltages["voltage_ac_pu"].between(0.9, 1.05).all()
