"""Paper A's operator and aggregator: prices at duals, their parts, and what delivery does in AC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np
import pytest

from equigrid.agents.network_operator import STATES
from equigrid.errors import UnusableGame
from equigrid.grid.ac import ac_check
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.sources import Dual
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

if TYPE_CHECKING:
    from tests.agents.conftest import Ramping

Nominal = Callable[[int], AmbiguitySet]


def _solved(
    ramping: type[Ramping], ambiguity: AmbiguitySet, secured: tuple[str, ...] = STATES
) -> Equilibrium:
    operator = ramping.operator(len(ambiguity.probability), secured)
    follower = operator.agent(operator.at_rest())
    return Exact(ties=False).solve(ramping.game(operator, ramping.aggregator(ambiguity), follower))


@pytest.fixture(scope="module")
def secure(ramping: type[Ramping], nominal: Nominal) -> Equilibrium:
    return _solved(ramping, nominal(2))


@pytest.fixture(scope="module")
def insecure(ramping: type[Ramping], nominal: Nominal) -> Equilibrium:
    return _solved(ramping, nominal(2), ("before",))


def test_the_answer_is_certified(secure: Equilibrium) -> None:
    certificate = secure.certificate
    assert max(certificate.regret.values()) < 1e-6
    assert abs(certificate.optimality_gap or 0) < 1e-4
    assert (certificate.dual_residual or 0) < 1e-6
    assert certificate.settlement_residual < 1e-6


@pytest.mark.slow
def test_limits_after_delivery_cost_money_and_products(
    secure: Equilibrium, insecure: Equilibrium
) -> None:
    assert secure.leader_objective is not None
    assert insecure.leader_objective is not None
    assert secure.leader_objective > insecure.leader_objective + 1
    sold = [sum(e.values[f"aggregator.{p}_down_mw"].sum() for p in ("p1", "p2", "p3"))
            for e in (secure, insecure)]  # fmt: skip
    assert sold[0] < sold[1] - 0.1


def test_without_those_limits_delivery_breaks_the_voltage_in_ac(
    ramping: type[Ramping], insecure: Equilibrium
) -> None:
    operator = ramping.operator(2)
    found = {
        state: ac_check(
            operator.network,
            insecure.values[f"dno.net_load_{state}_mw"],
            operator.scenario_load_mvar(),
        ).voltage_pu.min()
        for state in ("before", "down")
    }
    assert found["down"] < 0.9 - 1e-3 < found["before"]


def test_parts_add_up_to_the_price_at_every_bus(
    ramping: type[Ramping], secure: Equilibrium
) -> None:
    parts = secure.parts(Dual("dno.load_mw"))
    total = sum(parts.values())
    for name, bus in ramping.operator(2).prosumer_buses.items():
        price = secure.values[f"dual(dno.{name}_import_mw)"]
        assert np.abs(np.ravel(price) - np.asarray(total)[bus - 1]).max() < 1e-8
    assert {"A(22) balance", "A(24) network losses"} <= set(parts)


def test_a_price_lies_between_the_left_and_the_right_change_of_cost(
    ramping: type[Ramping], secure: Equilibrium
) -> None:
    operator, step = ramping.operator(2), 1e-4
    agent = operator.agent(operator.at_rest())
    assert agent.problem is not None
    for name, parameter in agent.hears.items():
        if name == "load_mw":
            parameter.value = operator.scenario_load_mw()
        elif name.endswith("price_per_mwh"):
            parameter.value = secure.values[f"market.{name}"]
        else:
            parameter.value = secure.values[f"aggregator.{name}"]
    load, middle = agent.hears["load_mw"].value.copy(), agent.problem.solve(solver=cp.HIGHS)
    price = np.asarray(sum(secure.parts(Dual("dno.load_mw")).values()))
    for bus, column in ((16, 1), (17, 6), (31, 2), (5, 7)):
        slopes = []
        for sign in (-1, 1):
            moved = load.copy()
            moved[bus, column] += sign * step
            agent.hears["load_mw"].value = moved
            slopes.append(sign * (agent.problem.solve(solver=cp.HIGHS) - middle) / step)
        assert slopes[0] - 1e-3 <= price[bus, column] <= slopes[1] + 1e-3


def test_parts_of_what_nobody_hears_are_refused(secure: Equilibrium) -> None:
    with pytest.raises(UnusableGame, match=r"no multipliers of 'dno\.nothing'"):
        secure.parts(Dual("dno.nothing"))


def test_left_out_rows_never_bind(ramping: type[Ramping], insecure: Equilibrium) -> None:
    """Every row that is left out keeps its limit at the answer that offers most."""
    operator = ramping.operator(2)
    (tangent,) = operator.at_rest()["down"].parts
    reactive = operator.scenario_load_mvar()
    low, high = operator._net_load_bounds()
    lowest = -((-tangent.voltage_pu).range((low, high), (reactive, reactive))[1])
    for state in STATES:
        net = insecure.values[f"dno.net_load_{state}_mw"]
        assert (net >= low - 1e-9).all()
        assert (net <= high + 1e-9).all()
        at_answer = tangent.voltage_pu.values(net, reactive)
        assert (at_answer >= lowest - 1e-9).all()


@pytest.mark.slow
def test_one_offer_for_all_scenarios_is_no_cheaper(
    ramping: type[Ramping], nominal: Nominal, secure: Equilibrium
) -> None:
    operator = ramping.operator(2)
    aggregator = ramping.aggregator(nominal(2), here_and_now=True)
    game = ramping.game(operator, aggregator, operator.agent(operator.at_rest()))
    found = Exact(ties=False, gap=1e-3, node_limit=2000).solve(game)
    assert found.leader_objective is not None
    assert secure.leader_objective is not None
    assert found.leader_objective >= secure.leader_objective - 1e-6
    offer = found.values["aggregator.p1_down_mw"]
    assert np.abs(offer[0] - offer[1]).max() < 1e-7


@pytest.mark.slow
def test_more_confidence_is_never_cheaper(ramping: type[Ramping]) -> None:
    probability = np.array([0.7, 0.3])
    costs = [
        _solved(ramping, AmbiguitySet.from_confidence(probability, 100, c)).leader_objective
        for c in (0.8, 0.9, 1.0)
    ]
    assert costs == sorted(costs)  # type: ignore[type-var]
    assert costs[2] > costs[0]  # type: ignore[operator]


@pytest.mark.slow
def test_rounds_of_tangents_end_where_ac_agrees_and_delivery_is_safe(
    ramping: type[Ramping], nominal: Nominal
) -> None:
    operator, aggregator = ramping.operator(2), ramping.aggregator(nominal(2))
    at, errors = operator.at_rest(), []
    for _ in range(8):
        game = ramping.game(operator, aggregator, operator.agent(at))
        found = Exact(ties=False).solve(game)
        nets = {state: found.values[f"dno.net_load_{state}_mw"] for state in STATES}
        at, error = operator.renewed(at, nets, 2e-4)
        errors.append(error)
        if error <= 2e-4:
            break
    assert errors[0] > 1e-3
    assert errors[-1] <= 2e-4
    for net in nets.values():
        ac = ac_check(operator.network, net, operator.scenario_load_mvar())
        off = ac.violations(operator.voltage_min_pu, operator.voltage_max_pu)
        assert off.worst_voltage_pu <= 2e-4
        assert off.worst_loading_percent <= 0.1
