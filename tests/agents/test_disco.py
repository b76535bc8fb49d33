"""The Disco E(1)-E(17): what it buys, orders and fears, on the shipped feeder."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from equigrid.agents.assets import Generator
from equigrid.agents.disco import Disco
from equigrid.arrays import FloatArray
from equigrid.grid.network.feeders import feeder
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.scenario_set import ScenarioSet

HOURS, BUSES = 3, 33


def _disco(**changed: Any) -> Disco:
    """Load at two buses, one generator, one microgrid, two scenarios of load."""
    load = np.zeros((BUSES, HOURS))
    load[5], load[20] = [0.4, 0.6, 0.5], 0.3
    photovoltaic = np.zeros(BUSES)
    photovoltaic[10] = 0.2
    scenarios = ScenarioSet(
        {
            "load_factor": np.array([[0.9] * HOURS, [1.1] * HOURS]),
            "irradiance": np.array([[0.5] * HOURS, [0.25] * HOURS]),
        },
        np.array([0.5, 0.5]),
    )
    network = feeder("baran-wu-33")
    buses = list(network.buses.index)
    parts: dict[str, Any] = {
        "name": "disco",
        "network": network,
        "voltage_min_pu": 0.9,
        "voltage_max_pu": 1.05,
        "load_mw": load,
        "load_mvar": 0.5 * load,
        "scenarios": scenarios,
        "photovoltaic_mw": photovoltaic,
        "generators": (Generator("dg", 0.0, 0.4, 0.2, 0.2, 0.2, 50.0),),
        "generator_buses": (buses[15],),
        "interruptible_fraction": 0.3,
        "microgrid_buses": {"mg": buses[7]},
        "microgrid_exchange_max_mw": {"mg": 1.0},
        "purchase_max_mw": 5.0,
        "price_max_per_mwh": 90.0,
    }
    return Disco(**{**parts, **changed})


def _profit(agent: Agent, **heard: Any) -> float:
    values: dict[str, Any] = {
        "wholesale_price_per_mwh": np.full(HOURS, 30.0),
        "ramp_penalty_per_mw": np.zeros(HOURS - 1),
        "generator_bid_per_mwh": np.array([50.0]),
        "interruption_bid_per_mwh": np.full(HOURS, 70.0),
        "mg_import_mw": np.zeros(HOURS),
        "mg_ramp_mw_per_h": np.zeros(HOURS - 1),
        "income": 0.0,
    }
    for name, value in {**values, **heard}.items():
        agent.hears[name].value = value
    assert agent.problem is not None
    return float(agent.problem.solve(solver=cp.HIGHS))


def _said(agent: Agent, name: str) -> FloatArray:
    return np.asarray(agent.says[name].value)


def test_scenario_columns_are_scenario_by_scenario() -> None:
    disco = _disco()
    assert disco.hours == HOURS
    expected = np.concatenate([0.9 * disco.load_mw, 1.1 * disco.load_mw], axis=1)
    assert disco.scenario_load_mw() == pytest.approx(expected)
    assert disco.scenario_load_mvar() == pytest.approx(0.5 * expected)
    assert disco.scenario_photovoltaic_mw()[10] == pytest.approx([0.1] * 3 + [0.05] * 3)


def test_one_purchase_serves_every_scenario() -> None:
    """The scenarios differ by 0.2 of the load and by PV; only the generator can make it up."""
    disco = _disco()
    agent = disco.agent()
    profit = _profit(agent)
    assert agent.problem is not None
    assert agent.problem.is_dcp(dpp=True)
    own, interrupted = _said(agent, "generator_mw"), _said(agent, "interrupted_mw")
    net = (
        disco.scenario_load_mw()
        - disco.scenario_photovoltaic_mw()
        - interrupted
        - np.eye(BUSES)[:, [15]] @ own
    )
    assert _said(agent, "net_load_mw") == pytest.approx(net, abs=1e-9)
    purchase = _said(agent, "purchase_mw")
    losses = np.tile(purchase, 2) - net.sum(axis=0)
    assert (losses > 0).all()
    assert losses.max() < 0.05
    mean = own.reshape(2, HOURS).mean(axis=0)
    assert _said(agent, "generator_order_mwh") == pytest.approx([mean.sum()])
    cut = interrupted.sum(axis=0).reshape(2, HOURS).mean(axis=0)
    assert _said(agent, "interruption_order_mw") == pytest.approx(cut)
    assert profit == pytest.approx(-30 * purchase.sum() - 50 * mean.sum() - 70 * cut.sum())
    assert (own.reshape(2, HOURS)[1] > own.reshape(2, HOURS)[0] + 0.1).all()


def test_generators_ramp_in_each_scenario() -> None:
    """E(9)-E(12): bids below the wholesale price, yet the first hour allows 0.2 + 0.1 only."""
    slow = (Generator("dg", 0.0, 0.4, 0.1, 0.1, 0.2, 50.0),)
    agent = _disco(
        generators=slow,
        scenarios=ScenarioSet(
            {"load_factor": np.ones((1, HOURS)), "irradiance": np.zeros((1, HOURS))}, np.ones(1)
        ),
    ).agent()
    _profit(agent, generator_bid_per_mwh=np.array([1.0]))
    assert _said(agent, "generator_mw") == pytest.approx(np.array([[0.3, 0.4, 0.4]]))


def test_interruption_stays_within_its_share() -> None:
    """E(13): free interruption is used to the full, and takes its reactive power along."""
    disco = _disco()
    agent = disco.agent()
    _profit(agent, interruption_bid_per_mwh=np.zeros(HOURS), generator_bid_per_mwh=[[9.0]][0])
    interrupted = _said(agent, "interrupted_mw")
    assert (interrupted <= 0.3 * disco.scenario_load_mw() + 1e-9).all()
    assert interrupted.max() > 0.1
    reactive = disco.scenario_load_mvar() - 0.5 * interrupted
    assert _said(agent, "net_load_mvar") == pytest.approx(reactive, abs=1e-9)


def test_a_ramp_penalty_flattens_the_purchase() -> None:
    """E(16), E(17): the ramp of the purchase is limited by what is paid for."""
    agent = _disco().agent()
    _profit(agent)
    free = np.abs(np.diff(_said(agent, "purchase_mw"))).sum()
    _profit(agent, ramp_penalty_per_mw=np.full(HOURS - 1, 500.0))
    purchase, limit = _said(agent, "purchase_mw"), _said(agent, "ramp_limit_mw_per_h")
    assert np.abs(np.diff(purchase)).sum() < 0.8 * free
    assert (np.abs(np.diff(purchase)) <= limit + 1e-9).all()
    _profit(
        agent,
        ramp_penalty_per_mw=np.full(HOURS - 1, 500.0),
        mg_ramp_mw_per_h=np.array([0.7, -0.8]),
    )
    assert (_said(agent, "ramp_limit_mw_per_h") >= [0.7 - 1e-9, 0.8 - 1e-9]).all()


def test_what_a_microgrid_buys_is_bought_and_its_money_counts() -> None:
    agent = _disco().agent()
    alone = _profit(agent)
    before = _said(agent, "purchase_mw").sum()
    served = _profit(agent, mg_import_mw=np.full(HOURS, 0.5), income=100.0)
    extra = _said(agent, "purchase_mw").sum() - before
    assert extra + _said(agent, "generator_order_mwh").sum() > 1.5
    assert extra > 1.4
    assert served < alone + 100.0 - 30 * 1.4
    assert (_said(agent, "voltage_squared_pu") >= 0.81 - 1e-9).all()


def test_labels_of_the_equations() -> None:
    agent = _disco().agent()
    assert agent.problem is not None
    labels = {constraint.label for constraint in agent.problem.constraints}
    assert {
        "E(2) substation balance",
        "E(16) ramp of the purchase, up",
        "E(16) ramp of the purchase, down",
        "E(17) ramp of the microgrids, up",
        "E(17) ramp of the microgrids, down",
        "E(9)/E(11) generator ramp up",
        "E(10)/E(12) first generator ramp down",
    } <= labels
    assert None not in labels
    assert {"E(14) wholesale purchase", "E(15) exchange price", "E(13) interrupted load"} <= {
        variable.name() for variable in agent.variables()
    }
    assert agent.maximises


def test_generation_of_the_feeder_is_that_much_less_to_buy() -> None:
    generation = np.zeros((BUSES, HOURS))
    generation[20] = [0.1, 0.2, 0.0]
    more = _profit(_disco(generation_mw=generation).agent()) - _profit(_disco().agent())
    assert 30 * 0.3 < more < 30 * 0.3 * 1.05  # and the losses that it saves


def test_the_upper_voltage_limit_holds_where_a_load_gives_reactive_power() -> None:
    # Interrupting such a load takes its reactive power away, so the ends of what the network
    # may see of it are the other way round.
    load = np.zeros((BUSES, HOURS))
    load[17] = 0.6
    high = []
    for limit in (1.05, 1.01):
        disco = _disco(
            load_mw=load, load_mvar=-1.5 * load, interruptible_fraction=0.9, voltage_max_pu=limit
        )
        agent = disco.agent()
        _profit(agent, interruption_bid_per_mwh=np.full(HOURS, 200.0))
        said = agent.says["voltage_squared_pu"]
        assert isinstance(said, cp.Expression)
        high.append(float(np.sqrt(said.value).max()))
    assert high[0] > 1.015  # nobody would interrupt it, but for the limit
    assert high[1] <= 1.01 + 1e-9


def test_a_generator_far_too_large_need_not_run_at_half_power() -> None:
    """Half its power is no operating point; that it may stand still is one."""
    large = (Generator("dg", 0.0, 600.0, 600.0, 600.0, 0.0, 50.0),)
    assert np.isfinite(_profit(_disco(generators=large).agent()))
