"""Days cut down to scenarios: means are kept, groups are those of k-means, nothing is random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.vq import kmeans2

from equigrid.arrays import FloatArray
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet
from equigrid.scenarios.days.photovoltaic_days import PhotovoltaicDays
from equigrid.scenarios.reduction import cluster_days

DAYS = st.tuples(st.integers(1, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 6).map(float))
)


@settings(deadline=None)
@given(days=DAYS, data=st.data())
def test_expectations_are_means_of_all_days(days: FloatArray, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(days)))
    found = cluster_days({"pv_mw": days, "load_mw": days[:, ::-1] + 1}, count)
    assert len(found) == count
    assert found.expected("pv_mw") == pytest.approx(days.mean(axis=0), abs=1e-12)
    assert found.expected("load_mw") == pytest.approx(days[:, ::-1].mean(axis=0) + 1, abs=1e-12)
    sizes = found.probability * len(days)
    assert sizes == pytest.approx(sizes.round(), abs=1e-9)
    assert (sizes.round() >= 1).all()
    assert (np.diff(found["pv_mw"].sum(axis=1)) >= -1e-9).all()
    assert (found["pv_mw"] >= days.min(axis=0) - 1e-12).all()
    assert (found["pv_mw"] <= days.max(axis=0) + 1e-12).all()


def test_every_day_is_nearest_to_its_own_scenario() -> None:
    days = PhotovoltaicDays().draw(300, 7)
    found = cluster_days({"irradiance": days}, 6)
    nearest = ((days[:, None] - found["irradiance"]) ** 2).sum(axis=2).argmin(axis=1)
    for s in range(6):
        assert found.probability[s] == pytest.approx((nearest == s).mean())
        assert found["irradiance"][s] == pytest.approx(days[nearest == s].mean(axis=0))


def test_as_near_as_the_best_of_many_random_starts() -> None:
    days = PhotovoltaicDays().draw(400, 7)

    def spread(means: FloatArray) -> float:
        return float(((days[:, None] - means) ** 2).sum(axis=2).min(axis=1).sum())

    random = [kmeans2(days, 8, iter=50, minit="++", seed=seed)[0] for seed in range(10)]
    found = cluster_days({"irradiance": days}, 8)
    assert spread(found["irradiance"]) <= 1.02 * min(map(spread, random))


def test_one_scenario_is_the_mean_and_all_are_the_days() -> None:
    days = PhotovoltaicDays().draw(20, 7)
    (mean,) = cluster_days({"irradiance": days}, 1)["irradiance"]
    assert mean == pytest.approx(days.mean(axis=0))
    every = cluster_days({"irradiance": days}, 20)
    assert every["irradiance"] == pytest.approx(days[np.argsort(days.sum(axis=1))])


def test_neither_order_nor_unit_plays_a_part() -> None:
    days = PhotovoltaicDays().draw(200, 7)
    first = cluster_days({"a": days, "b": days[:, ::-1] ** 2}, 5)
    mixed = np.random.default_rng(1).permutation(200)
    again = cluster_days({"a": days[mixed], "b": 1e3 * days[mixed][:, ::-1] ** 2}, 5)
    assert again.probability == pytest.approx(first.probability)
    assert again["a"] == pytest.approx(first["a"])
    assert again["b"] == pytest.approx(1e3 * first["b"])


@pytest.mark.smoke
def test_from_a_thousand_days_to_the_worst_case() -> None:
    days = PhotovoltaicDays().draw(1000, seed=7)
    scenarios = cluster_days({"irradiance": days}, 10)
    near = AmbiguitySet.from_confidence(scenarios.probability, len(days), 0.9)
    shortfall = -scenarios["irradiance"].sum(axis=1)
    nominal, worst = scenarios.probability @ shortfall, near.worst_value(shortfall)
    assert nominal < worst < shortfall.max()


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="there are no profiles"):
        cluster_days({}, 1)
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"{count} scenarios cannot be made of 3 days"):
            cluster_days({"pv": np.ones((3, 2))}, count)
    bad = {"pv": np.full((3, 2), np.nan), "load": np.ones((2, 2)), "wind": np.ones(3)}
    with pytest.raises(ValueError, match="'wind' have shape") as caught:
        cluster_days(bad, 9)
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "profiles",
        "profiles",
        "numbers",
        "9",
    ]
