"""The engine's conditions against A(34)-A(61) and A(65) as one writes them by hand.

By hand: whatever has no price but that of its bus does its best at that price. So PV units, of
which each has three decisions and three limits, are asked for the best of all corners; what is
exchanged with the market costs its price; and a limit that makes a price binds.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from equigrid.arrays import FloatArray
from equigrid.grid.linear.tangents import Tangents
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.sources import Dual
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

if TYPE_CHECKING:
    from tests.agents.conftest import Ramping

    from equigrid.agents.network_operator import NetworkOperator

_STATE = {27: "before", 28: "up", 29: "down", 31: "before", 32: "up", 33: "down"}


@pytest.fixture(scope="module")
def ambiguity(nominal: Callable[[int], AmbiguitySet]) -> AmbiguitySet:
    return nominal(2)


@pytest.fixture(scope="module")
def operator(ramping: type[Ramping]) -> NetworkOperator:
    return ramping.operator(2)


@pytest.fixture(scope="module")
def tangents(operator: NetworkOperator) -> dict[str, Tangents]:
    return operator.at_rest()


@pytest.fixture(scope="module")
def found(
    ramping: type[Ramping],
    operator: NetworkOperator,
    ambiguity: AmbiguitySet,
    tangents: dict[str, Tangents],
) -> Equilibrium:
    game = ramping.game(operator, ramping.aggregator(ambiguity), operator.agent(tangents))
    return Exact(ties=False).solve(game)


@pytest.fixture(scope="module")
def parts(found: Equilibrium) -> dict[int, FloatArray]:
    """Parts of the price of energy at every bus and column, by the number of the equation."""
    summed: dict[int, FloatArray] = {}
    for label, part in found.parts(Dual("dno.load_mw")).items():
        number = int(label.split("(")[1].split(")")[0])
        summed[number] = summed.get(number, 0.0) + part
    return summed


def _market(found: Equilibrium, name: str) -> FloatArray:
    return np.tile(found.values[f"market.{name}_price_per_mwh"], 2)


def test_what_is_bought_and_sold_costs_the_market_s_price(
    found: Equilibrium, parts: dict[int, FloatArray], operator: NetworkOperator
) -> None:
    """A(34), A(35): away from its limits the exchange makes the dual of A(22) its price."""
    purchase = np.ravel(found.values["dno.purchase_mw"])
    free = np.abs(purchase) < operator.exchange_max_mw - 1e-6
    assert free.any()
    every_bus = parts[22] - _market(found, "energy")
    assert np.abs(every_bus[:, free]).max() < 1e-6


def test_losses_are_priced_by_their_slopes(
    parts: dict[int, FloatArray], operator: NetworkOperator, tangents: dict[str, Tangents]
) -> None:
    """A(36): the dual of A(24) is that of A(22); z^l comes from finite differences of AC."""
    (tangent,) = tangents["before"].parts
    expected = parts[22] * tangent.loss_mw.active[:, 0, :].T
    assert np.abs(parts[24] - expected).max() < 1e-6


def test_pv_does_its_best_at_the_prices_of_its_bus(
    found: Equilibrium, parts: dict[int, FloatArray], operator: NetworkOperator
) -> None:
    """A(37)-A(52): stationarity and complementarity of power and offers of PV."""
    zero = np.zeros_like(parts[22])
    energy = np.sum(list(parts.values()), axis=0)
    up = _market(found, "up") + parts.get(28, zero) + parts.get(32, zero)
    down = _market(found, "down") - parts.get(29, zero) - parts.get(33, zero)
    available = operator.photovoltaic_mw.reshape(len(operator.photovoltaic_buses), -1)
    answers = [found.values[f"dno.photovoltaic{k}_mw"] for k in ("", "_up", "_down")]
    for unit, bus in enumerate(operator.photovoltaic_buses):
        row = list(operator.network.buses.index).index(bus)
        for column, most in enumerate(available[unit]):
            price = np.array([worth[row, column] for worth in (energy, up, down)])
            answer = np.array([float(said[unit, column]) for said in answers])
            corners = [
                c for c in product((0.0, most), repeat=3) if c[0] + c[1] <= most and c[2] <= c[0]
            ]
            assert price @ answer == pytest.approx(max(price @ np.array(c) for c in corners))


def test_a_limit_that_makes_a_price_binds(ramping: type[Ramping]) -> None:
    """A(53)-A(61): a row with slack has no multiplier; one that binds makes PV's offer worth less.

    PV at the far end holds the voltage up, so all that it could take back cannot be delivered.
    """
    load, voltage_min_pu = 0.8, 0.93
    network = ramping.operator(1).network
    profile = load * np.ones(4)
    operator = ramping.operator(
        1,
        voltage_min_pu=voltage_min_pu,
        photovoltaic_buses=(17,),
        photovoltaic_mw=np.full((1, 1, 4), 0.6),
        load_mw=np.outer(network.buses["load_mw"], profile),
        load_mvar=np.outer(network.buses["load_mvar"], profile),
    )
    tangents = operator.at_rest()
    ambiguity = AmbiguitySet.from_confidence(np.ones(1), 100, 0.9)
    game = ramping.game(operator, ramping.aggregator(ambiguity), operator.agent(tangents))
    found = Exact(ties=False).solve(game)
    parts = found.parts(Dual("dno.load_mw"))
    priced = 0
    for label, part in parts.items():
        state = _STATE.get(int(label.split("(")[1].split(")")[0]))
        if state is None:
            continue
        voltage, loading = tangents[state].values(
            found.values[f"dno.net_load_{state}_mw"], operator.scenario_load_mvar()
        )
        slack = voltage - voltage_min_pu if "voltage" in label else 1 - loading
        made = np.abs(part).max(axis=0) > 1e-6
        assert (slack.min(axis=0)[made] < 1e-7).all()
        assert (part >= -1e-7).all()
        priced += int(made.sum())
    assert priced > 0


def test_linear_bills_are_price_times_quantity(
    found: Equilibrium, ambiguity: AmbiguitySet, operator: NetworkOperator
) -> None:
    """A(65): what strong duality made linear is, at the answer, what is paid."""
    bills = sum(
        found.values[f"dual(dno.{p}_{what}_mw)"] * found.values[f"aggregator.{p}_{what}_mw"]
        for p in operator.prosumer_buses
        for what in ("import", "up", "down")
    )
    direct = ambiguity.worst_value(np.asarray(bills).sum(axis=1))
    assert found.leader_objective == pytest.approx(direct, rel=1e-8)
