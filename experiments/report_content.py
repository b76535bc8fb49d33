"""What a system brings to the report of its results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Read = Callable[[Any], tuple[list[str], list[Any]]]


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    key, title : str
    paper : str
        The figure or table of the system's paper that it answers to, if any.
    shows : str
        What stands in for the picture where it cannot be seen.
    needs : tuple of str
        Tables without which there is nothing to draw.
    draw : callable
    say : callable
        The caption, with what is to be seen in this result.
    cases : int
        The least number of cases that make sense of it.
    """

    key: str
    title: str
    paper: str
    shows: str
    needs: tuple[str, ...]
    draw: "Callable[[Any], Figure]"
    say: Callable[[Any], str]
    cases: int = 1

    def fits(self, result: Any) -> bool:
        """Whether the result holds what the picture needs."""
        return _filled(result, self.needs) and len(result.cases) >= self.cases


@dataclass(frozen=True)
class ReportTable:
    """A table of the report.

    Attributes
    ----------
    key, title : str
    labels : int
        How many of the columns are words, which stand to the left.
    needs : tuple of str
        Tables of the result without which it is left out.
    read : callable
        Returns head and rows of a result: texts, or cells with a note.
    note : str
    """

    key: str
    title: str
    labels: int
    needs: tuple[str, ...]
    read: Read
    note: str = ""

    def fits(self, result: Any) -> bool:
        """Whether the result holds what the table needs."""
        return _filled(result, self.needs)


def _title(result: Any) -> str:
    return str(result.title)


@dataclass(frozen=True)
class ReportContent:
    """What the report of a system shows.

    Attributes
    ----------
    paper : str
        Its letter, if it is a published one.
    headline : callable
        A sentence with what the result came to.
    kpi_names : Mapping of str to str
        KPIs as a reader calls them; ``"cost."`` is the start of the name of each ``cost.party``.
    tiles : tuple of str
        KPIs worth seeing first.
    pictures : tuple of Picture
    tables : tuple of ReportTable
    ties : str
        What a reader has to know of followers that do not care, told below the certificate.
    about : str
        What the paper is, and words of it that a reader has to know, told at the top.
    """

    paper: str = ""
    headline: Callable[[Any], str] = _title
    kpi_names: Mapping[str, str] = field(default_factory=dict)
    tiles: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    ties: str = ""
    about: str = ""


def _filled(result: Any, tables: tuple[str, ...]) -> bool:
    return all(len(result.tables.get(table, ())) for table in tables)
