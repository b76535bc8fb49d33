"""Paper A in steps of any length: bills at duals, energies, and prices of the buses per MWh."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.support import quarters

import equigrid as eg
from equigrid.agents.assets import VirtualBattery as Prosumer
from equigrid.agents.network_operator import NetworkOperator
from equigrid.arrays import FloatArray
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

if TYPE_CHECKING:
    from tests.agents.conftest import Ramping

QUARTER = 0.25
LENGTHS = (1.0, QUARTER)


def _solved(
    ramping: type[Ramping],
    operator: NetworkOperator,
    prosumers: tuple[Prosumer, ...],
    ambiguity: AmbiguitySet,
) -> eg.Equilibrium:
    aggregator = replace(
        ramping.aggregator(ambiguity),
        prosumers=prosumers,
        hours=operator.shape[1],
        step_hours=operator.step_hours,
    )
    game = ramping.game(operator, aggregator, operator.agent(operator.at_rest()))
    return eg.Exact(ties=False).solve(game.with_step_hours(operator.step_hours))


def _dno_prices(found: eg.Equilibrium, ramping: type[Ramping]) -> FloatArray:
    sites = ramping.operator(1).prosumer_buses
    return np.array([found.values[eg.Dual(f"dno.{site}_import_mw")] for site in sites])


def _is_certified(found: eg.Equilibrium) -> bool:
    return not found.certificate.shortcomings({"regret": 1e-6, "gap": 1e-4, "settlement": 1e-6})


@pytest.mark.slow
def test_paper_a_in_quarters_of_its_energies_is_paper_a_in_hours(
    ramping: type[Ramping], nominal: Callable[[int], AmbiguitySet]
) -> None:
    """As many steps: powers and prices per MWh stay, energies and money are a quarter."""
    found = {}
    for step_hours in LENGTHS:
        limits = {
            "energy_min_mwh": 0.1 * step_hours,
            "energy_max_mwh": 1.6 * step_hours,
            "energy_initial_mwh": 0.5 * step_hours,
            "energy_final_mwh": 0.7 * step_hours,
            "efficiency": 0.95,
            "retention": 0.98 ** (1 / step_hours),
        }
        prosumers = tuple(
            Prosumer(name, 0.0, 0.6, **limits) for name in ramping.operator(1).prosumer_buses
        )
        operator = replace(ramping.operator(2), step_hours=step_hours)
        found[step_hours] = _solved(ramping, operator, prosumers, nominal(2))
    hours, quarter = found[1.0], found[QUARTER]
    assert _is_certified(quarter)
    assert quarter.leader_objective == pytest.approx(
        QUARTER * (hours.leader_objective or 0.0), rel=2e-4
    )
    assert sum(quarter.payments.values()) == pytest.approx(
        QUARTER * sum(hours.payments.values()), rel=1e-3
    )
    assert _dno_prices(quarter, ramping) == pytest.approx(_dno_prices(hours, ramping), rel=1e-4)
    parts = np.asarray(sum(quarter.parts(eg.Dual("dno.load_mw")).values()))
    buses = [bus - 1 for bus in ramping.operator(2).prosumer_buses.values()]
    paid = _dno_prices(quarter, ramping).reshape(len(buses), -1)
    assert parts[buses] == pytest.approx(paid, abs=1e-8)


def test_paper_a_is_the_same_in_half_hours(
    ramping: type[Ramping],
    nominal: Callable[[int], AmbiguitySet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two hours in which prosumers need all the power that they may take, and sell less of it."""
    day, found = sys.modules[ramping.__module__], {}
    prices = {name: getattr(day, name)[:2] for name in ("ENERGY", "UP", "DOWN")}
    for step_hours in (1.0, 0.5):
        for name, hourly in prices.items():
            monkeypatch.setattr(day, name, quarters.by_step(hourly, step_hours))
        operator = _two_hours(ramping.operator(1), step_hours)
        prosumers = tuple(
            Prosumer(name, 0.0, 0.15, 0.0, 9.0, 2.0, 2.0 + 2 * 0.95 * 0.15, 0.95)
            for name in operator.prosumer_buses
        )
        found[step_hours] = _solved(ramping, operator, prosumers, nominal(1))
    hours, half = found[1.0], found[0.5]
    assert _is_certified(half)
    assert half.leader_objective == pytest.approx(hours.leader_objective, rel=1e-4)
    mean = quarters.by_hour(_dno_prices(half, ramping), 0.5)
    assert mean == pytest.approx(_dno_prices(hours, ramping), rel=1e-4)
    for name, amount in hours.payments.items():
        assert half.payments[name] == pytest.approx(amount, rel=1e-3, abs=1e-3)


def _two_hours(operator: NetworkOperator, step_hours: float) -> NetworkOperator:
    """The first two hours of the day, cut into steps."""

    def cut(figures: FloatArray) -> FloatArray:
        return np.repeat(figures[..., :2], round(1 / step_hours), axis=-1)

    return replace(
        operator,
        load_mw=cut(operator.load_mw),
        load_mvar=cut(operator.load_mvar),
        photovoltaic_mw=cut(operator.photovoltaic_mw),
        step_hours=step_hours,
    )
