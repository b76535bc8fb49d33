"""What is wrong with the scenarios of a study of paper A: their hours, a measured series."""

from collections.abc import Iterator
from pathlib import Path

from equigrid.experiments.spec.findings import Document, Problem

_HOURS_OF_A_DAY, _HOUR = 24, 60
_FITTING = "an hour has to be a whole number of steps, or a step of hours, like 15, 30, 60 or 120"


def scenario_problems(document: Document) -> Iterator[Problem]:
    """Yield every problem of the scenarios: place, message, guilty value."""
    yield from _hours_of_days(document)
    yield from _measured(document)


def _hours_of_days(document: Document) -> Iterator[Problem]:
    """Refuse steps that hours do not fill, and those beyond the days which are clustered."""
    scenarios = document.data.get("scenarios")
    steps, minutes = document.data.get("steps", _HOURS_OF_A_DAY), _minutes(document)
    if not isinstance(scenarios, dict) or scenarios.get("kind") == "given" or not minutes:
        return
    if _HOUR % minutes and minutes % _HOUR:
        words = f"days of kind {scenarios.get('kind')} are hourly, so {_FITTING}"
        yield ("step_minutes",), f"{words}; or use scenarios of kind given", minutes
    elif isinstance(steps, int):
        yield from _beyond(steps, minutes, scenarios.get("first_hour", 1))


def _minutes(document: Document) -> int:
    """Return the length of a step, 0 where it is told to be none."""
    said = document.data.get("step_minutes", _HOUR)
    return max(said, 0) if isinstance(said, int) else 0


def _beyond(steps: int, minutes: int, first: object) -> Iterator[Problem]:
    if steps * minutes % _HOUR:
        words = f"days are hourly, and {steps} steps of {minutes} minutes are no whole hours"
        each = _HOUR // minutes
        yield ("steps",), f"{words}; write a multiple of {each}", steps
    elif isinstance(first, int) and first + steps * minutes // _HOUR - 1 > _HOURS_OF_A_DAY:
        words = f"days have {_HOURS_OF_A_DAY} hours, and these begin with hour {first}"
        yield ("steps",), f"{words}; lower steps, or use scenarios of kind given", steps


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
