"""Which steps a report looks at: where AC after delivery comes nearest to a limit."""

from dataclasses import dataclass

import pandas as pd

from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.result import Result

_SAME_PRICE = 1e-6


@dataclass(frozen=True)
class Moment:
    """A step of a scenario."""

    scenario: int
    step: int

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that belong to it."""
        return table[(table["scenario"] == self.scenario) & (table["step"] == self.step)]

    def named(self, result: Result) -> str:
        """Return it as a sentence names it."""
        return f"{step_names(result).name(self.step)} of scenario {self.scenario}"


def worst_voltage(result: Result) -> Moment:
    """Return when a voltage is furthest beyond its limits, or nearest to them, in any case."""
    volts, limits = result.tables["voltages"], result.manifest["network"]
    known = volts["voltage_ac_pu"].where(volts["voltage_ac_pu"] > 0)
    beyond = pd.concat(
        [limits["voltage_min_pu"] - known, known - limits["voltage_max_pu"]], axis=1
    ).max(axis=1)
    return _at(volts, beyond)


def worst_loading(result: Result) -> Moment:
    """Return when a branch is loaded most, in any case."""
    rows = result.tables["branches"]
    return _at(rows, rows["loading_percent"])


def widest_prices(result: Result) -> Moment:
    """Return when prices that limits make differ most between buses, in any case.

    Where no limit makes a price, losses do.
    """
    prices = result.tables["bus_prices"]
    by_limits = ("energy_voltage_per_mwh", "energy_congestion_per_mwh")
    for columns in (by_limits, ("energy_price_per_mwh",)):
        grouped = prices.groupby(["case", "scenario", "step"])[list(columns)]
        spread = (grouped.max() - grouped.min()).sum(axis=1)
        if spread.max() > _SAME_PRICE:
            break
    _, scenario, step = spread.idxmax()
    return Moment(int(scenario), int(step))


def _at(table: pd.DataFrame, value: "pd.Series[float]") -> Moment:
    row = table.loc[value.fillna(-1.0).idxmax()]
    return Moment(int(row["scenario"]), int(row["step"]))


def expected(result: Result, table: str, case: str) -> pd.DataFrame:
    """Return the rows of a case with their `chance`, the probability of their scenario."""
    rows = result.tables[table]
    rows = rows[rows["case"] == case]
    chances = result.tables["scenarios"].drop_duplicates("scenario").set_index("scenario")
    return rows.assign(chance=rows["scenario"].map(chances["probability"]))
