"""The batch power flow with pandapower as judge, against pandapower alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.errors import NetworkError
from equigrid.grid import verified_flow as judged_module
from equigrid.grid.ac import AcResult, ac_check
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.grid.network.topology import twice_fed_islands
from equigrid.grid.verified_flow import VerifiedFlow, verified_flow
from equigrid.scenarios.seeds import stream

LIMITS = 0.95, 1.05
LOST = (7, 8, 60, 101)  # columns with loads that nothing can carry


@pytest.fixture
def few_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small cases have columns that pandapower does not judge."""
    monkeypatch.setattr(judged_module, "_JUDGED", 2)
    monkeypatch.setattr(judged_module, "_ALONE", 0)


def _drawn(network: Network, columns: int) -> tuple[FloatArray, FloatArray]:
    """Draw loads, every bus and column for itself, the columns of very different levels."""
    random = stream(7, f"loads of {network.name}")
    share = random.uniform(-0.3, 1, (len(network.buses), columns)) * random.uniform(0, 2, columns)
    load_mw, load_mvar = (network.buses[[name]].to_numpy() for name in ("load_mw", "load_mvar"))
    return load_mw * share, load_mvar * share


def _assert_same(one: AcResult, other: AcResult) -> None:
    for name, figures in vars(one).items():
        off = 1e-5 if name == "loading_percent" else 1e-7
        assert getattr(other, name) == pytest.approx(figures, abs=off, nan_ok=True), name


def _off(exact: AcResult) -> FloatArray:
    """Return how near each column comes to a voltage limit, or how far beyond."""
    known = np.where(exact.voltage_pu > 0, exact.voltage_pu, 1.0)  # no voltage is beyond no limit
    off: FloatArray = np.maximum(0.95 - known, known - 1.05).max(axis=0)
    return np.where(exact.converged, off, -np.inf)


def _loading(exact: AcResult) -> FloatArray:
    known: FloatArray = np.nan_to_num(exact.loading_percent, nan=-1.0)
    return np.asarray(known.max(axis=0), float)


def _worst(figures: FloatArray, count: int = 50) -> set[int]:
    return set(np.argsort(-figures, kind="stable")[:count].tolist())


@pytest.fixture(scope="module")
def loads() -> tuple[FloatArray, FloatArray]:
    active, reactive = _drawn(feeder("baran-wu-33"), 260)
    active[:, LOST] += 1.0
    return active, reactive


@pytest.fixture(scope="module")
def exact(loads: tuple[FloatArray, FloatArray]) -> AcResult:
    return ac_check(feeder("baran-wu-33"), *loads)


@pytest.fixture(scope="module")
def both(loads: tuple[FloatArray, FloatArray]) -> VerifiedFlow:
    return verified_flow(feeder("baran-wu-33"), *loads, *LIMITS)


@pytest.mark.slow
def test_it_says_what_pandapower_says(both: VerifiedFlow, exact: AcResult) -> None:
    _assert_same(exact, both.result)
    assert np.flatnonzero(~both.result.converged).tolist() == list(LOST)
    assert both.disagreeing == 0
    assert both.difference_pu is not None
    assert 0 < both.difference_pu < 1e-8


@pytest.mark.slow
def test_pandapower_judges_the_worst_and_the_unsolved(both: VerifiedFlow, exact: AcResult) -> None:
    judged = set(np.flatnonzero(both.judged).tolist())
    assert judged == _worst(_off(exact)) | _worst(_loading(exact)) | set(LOST)
    assert len(judged) < 110


@pytest.mark.slow
def test_each_part_has_its_share(loads: tuple[FloatArray, FloatArray], exact: AcResult) -> None:
    """The worst of a calm part is judged, although all of the other part are worse."""
    loading = _loading(exact)
    calm = exact.converged & (loading < np.median(loading))
    both = verified_flow(feeder("baran-wu-33"), *loads, *LIMITS, calm)
    for part in (calm, ~calm & exact.converged):
        assert 25 <= np.count_nonzero(both.judged & part) <= 50
        for figures in (loading, _off(exact)):
            assert both.judged[np.flatnonzero(part)[figures[part].argmax()]]
    assert both.judged[list(LOST)].all()


def _twice_fed() -> Network:
    return feeder("das-70").with_closed({"tie 69": True})


@pytest.mark.slow
@pytest.mark.usefixtures("few_judged")
def test_islands_and_loops(feeder33: Network) -> None:
    everything = dict.fromkeys(feeder33.branches["name"], True)
    for network in (
        feeder33.with_closed({"line 17": False}),
        feeder33.with_closed({"line 5": False}),
        feeder33.with_closed(everything),
        feeder33.with_closed({"tie 33": True, "line 17": False, "tie 36": False}),
    ):
        active, reactive = _drawn(network, 8)
        both = verified_flow(network, active, reactive, *LIMITS)
        assert 2 <= np.count_nonzero(both.judged) <= 4
        _assert_same(ac_check(network, active, reactive), both.result)


@pytest.mark.slow
@pytest.mark.usefixtures("few_judged")
def test_transformers_count_at_their_high_voltage_side(
    three_buses: dict[str, list[dict[str, Any]]],
) -> None:
    network = Network("three", three_buses)
    active, reactive = _drawn(network, 6)
    both = verified_flow(network, active, reactive, *LIMITS)
    assert not both.judged.all()
    assert both.result.loading_percent[-1].any()
    _assert_same(ac_check(network, active, reactive), both.result)


@pytest.mark.usefixtures("few_judged")
def test_states_by_column(feeder33: Network) -> None:
    """Of all columns the nearest to a limit and the darkest are judged, whatever their states."""
    active, reactive = _drawn(feeder33, 9)
    states = np.tile(feeder33.branches[["closed"]].to_numpy(), 9)
    for opened, columns in ((17, [1, 4]), (5, [6]), (16, [8])):
        states[opened, columns] = False
    states[[32, 33], 3] = True
    both, exact = (
        verified_flow(feeder33, active, reactive, *LIMITS, branch_closed=states),
        ac_check(feeder33, active, reactive, states),
    )
    _assert_same(exact, both.result)
    expected = _worst(_off(exact), 2) | _worst(_loading(exact), 2) | _worst(exact.unsupplied_mw, 2)
    assert set(np.flatnonzero(both.judged).tolist()) == expected
    assert not both.judged.all()
    assert both.disagreeing == 0
    assert both.difference_pu is not None
    assert 0 < both.difference_pu < 1e-8


@pytest.mark.usefixtures("few_judged")
def test_one_state_for_all_columns(feeder33: Network) -> None:
    active, reactive = _drawn(feeder33, 5)
    switched = feeder33.with_closed({"line 5": False, "tie 33": True})
    state = switched.branches["closed"]
    both = verified_flow(feeder33, active, reactive, *LIMITS, branch_closed=state)
    _assert_same(ac_check(switched, active, reactive), both.result)
    assert not both.judged.all()


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_states_are_networks_of_their_own(seed: int) -> None:
    """Whatever a table opens and closes; where sources meet, pandapower alone is asked."""
    random = stream(seed, "states by column")
    network = feeder(str(random.choice(["baran-wu-33", "das-70"])))
    active, reactive = _drawn(network, 6)
    changed = random.random((len(network.branches), 6)) < random.choice([0, 0.02, 0.1], 6)
    states = network.branches[["closed"]].to_numpy() ^ changed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_module, "_JUDGED", 1)
        patch.setattr(judged_module, "_ALONE", 0)
        both = verified_flow(network, active, reactive, *LIMITS, branch_closed=states)
    meet = False
    for number, state in enumerate(states.T):
        switched = network.with_closed(
            dict(zip(network.branches["name"], state.tolist(), strict=True))
        )
        meet |= any(twice_fed_islands(switched.graph(), switched.sources))
        alone = ac_check(switched, active[:, [number]], reactive[:, [number]])
        for name, figures in vars(alone).items():
            off = 1e-5 if name == "loading_percent" else 1e-7
            found = getattr(both.result, name)[..., number]
            assert found == pytest.approx(figures[..., 0], abs=off, nan_ok=True), name
    assert (both.difference_pu is None) == meet


def test_sources_in_one_island_are_for_pandapower_alone() -> None:
    network = _twice_fed()
    active, reactive = _drawn(network, 3)
    both = verified_flow(network, active, reactive, *LIMITS)
    assert both.judged.all()
    assert both.difference_pu is None
    _assert_same(ac_check(network, active, reactive), both.result)


@pytest.mark.slow
@pytest.mark.usefixtures("few_judged")
def test_sources_that_meet_in_one_column_are_for_pandapower_alone() -> None:
    network = feeder("das-70")
    active, reactive = _drawn(network, 3)
    states = np.tile(network.branches[["closed"]].to_numpy(), 3)
    assert not verified_flow(network, active, reactive, *LIMITS, branch_closed=states).judged.all()
    states[:, 1] = _twice_fed().branches["closed"]
    both = verified_flow(network, active, reactive, *LIMITS, branch_closed=states)
    assert both.judged.all()
    assert both.difference_pu is None
    assert both.result.converged.all()


@pytest.mark.slow
def test_few_columns_are_for_pandapower_alone(feeder33: Network) -> None:
    active, reactive = _drawn(feeder33, 24)
    both = verified_flow(feeder33, active, reactive, *LIMITS)
    assert both.judged.all()
    assert both.difference_pu is None


@pytest.mark.slow
@pytest.mark.usefixtures("few_judged")
def test_limits_of_each_bus(feeder33: Network) -> None:
    """A limit at one bus decides which column is nearest to it."""
    active, reactive = _drawn(feeder33, 12)
    low, voltage = np.zeros(33), ac_check(feeder33, active, reactive).voltage_pu[21]
    low[21] = 0.99
    judged = verified_flow(feeder33, active, reactive, low, np.full(33, 2.0)).judged
    assert judged[np.argsort(voltage)[:2]].all()


@pytest.mark.slow
@pytest.mark.usefixtures("few_judged")
def test_of_many_without_a_solution_the_first_are_judged(feeder33: Network) -> None:
    active, reactive = _drawn(feeder33, 10)
    active[:, 3:] += 1.0
    both = verified_flow(feeder33, active, reactive, *LIMITS)
    assert np.flatnonzero(both.judged[3:]).tolist() == [0, 1]
    assert not both.result.converged[3:].any()


@pytest.mark.usefixtures("few_judged")
@pytest.mark.parametrize(
    ("factor", "apart"), [(1.001, 1e-6), pytest.param(20.0, None, marks=pytest.mark.slow)]
)
def test_a_false_batch_is_found_out(
    factor: float, apart: float | None, feeder33: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A difference is told, a column that only pandapower solves is pandapower's."""

    def false(
        network: Network, load_mw: FloatArray, load_mvar: FloatArray, *state: Any, **asked: Any
    ) -> Any:
        return power_flow_batch(network, factor * load_mw, factor * load_mvar, *state, **asked)

    monkeypatch.setattr(judged_module, "power_flow_batch", false)
    loads = feeder33.buses[["load_mw"]].to_numpy(), feeder33.buses[["load_mvar"]].to_numpy()
    active, reactive = (load * np.linspace(0.9, 1, 5) for load in loads)
    both = verified_flow(feeder33, active, reactive, *LIMITS)
    assert both.difference_pu is not None
    assert both.disagreeing == (2 if apart is None else 0)
    assert (both.difference_pu > apart) if apart else (both.difference_pu == 0)
    true, found = ac_check(feeder33, active, reactive), both.result
    judged = both.judged
    assert found.voltage_pu[:, judged] == pytest.approx(true.voltage_pu[:, judged], abs=1e-9)
    assert found.converged[judged].all()


def test_bad_loads_are_refused_as_by_pandapower_alone(feeder33: Network) -> None:
    zero = np.zeros((33, 2))
    with pytest.raises(NetworkError, match="give both for 33 buses"):
        verified_flow(feeder33, zero.T, zero.T, *LIMITS)
    with pytest.raises(NetworkError, match="column 1 are not finite"):
        verified_flow(feeder33, zero, zero + np.array([0, np.nan]), *LIMITS)
    with pytest.raises(NetworkError, match="branch_closed holds float64: give true or false"):
        verified_flow(feeder33, zero, zero, *LIMITS, branch_closed=np.ones(37))
