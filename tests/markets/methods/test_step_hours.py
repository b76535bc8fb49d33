"""Steps of any length: quarter-hours of constant data give money, energies and prices of hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from tests.support import quarters

import equigrid as eg
from equigrid.arrays import FloatArray

QUARTER = 0.25
TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-4}
Builder = Callable[[float], eg.Game]


def _mean(found: eg.Equilibrium, path: str, step_hours: float) -> FloatArray:
    return quarters.by_hour(found.values[path], step_hours)


def _settled(found: eg.Equilibrium) -> dict[tuple[str, str, str], float]:
    table = found.settlement
    ends = zip(table["payment"], table["payer"], table["payee"], strict=True)
    return dict(zip(ends, table["amount"], strict=True))


@pytest.mark.parametrize("method", [eg.Admm(), eg.Admm(memory=0), eg.Exact()])
@pytest.mark.parametrize("hears_price", [False, True])
def test_an_exchange_is_the_same_in_quarter_hours(
    method: eg.Admm | eg.Exact, *, hears_price: bool
) -> None:
    """By hand: without store and customer gas gives 1 and 4 MW, at 20 + 4 per MW."""
    hours = eg.Exact().solve(quarters.exchange(1.0, hears_price=hears_price))
    found = method.solve(quarters.exchange(QUARTER, hears_price=hears_price))
    assert not found.certificate.shortcomings(TOLERANCE)
    assert _mean(found, "energy", QUARTER) == pytest.approx(hours.prices["energy"], abs=2e-3)
    assert np.ptp(found.prices["energy"].reshape(2, -1), axis=1) == pytest.approx(0, abs=2e-3)
    for path in ("wind.output_mw", "gas.output_mw", "customer.taken_mw", "store.net_mw"):
        assert _mean(found, path, QUARTER) == pytest.approx(hours.values[path], abs=1e-3)
    assert found.certificate.total_cost == pytest.approx(hours.certificate.total_cost, abs=1e-2)
    for ends, amount in _settled(hours).items():
        assert _settled(found)[ends] == pytest.approx(amount, abs=2e-2)


@pytest.mark.slow
def test_the_price_of_an_exchange_is_the_marginal_cost_per_mwh() -> None:
    """Gas is at 20 + 4 per MW; a step's cost grows by a quarter of that."""
    found = eg.Exact().solve(quarters.exchange(QUARTER))
    output = found.values["gas.output_mw"]
    assert found.prices["energy"] == pytest.approx(20 + 4 * output, abs=1e-5)


def test_a_balance_may_state_its_hours_itself() -> None:
    for method in (eg.Exact(), eg.Admm()):
        stated = method.solve(quarters.exchange(QUARTER, stated=True, hears_price=True))
        by_game = method.solve(quarters.exchange(QUARTER, hears_price=True))
        assert stated.prices["energy"] == pytest.approx(by_game.prices["energy"], abs=1e-9)
        assert _settled(stated) == pytest.approx(_settled(by_game))


def test_rounds_of_admm_are_those_of_money_in_another_unit() -> None:
    """Costs are per step, so a shorter step is a smaller unit of money, and nothing else."""
    rounds = {h: eg.Admm().solve(_alone(h)).statistics["rounds"] for h in (1.0, 0.25)}
    assert rounds[1.0] == rounds[0.25]


def _alone(step_hours: float) -> eg.Game:
    """The same number of steps, whatever their length."""
    output, other = (cp.Variable(2, bounds=[0, 9]) for _ in range(2))
    gas = step_hours * (20 * cp.sum(output) + 2 * cp.sum_squares(output))
    oil = step_hours * (30 * cp.sum(other) + cp.sum_squares(other))
    return eg.Game(
        [
            eg.Agent("gas", cp.Problem(cp.Minimize(gas)), says={"output_mw": output}),
            eg.Agent("oil", cp.Problem(cp.Minimize(oil)), says={"output_mw": other}),
        ],
        balances=[eg.Balance("energy", ["gas.output_mw", "oil.output_mw"], equals=[4.0, 8.0])],
        step_hours=step_hours,
    )


@pytest.mark.parametrize("memory", [0, 10])
def test_balances_of_different_lengths_settle_together(memory: int) -> None:
    """An hourly product beside energy by quarters: each is paid for in its own hours."""
    output, ready = cp.Variable(4, bounds=[0, 9]), cp.Variable(1, bounds=[0, 9])
    cost = QUARTER * (20 * cp.sum(output) + 2 * cp.sum_squares(output)) + 3 * cp.sum_squares(ready)
    rows = [output + ready <= 6]
    problem = cp.Problem(cp.Minimize(cost), rows)
    gas = eg.Agent("gas", problem, says={"output_mw": output, "ready_mw": ready})
    spare = cp.Variable(1, bounds=[0, 9])
    oil = eg.Agent(
        "oil", cp.Problem(cp.Minimize(5 * cp.sum_squares(spare))), says={"ready_mw": spare}
    )
    balances = [
        eg.Balance("energy", ["gas.output_mw"], equals=[2.0, 3.0, 4.0, 3.0]),
        eg.Balance("reserve", ["gas.ready_mw", "oil.ready_mw"], equals=[4.0], hours=1.0),
    ]
    game = eg.Game([gas, oil], balances=balances, step_hours=QUARTER)
    central, talked = eg.Exact().solve(game), eg.Admm(memory=memory).solve(game)
    # With 2 MW of gas left in the third quarter, reserve costs oil 10 × 2 per MW more.
    assert central.prices["reserve"] == pytest.approx([20.0], abs=1e-4)
    assert central.prices["energy"] == pytest.approx([28, 32, 36 + 4 * 8, 32], abs=1e-3)
    for found in (central, talked):
        assert not found.certificate.shortcomings(TOLERANCE)
    for name in ("energy", "reserve"):
        assert talked.prices[name] == pytest.approx(central.prices[name], abs=5e-2)


def test_a_fleet_is_paid_in_hours() -> None:
    def game(step_hours: float) -> eg.Game:
        steps = len(quarters.by_step([0, 0], step_hours))
        most, taken = cp.Parameter(steps), cp.Variable(steps, bounds=[0, 9])
        worth = step_hours * (40 * cp.sum(taken) - 3 * cp.sum_squares(taken))
        one = eg.Agent(
            "car",
            cp.Problem(cp.Maximize(worth), [taken <= most]),
            hears={"most_mw": most},
            says={"import_mw": taken},
        )
        data = [quarters.by_step([0.2 + 0.1 * k, 2.0], step_hours) for k in range(5)]
        cars = eg.Fleet("cars", one, {"most_mw": np.array(data)})
        plants = [a for a in quarters.exchange(step_hours).agents if a.name in ("wind", "gas")]
        terms = ["wind.output_mw", "gas.output_mw", "-cars.import_mw"]
        return eg.Game([*plants, cars], balances=[eg.Balance("energy", terms)]).with_step_hours(
            step_hours
        )

    hours, found = (eg.Admm().solve(game(h)) for h in (1.0, QUARTER))
    assert not found.certificate.shortcomings(TOLERANCE)
    assert _mean(found, "energy", QUARTER) == pytest.approx(hours.prices["energy"], abs=1e-2)
    for ends, amount in _settled(hours).items():
        assert _settled(found)[ends] == pytest.approx(amount, rel=1e-3)


def test_whole_numbers_are_fixed_at_prices_in_hours() -> None:
    def game(step_hours: float) -> eg.Game:
        steps = len(quarters.by_step([0, 0], step_hours))
        on, output = cp.Variable(steps, boolean=True), cp.Variable(steps, bounds=[0, 3])
        cost = step_hours * (30 * cp.sum(on) + 10 * cp.sum(output))
        rows = [output <= 3 * on, output >= 1 * on]
        unit = eg.Agent("unit", cp.Problem(cp.Minimize(cost), rows), says={"output_mw": output})
        grid = cp.Variable(steps, bounds=[0, 9])
        dear = eg.Agent(
            "grid",
            cp.Problem(cp.Minimize(step_hours * 24 * cp.sum(grid))),
            says={"output_mw": grid},
        )
        equals = quarters.by_step([0.5, 3.0], step_hours)
        terms = ["unit.output_mw", "grid.output_mw"]
        balance = eg.Balance("energy", terms, equals=equals)
        return eg.Game([unit, dear], balances=[balance], step_hours=step_hours)

    for method in (eg.Exact(), eg.Admm()):
        hours, found = (method.solve(game(h)) for h in (1.0, QUARTER))
        assert _mean(found, "unit.output_mw", QUARTER) == pytest.approx(
            hours.values["unit.output_mw"], abs=1e-3
        )
        assert found.certificate.total_cost == pytest.approx(hours.certificate.total_cost, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("method", [eg.Exact(route="branching"), eg.Exact(route="milp")])
def test_a_led_game_is_the_same_in_quarter_hours(method: eg.Exact) -> None:
    hours, found = (method.solve(quarters.led(h)) for h in (1.0, QUARTER))
    assert max(found.certificate.regret.values()) < 1e-6
    assert found.certificate.settlement_residual < 1e-6
    assert found.leader_objective == pytest.approx(hours.leader_objective)
    assert found.certificate.worst_tie_objective == pytest.approx(
        hours.certificate.worst_tie_objective, rel=1e-4
    )
    for path in ("company.price_per_mwh", "joinery.import_mw", "bakery.import_mw"):
        assert _mean(found, path, QUARTER) == pytest.approx(hours.values[path], abs=1e-5)
    assert dict(found.payments) == pytest.approx(dict(hours.payments))


def test_a_negotiation_goes_the_same_way_in_steps_of_any_length() -> None:
    """As many steps: the same rounds of prices, and money times the hours."""
    hours, found = (eg.BestResponse().solve(quarters.led(h, 1.0)) for h in (1.0, QUARTER))
    assert found.values["company.price_per_mwh"] == pytest.approx(
        hours.values["company.price_per_mwh"], abs=1e-9
    )
    assert len(found.rounds) == len(hours.rounds)
    assert found.leader_objective == pytest.approx(QUARTER * (hours.leader_objective or 0.0))
    assert max(found.certificate.regret.values()) < 1e-9
    exact = eg.Exact().solve(quarters.led(QUARTER, 1.0))
    assert found.leader_objective == pytest.approx(exact.leader_objective)


def test_both_routes_and_a_grid_of_prices_agree_in_quarter_hours() -> None:
    """All prices of an hour alike: at 45 − and 60 − sites generate themselves."""
    found = eg.Exact().solve(quarters.led(QUARTER))
    best = 0.0
    for wholesale, load in ((30.0, 2.0), (50.0, 3.0)):
        profits = []
        for price in (45.0, 60.0, 90.0):
            bought = (load - 1.5 * (price > 45)) + (load - 2.0 * (price > 60))
            profits.append((price - wholesale) * bought)
        best += max(profits)
    assert found.leader_objective == pytest.approx(best)


def test_a_nash_game_is_the_same_in_quarter_hours() -> None:
    """Where q = a − p and p = q / 2, that is 2 and 4, and 3 and 6."""
    found = eg.BestResponse(damping=0.5).solve(quarters.turns(QUARTER))
    assert found.settled
    assert _mean(found, "seller.price_per_mwh", QUARTER) == pytest.approx([2.0, 3.0], abs=1e-4)
    assert _mean(found, "buyer.bought_mw", QUARTER) == pytest.approx([4.0, 6.0], abs=1e-4)
    assert found.payments["bill"] == pytest.approx(2 * 4 + 3 * 6, abs=1e-3)
    assert not found.certificate.shortcomings(TOLERANCE, proven=False)


@pytest.mark.slow
def test_several_leaders_foresee_money_in_hours() -> None:
    """In closed form each asks (8 + 2 cost + the other's price) / 4, in steps of any length."""
    price = np.linalg.solve([[4, -1], [-1, 4]], [8 + 2 * 1.0, 8 + 2 * 2.0])
    bought = np.linalg.solve([[2, 1], [1, 2]], 8 - price)
    found = eg.BestResponse(tolerance=1e-4).solve(quarters.several_leaders(QUARTER))
    for k in (0, 1):
        assert found.values[f"s{k + 1}.price"] == pytest.approx(price[[k]], abs=1e-3)
        assert found.payments[f"bill{k + 1}"] == pytest.approx(
            QUARTER * price[k] * bought[k], rel=1e-3
        )
    assert max(found.certificate.regret.values()) < 1e-5


@pytest.mark.parametrize("route", ["branching", "milp"])
@pytest.mark.parametrize("step_hours", [1.0, QUARTER])
def test_a_dual_is_a_price_per_mwh(route: str, step_hours: float) -> None:
    """It stops at 3 MW, where the price is still 20, and takes 5 at 50 where that is worth 200."""
    found = eg.Exact(route=route).solve(quarters.at_duals(step_hours))  # type: ignore[arg-type]
    dual = eg.Dual("grid.withdrawal_mw")
    assert _mean(found, dual, step_hours) == pytest.approx([20.0, 50.0], abs=1e-6)
    assert _mean(found, "factory.demand_mw", step_hours) == pytest.approx([3.0, 5.0], abs=1e-6)
    assert found.leader_objective == pytest.approx(3 * 40 + 5 * 150)
    assert found.payments["energy"] == pytest.approx(3 * 20 + 5 * 50)
    assert sum(found.parts(dual).values()) == pytest.approx(found.values[dual], abs=1e-6)
    assert not found.certificate.shortcomings(TOLERANCE)
    # At the kink of 3 MW the price may be as high as 50.
    assert found.certificate.worst_tie_objective == pytest.approx(3 * 10 + 5 * 150, rel=1e-4)


def test_a_payment_at_a_dual_moves_what_the_follower_bears() -> None:
    """One step at a cost growing by 20 + 4 per MW: the last MWh costs what is charged for it."""
    withdrawal, bill, output = cp.Parameter(1), cp.Parameter(), cp.Variable(1, bounds=[0, 20])
    own = QUARTER * (20 * cp.sum(output) + 2 * cp.sum_squares(output))
    grid = eg.Agent(
        "grid", cp.Problem(cp.Minimize(own), [output == withdrawal]), {"withdrawal_mw": withdrawal}
    )
    demand = cp.Variable(1, bounds=[0, 5])
    problem = cp.Problem(cp.Maximize(QUARTER * 40 * cp.sum(demand) - bill))
    factory = eg.Agent("factory", problem, {"bill": bill}, {"demand_mw": demand})
    dual = eg.Dual("grid.withdrawal_mw")
    game = eg.Game(
        [factory, grid],
        "factory",
        [eg.Link("factory.demand_mw", "grid.withdrawal_mw"), eg.Link("energy", "factory.bill")],
        [eg.Payment("energy", "factory", "grid", dual, "factory.demand_mw")],
        step_hours=QUARTER,
    )
    found = eg.Exact().solve(game)
    # 40 = 20 + 8 q, since the price grows with what is taken.
    assert found.values["factory.demand_mw"] == pytest.approx([2.5], abs=1e-4)
    assert found.values[dual] == pytest.approx([30.0], abs=1e-3)
    assert found.payments["energy"] == pytest.approx(QUARTER * 30 * 2.5, rel=1e-4)


def test_a_payment_may_state_its_hours_itself() -> None:
    """An order in MWh is an energy: it is paid for as it stands."""
    price, order = cp.Parameter(), cp.Variable(bounds=[0, 3])
    buyer = eg.Agent(
        "buyer",
        cp.Problem(cp.Minimize(price * order - 7 * order)),
        hears={"price_per_mwh": price},
        says={"order_mwh": order},
    )
    seller = eg.Agent("seller", says={"price_per_mwh": 5.0})
    link = eg.Link("seller.price_per_mwh", "buyer.price_per_mwh")
    ends = ("buyer", "seller", "seller.price_per_mwh", "buyer.order_mwh")
    energy = eg.Payment("order", *ends, hours=1.0)
    game = eg.Game([buyer, seller], links=[link], payments=[energy], step_hours=QUARTER)
    assert eg.Exact().solve(game).payments["order"] == pytest.approx(15.0)
    with pytest.raises(eg.UnusableGame, match=r"× 0\.25 h"):
        replace(game, payments=[eg.Payment("order", *ends)])
