"""What a report compares: steps of two cases, prices and the bids they sit on."""

import pandas as pd

from equigrid.experiments.report.figures import by_step, case_names, of_case
from equigrid.experiments.result import Result

UNCHANGED_MW = 0.005
"""Purchases that differ by less count as unchanged (they print as 0.00 or 0.01 MW)."""
SAME_PRICE_PER_MWH = 0.005
"""A price this near to a bid sits on it."""


def microgrid_names(result: Result) -> list[str]:
    """Return the names of the microgrids in order of appearance."""
    return [str(name) for name in result.tables["microgrids"]["microgrid"].unique()]


def bids_met(result: Result) -> dict[tuple[str, int], list[str]]:
    """Return, by case and step, the bids that the exchange price sits on."""
    pairs = result.tables["prices"].merge(result.tables["bids"], on="step")
    off = (pairs["exchange_price_per_mwh"] - pairs["bid_per_mwh"]).abs()
    met: dict[tuple[str, int], list[str]] = {}
    for row in pairs[off <= SAME_PRICE_PER_MWH].itertuples():
        met.setdefault((row.case, int(row.step)), []).append(f"{row.microgrid} {row.resource}")
    return met


def expected_dispatch(result: Result, case: str, kind: str) -> "pd.Series[float]":
    """Return the expected power (MW) by step of what the Disco dispatches of a kind."""
    rows = of_case(result, "dispatch", case)
    scenarios = result.tables["scenarios"].drop_duplicates("scenario")
    weight = rows["scenario"].map(scenarios.set_index("scenario")["probability"])
    power = rows["power_mw"] * weight
    steps = of_case(result, "purchase", case)["step"].sort_values()
    return power[rows["kind"] == kind].groupby(rows["step"]).sum().reindex(steps, fill_value=0.0)


def changes_mw(result: Result) -> pd.DataFrame:
    """Return what the last case changed against the first, in MW: a row each, steps across."""
    names = case_names(result)
    first, last = (_power_mw(result, case) for case in (names[0], names[-1]))
    return (last - first).T


def _power_mw(result: Result, case: str) -> pd.DataFrame:
    columns = {"wholesale purchase": by_step(of_case(result, "purchase", case), "purchase_mw")}
    microgrids = of_case(result, "microgrids", case)
    for name in microgrid_names(result):
        rows = microgrids[microgrids["microgrid"] == name]
        columns[f"import of {name}"] = by_step(rows, "import_mw")
    columns["Disco's generators"] = expected_dispatch(result, case, "generator")
    columns["Disco's interruptions"] = expected_dispatch(result, case, "interruptible")
    return pd.DataFrame(columns)


def strategy_steps(result: Result) -> dict[str, list[int]]:
    """Return the steps in which the last case buys less, more or as much as the first."""
    change = changes_mw(result).loc["wholesale purchase"]
    return {
        "less": [int(step) for step in change.index[change < -UNCHANGED_MW]],
        "more": [int(step) for step in change.index[change > UNCHANGED_MW]],
        "unchanged": [int(step) for step in change.index[change.abs() <= UNCHANGED_MW]],
    }
