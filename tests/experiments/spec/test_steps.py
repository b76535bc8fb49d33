"""Steps, their times, and days on which clocks change."""

from datetime import datetime

import pytest
from tests.experiments.spec.conftest import Read

from equigrid.experiments.spec.times import change_of_clocks, start_of, times_of


def test_steps_and_hours(read: Read) -> None:
    spec = read.spec(steps=96, step_minutes=15)
    assert (spec.hours, spec.step_hours, spec.times) == (24.0, 0.25, None)
    assert read.spec(steps=3).hours == 3.0


def test_times_are_local_and_aware(read: Read) -> None:
    spec = read.spec(steps=3, step_minutes=30, start="2026-07-01T23:30 Europe/Berlin")
    assert [t.isoformat() for t in spec.times] == [
        "2026-07-01T23:30:00+02:00", "2026-07-02T00:00:00+02:00", "2026-07-02T00:30:00+02:00",
    ]  # fmt: skip
    assert spec.model_dump(mode="json")["start"] == "2026-07-01T23:30 Europe/Berlin"
    assert read.spec(start="2026-07-01 UTC").times[0] == datetime.fromisoformat("2026-07-01T00Z")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("2026-03-29 Europe/Berlin", "clocks change on 2026-03-29, which has 23 hours in Europe/B"),
        ("2026-03-28T12:00 Europe/Berlin", "clocks change on 2026-03-29, which has 23 hours"),
        ("2026-10-25 Europe/Berlin", "clocks change on 2026-10-25, which has 25 hours"),
        ("2026-10-04 Australia/Lord_Howe", "which has 23.5 hours in Australia/Lord_Howe"),
        ("2026-03-29T02:30 Europe/Berlin", "there is no such time in Europe/Berlin, where clocks"),
        ("2026-03-28 Europe/Berlni", "no time zone 'Europe/Berlni'; did you mean 'Europe/Berlin'"),
        ("2026-03-28 Europe", "there is no time zone 'Europe'"),
        ("2026-03-28 ../x", "there is no time zone '../x'"),
        ("2026-02-30 Europe/Berlin", "there is no such time: day is out of range"),
        ("0001-01-01 Europe/Berlin", "must lie between 1900 and 2199"),
        ("2026-03-28", "write a date, or a date and a time, and a time zone, like"),
        ("28.3.2026 Europe/Berlin", "write a date, or a date and a time"),
        (2026, "write a date, or a date and a time"),
    ],
)
def test_starts_that_are_refused(start: object, words: str, read: Read) -> None:
    told = read.told(steps=24, start=start)
    assert len(told) == 1
    assert told[0].startswith("study.yaml:8: start: ") or "start: " in told[0]
    assert words in told[0]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-30", "2026-10-24", "2026-10-26"])
def test_the_days_around_are_accepted(day: str, read: Read) -> None:
    assert len(read.spec(steps=24, start=f"{day} Europe/Berlin").times) == 24


def test_a_long_horizon_is_looked_through() -> None:
    def told(start: str, steps: int, minutes: int) -> str:
        return change_of_clocks(times_of(start_of(start), steps, minutes))

    assert "2026-03-29" in told("2026-01-01 Europe/Berlin", 365, 1440)  # both changes are in it
    assert "2026-10-25" in told("2026-10-20 Europe/Berlin", 10 * 24, 60)
    assert not told("2026-10-24 Europe/Berlin", 1, 1440)
    assert not told("2026-01-01 UTC", 365, 1440)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"step_minutes": 7}, "step_minutes: must divide a day of 1440 minutes"),
        ({"step_minutes": 0}, "step_minutes: must be at least 1"),
        ({"step_minutes": 2880}, "step_minutes: must be at most 1440"),
        ({"step_minutes": "60"}, "step_minutes: must be a whole number; remove the quotes"),
        ({"steps": 0}, "steps: must be at least 1"),
        ({"steps": 10**9}, "steps: must be at most 35136"),
        ({"steps": None, "spot_per_mwh": [1]}, "steps: must be a whole number (got null)"),
    ],
)
def test_steps_that_are_refused(fields: dict[str, object], words: str, read: Read) -> None:
    told = read.told(**fields, start="2026-01-01 UTC")
    assert len(told) == 1
    assert words in told[0]
