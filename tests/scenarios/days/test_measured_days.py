"""Measured series: whole days without gaps, or sentences with the lines at which they are not."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from equigrid.scenarios.days.measured_days import read_daily_profiles


def _write(folder: Path, values: list[object], hours: list[object] | None = None) -> Path:
    hours = list(range(1, len(values) + 1)) if hours is None else hours
    lines = [f"{hour},{value}" for hour, value in zip(hours, values, strict=True)]
    path = folder / "pv.csv"
    path.write_text("\n".join(["hour,pv_w", *lines]) + "\n", encoding="utf-8")
    return path


def test_days_are_relative_to_the_rated_power(tmp_path: Path) -> None:
    values = np.arange(48) * 10.0
    for first in (0, 1):
        hours = [hour % 24 + first for hour in range(48)]
        path = _write(tmp_path, values.tolist(), [*hours])
        found = read_daily_profiles(path, "pv_w", 1000, hour_column="hour")
        assert found == pytest.approx(values.reshape(2, 24) / 1000)
    packed = tmp_path / "pv.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert (read_daily_profiles(packed, "pv_w", 1000) == found).all()


def test_bad_values_are_named_with_their_lines(tmp_path: Path) -> None:
    values: list[object] = [0.0] * 25
    values[3], values[4], values[5], values[6] = "", "n/a", -1, 1001
    with pytest.raises(ValueError, match=r"pv\.csv") as caught:
        read_daily_profiles(_write(tmp_path, values), "pv_w", 1000)
    told = [line.split("pv.csv: ")[1] for line in str(caught.value).splitlines()]
    assert told == [
        "column 'pv_w' is, at line 5, 6, no number; fill the gap or leave the day out",
        "column 'pv_w' is, at line 7, negative; generation is at least 0",
        "column 'pv_w' is, at line 8, above the installed power 1000; state that in the unit of "
        "the column",
        "there are 25 hours; whole days of 24 are needed",
    ]


def test_many_lines_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at line 2, 3, 4, 5, 6 and 19 more, negative"):
        read_daily_profiles(_write(tmp_path, [-1] * 24), "pv_w", 1)


def test_hours_that_are_missing_show_in_the_hour_column(tmp_path: Path) -> None:
    hours: list[object] = [hour % 24 + 1 for hour in range(49) if hour != 30]
    path = _write(tmp_path, [0.0] * 48, hours)
    read_daily_profiles(path, "pv_w", 1)
    with pytest.raises(ValueError, match=r"'hour' leaves the order of the hours at line 32$"):
        read_daily_profiles(path, "pv_w", 1, hour_column="hour")
    late = _write(tmp_path, [0.0] * 24, [hour % 24 + 1 for hour in range(6, 30)])
    with pytest.raises(ValueError, match=r"at line 2$"):
        read_daily_profiles(late, "pv_w", 1, hour_column="hour")


def test_an_empty_line_is_a_gap(tmp_path: Path) -> None:
    path = _write(tmp_path, [0.0] * 23)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*text[:9], "", *text[9:]]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="at line 10, no number"):
        read_daily_profiles(path, "pv_w", 1)


def test_wrong_questions(tmp_path: Path) -> None:
    path = _write(tmp_path, [0.0] * 24)
    with pytest.raises(ValueError, match=r"no column 'pv'; it has 'hour', 'pv_w'\n.*power is 0;"):
        read_daily_profiles(path, "pv", 0)
    with pytest.raises(ValueError, match="there are 0 hours"):
        read_daily_profiles(_write(tmp_path, []), "pv_w", 1, hour_column="hour")
    with pytest.raises(FileNotFoundError):
        read_daily_profiles(tmp_path / "none.csv", "pv_w", 1)
