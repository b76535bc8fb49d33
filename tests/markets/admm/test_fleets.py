"""Fleets in balances: the same answer as their members one by one, certified all at once."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.markets.admm.balance_terms import balance_terms_of
from equigrid.markets.certification.certify import certify
from equigrid.markets.forms.points import FleetPoint

STEPS, NODES = 6, 2


def _battery(name: str = "battery") -> eg.Agent:
    power, energy = cp.Parameter(STEPS, name="power"), cp.Parameter(STEPS, name="energy")
    charge, discharge = cp.Variable(STEPS, nonneg=True), cp.Variable(STEPS, nonneg=True)
    stored = cp.Variable(STEPS, nonneg=True)
    before = cp.hstack([0.0, stored[:-1]])
    rows = [charge <= power, discharge <= power, stored <= energy]
    rows.append(stored == before + 0.9 * charge - discharge / 0.9)
    problem = cp.Problem(cp.Minimize(cp.sum(charge + discharge)), rows)
    return eg.Agent(
        name,
        problem,
        hears={"power_mw": power, "energy_mwh": energy},
        says={"net_mw": discharge - charge},
    )


def _generator(shape: tuple[int, ...], name: str = "generator") -> eg.Agent:
    output = cp.Variable(shape, bounds=[0, 20])
    slope = np.linspace(20, 60, STEPS)
    cost = cp.sum(cp.multiply(np.broadcast_to(slope, shape), output)) + cp.sum_squares(output)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"output_mw": output})


def _data(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    power = rng.uniform(0.2, 1.0, count)
    return {
        "power_mw": np.repeat(power[:, None], STEPS, axis=1),
        "energy_mwh": np.repeat((2 * power)[:, None], STEPS, axis=1),
    }


def _load(shape: tuple[int, ...]) -> eg.Agent:
    return eg.Agent("load", says={"demand_mw": np.full(shape, 8.0)})


def _balance(names: list[str]) -> eg.Balance:
    return eg.Balance("energy", ["generator.output_mw", "-load.demand_mw", *names])


def _with_fleet(count: int = 5) -> eg.Game:
    fleet = eg.Fleet("batteries", _battery(), _data(count))
    agents = [_generator((STEPS,)), _load((STEPS,)), fleet]
    return eg.Game(agents, balances=[_balance(["batteries.net_mw"])])


def _one_by_one(count: int = 5) -> eg.Game:
    names = [f"b{k}" for k in range(count)]
    given: dict[str, np.ndarray] = {}
    for k, name in enumerate(names):
        given |= {f"{name}.{heard}": rows[k] for heard, rows in _data(count).items()}
    agents = [_generator((STEPS,)), _load((STEPS,)), *map(_battery, names)]
    return eg.Game(agents, balances=[_balance([f"{n}.net_mw" for n in names])], given=given)


@pytest.mark.smoke
@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_a_fleet_settles_as_its_members_do_one_by_one(method: eg.Exact | eg.Admm) -> None:
    together, apart = method.solve(_with_fleet()), method.solve(_one_by_one())
    assert together.certificate.total_cost == pytest.approx(apart.certificate.total_cost, rel=1e-5)
    assert together.prices["energy"] == pytest.approx(apart.prices["energy"], abs=1e-2)
    sums = sum(apart.values[f"b{k}.net_mw"] for k in range(5))
    assert together.values["batteries.net_mw"] == pytest.approx(sums, abs=1e-2)
    for found in (together, apart):
        assert found.settled
        assert found.certificate.optimality_gap is not None
        assert found.certificate.optimality_gap <= 1e-4


def test_members_at_nodes_are_paid_the_price_of_their_node() -> None:
    fleet = eg.Fleet("batteries", _battery(), _data(5), by=[1, 0, 1, 1, 0], groups=range(NODES))
    shape = (NODES, STEPS)
    game = eg.Game(
        [_generator(shape), _load(shape), fleet], balances=[_balance(["batteries.net_mw"])]
    )
    central, talked = eg.Exact().solve(game), eg.Admm().solve(game)
    assert talked.settled
    assert talked.prices["energy"].shape == shape
    assert talked.prices["energy"] == pytest.approx(central.prices["energy"], abs=1e-2)
    cost = talked.certificate.total_cost
    assert cost == pytest.approx(central.certificate.total_cost, rel=1e-5)


def test_each_member_has_a_say_at_its_own_node_only() -> None:
    fleet = eg.Fleet("batteries", _battery(), _data(3), by=["b", "a", "b"], groups=["a", "b"])
    shape = (NODES, STEPS)
    agents = [_generator(shape), _load(shape), fleet]
    stakes = balance_terms_of(
        eg.Game(agents, balances=[_balance(["batteries.net_mw"])]), "batteries"
    )
    places = np.arange(NODES * STEPS).reshape(shape, order="F")
    assert stakes.entries["energy"].tolist() == [places[row].tolist() for row in (1, 0, 1)]
    assert stakes.weight == pytest.approx(2 / 3)


def _certified(columns: float = 0.0, price: float = 0.0) -> eg.Certificate:
    """Certify a true answer of a fleet with errors planted in it."""
    game = _with_fleet()
    fleet, values = game.agents[2], dict(eg.Admm().solve(game).values)
    assert isinstance(fleet, eg.Fleet)
    values["energy"] = values["energy"] + price
    own = np.full((fleet.size, fleet.member_form().columns), columns)
    point = FleetPoint(own, np.zeros((fleet.size, len(fleet.member_form().rhs))))
    certificate, _ = certify(game, values, fleets={"batteries": point})
    return certificate


def test_a_fleet_whose_members_do_something_else_is_found_out() -> None:
    certificate = _certified()
    assert certificate.primal_residual is not None
    assert certificate.primal_residual > 0.1


def test_the_bound_of_a_fleet_holds_whatever_the_multipliers() -> None:
    game = _with_fleet()
    best = eg.Exact().solve(game).certificate.total_cost
    bound = _certified().total_bound
    assert best is not None
    assert bound is not None
    assert bound <= best + 1e-6


def test_what_is_far_from_the_members_best_shows_as_regret() -> None:
    assert _certified(price=5.0).regret["batteries"] > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("rows", [60, 600])
def test_a_large_agent_by_itself_settles_like_a_small_one(rows: int) -> None:
    """Above some number of columns the batch takes the step, then PIQP again, with refinement."""
    wide = (rows, STEPS)
    game = eg.Game(
        [_generator(wide), eg.Agent("load", says={"demand_mw": np.full(wide, 3.0)})],
        balances=[eg.Balance("energy", ["generator.output_mw", "-load.demand_mw"])],
    )
    found = eg.Admm().solve(game)
    expected = np.broadcast_to(np.linspace(20, 60, STEPS) + 2 * 3.0, wide)
    assert found.settled
    assert found.prices["energy"] == pytest.approx(expected, abs=1e-2)


def _unit(name: str, least: float, most: float, cost: float) -> eg.Agent:
    on, output = cp.Variable(STEPS, boolean=True), cp.Variable(STEPS, bounds=[0, most])
    problem = cp.Problem(
        cp.Minimize(cost * cp.sum(output) + 50 * cp.sum(on)),
        [output <= most * on, output >= least * on],
    )
    return eg.Agent(name, problem, says={"output_mw": output})


def _commitment(demand_mw: np.ndarray) -> eg.Game:
    shed = cp.Variable(STEPS, bounds=[0, 60])
    agents = [
        _unit("large", 15, 40, 20),
        _unit("small", 5, 30, 35),
        eg.Agent("shed", cp.Problem(cp.Minimize(300 * cp.sum(shed))), says={"output_mw": shed}),
        eg.Agent("load", says={"demand_mw": demand_mw}),
    ]
    terms = ["large.output_mw", "small.output_mw", "shed.output_mw", "-load.demand_mw"]
    return eg.Game(agents, balances=[eg.Balance("energy", terms)])


@pytest.mark.slow
def test_whole_numbers_are_settled_by_a_heuristic_whose_gap_is_told() -> None:
    game = _commitment(np.array([10.0, 25.0, 40.0, 55.0, 30.0, 12.0]))
    found, central = eg.Admm().solve(game), eg.Exact().solve(game)
    assert found.settled
    assert found.certificate.balance_residual == pytest.approx(0, abs=1e-5)
    cost, best = found.certificate.total_cost, central.certificate.total_cost
    assert cost is not None
    assert best is not None
    assert best - 1e-3 <= cost <= 1.2 * best
    assert found.statistics["central_cost"] == pytest.approx(best)
    gap = found.certificate.optimality_gap
    assert gap == pytest.approx((cost - best) / abs(cost), abs=1e-4)


def test_a_fleet_with_whole_numbers_is_refused_by_name() -> None:
    demand, on = cp.Parameter(STEPS), cp.Variable(STEPS, boolean=True)
    member = eg.Agent(
        "heater",
        cp.Problem(cp.Minimize(cp.sum(on)), [on <= demand]),
        hears={"most_mw": demand},
        says={"load_mw": on},
    )
    heaters = eg.Fleet("heaters", member, {"most_mw": np.ones((3, STEPS))})
    terms = ["generator.output_mw", "-heaters.load_mw"]
    game = eg.Game([_generator((STEPS,)), heaters], balances=[eg.Balance("energy", terms)])
    with pytest.raises(eg.UnusableGame, match="fleet 'heaters' has whole numbers"):
        eg.Admm().solve(game)


def test_rounds_that_run_out_are_not_called_settled() -> None:
    found = replace(eg.Admm(), rounds=3).solve(_with_fleet())
    assert not found.settled
    assert len(found.rounds) == 3
