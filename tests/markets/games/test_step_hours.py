"""How long a step is: stated once for a game, by payments and balances of their own, or not."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import pytest
from tests.support import quarters

import equigrid as eg
from equigrid.errors import UnusableGame


def test_whether_a_length_was_stated_can_be_asked() -> None:
    game = quarters.exchange(1.0, stated=True)
    assert game.step_hours is None
    assert game.step_length_h == 1.0
    other = game.with_step_hours(0.5)
    assert other.step_hours == other.step_length_h == 0.5
    assert other.with_step_hours(None).step_hours is None
    assert other.with_step_hours(0.5) is other
    assert game.step_hours is None


def test_payments_and_balances_take_the_length_of_their_game_unless_they_state_one() -> None:
    game = quarters.led(0.25)
    assert {p.length_h for p in game.payments} == {0.25}
    assert {p.hours for p in game.payments} == {None}
    stated = quarters.exchange(0.25, stated=True)
    assert stated.balances[0].length_h == 0.25
    assert stated.with_step_hours(3.0).balances[0].length_h == 0.25
    assert quarters.exchange(1.0).with_step_hours(3.0).balances[0].length_h == 3.0
    # What is copied from one game into another takes the length of the other.
    eg.Game(game.agents, "company", game.links, game.payments, step_hours=0.25)
    with pytest.raises(UnusableGame, match="× 1 h"):
        eg.Game(game.agents, "company", game.links, game.payments)


def test_a_payment_is_the_same_in_every_game() -> None:
    bill = eg.Payment("bill", "a", "b", 3.0, "a.bought_mw")
    assert bill.length_h == 1.0
    assert eg.Payment("bill", "a", "b", 3.0, "a.bought_mw", 2.0).length_h == 2.0
    assert quarters.led(0.25).payments[0] == quarters.led(1.0).payments[0]


def test_compiled_forms_are_shared() -> None:
    game = quarters.exchange(0.25)
    other = game.with_step_hours(0.5)
    assert other.forms["gas"] is game.forms["gas"]
    assert other.agents == game.agents


def test_what_agents_count_is_checked_again() -> None:
    with pytest.raises(UnusableGame, match=r"× 0\.5 h") as refused:
        quarters.led(0.25).with_step_hours(0.5)
    assert len(refused.value.findings) >= 2
    game = quarters.exchange(0.25, hears_price=True)
    with pytest.raises(UnusableGame, match=r"minus its signed terms there × 2 h, and nothing else"):
        game.with_step_hours(2.0)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("inf"), float("nan"), "1", True])
def test_what_is_no_length_is_refused_by_name(hours: float) -> None:
    game = quarters.exchange(1.0)
    with pytest.raises(UnusableGame, match="step_hours of the game must be a number of hours"):
        game.with_step_hours(hours)
    wrong = eg.Balance("energy", game.balances[0].terms, hours=hours)
    with pytest.raises(UnusableGame, match="hours of balance 'energy' must be"):
        replace(game, balances=[wrong])
    led = quarters.led(1.0)
    first, second = led.payments
    with pytest.raises(UnusableGame, match="hours of payment 'bill of joinery' must be"):
        replace(led, payments=[replace(first, hours=hours), second])


def test_describe_tells_the_length_of_a_step() -> None:
    assert "a step is 0.25 h" in quarters.led(0.25).describe()
    assert "company.price_per_mwh × joinery.import_mw × 0.25 h" in quarters.led(0.25).describe()
    assert "a step is" not in quarters.exchange(1.0, stated=True).describe()


def test_known_prices_are_counted_in_hours() -> None:
    bought = cp.Variable(2, bounds=[0, 3])

    def game(hours: float) -> eg.Game:
        cost = 30 * hours * cp.sum(bought) - 40 * cp.sum(bought)
        buyer = eg.Agent("buyer", cp.Problem(cp.Minimize(cost)), says={"bought_mw": bought})
        fee = eg.Payment("fee", "buyer", "shop", 30.0, "buyer.bought_mw")
        return eg.Game([buyer, eg.Agent("shop")], payments=[fee], step_hours=0.25)

    game(0.25)
    with pytest.raises(UnusableGame, match=r"30 × 'buyer\.bought_mw' × 0\.25 h"):
        game(1.0)
