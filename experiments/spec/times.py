"""Steps of time: when a study starts, when its steps begin, and days with 23 or 25 hours."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import pydantic

from equigrid.experiments.spec.field_errors import refused
from equigrid.experiments.spec.findings import suggestion

Times = tuple[datetime, ...]

_START = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2})?) +(\S+)")
_EXAMPLE = (
    "write a date, or a date and a time, and a time zone, like 2026-03-28T00:00 Europe/Berlin"
)


def start_of(value: object) -> datetime:
    """Return the local time that a study starts at, aware of its zone.

    >>> start_of("2026-03-28 Europe/Berlin").isoformat()
    '2026-03-28T00:00:00+01:00'
    """
    matched = _START.fullmatch(value) if isinstance(value, str) else None
    if not matched:
        raise refused(_EXAMPLE, value)
    said, name = matched.groups()
    try:
        local = datetime.fromisoformat(said)
    except ValueError as error:
        raise refused(f"there is no such time: {error}", value) from error
    if not 1900 <= local.year < 2200:
        raise refused("must lie between 1900 and 2199", value)
    start = local.replace(tzinfo=_zone(name))
    if start.astimezone(UTC).astimezone(start.tzinfo).replace(tzinfo=None) != local:
        raise refused(f"there is no such time in {name}, where clocks are put forward then", value)
    return start


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # no name, no file name, a folder of names
        near = suggestion(name, sorted(available_timezones()))
        raise refused(f"there is no time zone {name!r}{near}") from error


def written_start(start: datetime) -> str:
    """Return the start as a study file says it."""
    return f"{start.replace(tzinfo=None).isoformat(timespec='minutes')} {start.tzinfo}"


Start = Annotated[
    datetime,
    pydantic.PlainValidator(start_of),
    pydantic.PlainSerializer(written_start, return_type=str),
]


def step_word(step_hours: float) -> str:
    """Return what a step is called: an hour if it is one.

    >>> step_word(1.0), step_word(0.25)
    ('hour', 'step')
    """
    return "hour" if step_hours == 1 else "step"


def times_of(start: datetime, steps: int, step_minutes: int) -> Times:
    """Return the local times at which the steps begin, and at which the last one ends."""
    first, step = start.astimezone(UTC), timedelta(minutes=step_minutes)
    return tuple((first + k * step).astimezone(start.tzinfo) for k in range(steps + 1))


def change_of_clocks(times: Times) -> str:
    """Name the first day within the times that has 23 or 25 hours; empty if there is none.

    >>> change_of_clocks(times_of(start_of("2026-03-29 Europe/Berlin"), 24, 60))
    'clocks change on 2026-03-29, which has 23 hours in Europe/Berlin'
    >>> change_of_clocks(times_of(start_of("2026-03-28 Europe/Berlin"), 24, 60))
    ''
    """
    zone = times[0].tzinfo
    # The end belongs to the next horizon.
    ends = (times[-1].astimezone(UTC) - timedelta(minutes=1)).astimezone(zone)
    moments = [*times[:-1], ends]
    changed = [k for k, t in enumerate(moments) if t.utcoffset() != times[0].utcoffset()]
    if not changed:
        return ""
    day = _day_of_change(moments[changed[0] - 1], moments[changed[0]])
    hours = f"{_hours(day):g}"
    return f"clocks change on {day.date()}, which has {hours} hours in {zone}"


def _day_of_change(before: datetime, after: datetime) -> datetime:
    """Return the midnight of the day within which the offset changes."""
    first, zone = before.astimezone(UTC), before.tzinfo
    minutes = (after.astimezone(UTC) - first) // timedelta(minutes=1)
    for minute in range(minutes + 1):
        moment = (first + timedelta(minutes=minute)).astimezone(zone)
        if moment.utcoffset() != before.utcoffset():
            break
    return moment.replace(hour=0, minute=0, second=0, fold=0)


def _hours(midnight: datetime) -> float:
    following = midnight + timedelta(days=1)  # of the clock on the wall
    return (following.astimezone(UTC) - midnight.astimezone(UTC)) / timedelta(hours=1)


def moment_of(text: str, zone: Any) -> datetime | None:
    """Return a time of a file in UTC, local where it has no offset; None if it is no time."""
    try:
        said = datetime.fromisoformat(text)
        return (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_twofold(text: str, zone: Any) -> bool:
    """Whether a local time of a file comes twice, as when clocks are put back."""
    said = datetime.fromisoformat(text)
    both = [said.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)]
    return said.tzinfo is None and both[0] != both[1]
