"""The best switching against published optima, and its bound against enumeration."""

from typing import Any

import numpy as np
import pytest

import equigrid as eg
from equigrid.errors import NetworkError
from equigrid.grid.switching.bound import OuterApproximation
from equigrid.grid.switching.evaluation import Evaluator, read_evaluator

OPTIMUM_33 = ("line 7", "line 9", "line 14", "line 32", "tie 37")
OBJECTIVES = {"loss": "loss_mw", "voltage": "voltage_min_pu", "balance": "balance_index"}
SEARCH_ONLY = eg.SearchEffort(enumerate_up_to=0, bound_rounds=0)


def _evaluator(network: eg.Network, objective: str) -> Evaluator:
    return read_evaluator(network, (None, None), objective, eg.OperatingLimits())


def _feeder(seed: int) -> eg.Network:
    """Nine buses in meshes behind a transformer: charging, generation, a shunt, two sources."""
    rng = np.random.default_rng(seed)
    pairs = [(k if k < 3 else int(rng.integers(1, k)), k + 1) for k in range(1, 8)]
    pairs += [(int(a), int(b)) for a, b in rng.integers(1, 9, (4, 2)) if a != b]
    lines = [
        {"name": f"line {k}", "from_bus": one, "to_bus": other, "rating_ka": 0.3}
        | {"r_ohm": rng.uniform(0.2, 2), "x_ohm": rng.uniform(0.1, 2)}
        | {"c_nf": 200 * rng.random() * (seed % 2)}
        for k, (one, other) in enumerate(pairs)
    ]
    station = {"name": "station", "from_bus": 0, "to_bus": 1, "sn_mva": 10.0, "vn_hv_kv": 63.0}
    station |= {"vn_lv_kv": 10.4, "vk_percent": 9.0, "vkr_percent": 0.6, "pfe_kw": 8.0}
    tables: dict[str, Any] = {
        "buses": [{"bus": k, "name": str(k), "vn_kv": 10.0 if k else 63.0} for k in range(9)],
        "lines": lines,
        "transformers": [station | {"i0_percent": 0.1, "shift_degree": 150.0}],
        "sources": [{"bus": 0, "vm_pu": 1.02}, *[{"bus": 8, "vm_pu": 1.01}] * (seed % 3 == 0)],
        "loads": [
            {"bus": k, "p_mw": rng.uniform(0, 0.5), "q_mvar": rng.uniform(-0.05, 0.2)}
            for k in range(2, 9)
        ],
        "generators": [{"bus": 4, "p_mw": 1.5 * rng.random() * (seed % 2)}],
        "shunts": [{"bus": 5, "q_mvar": -0.1, "vn_kv": 10.0}],
    }
    return eg.Network(f"drawn {seed}", tables)


@pytest.mark.slow
def test_published_optimum_of_33_buses(feeder33: eg.Network) -> None:
    best = eg.best_configuration(feeder33)
    assert best.open_branches == OPTIMUM_33
    assert best.loss_mw == pytest.approx(0.139551, abs=1e-6)
    assert best.loss_ac_mw == pytest.approx(best.loss_mw, abs=1e-8)
    assert best.voltage_min_pu == pytest.approx(0.9378, abs=5e-5)
    assert (best.method, best.proved, best.gap) == ("enumeration", True, 0.0)
    assert best.configurations == best.power_flows == 50_751
    assert best.network.is_radial()
    branches = best.network.branches
    assert tuple(branches["name"][~branches["closed"]]) == OPTIMUM_33


@pytest.mark.slow
def test_published_optimum_of_69_buses() -> None:
    best = eg.best_configuration(eg.feeder("baran-wu-69"))
    assert best.loss_mw == pytest.approx(0.098605, abs=1e-6)
    assert best.loss_ac_mw == pytest.approx(best.loss_mw, abs=1e-8)
    assert best.proved
    assert best.configurations == 407_924


@pytest.mark.parametrize(
    ("name", "loss_mw"),
    [("baran-wu-33", 0.139551), pytest.param("das-70", 0.202558, marks=pytest.mark.slow)],
)
def test_exchange_finds_the_best_known(name: str, loss_mw: float) -> None:
    best = eg.best_configuration(eg.feeder(name), effort=SEARCH_ONLY)
    assert best.loss_mw == pytest.approx(loss_mw, abs=1e-6)
    assert best.loss_ac_mw == pytest.approx(best.loss_mw, abs=1e-8)
    assert best.method == "branch exchange"
    assert not best.proved
    assert np.isnan(best.bound)


@pytest.mark.parametrize(
    "objective",
    [
        *list(OBJECTIVES)[:1],
        *(pytest.param(objective, marks=pytest.mark.slow) for objective in list(OBJECTIVES)[1:]),
    ],
)
def test_relaxation_of_33_buses_lies_on_the_optimum(feeder33: eg.Network, objective: str) -> None:
    configurations = eg.radial_configurations(feeder33)
    evaluator, table = _evaluator(feeder33, objective), configurations.table()
    scores = evaluator.scores(table)
    best = float(scores.min())
    outer = OuterApproximation(evaluator, configurations.graph, best + 0.02 * abs(best))
    assert outer.add_initial_tangents([]) < best
    # A radial configuration leaves the relaxation nothing to relax.
    for at in scores.argsort()[:5]:
        assert outer.score_at(table[at]) == pytest.approx(scores[at], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "objective"), [(0, "loss"), (1, "loss"), (2, "voltage"), (1, "balance")]
)
def test_exchange_and_bound_agree_with_enumeration(seed: int, objective: str) -> None:
    network, key = _feeder(seed), OBJECTIVES[objective]
    every = eg.best_configuration(network, objective=objective)
    assert every.proved
    assert every.loss_ac_mw == pytest.approx(every.loss_mw, abs=1e-8)
    effort = eg.SearchEffort(enumerate_up_to=0, bound_rounds=3)
    some = eg.best_configuration(network, objective=objective, effort=effort)
    sign = -1 if objective == "voltage" else 1
    optimum = sign * getattr(every, key)
    assert sign * getattr(some, key) == pytest.approx(optimum, rel=1e-9)
    assert sign * some.bound <= optimum + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_bound_is_never_above_the_optimum_from_a_bad_start(seed: int) -> None:
    network = _feeder(seed)
    configurations = eg.radial_configurations(network)
    table = configurations.table()
    for objective in OBJECTIVES:
        evaluator = _evaluator(network, objective)
        scores = evaluator.scores(table)
        known = np.sort(scores[np.isfinite(scores)])
        outer = OuterApproximation(evaluator, configurations.graph, float(known[len(known) // 2]))
        outer.add_initial_tangents(table[:3])
        bound, closed = outer.solve_integer(1000, 1e-6)
        assert closed is not None
        assert bound <= known[0] * (1 + 1e-6 * np.sign(known[0]))


@pytest.mark.slow
def test_voltage_limits_are_kept_or_the_search_says_so(feeder33: eg.Network) -> None:
    free = eg.best_configuration(feeder33)
    limited = eg.best_configuration(feeder33, limits=eg.OperatingLimits(voltage_min_pu=0.94))
    assert limited.voltage_min_pu >= 0.94 > free.voltage_min_pu
    assert limited.loss_mw > free.loss_mw
    best = eg.best_configuration(feeder33, objective="voltage")
    assert best.voltage_min_pu == pytest.approx(0.9413, abs=5e-5)
    with pytest.raises(NetworkError, match=r"None of 50751 .* voltages from 0\.95 to"):
        eg.best_configuration(feeder33, limits=eg.OperatingLimits(voltage_min_pu=0.95))


@pytest.mark.slow
def test_only_what_is_switchable_is_switched(feeder33: eg.Network) -> None:
    ties = [name for name in feeder33.branches["name"] if name.startswith("tie")]
    best = eg.best_configuration(feeder33, switchable=[*ties, "line 7", "line 9"])
    moved = set(best.open_branches) ^ set(ties)
    assert moved <= {*ties, "line 7", "line 9"}
    assert len(best.open_branches) == 5


def test_given_loads_replace_those_of_the_feeder(feeder33: eg.Network) -> None:
    load = 0.5 * feeder33.buses["load_mw"].to_numpy()
    best = eg.best_configuration(feeder33, load, 0 * load)
    assert best.loss_mw < 0.25 * 0.1396
    assert best.network.buses["load_mw"].to_numpy() == pytest.approx(load)
    assert best.loss_ac_mw == pytest.approx(best.loss_mw, abs=1e-8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"objective": "losses"}, "no objective 'losses'.*loss"),
        ({"objective": "balance"}, "No branch of 'Das, 70 buses' has a rating"),
        ({"load_mw": np.zeros(3)}, r"load_mw has shape \(3,\): give one figure for each"),
        ({"load_mvar": np.full(70, np.nan)}, "load_mvar is not finite at 70 buses"),
        ({"load_mw": "much"}, "load_mw holds no numbers"),
        ({"limits": eg.OperatingLimits(1.1, 0.9)}, "from 1.1 to 0.9 p.u."),
        ({"switchable": ["line 1000"]}, "no branch 'line 1000'"),
        ({"effort": eg.SearchEffort(restarts=-1)}, "restarts is -1"),
        ({"effort": eg.SearchEffort(seed=None)}, "seed is None: give a whole number"),  # type: ignore[arg-type]
        ({"effort": eg.SearchEffort(gap=-1)}, "gap is -1: give a share"),
        ({"limits": eg.OperatingLimits("0.9")}, "from '0.9' to None p.u."),  # type: ignore[arg-type]
        ({"limits": (0.9, 1.1)}, r"limits is tuple: give OperatingLimits\(\.\.\.\)"),
        ({"load_mw": np.zeros(70)}, "Only one of load_mw and load_mvar"),
    ],
)
def test_unusable_input_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        eg.best_configuration(eg.feeder("das-70"), **given)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(NetworkError) as refusal:
        eg.best_configuration(
            eg.feeder("das-70"),
            np.zeros(3),
            objective="los",
            switchable=["line 1000"],
            limits=eg.OperatingLimits(voltage_max_pu=-1),
            effort=eg.SearchEffort(restarts=-1, gap=np.nan),
        )
    assert len(refusal.value.findings) == 7


@pytest.mark.slow
def test_loads_that_nothing_carries_are_named(feeder33: eg.Network) -> None:
    load = 50 * feeder33.buses["load_mw"].to_numpy()
    with pytest.raises(NetworkError, match="carries the loads: lower the loads"):
        eg.best_configuration(feeder33, load, load, effort=eg.SearchEffort(enumerate_up_to=0))


def test_keywords_of_before_still_work_and_name_what_replaces_them(feeder33: eg.Network) -> None:
    with pytest.warns(DeprecationWarning, match="is deprecated: give") as warned:
        before = eg.best_configuration(
            feeder33, enumerate_up_to=0, bound_rounds=0, restarts=1, voltage_max_pu=1.1
        )
    effort = eg.SearchEffort(enumerate_up_to=0, bound_rounds=0, restarts=1)
    now = eg.best_configuration(feeder33, effort=effort, limits=eg.OperatingLimits(None, 1.1))
    assert (before.open_branches, before.loss_mw) == (now.open_branches, now.loss_mw)
    assert before.power_flows == now.power_flows
    assert str(warned[1].message) == (
        "best_configuration(bound_rounds=...) is deprecated: give "
        "effort=SearchEffort(bound_rounds=...)."
    )
    assert "limits=OperatingLimits(voltage_max_pu=...)" in str(warned[3].message)
    assert {warning.filename for warning in warned} == {__file__}
    with pytest.raises(TypeError, match="unexpected keyword argument 'rounds'"):
        eg.best_configuration(feeder33, rounds=3)  # type: ignore[call-arg]
