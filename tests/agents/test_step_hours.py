"""Agents in steps of any length: ramps, energies, losses and costs in quarter-hours and hours."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from tests.support import quarters

import equigrid as eg
from equigrid.agents.assets import Battery, Generator, InterruptibleLoad, OfferLabels
from equigrid.agents.assets import VirtualBattery as Prosumer
from equigrid.agents.disco import Disco
from equigrid.agents.microgrid import Microgrid
from equigrid.experiments.disco_microgrids.deals import exchange_deal, market_deals
from equigrid.grid.block import Block
from equigrid.grid.network.feeders import feeder
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.games.game import Game
from equigrid.scenarios.scenario_set import ScenarioSet

QUARTER = 0.25
LENGTHS = (1.0, QUARTER)
PRICE, DEMAND, SUN = [20.0, 55.0], [3.0, 5.0], [1.0, 0.5]


def _best(block: Block, goal: cp.Expression | float, *rows: cp.Constraint) -> None:
    cp.Problem(cp.Minimize(goal), [*block.constraints, *rows]).solve(solver=cp.HIGHS)


def _cost(block: Block) -> float:
    return float(cp.Expression.cast_to_const(block.cost).value)


def test_a_generator_ramps_by_its_rate_times_the_hours_of_a_step() -> None:
    """From 1 MW at 2 MW an hour: 1.5, 2, 2.5 and 3 after four quarters."""
    unit = Generator("unit", 0.0, 9.0, 2.0, 4.0, 1.0, 30.0)
    block = unit.block((4,), QUARTER, output="X(1)", ramp="X(2)", initial="X(3)")
    _best(block, -cp.sum(block["power_mw"]))
    assert block["power_mw"].value == pytest.approx([1.5, 2.0, 2.5, 3.0])
    assert _cost(block) == pytest.approx(QUARTER * 30 * 9.0)
    _best(block, block.cost, block["power_mw"][1] == 2.0)
    assert block["power_mw"].value[2:] == pytest.approx([1.0, 0.0])


def test_a_battery_stores_power_times_the_hours_of_a_step() -> None:
    """Half an hour at 2 MW and 0.9 is 0.9 MWh, which at 0.8 come out as 2.88 MW for a quarter."""
    battery = Battery(4.0, 0.0, 5.0, 0.0, 0.9, 0.8)
    block = battery.block(3, QUARTER, power="X(1)", energy="X(2)", dynamics="X(3)", initial="X(4)")
    taken = [block["charge_mw"] == np.array([2.0, 2.0, 0.0])]
    _best(block, -block["discharge_mw"][2], *taken)
    assert block["stored_mwh"].value == pytest.approx([0.45, 0.9, 0.0])
    assert block["discharge_mw"].value[2] == pytest.approx(2.88)


def test_an_interruptible_load_costs_by_energy() -> None:
    load = InterruptibleLoad(np.array([2.0, 3.0]), np.array([60.0, 80.0]))
    block = load.block(power="X(1)", step_hours=QUARTER)
    block["power_mw"].value = np.array([2.0, 1.0])
    assert _cost(block) == pytest.approx(QUARTER * (120 + 80))


def test_a_virtual_battery_loses_by_the_hour() -> None:
    """Left alone, four quarters keep what an hour keeps, and offers are held back by energy."""
    labels = OfferLabels(*(f"X({k})" for k in range(11)))
    kept = {}
    for step_hours, steps in ((1.0, 1), (QUARTER, 4)):
        prosumer = Prosumer("p", -3.0, 3.0, 0.0, 2.0, 1.0, 0.81, retention=0.81)
        block = prosumer.block(1, steps, labels, step_hours=step_hours)
        _best(block, cp.sum(cp.abs(block["import_mw"])))
        assert block["import_mw"].value == pytest.approx(np.zeros((1, steps)), abs=1e-7)
        kept[step_hours] = block["stored_mwh"].value[0]
    assert kept[QUARTER] == pytest.approx(0.81 ** np.array([0.25, 0.5, 0.75, 1.0]))
    # In a quarter what is stored serves four times the power; power itself limits more.
    prosumer = Prosumer("p", -9.0, 9.0, 0.4, 2.0, 1.0, 1.0, efficiency=0.5)
    block = prosumer.block(1, 1, labels, step_hours=QUARTER)
    still = block["import_mw"] == 0
    _best(block, -cp.sum(block["up_mw"] + block["down_mw"]), still)
    assert block["up_mw"].value == pytest.approx(np.array([[0.6 / (0.5 * QUARTER)]]))
    assert block["down_mw"].value == pytest.approx(np.array([[1.0 / (0.5 * QUARTER)]]))


def _microgrid(step_hours: float, **changed: Any) -> Microgrid:
    demand = quarters.by_step(DEMAND, step_hours)
    parts: dict[str, Any] = {
        "name": "mg",
        "demand_mw": demand,
        "photovoltaic_mw": quarters.by_step(SUN, step_hours),
        "generator": Generator("unit", 0.0, 2.0, 99.0, 99.0, 0.0, 40.0),
        "battery": Battery(1.0, 0.2, 1.5, 0.4, 0.9, 0.8),
        "interruptible": InterruptibleLoad(0.1 * demand, 50.0),
        "exchange_max_mw": 9.0,
        "step_hours": step_hours,
    }
    return Microgrid(**{**parts, **changed})


def _posted(step_hours: float) -> Game:
    site = _microgrid(step_hours).agent()
    shop = eg.Agent("shop", says={"price_per_mwh": quarters.by_step(PRICE, step_hours)})
    bill = eg.Payment("bill", "mg", "shop", "shop.price_per_mwh", "mg.import_mw")
    link = eg.Link("shop.price_per_mwh", "mg.price")
    return Game([shop, site], links=[link], payments=[bill], step_hours=step_hours)


def test_a_microgrid_at_a_posted_price_is_the_same_in_quarter_hours() -> None:
    hours, found = (eg.Exact().solve(_posted(h)) for h in LENGTHS)
    for path in ("mg.import_mw", "mg.generator_mw", "mg.interrupted_mw"):
        assert quarters.by_hour(found.values[path], QUARTER) == pytest.approx(
            hours.values[path], abs=1e-7
        )
    assert found.payments["bill"] == pytest.approx(hours.payments["bill"])
    assert found.values["mg.own_cost"] == pytest.approx(hours.values["mg.own_cost"])
    assert found.values["mg.stored_mwh"][-1] == pytest.approx(hours.values["mg.stored_mwh"][-1])
    assert max(found.certificate.regret.values()) < 1e-7


def test_a_microgrid_in_other_hours_than_its_game_is_refused() -> None:
    with pytest.raises(eg.UnusableGame, match=r"must count price × 'mg\.import_mw' × 0\.5 h"):
        _posted(QUARTER).with_step_hours(0.5)


def test_the_ramp_of_a_microgrid_is_per_hour() -> None:
    agent = _microgrid(QUARTER).agent()
    agent.hears["price"].value = quarters.by_step(PRICE, QUARTER)
    assert agent.problem is not None
    agent.problem.solve(solver=cp.HIGHS)
    bought, ramp = agent.says["import_mw"].value, agent.says["ramp_mw_per_h"].value
    assert ramp == pytest.approx(np.diff(bought) / QUARTER)


def _disco(step_hours: float, **changed: Any) -> Disco:
    network = feeder("baran-wu-33")
    buses = list(network.buses.index)
    steps = len(quarters.by_step([0, 0], step_hours))
    load, sun = np.zeros((len(buses), steps)), np.zeros(len(buses))
    load[5], load[20], sun[10] = quarters.by_step([0.4, 0.9], step_hours), 0.3, 0.2
    factors = {"load_factor": [[0.9], [1.1]], "irradiance": [[0.5], [0.25]]}
    parts: dict[str, Any] = {
        "name": "disco",
        "network": network,
        "voltage_min_pu": 0.9,
        "voltage_max_pu": 1.05,
        "load_mw": load,
        "load_mvar": 0.5 * load,
        "scenarios": ScenarioSet(
            {name: np.repeat(values, steps, axis=1) for name, values in factors.items()},
            np.array([0.5, 0.5]),
        ),
        "photovoltaic_mw": sun,
        "generators": (Generator("dg", 0.0, 0.4, 99.0, 99.0, 0.2, 50.0),),
        "generator_buses": (buses[15],),
        "interruptible_fraction": 0.3,
        "microgrid_buses": {"mg": buses[7]},
        "microgrid_exchange_max_mw": {"mg": 1.0},
        "purchase_max_mw": 5.0,
        "price_max_per_mwh": 90.0,
        "step_hours": step_hours,
    }
    return Disco(**{**parts, **changed})


def _profit(step_hours: float, penalty: float, **changed: Any) -> tuple[float, dict[str, Any]]:
    agent = _disco(step_hours, **changed).agent()
    steps = len(quarters.by_step([0, 0], step_hours))
    heard: dict[str, Any] = {
        "wholesale_price_per_mwh": quarters.by_step([30.0, 60.0], step_hours),
        "ramp_penalty_per_mw": np.full(steps - 1, penalty),
        "generator_bid_per_mwh": np.array([50.0]),
        "interruption_bid_per_mwh": quarters.by_step([70.0, 80.0], step_hours),
        "mg_import_mw": np.zeros(steps),
        "mg_ramp_mw_per_h": np.zeros(steps - 1),
        "income": 0.0,
    }
    answer = AgentSolver(agent).answer(**heard)
    return float(_objective(agent, heard)), dict(answer)


def _objective(agent: eg.Agent, heard: dict[str, Any]) -> float:
    for name, value in heard.items():
        agent.hears[name].value = value
    assert agent.problem is not None
    return float(agent.problem.solve(solver=cp.HIGHS))


@pytest.mark.parametrize("penalty", [0.0, 45.0])
def test_the_disco_earns_the_same_in_quarter_hours(penalty: float) -> None:
    """A ramp in MW is charged once, whatever the steps in which it is gone."""
    (hours, said), (found, by_quarter) = (_profit(h, penalty) for h in LENGTHS)
    assert found == pytest.approx(hours, rel=1e-6)
    assert by_quarter["generator_order_mwh"] == pytest.approx(said["generator_order_mwh"], abs=1e-6)
    purchase = by_quarter["purchase_mw"]
    assert QUARTER * purchase.sum() == pytest.approx(said["purchase_mw"].sum(), abs=1e-6)
    if penalty:
        ramps = QUARTER * by_quarter["ramp_limit_mw_per_h"]
        assert ramps == pytest.approx(np.abs(np.diff(purchase)), abs=1e-6)
        assert ramps.sum() == pytest.approx(said["ramp_limit_mw_per_h"].sum(), abs=1e-6)


def test_generators_of_the_disco_ramp_by_the_hour() -> None:
    slow = (Generator("dg", 0.0, 0.4, 0.2, 0.2, 0.0, 1.0),)
    _, said = _profit(QUARTER, 0.0, generators=slow)
    output = said["generator_mw"].reshape(2, -1)
    assert output[1, :4] == pytest.approx(0.05 * np.arange(1, 5), abs=1e-6)


def _paper_e(step_hours: float) -> Game:
    """The Disco and one microgrid, with the deals of the published system."""
    steps = len(quarters.by_step([0, 0], step_hours))
    disco, site = _disco(step_hours), _small_site(step_hours)
    announced = {
        "wholesale_price_per_mwh": quarters.by_step([30.0, 60.0], step_hours),
        "ramp_penalty_per_mw": np.full(steps - 1, 45.0),
    }
    orders = {"generator_order_mwh": 1, "interruption_order_mw": steps}
    iso = eg.Agent(
        "iso",
        hears={
            "purchase_mw": cp.Parameter(steps),
            "ramp_limit_mw_per_h": cp.Parameter(steps - 1),
        },
        says=announced,
    )
    bids = {
        "generator_bid_per_mwh": np.array([50.0]),
        "interruption_bid_per_mwh": quarters.by_step([70.0, 80.0], step_hours),
    }
    manager = eg.Agent(
        "manager", hears={name: cp.Parameter(size) for name, size in orders.items()}, says=bids
    )
    sold = {"tariff_per_mwh": np.full(steps, 70.0), "load_mw": disco.load_mw.sum(axis=0)}
    load = eg.Agent("load", says=sold)
    links, payments = market_deals("iso", "manager", "load", "disco")
    more, bill = exchange_deal("disco", "mg")
    return Game(
        [iso, manager, load, disco.agent(), site.agent()],
        leader="disco",
        links=[*links, *more],
        payments=[*payments, bill],
        step_hours=step_hours,
    )


@pytest.mark.slow
def _small_site(step_hours: float) -> Microgrid:
    demand = quarters.by_step([0.4, 0.6], step_hours)
    return _microgrid(
        step_hours,
        demand_mw=demand,
        photovoltaic_mw=0 * demand,
        generator=Generator("unit", 0.0, 0.3, 99.0, 99.0, 0.0, 40.0),
        battery=Battery(0.0, 0.0, 0.0, 0.0, 1.0, 1.0),
        interruptible=InterruptibleLoad(0.1 * demand, 55.0),
        exchange_max_mw=1.0,
    )


def test_the_deals_of_paper_e_move_the_same_money_in_quarter_hours() -> None:
    hours, found = (eg.Exact().solve(_paper_e(h)) for h in LENGTHS)
    assert found.leader_objective == pytest.approx(hours.leader_objective, rel=1e-5)
    assert found.certificate.settlement_residual < 1e-6
    assert max(found.certificate.regret.values()) < 1e-6
    for name in ("wholesale", "ramp-penalty", "generators", "interruptions", "network-load"):
        assert found.payments[name] == pytest.approx(hours.payments[name], rel=1e-4, abs=1e-3)
    ramps = np.abs(np.diff(found.values["disco.purchase_mw"]))
    assert found.payments["ramp-penalty"] == pytest.approx(45 * ramps.sum(), rel=1e-6)
