"""The report of a result: one HTML page that needs nothing else, pictures first."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from equigrid.experiments.report.figures import case_colours, data_uri
from equigrid.experiments.report.ties import margin_note, rests_on_ties, status, worst_tie
from equigrid.experiments.report.verdict import certificate_parts, verdict
from equigrid.experiments.report.words import kpi_rows, tiles
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
    names, kind = [case.name for case in result.cases], result.content
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return page.from_string(_resource("report.html")).render(
        result=result,
        style=Markup(_resource("report.css")),
        colours=case_colours(result),
        span=f"{names[0]} → {names[-1]}" if len(names) > 1 else names[0],
        paper=kind.paper,
        about=kind.about,
        headline=kind.headline(result),
        verdict=verdict(result),
        badge=_badge(result),
        worst_tie=worst_tie(result),
        margin=margin_note(result),
        remarks=[(case.name, text) for case in result.cases for text in case.remarks],
        tiles=tiles(result),
        pictures=_pictures(result),
        certificate=certificate_parts(result),
        ties=Markup(kind.ties),
        tables=list(_tables(result)),
        manifest=json.dumps(result.manifest, indent=2, default=str),
    )


def _badge(result: Result) -> tuple[str, str]:
    """Return what the badge says and how it looks."""
    if not result.certified:
        return "✗ uncertified", "bad"
    return f"✓ {status(result)}", "ties" if rests_on_ties(result) else "good"


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
        for picture in result.content.pictures
        if picture.fits(result)
    ]


def _tables(result: Result) -> list[Table]:
    names = [case.name for case in result.cases]
    head = ["KPI", "Unit", *names, *(["Change"] if len(names) > 1 else [])]
    tables = [Table("kpis-table", "Key figures", 2, head, kpi_rows(result))]
    for each in result.content.tables:
        if each.fits(result):
            columns, rows = each.read(result)
            tables.append(Table(each.key, each.title, each.labels, columns, rows, each.note))
    return tables
