"""Drawn days: the geometry of the sun, the process of clouds, and likeness to measured days."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.scenarios.days.clear_sky import Panel
from equigrid.scenarios.days.clouds import Clouds
from equigrid.scenarios.days.measured_days import read_daily_profiles
from equigrid.scenarios.days.photovoltaic_days import PhotovoltaicDays

SHARED = Path(os.environ.get("EQUIGRID_SHARED", Path(__file__).parents[4] / "shared"))
MEASURED = SHARED / "data" / "solar" / "citylearn2021_pv_4years.csv.gz"
# Of the four years of hourly output per rated power in the CityLearn challenge of 2021.
STATISTICS = {
    "daily energy": 4.154,
    "its deviation": 1.343,
    "share of hours at 0": 0.517,
    "correlation from hour to hour": 0.930,
    "correlation from day to day": 0.505,
    "mean change from hour to hour by day": 0.110,
}
WITHIN = dict(zip(STATISTICS, (0.4, 0.2, 0.06, 0.03, 0.12, 0.02), strict=True))


def statistics(days: FloatArray) -> dict[str, float]:
    daily, hourly = days.sum(axis=1), days.ravel()
    values = (
        daily.mean(),
        daily.std(),
        (days == 0).mean(),
        np.corrcoef(hourly[:-1], hourly[1:])[0, 1],
        np.corrcoef(daily[:-1], daily[1:])[0, 1],
        abs(np.diff(days[:, 7:18], axis=1)).mean(),
    )
    return dict(zip(STATISTICS, map(float, values), strict=True))


@pytest.mark.parametrize("seed", [1, 7, 2024])
def test_drawn_days_are_like_measured_ones(seed: int) -> None:
    found = statistics(PhotovoltaicDays().draw(1460, seed))
    assert {name: abs(found[name] - STATISTICS[name]) <= WITHIN[name] for name in found} == (
        dict.fromkeys(STATISTICS, True)
    )


@pytest.mark.skipif(not MEASURED.exists(), reason="the measured days are not here")
def test_the_measured_days_themselves() -> None:
    measured = read_daily_profiles(MEASURED, "pv_w_per_kwp", 1000, hour_column="hour")
    assert measured.shape == (1460, 24)
    assert statistics(measured) == pytest.approx(STATISTICS, abs=1e-3)
    assert measured.max() == pytest.approx(Panel().inverter_max, abs=0.01)


def test_days_belong_to_their_seed() -> None:
    process = PhotovoltaicDays()
    few, many = process.draw(10, 7), process.draw(1000, 7)
    assert few.shape == (10, 24)
    assert (many[:10] == few).all()
    assert not (process.draw(10, 8) == few).all()
    assert few[0, [7, 11, 15]].round(3).tolist() == [0.036, 0.475, 0.162]


@given(latitude=st.floats(-65, 65), tilt=st.floats(0, 90), day=st.integers(1, 365))
def test_a_clear_day_by_geometry(latitude: float, tilt: float, day: int) -> None:
    (output,) = Panel(latitude_deg=latitude, tilt_deg=tilt).clear_output(np.array([day]))
    assert output == pytest.approx(output[::-1], abs=1e-12)
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    cosine = np.clip(-np.tan(np.radians(latitude)) * np.tan(declination), -1, 1)
    half_day = 12 / np.pi * np.arccos(cosine)
    light = np.flatnonzero(output > 0)
    assert 12 - half_day - 1.1 <= light[0] <= 12 - half_day + 0.1
    assert (output <= 1.2).all()


def test_a_flat_panel_sees_what_the_sun_sends() -> None:
    """At the equator at an equinox the sun passes overhead, here half an hour after."""
    flat = Panel(latitude_deg=0, tilt_deg=0, performance_ratio=1)
    (output,) = flat.clear_output(np.array([81]))
    overhead = 1.353 * 0.7 * (np.cos(np.pi / 24) + 0.1)
    assert output[11] == pytest.approx(overhead, rel=0.01)


def test_panels_of_both_hemispheres_mirror_each_other_at_an_equinox() -> None:
    north, south = Panel(40, 30, 0), Panel(-40, 30, 180)
    equinox = np.array([81])
    assert north.clear_output(equinox) == pytest.approx(south.clear_output(equinox), abs=1e-9)


def test_a_panel_that_faces_west_yields_in_the_afternoon() -> None:
    east, west = Panel(azimuth_deg=-90), Panel(azimuth_deg=90)
    day = np.array([172])
    assert west.clear_output(day)[0, 12:].sum() > west.clear_output(day)[0, :12].sum()
    assert west.clear_output(day) == pytest.approx(east.clear_output(day)[:, ::-1])


def test_the_inverter_cuts_both_ends() -> None:
    panel = Panel(inverter_max=0.8, inverter_min=0.01)
    assert panel.after_inverter(np.array([0.009, 0.01, 0.5, 0.9])).tolist() == [0, 0.01, 0.5, 0.8]


def test_clearness_has_the_stated_distribution() -> None:
    steady = Clouds(0.6, 0.2, day_persistence=0.5, hour_deviation=0.0)
    days = steady.draw(20_000, np.random.default_rng(1))
    assert np.ptp(days, axis=1).max() <= 1e-12
    daily = days[:, 0]
    assert daily.mean() == pytest.approx(0.6, abs=0.01)
    assert daily.std() == pytest.approx(0.2, abs=0.01)
    assert np.corrcoef(daily[:-1], daily[1:])[0, 1] == pytest.approx(0.5, abs=0.05)


def test_hours_vary_around_their_day() -> None:
    noisy = Clouds(0.5, 0.01, day_persistence=0.0, hour_deviation=0.5, hour_persistence=0.7)
    days = noisy.draw(2_000, np.random.default_rng(2))
    logits = np.log(days / (1 - days)).ravel()
    assert logits.std() == pytest.approx(0.5, abs=0.02)
    assert np.corrcoef(logits[:-1], logits[1:])[0, 1] == pytest.approx(0.7, abs=0.02)
    assert ((days > 0) & (days < 1)).all()


def test_a_season_reaches_over_the_new_year_and_begins_anew() -> None:
    winter = PhotovoltaicDays(first_day=364, last_day=2)
    clear = PhotovoltaicDays(clouds=Clouds(0.999, 0.0001, 0, 0), first_day=364, last_day=2)
    assert winter.draw(9, 1).shape == (9, 24)
    days = clear.draw(8, 1)
    calendar = np.array([364, 365, 1, 2] * 2)
    expected = Panel().after_inverter(Panel().clear_output(calendar))
    assert days == pytest.approx(expected, abs=2e-3)
    summer = PhotovoltaicDays(first_day=152, last_day=243).draw(500, 1)
    assert summer.sum(axis=1).mean() > winter.draw(500, 1).sum(axis=1).mean()


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"latitude_deg of a panel is 91(.|\n)*inverter_min of a"):
        Panel(latitude_deg=91, inverter_min=0.9)
    with pytest.raises(ValueError, match=r"day_persistence(.|\n)*clearness_mean(.|\n)*at least 0"):
        Clouds(clearness_mean=1.0, day_persistence=1.0, hour_deviation=-1)
    with pytest.raises(ValueError, match=r"clearness_deviation of clouds is 0.5; .* \(0, 0.5\)"):
        Clouds(clearness_mean=0.5, clearness_deviation=0.5)
    with pytest.raises(ValueError, match=r"first_day of a season is 0(.|\n)*last_day .* 366"):
        PhotovoltaicDays(first_day=0, last_day=366)
    with pytest.raises(ValueError, match="0 days cannot be drawn"):
        PhotovoltaicDays().draw(0, 1)
