"""What is wrong with the scenarios of a study of paper A: their hours, a measured series."""

from collections.abc import Iterator
from pathlib import Path

from equigrid.experiments.spec.findings import Document, Problem

_HOURS_OF_A_DAY = 24


def scenario_problems(document: Document) -> Iterator[Problem]:
    """Yield every problem of the scenarios: place, message, guilty value."""
    yield from _hours_of_days(document)
    yield from _measured(document)


def _hours_of_days(document: Document) -> Iterator[Problem]:
    """Refuse hours that go beyond the days which are clustered."""
    scenarios, hours = document.data.get("scenarios"), document.data.get("steps", _HOURS_OF_A_DAY)
    if not isinstance(scenarios, dict) or scenarios.get("kind") == "given":
        return
    first = scenarios.get("first_hour", 1)
    if isinstance(hours, int) and isinstance(first, int) and first + hours - 1 > _HOURS_OF_A_DAY:
        yield (
            ("steps",),
            f"days have {_HOURS_OF_A_DAY} hours, and these begin with hour {first}; "
            "lower steps, or use scenarios of kind given",
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
    if not (isinstance(installed, int | float) and path.is_file()):  # the field tells that
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
