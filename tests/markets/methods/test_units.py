"""The same game in other units of money and power has the same answer."""

from collections.abc import Callable
from functools import cache

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from equigrid.markets.equilibrium import Equilibrium, Method
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.games.game import Game
from equigrid.markets.methods.admm import Admm
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

HOURS = 3
LOAD, WHOLESALE = np.array([2.0, 3.0, 1.5]), np.array([3.0, 4.0, 2.0])
# Powers of ten of units of money and of power; fractions, so that no unit is a round number.
MONEY, POWER = st.floats(-6.0, 6.0), st.floats(-3.0, 3.0)
FEW = settings(max_examples=3, deadline=None, derandomize=True)


def led(money: float, power: float, *, curved: bool = False, fixed: float = 0.0) -> Game:
    """A leader sets prices, a follower buys or makes it itself."""
    price = cp.Parameter(HOURS)
    bought, made = (cp.Variable(HOURS, bounds=[0, most * power]) for most in (4, 1))
    own = 5 * money / power * cp.sum(made)
    if curved:
        own += 0.8 * money / power**2 * cp.sum_squares(made)
    problem = cp.Problem(cp.Minimize(price @ bought + own), [bought + made == LOAD * power])
    follower = Agent("mg", problem, {"price": price}, {"bought": bought})
    offer = cp.Variable(HOURS, bounds=[0, 9 * money / power])
    sold, income = cp.Parameter(HOURS), cp.Parameter()
    cost = WHOLESALE * money / power @ sold - income - fixed
    hears = {"sold": sold, "income": income}
    leader = Agent("disco", cp.Problem(cp.Minimize(cost)), hears, {"price": offer})
    links = [
        Link("disco.price", "mg.price"),
        Link("mg.bought", "disco.sold"),
        Link("bill", "disco.income"),
    ]
    bill = Payment("bill", payer="mg", payee="disco", price="disco.price", quantity="mg.bought")
    return Game([leader, follower], leader="disco", links=links, payments=[bill])


def exchange(
    money: float,
    power: float,
    *,
    curvature: tuple[float, float] = (1.0, 1.0),
    linear: bool = False,
    free: bool = False,
) -> Game:
    """A seller and a buyer at the price of a balance."""
    curved = np.zeros(2) if linear else np.array(curvature) * money / power**2 / 2
    sold, bought = (
        cp.Variable(HOURS, bounds=None if free else [0, most * power]) for most in (5, 4)
    )
    worth = np.array([9.0, 8.0, 7.0]) * money / power
    seller = WHOLESALE * money / power @ sold + curved[0] * cp.sum_squares(sold)
    buyer = -worth @ bought + curved[1] * cp.sum_squares(bought)
    agents = [
        Agent("seller", cp.Problem(cp.Minimize(seller)), says={"q": sold}),
        Agent("buyer", cp.Problem(cp.Minimize(buyer)), says={"q": bought}),
    ]
    return Game(agents, balances=[Balance("energy", ["seller.q", "-buyer.q"])])


def duopoly(money: float, power: float) -> Game:
    """Two firms whose price falls with what both sell."""

    def firm(name: str) -> Agent:
        output, others = cp.Variable(bounds=[0, 99 * power]), cp.Parameter()
        slope = money / power**2
        profit = 90 * money / power * output - slope * (cp.square(output) + others * output)
        return Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})

    links = [Link("a.q", "b.others"), Link("b.q", "a.others")]
    return Game([firm("a"), firm("b")], links=links)


def in_order(money: float, power: float, *, curved: bool = False) -> Game:
    """A plant makes what pays at a known price; a buyer takes what it is told of that."""
    made, offered = cp.Variable(HOURS, bounds=[0, 4 * power]), cp.Parameter(HOURS)
    cost = (WHOLESALE - 2.5) * money / power @ made
    if curved:
        cost += 0.25 * money / power**2 * cp.sum_squares(made - power)
    plant = Agent("plant", cp.Problem(cp.Minimize(cost)), says={"made": made})
    taken = cp.Variable(HOURS, bounds=[0, 3 * power])
    worth = np.array([1.0, 2.0, -1.0]) * money / power
    problem = cp.Problem(cp.Maximize(worth @ taken), [taken <= offered])
    buyer = Agent("buyer", problem, {"offered": offered}, {"taken": taken})
    return Game([plant, buyer], links=[Link("plant.made", "buyer.offered")])


def _curved_led(money: float, power: float) -> Game:
    return led(money, power, curved=True)


def _linear_exchange(money: float, power: float) -> Game:
    return exchange(money, power, linear=True)


def _curved_order(money: float, power: float) -> Game:
    return in_order(money, power, curved=True)


TRIALS: dict[str, tuple[Callable[..., Game], Method, str]] = {
    "led by branching": (led, Exact(gap=1e-7, route="branching"), "mg.bought"),
    "led by milp": (led, Exact(gap=1e-7, route="milp"), "mg.bought"),
    "led, curved": (_curved_led, Exact(gap=1e-7), "mg.bought"),
    "led, curved, by milp": (_curved_led, Exact(gap=1e-7, route="milp"), "mg.bought"),
    "negotiation": (led, BestResponse(), "mg.bought"),
    "exchange, linear": (_linear_exchange, Exact(), "seller.q"),
    "exchange, curved": (exchange, Exact(), "seller.q"),
    "rounds, linear": (_linear_exchange, Admm(), "seller.q"),
    "rounds, curved": (exchange, Admm(), "seller.q"),
    "Nash": (duopoly, BestResponse(), "a.q"),
    "one pass": (in_order, BestResponse(), "buyer.taken"),
    "one pass, curved": (_curved_order, Exact(), "buyer.taken"),
}


QUICK = ("led by branching", "exchange, linear")


@pytest.mark.parametrize(
    "trial",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TRIALS],
)
@FEW
@given(money=MONEY, power=POWER)
@example(money=6.0, power=-3.0)
def test_the_same_game_in_other_units_has_the_same_answer(
    trial: str, money: float, power: float
) -> None:
    make, method, said = TRIALS[trial]
    first, other = _first(trial), method.solve(make(10.0**money, 10.0**power))
    assert other.settled == first.settled
    unit = 10.0**power
    assert other.values[said] / unit == pytest.approx(first.values[said], abs=1e-5)
    if first.leader_objective is not None:
        assert other.leader_objective is not None
        assert other.leader_objective / 10.0**money == pytest.approx(
            first.leader_objective, rel=1e-6
        )


@cache
def _first(trial: str) -> Equilibrium:
    make, method, _ = TRIALS[trial]
    return method.solve(make(1.0, 1.0))


@pytest.mark.parametrize("curved", [False, True])
@FEW
@given(money=MONEY, power=POWER)
@example(money=6.0, power=-3.0)
def test_an_agent_answers_alike_in_other_units(curved: bool, money: float, power: float) -> None:
    def answer(money: float, power: float) -> np.ndarray:
        game = led(money, power, curved=curved)
        solver, price = AgentSolver(game.agent("mg")), np.array([4.0, 5.5, 6.5])
        # What it heard before, and how large that was, does not matter.
        solver.answer(price=1e4 * price * money / power)
        return solver.answer(price=price * money / power)["bought"] / power

    assert answer(10.0**money, 10.0**power) == pytest.approx(answer(1.0, 1.0), abs=1e-6)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(("seller", "buyer"), [(1e-6, 1e-6), (1e-6, 1.0), (1e6, 1e-6), (1e6, 1e6)])
def test_curvatures_far_apart_are_solved_at_once_and_in_rounds(
    free: bool,
    seller: float,
    buyer: float,
) -> None:
    game = exchange(1.0, 1.0, curvature=(seller, buyer), free=free)
    worth = np.array([9.0, 8.0, 7.0]) - WHOLESALE
    traded = worth / (seller + buyer)
    best = traded if free else np.minimum(traded, 4.0)
    least = (-worth * best + (seller + buyer) / 2 * best**2).sum()
    for method in (Exact(), Admm()):
        found = method.solve(game)
        sold = found.values["seller.q"]
        cost = (-worth * sold + (seller + buyer) / 2 * sold**2).sum()
        assert found.settled
        assert cost == pytest.approx(least, rel=1e-5)


@pytest.mark.parametrize("route", ["branching", "milp"])
def test_a_fixed_revenue_hides_no_gap(route: str) -> None:
    # A millionth of it is as much as all that is decided.
    found = Exact(gap=1e-4, route=route).solve(led(1.0, 1.0, fixed=2e7))  # type: ignore[arg-type]
    assert found.leader_objective is not None
    assert found.leader_objective + 2e7 == pytest.approx(-20.5, abs=1e-2)
