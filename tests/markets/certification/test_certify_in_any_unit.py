"""The same answer to the same game is judged alike in any unit of money and of power."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import equigrid as eg
from equigrid.markets.games.game import Game

Values = dict[str, np.ndarray]
MONEY = st.integers(-60, 60).map(lambda k: 10.0 ** (k / 10))
POWER = st.integers(-30, 30).map(lambda k: 10.0 ** (k / 10))
TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-6}


def led(money: float, power: float, sunk: float = 0.0) -> Game:
    """A site of 4 buys at a price, or makes 2 itself at 5; the leader buys at 3."""
    worth = money / power
    price, bought = cp.Parameter(2), cp.Variable(2, bounds=[0, 9 * power])
    own = cp.Variable(2, bounds=[0, 2 * power])
    cost = price @ bought + 5 * worth * cp.sum(own) + sunk * money
    problem = cp.Problem(cp.Minimize(cost), [bought + own == 4 * power])
    site = eg.Agent("site", problem, {"price": price}, {"bought": bought})
    offer, sold, income = cp.Variable(2, bounds=[0, 9 * worth]), cp.Parameter(2), cp.Parameter()
    goal = cp.Maximize(income - 3 * worth * cp.sum(sold) - sunk * money)
    leader = eg.Agent("disco", cp.Problem(goal), {"sold": sold, "income": income}, {"price": offer})
    links = [
        eg.Link("disco.price", "site.price"),
        eg.Link("site.bought", "disco.sold"),
        eg.Link("bill", "disco.income"),
    ]
    bill = eg.Payment("bill", "site", "disco", "disco.price", "site.bought")
    return eg.Game([leader, site], leader="disco", links=links, payments=[bill])


def pool(money: float, power: float) -> Game:
    """Two plants with curved costs cover a load."""
    worth = money / power

    def plant(name: str, slope: float) -> eg.Agent:
        made = cp.Variable(2, bounds=[0, 9 * power])
        cost = worth * (slope * cp.sum(made) + cp.sum_squares(made) / power)
        return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"made": made})

    load = eg.Agent("load", says={"used": cp.Constant(np.array([5.0, 8.0]) * power)})
    terms = ["coal.made", "gas.made", "-load.used"]
    return eg.Game(
        [plant("coal", 4), plant("gas", 8), load], balances=[eg.Balance("energy", terms)]
    )


def led_values(money: float, power: float, off: float) -> Values:
    price = np.array([9.0, 9.0]) * money / power
    return {"disco.price": price, "site.bought": np.array([2.0, 2.0 + off]) * power}


def pool_values(money: float, power: float, off: float) -> Values:
    coal, gas = np.array([3.5, 5.0 + off]), np.array([1.5, 3.0 - off])
    price = (4 + 2 * np.array([3.5, 5.0])) * money / power
    return {
        "coal.made": coal * power,
        "gas.made": gas * power,
        "load.used": np.array([5.0, 8.0]) * power,
        "energy": price,
    }


CASES = [(led, led_values), (pool, pool_values)]


def figures(
    make: Callable[[float, float], Game],
    say: Callable[[float, float, float], Values],
    money: float,
    power: float,
    off: float,
) -> tuple[np.ndarray, int]:
    """Every figure that is a share, and how many shortcomings there are."""
    bound = (24.0 + 6 * off) * money if make is led else None
    values, ties = say(money, power, off), off == 0.01
    certificate, _ = eg.certify(make(money, power), values, bound=bound, ties=ties)
    shares = [
        *certificate.regret.values(),
        certificate.optimality_gap,
        certificate.primal_residual,
        certificate.settlement_residual,
        certificate.worst_tie_loss,
        certificate.balance_residual,
    ]
    plain = np.array([0.0 if share is None else share for share in shares])
    return plain, len(certificate.shortcomings(TOLERANCE))


@pytest.mark.parametrize(("make", "say"), CASES)
@pytest.mark.parametrize(
    "off",
    [pytest.param(0.0, marks=pytest.mark.slow), 0.01, pytest.param(1.0, marks=pytest.mark.slow)],
)
@settings(max_examples=3)
@given(money=MONEY, power=POWER)
@example(money=1e-6, power=1e3)
@example(money=1e6, power=1e-3)
def test_units_change_no_figure_and_no_verdict(
    make: Callable[[float, float], Game],
    say: Callable[[float, float, float], Values],
    off: float,
    money: float,
    power: float,
) -> None:
    here, wrong = figures(make, say, 1.0, 1.0, off)
    there, as_wrong = figures(make, say, money, power, off)
    assert there == pytest.approx(here, rel=1e-4, abs=1e-6)
    assert wrong == as_wrong
    # A hundredth of a unit between plants at one marginal cost is money of second order.
    assert (wrong > 0) == (off > (0.0 if make is led else 0.01))


@pytest.mark.parametrize("sunk", [0.0, 1e3, 1e9])
def test_a_sunk_cost_hides_no_gap_and_no_regret(sunk: float) -> None:
    game, values = led(1.0, 1.0, sunk), led_values(1.0, 1.0, 0.01)
    certificate, _ = eg.certify(game, values, bound=24.3 - sunk)
    assert certificate.regret["site"] == pytest.approx(0.04 / 56, rel=1e-2)
    assert certificate.optimality_gap == pytest.approx(0.24 / 48.12, rel=1e-2)
    assert certificate.optimality_gap_money == pytest.approx(0.24, rel=1e-3)


def test_the_money_that_moves_leaves_out_what_nobody_decides() -> None:
    """36 for the bill, 12 for what is sold on, 20 for the site's own."""
    for sunk in (0.0, 1e6):
        certificate, _ = eg.certify(led(1.0, 1.0, sunk), led_values(1.0, 1.0, 0.0))
        assert certificate.money_moved == pytest.approx(36 + 12 + 20)


@pytest.mark.parametrize("money", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("off", "holds"), [(0.0, True), (1e-15, True), (-1e-13, True), (1e-3, False)]
)
def test_where_nothing_moves_a_last_digit_is_no_gap(money: float, off: float, holds: bool) -> None:
    """A leader that can only lose does nothing; its bound is 0 but for a solver's last digit."""
    made = cp.Variable(bounds=[0, 4])
    price, used = cp.Parameter(), cp.Variable(bounds=[0, 2])
    leader = eg.Agent("plant", cp.Problem(cp.Minimize(money * made)), says={"made": made})
    site = eg.Agent(
        "site", cp.Problem(cp.Minimize(5 * money * used + price)), {"price": price}, {"used": used}
    )
    game = eg.Game([leader, site], leader="plant", links=[eg.Link("plant.made", "site.price")])
    values = {"plant.made": np.array(0.0), "site.used": np.array(0.0)}
    certificate, _ = eg.certify(game, values, bound=-off * money)
    assert (certificate.shortcomings(TOLERANCE) == []) == holds


@pytest.mark.parametrize("loose", [1e2, 1e5, 1e9])
def test_a_bound_that_stands_for_none_hides_no_gain(loose: float) -> None:
    """A gain of 4 is left, beside a decision that may be as large as it likes and never pays."""
    made, idle = cp.Variable(bounds=[0, 4]), cp.Variable(bounds=[0, loose])
    price, used = cp.Parameter(), cp.Variable(bounds=[0, 2])
    problem = cp.Problem(cp.Maximize(made - 50 * idle))
    leader = eg.Agent("plant", problem, says={"made": made, "idle": idle})
    cost = cp.Minimize(5 * used + price + 50 * cp.sum(cp.Variable(bounds=[0, loose])))
    site = eg.Agent("site", cp.Problem(cost), {"price": price}, {"used": used})
    game = eg.Game([leader, site], leader="plant", links=[eg.Link("plant.made", "site.price")])
    values = {"plant.made": np.array(0.0), "plant.idle": np.array(0.0), "site.used": np.array(0.0)}
    certificate, _ = eg.certify(game, values, bound=4.0)
    assert any("not proven" in text for text in certificate.shortcomings(TOLERANCE))
