"""Tables that any report can show, as text ready to be shown."""

from dataclasses import dataclass

import pandas as pd

from equigrid.experiments.report.figures import case_names
from equigrid.experiments.report.words import figure
from equigrid.experiments.report_content import ReportTable
from equigrid.experiments.result import Result


@dataclass(frozen=True)
class Cell:
    """One cell; a marked one stands out, with a note that says why."""

    text: str
    note: str = ""


def payment_table(result: Result) -> tuple[list[str], list[list[str]]]:
    """Return head and rows by payment: payer, payee, and the amount in each case."""
    names = case_names(result)
    keys = ["payment", "payer", "payee"]
    amounts = result.tables["settlement"].pivot_table(
        index=keys, columns="case", values="amount", aggfunc="sum", sort=False
    )
    rows = [
        [*(str(part) for part in key), *(_amount(amounts.loc[key], name) for name in names)]
        for key in amounts.index
    ]
    return ["Payment", "Payer", "Payee", *names], rows


def _amount(row: "pd.Series[float]", case: str) -> str:
    value = row.get(case)
    return "–" if value is None or pd.isna(value) else figure(float(value))


def place_table(result: Result) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of who sits where."""
    places = result.tables["places"].sort_values("bus", kind="stable")
    rows = [
        [str(row.name), str(row.kind), str(row.bus), figure(float(row.power_max_mw))]
        for row in places.itertuples(index=False)
    ]
    return ["Name", "Kind", "Bus", "Greatest power, MW"], rows


# fmt: off
PAYMENTS = ReportTable(
    "payments-table", "Payments", 3, ("settlement",), payment_table,
    "Sums over the day, expected over the scenarios; a negative amount flows the other way.",
)
PLACES = ReportTable("places-table", "Who sits where", 2, ("places",), place_table)
# fmt: on
