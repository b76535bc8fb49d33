"""The report of a result: one HTML page that needs nothing else, pictures first."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from equigrid.experiments.report import tables as report_tables
from equigrid.experiments.report.figures import case_colours, data_uri
from equigrid.experiments.report.pictures import PICTURES
from equigrid.experiments.report.verdict import certificate_parts, verdict
from equigrid.experiments.report.words import headline, kpi_rows, tiles
from equigrid.experiments.result import Result


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes
    ----------
    key, title : str
    labels : int
        How many of the columns are words, which stand to the left.
    head : list of str
    rows : list of list
        Texts, or cells with a note.
    note : str
    """

    key: str
    title: str
    labels: int
    head: list[str]
    rows: list[Any]
    note: str = ""


def report_html(result: Result) -> str:
    """Return the report of a result.

    Parameters
    ----------
    result : Result
        Pictures and tables whose tables are missing or empty are left out.

    Returns
    -------
    str
        A self-contained page: the same bytes for the same result.
    """
    names = [case.name for case in result.cases]
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return page.from_string(_resource("report.html")).render(
        result=result,
        style=Markup(_resource("report.css")),
        colours=case_colours(result),
        span=f"{names[0]} → {names[-1]}" if len(names) > 1 else names[0],
        headline=headline(result),
        verdict=verdict(result),
        tiles=tiles(result),
        pictures=_pictures(result),
        certificate=certificate_parts(result),
        tables=list(_tables(result)),
        manifest=json.dumps(result.manifest, indent=2, default=str),
    )


def _resource(name: str) -> str:
    return files("equigrid.experiments.report").joinpath(name).read_text(encoding="utf-8")


def _pictures(result: Result) -> list[dict[str, str]]:
    return [
        {
            "key": picture.key,
            "title": picture.title,
            "paper": picture.paper,
            "alt": f"{picture.title}. {picture.shows}.",
            "caption": picture.say(result),
            "source": data_uri(picture.draw, result),
        }
        for picture in PICTURES
        if picture.fits(result)
    ]


# Key, title, columns of words, tables needed, function, note.
_TABLES: tuple[tuple[str, str, int, tuple[str, ...], Any, str], ...] = (
    (
        "prices-table", "Price of exchange, by hour", 1, ("prices", "bids"),
        report_tables.price_table,
        "Per MWh. A marked price sits on the bid that stands beside it; the others follow from "
        "storage, ramps of generators, or the bounds of the price.",
    ),
    (
        "payments-table", "Payments", 3, ("settlement",), report_tables.payment_table,
        "Sums over the day, expected over the scenarios; a negative amount flows the other way.",
    ),
    (
        "purchase-table", "Purchase and ramp, by hour", 1, ("purchase",),
        report_tables.hourly_table, "",
    ),
    ("places-table", "Who sits where", 2, ("places",), report_tables.place_table, ""),
    ("scenarios-table", "Scenarios", 1, ("scenarios",), report_tables.scenario_table, ""),
)  # fmt: skip


def _tables(result: Result) -> list[Table]:
    names = [case.name for case in result.cases]
    head = ["KPI", "Unit", *names, *(["Change"] if len(names) > 1 else [])]
    tables = [Table("kpis-table", "Key figures", 2, head, kpi_rows(result))]
    for key, title, labels, needs, read, note in _TABLES:
        if all(len(result.tables.get(table, ())) for table in needs):
            columns, rows = read(result)
            tables.append(Table(key, title, labels, columns, rows, note))
    return tables
