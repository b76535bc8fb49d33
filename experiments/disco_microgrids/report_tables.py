"""The tables of paper E's report, as text ready to be shown."""

from collections.abc import Sequence

from equigrid.experiments.disco_microgrids.comparisons import bids_met
from equigrid.experiments.report.figures import case_names, of_case
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.report.tables import Cell
from equigrid.experiments.report.words import figure
from equigrid.experiments.result import Result


def price_table(result: Result) -> tuple[list[str], list[list[Cell | str]]]:
    """Return head and rows by step: wholesale price, then the exchange price of each case."""
    names, met, steps = case_names(result), bids_met(result), step_names(result)
    prices = result.tables["prices"]
    exchange = prices.pivot_table(index="step", columns="case", values="exchange_price_per_mwh")
    given = prices.groupby("step")["wholesale_price_per_mwh"].first()
    rows = [
        [steps.shown(step), f"{given[step]:.2f}"]
        + [Cell(f"{exchange.loc[step, c]:.2f}", ", ".join(met.get((c, step), ()))) for c in names]
        for step in exchange.index
    ]
    return [steps.head, "Wholesale", *names], rows


def scenario_table(result: Result) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the scenarios, each with its means over the day."""
    columns = ["probability", "load_factor", "irradiance"]
    means = result.tables["scenarios"].groupby("scenario")[columns].mean()
    rows = [
        [str(scenario), f"{100 * chance:.3g} %", f"{load:.3f}", f"{sun:.3f}"]
        for scenario, chance, load, sun in means.itertuples()
    ]
    return ["Scenario", "Probability", "Mean load factor", "Mean irradiance"], rows


def purchase_table(result: Result) -> tuple[list[str], list[list[str]]]:
    """Return head and rows by step: purchase and its ramp in each case."""
    names, steps = case_names(result), step_names(result)
    columns = [
        of_case(result, "purchase", name).set_index("step")[column]
        for column in ("purchase_mw", "ramp_mw_per_h")
        for name in names
    ]
    rows = [
        [steps.shown(step), *(figure(float(column[step])) for column in columns)]
        for step in sorted(columns[0].index)
    ]
    return [steps.head, *_headings(names)], rows


def _headings(names: Sequence[str]) -> list[str]:
    return [f"{what}, {name}" for what in ("MW", "MW/h") for name in names]
