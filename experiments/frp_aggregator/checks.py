"""What one part of a study of paper A says about another: kinds, references, buses, hours."""

from collections.abc import Iterator
from pathlib import Path

from equigrid.experiments.checks import Problem, doubled, kinds, references, unknown_buses
from equigrid.experiments.findings import Document
from equigrid.grid.network.network import Network

# Each kind that must be there once, and who refers to it by which field.
_ONCE = ("market", "network-operator", "prosumer-aggregator")
_REFERENCES = (
    ("network-operator", "buys_from", "market"),
    ("prosumer-aggregator", "buys_from", "network-operator"),
    ("prosumer", "represented_by", "prosumer-aggregator"),
)
_UNITS = ("agents", "*", "photovoltaics", "*")
_HOURS_OF_A_DAY = 24


def problems(document: Document, network: Network | None) -> Iterator[Problem]:
    """Yield every problem between parts of a study: place, message, guilty value."""
    yield from doubled(document, [(*_UNITS, "name")])
    yield from kinds(document, _ONCE, ["prosumer"])
    yield from references(document, _REFERENCES)
    yield from _hours_of_days(document)
    yield from _measured(document)
    if network is not None:
        yield from unknown_buses(document, network, [("agents", "*", "bus"), (*_UNITS, "bus")])


def _hours_of_days(document: Document) -> Iterator[Problem]:
    """Refuse hours that go beyond the days which are clustered."""
    scenarios, hours = document.data.get("scenarios"), document.data.get("hours")
    if not isinstance(scenarios, dict) or scenarios.get("kind") == "given":
        return
    first = scenarios.get("first_hour", 1)
    if isinstance(hours, int) and isinstance(first, int) and first + hours - 1 > _HOURS_OF_A_DAY:
        yield (
            ("hours",),
            f"days have {_HOURS_OF_A_DAY} hours, and these begin with hour {first}; "
            "lower hours, or use scenarios of kind given",
            hours,
        )


def _measured(document: Document) -> Iterator[Problem]:
    """Read a measured series, so that what is wrong with it is told with the rest."""
    said = document.data.get("scenarios")
    if not isinstance(said, dict) or said.get("kind") != "measured":
        return
    if not (isinstance(said.get("file"), str) and isinstance(said.get("column"), str)):
        return
    from equigrid.scenarios.days.measured_days import (  # noqa: PLC0415  pandas takes long
        read_daily_profiles,
    )

    path, installed = Path(document.file).parent / said["file"], said.get("installed")
    if not isinstance(installed, int | float):
        return
    try:
        days = read_daily_profiles(
            path, said["column"], installed, hour_column=said.get("hour_column")
        )
    except (OSError, ValueError) as error:
        for text in str(error).splitlines():
            yield ("scenarios", "file"), f"cannot be used: {text}", said["file"]
        return
    clusters = said.get("clusters")
    if isinstance(clusters, int) and clusters > len(days):
        yield ("scenarios", "clusters"), f"must be at most {len(days)}, the days measured", clusters
