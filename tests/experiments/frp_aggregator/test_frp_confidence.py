"""Confidence changes what is reckoned with, not what is decided."""

from pathlib import Path

import numpy as np
import pytest

from equigrid.experiments.report.page import report_html
from equigrid.experiments.result import Result
from equigrid.experiments.running.run import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def confidence(confidence_file: Path) -> Result:
    """Return three confidences on one linear network."""
    return run(confidence_file)


def test_worst_case_cost_never_falls_as_confidence_rises(confidence: Result) -> None:
    assert confidence.certified, [case.shortcomings for case in confidence.cases]
    # What the answer loses at its worst tie is looked for, and told.
    assert all(case.certificate.worst_tie_loss is not None for case in confidence.cases)
    worst = [case.kpis["worst_case_total_cost"].value for case in confidence.cases]
    assert [case.name for case in confidence.cases] == [
        "confidence-80", "confidence-90", "confidence-100",
    ]  # fmt: skip
    assert worst[0] <= worst[1] + 1e-6
    assert worst[1] <= worst[2] + 1e-6
    bills = confidence.tables["bills"].query("case == 'confidence-100'")
    assert worst[2] == pytest.approx(bills["total_cost"].max())


def test_decisions_are_the_same_at_every_confidence(confidence: Result) -> None:
    for column in ("import_mw", "up_mw", "down_mw"):
        offers = confidence.tables["offers"].pivot_table(
            index=["prosumer", "scenario", "step"], columns="case", values=column
        )
        assert np.ptp(offers.to_numpy(), axis=1).max() < 1e-6


def test_all_cases_use_the_linear_network_of_one(confidence: Result) -> None:
    rounds = confidence.tables["linearisation"].groupby("case")["round"].max()
    assert rounds["confidence-90"] > 1
    assert rounds["confidence-80"] == rounds["confidence-100"] == 1
    last = confidence.tables["linearisation"].groupby("case")["error_pu"].last()
    assert np.ptp(last.to_numpy()) < 1e-9


def test_the_report_draws_what_confidence_costs(confidence: Result) -> None:
    page = report_html(confidence)
    assert 'id="confidence"' in page
    assert "worst-case total cost rises" in page
