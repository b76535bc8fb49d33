"""Ways to count a payment: each right one is accepted, each wrong one refused by name."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.errors import UnusableGame
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

FEE = 2.0


def _site(fee: float = 1.0, **changed: Any) -> Agent:
    """Buy at a price and a fee, or run 2 MW at 5."""
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    own = cp.Variable(2, bounds=[0, 2])
    cost = 0.5 * (price @ bought + 5 * cp.sum(own))
    if "cost" in changed:
        cost += changed["cost"](bought, own)
    elif fee:
        cost += fee * 0.5 * FEE * cp.sum(bought)
    problem = cp.Problem(cp.Minimize(cost), [bought + own == 4])
    return Agent("site", problem, {"price": price}, {"bought": bought, "own": own})


def _disco(fee: float = 1.0, **changed: Any) -> Agent:
    """Sell at one's own price and a fee, and buy at 1.5 an hour."""
    offer, sold = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2, name="sold")
    income = cp.Parameter(name="income")
    profit = income - 0.75 * cp.sum(sold)
    if "gain" in changed:
        profit += changed["gain"](sold)
    elif fee:
        profit += fee * 0.5 * FEE * cp.sum(sold)
    problem = cp.Problem(cp.Maximize(profit))
    hears = {"sold": sold, "income": income, **changed.get("heard", {})}
    return Agent("disco", problem, hears, {"price": offer})


def _game(disco: Agent, site: Agent, *payments: Payment, **changed: Any) -> Game:
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.sold"),
        Link("bill", "disco.income"),
    ]
    bill = Payment("bill", "site", "disco", "disco.price", "site.bought", 0.5)
    fee = Payment("fee", "site", "disco", FEE, "site.bought", 0.5)
    others = changed.pop("others", ())
    more = changed.pop("links", ())
    return Game(
        [disco, site, *others], "disco", [*links, *more], [bill, *(payments or (fee,))], **changed
    )


def _findings(disco: Agent, site: Agent, *payments: Payment, **changed: Any) -> str:
    with pytest.raises(UnusableGame) as caught:
        _game(disco, site, *payments, **changed)
    return "\n".join(caught.value.findings)


def test_a_fee_that_both_count_moves_what_is_paid_at_most() -> None:
    """The site's own 5 bounds price and fee together; 9 is the cap of the price alone."""
    found = Exact().solve(_game(_disco(), _site()))
    # At 9 + 2 for 2 MW in each half hour: 2 × 2 × 0.5 × (11 - 1.5).
    assert found.leader_objective == pytest.approx(19.0)
    assert found.payments == pytest.approx({"bill": 18.0, "fee": 4.0})


@pytest.mark.parametrize("payer", [1.0, 0.0, -1.0, 2.0, 0.5])
@pytest.mark.parametrize("payee", [1.0, 0.0, -1.0, 2.0, 0.5])
def test_ways_to_count_a_fee(payer: float, payee: float) -> None:
    if payer == payee == 1.0:
        assert _game(_disco(), _site()).payments
        return
    words = _findings(_disco(payee), _site(payer))
    told = "payment 'fee' from 'site' to 'disco': the objective of '{}' does not show that it"
    assert (told.format("site") in words) == (payer != 1.0)
    assert (told.format("disco") in words) == (payee != 1.0)
    assert len(words.splitlines()) == (payer != 1.0) + (payee != 1.0)


@pytest.mark.parametrize(
    "cost",
    [
        lambda bought, own: 0.5 * (FEE * cp.sum(bought) + 3 * cp.sum(own)),
        lambda bought, own: 0.5 * cp.sum(FEE * bought + 3 * own),
        lambda bought, own: np.full(2, 0.5 * FEE) @ bought + 4 * cp.sum(bought),
        lambda bought, own: 0.5 * FEE * cp.sum(bought) - 4 * cp.sum(bought),
        lambda bought, own: 0.5 * FEE * (cp.sum(bought) - cp.sum(own)) + 0.1 * cp.sum(bought),
        lambda bought, own: FEE / 4 * cp.sum(bought) + FEE / 4 * cp.sum(bought),
        lambda bought, own: cp.sum(cp.multiply(np.full(2, FEE), bought)) / 2,
        lambda bought, own: cp.sum(cp.reshape(FEE * bought, (1, 2), order="F")) * 0.5,
        lambda bought, own: 0.5 * FEE * cp.sum(bought) + cp.sum_squares(bought - 1),
    ],
)
def test_forms_in_which_a_known_price_is_counted(cost: Any) -> None:
    assert _game(_disco(), _site(cost=cost)).payments


def test_a_fee_beside_a_heard_price_in_one_factor() -> None:
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    cost = 0.5 * (price + FEE) @ bought - 9 * cp.sum(bought)
    site = Agent("site", cp.Problem(cp.Minimize(cost)), {"price": price}, {"bought": bought})
    assert _game(_disco(), site).payments


def test_a_fee_mixed_with_own_costs_cannot_be_told_from_them() -> None:
    """It is refused with what to do, and each of the remedies helps."""
    mixed = _site(cost=lambda bought, own: 0.5 * (FEE + 3) * cp.sum(bought))
    words = _findings(_disco(), mixed)
    assert "'site' does not show that it counts 2 × 'site.bought' × 0.5 h as a cost" in words
    assert "write that as a term of its own there, hear the amount with Link('fee', 'site.…')" in (
        words
    )
    assert "or let an agent without a problem say the price and hear that" in words
    tariff = cp.Parameter(2, name="tariff")
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    cost = 0.5 * (price + tariff + 3) @ bought - 9 * cp.sum(bought)
    hears = {"price": price, "tariff": tariff}
    site = Agent("site", cp.Problem(cp.Minimize(cost)), hears, {"bought": bought})
    state = Agent("state", says={"tariff": np.full(2, FEE)})
    fee = Payment("fee", "site", "disco", "state.tariff", "site.bought", 0.5)
    heard = cp.Parameter(name="fees")
    disco = _disco(gain=lambda sold: heard - 0.1 * cp.sum(sold), heard={"fees": heard})
    links = [Link("state.tariff", "site.tariff"), Link("fee", "disco.fees")]
    assert _game(disco, site, fee, others=[state], links=links).payments


def test_a_fee_counted_in_two_terms_is_counted_twice() -> None:
    def twice(bought: cp.Variable, _: cp.Variable) -> cp.Expression:
        return 0.5 * FEE * cp.sum(bought) + cp.sum(0.5 * FEE * bought)

    words = _findings(_disco(), _site(cost=twice))
    assert "'site' counts it twice, in 2 terms of its objective that are each 2 × 'site.b" in words
    more = Payment("other fee", "site", "state", FEE, "site.bought", 0.5)
    fee = Payment("fee", "site", "disco", FEE, "site.bought", 0.5)
    assert _game(_disco(), _site(cost=twice), fee, more, others=[Agent("state")]).payments


def test_a_fee_heard_as_an_amount_and_stated_again() -> None:
    heard = cp.Parameter(name="fees")

    def disco(again: float) -> Agent:
        def gain(sold: cp.Parameter) -> cp.Expression:
            return heard + again * 0.5 * FEE * cp.sum(sold)

        return _disco(gain=gain, heard={"fees": heard})

    links = [Link("fee", "disco.fees")]
    words = _findings(disco(1.0), _site(), links=links)
    assert "'disco' counts it twice, as the amount that it hears and as a term of its obj" in words
    assert _game(disco(-0.1), _site(), links=links).payments


def test_a_party_that_decides_but_hears_nothing_of_the_quantity() -> None:
    idle = Agent("shop", cp.Problem(cp.Minimize(cp.Variable(nonneg=True))))
    fee = Payment("fee", "site", "shop", FEE, "site.bought", 0.5)
    words = _findings(_disco(0.0), _site(), fee, others=[idle])
    assert words == (
        "payment 'fee' from 'site' to 'shop': 'shop' does not count it, since it neither says nor "
        "hears 'site.bought' by itself; link its amount with Link('fee', 'shop.…') to a heard "
        "value in its objective"
    )
    assert _game(_disco(0.0), _site(), fee, others=[Agent("shop")]).payments


def test_an_own_constant_is_a_known_price_too() -> None:
    tariff = np.array([2.0, 3.0])

    def shop(weight: float) -> Agent:
        sold, made = cp.Parameter(2), cp.Variable(2, nonneg=True)
        profit = weight * tariff @ sold - 1.2 * cp.sum(sold) - cp.sum(made)
        problem = cp.Problem(cp.Maximize(profit), [made >= sold])
        return Agent("shop", problem, {"sold": sold}, {"tariff": tariff})

    price, bought = cp.Parameter(2), cp.Variable(2, bounds=[0, 4])
    cost = price @ bought - 9 * cp.sum(bought)
    site = Agent("site", cp.Problem(cp.Minimize(cost)), {"price": price}, {"bought": bought})
    dear = Payment("dear", "site", "shop", "shop.tariff", "site.bought")
    links = [Link("shop.tariff", "site.price"), Link("site.bought", "shop.sold")]
    assert Game([site, shop(1.0)], links=links, payments=[dear]).payments
    with pytest.raises(UnusableGame, match=r"counts 'shop\.tariff' × 'site\.bought' × 1 h as inc"):
        Game([site, shop(0.0)], links=links, payments=[dear])


def test_fees_of_two_that_are_heard_as_one_sum() -> None:
    """A shop hears what both buy together, so both have to pay the same."""

    def site(name: str) -> Agent:
        bought = cp.Variable(2, bounds=[0, 9])
        cost = FEE * cp.sum(bought) - 9 * cp.sum(bought)
        return Agent(name, cp.Problem(cp.Minimize(cost)), says={"bought": bought})

    sold, made = cp.Parameter(2), cp.Variable(2, nonneg=True)
    profit = FEE * cp.sum(sold) - cp.sum(made) - 0.1 * cp.sum(sold)
    shop = Agent("shop", cp.Problem(cp.Maximize(profit), [made >= sold]), {"sold": sold})
    links = [Link(f"{name}.bought", "shop.sold") for name in ("a", "b")]
    fees = [Payment(f"fee {name}", name, "shop", FEE, f"{name}.bought") for name in ("a", "b")]
    assert Game([site("a"), site("b"), shop], links=links, payments=fees).payments
    with pytest.raises(UnusableGame, match="'shop' does not count it, since it neither says nor"):
        Game([site("a"), site("b"), shop], links=links, payments=fees[:1])


def test_a_standing_charge_on_a_constant_quantity() -> None:
    meter = Agent("meter", says={"one": np.ones(1)})
    charge = Payment("charge", "site", "disco", 7.0, "meter.one")

    def disco(charge: float) -> Agent:
        return _disco(gain=lambda _: cp.Constant(charge))

    def site(charge: float) -> Agent:
        return _site(cost=lambda *_: cp.Constant(charge))

    assert _game(disco(7.0), site(7.0), charge, others=[meter]).payments
    for payee, payer, wrong in ((0.0, 7.0, "disco"), (7.0, -7.0, "site"), (3.5, 7.0, "disco")):
        words = _findings(disco(payee), site(payer), charge, others=[meter])
        assert f"the objective of '{wrong}' does not show that it counts 7 × 'meter.one'" in words


def test_a_given_fee_counts_as_the_number_that_it_is() -> None:
    price, rate = cp.Parameter(2, name="price"), cp.Parameter(2, name="rate")
    bought = cp.Variable(2, bounds=[0, 9])
    cost = 0.5 * (price @ bought + rate @ bought) - 9 * cp.sum(bought)
    hears = {"price": price, "rate": rate}
    site = Agent("site", cp.Problem(cp.Minimize(cost)), hears, {"bought": bought})
    assert _game(_disco(), site, given={"site.rate": np.full(2, FEE)}).payments
    words = _findings(_disco(), site, given={"site.rate": np.full(2, 2 * FEE)})
    assert "'site' does not show that it counts 2 × 'site.bought'" in words


def _hearing(rows: Any, shape: tuple[int, ...] = (), *, maximise: bool = True) -> Agent:
    """A leader whose gain and rows are made of its income."""
    offer, sold = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2, name="sold")
    income = cp.Parameter(shape, name="income")
    gain, constraints = rows(income)
    profit = gain - 0.75 * cp.sum(sold)
    goal = cp.Maximize(profit) if maximise else cp.Minimize(-profit)
    problem = cp.Problem(goal, constraints)
    return Agent("disco", problem, {"sold": sold, "income": income}, {"price": offer})


def _of_amount(disco: Agent) -> Game:
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.sold"),
        Link("bill", "disco.income"),
    ]
    bill = Payment("bill", "site", "disco", "disco.price", "site.bought", 0.5)
    return Game([disco, _site(0.0)], "disco", links, [bill])


def _in_row(make: Any, **named: Any) -> Any:
    def rows(income: cp.Parameter) -> tuple[cp.Expression, list[cp.Constraint]]:
        z = cp.Variable(**named)
        return z, make(z, income)

    return rows


def _and_in_row(weight: float, **named: Any) -> Any:
    """Count the income, and something that it limits as well."""

    def rows(income: cp.Parameter) -> tuple[cp.Expression, list[cp.Constraint]]:
        z = cp.Variable(**named)
        return income + weight * z, [z <= income]

    return rows


RIGHT: dict[str, Any] = {
    "in the objective": lambda income: (income, []),
    "in a row": _in_row(lambda z, income: [z <= income]),
    "in an equality": _in_row(lambda z, income: [z == income]),
    "twice over": _in_row(lambda z, income: [2 * z <= 2 * income]),
    "with a constant": _in_row(lambda z, income: [z <= income - 3]),
    "not below 0": _in_row(lambda z, income: [z <= income], nonneg=True),
    "with a limit of its own": lambda income: (income, [income >= 1]),
    "by a greatest loss": lambda income: (-cp.maximum(2 - income, 1 - income), []),
}
WRONG: dict[str, Any] = {
    "double in a row": _in_row(lambda z, income: [z <= 2 * income]),
    "against": _in_row(lambda z, income: [z <= -income]),
    "half": _in_row(lambda z, income: [2 * z <= income]),
    "not at all": _in_row(lambda z, income: [z <= 3]),
    "in both": _and_in_row(1.0),
}
UNCLEAR: dict[str, Any] = {
    "capped": _in_row(lambda z, income: [z <= income], bounds=[-9, 5]),
    "shared": _in_row(lambda z, income: [z <= income, z <= 4]),
    "by a least of two": lambda income: (cp.minimum(income, 4), []),
    "a budget": _and_in_row(2.0, bounds=[0, 3]),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("maximise", [True, False])
def test_amounts_that_count_once(name: str, maximise: bool) -> None:
    assert _of_amount(_hearing(RIGHT[name], maximise=maximise)).payments


@pytest.mark.parametrize("name", WRONG)
def test_amounts_that_do_not_count_once(name: str) -> None:
    with pytest.raises(UnusableGame, match="'disco' must count 'income' in its objective as inc"):
        _of_amount(_hearing(WRONG[name]))


@pytest.mark.parametrize("name", UNCLEAR)
def test_amounts_that_cannot_be_shown_to_count_once(name: str) -> None:
    with pytest.raises(UnusableGame, match="'disco' uses 'income' so that it cannot be shown to"):
        _of_amount(_hearing(UNCLEAR[name]))


def test_an_amount_in_a_row_is_solved_as_in_the_objective() -> None:
    plain = Exact().solve(_of_amount(_hearing(RIGHT["in the objective"])))
    through = Exact().solve(_of_amount(_hearing(RIGHT["in a row"])))
    assert plain.leader_objective == pytest.approx(15.0)
    assert through.leader_objective == pytest.approx(plain.leader_objective)


def _value_at_risk(income: cp.Parameter) -> tuple[cp.Expression, list[cp.Constraint]]:
    level, short = cp.Variable(), cp.Variable(2, nonneg=True)
    return level - 0.5 * cp.sum(short) / 0.6, [short >= level - income]


def _profits(income: cp.Parameter) -> tuple[cp.Expression, list[cp.Constraint]]:
    profit, least = cp.Variable(2), cp.Variable()
    return least, [profit == income - 3, least <= profit]


VECTORS_RIGHT: dict[str, Any] = {
    "sum": lambda income: (cp.sum(income), []),
    "expected": lambda income: (np.array([0.3, 0.7]) @ income, []),
    "one only": lambda income: (income[1], []),
    "worst": lambda income: (cp.min(income), []),
    "worst of profits": _profits,
    "at risk": _value_at_risk,
}
VECTORS_WRONG: dict[str, Any] = {
    "five times": lambda income: (5 * cp.sum(income), []),
    "five times each": lambda income: (np.array([5.0, 5.0]) @ income, []),
    "five times the expected": lambda income: (5 * np.array([0.3, 0.7]) @ income, []),
    "against": lambda income: (-cp.sum(income), []),
    "one against": lambda income: (np.array([2.0, -1.0]) @ income, []),
    "half": lambda income: (np.array([0.3, 0.2]) @ income, []),
    "five times the worst": lambda income: (5 * cp.min(income), []),
    "in a row": _in_row(lambda z, income: [z <= 5 * cp.sum(income)]),
    "one against in a row": _in_row(lambda z, income: [z <= 2 * income[0] - income[1]]),
    "not at all": lambda income: (0 * cp.sum(income), []),
}


@pytest.mark.parametrize("name", VECTORS_RIGHT)
def test_amounts_by_hour_or_scenario_that_count_once(name: str) -> None:
    assert _of_amount(_hearing(VECTORS_RIGHT[name], (2,))).payments


@pytest.mark.parametrize("name", VECTORS_WRONG)
def test_amounts_by_hour_or_scenario_that_do_not(name: str) -> None:
    with pytest.raises(UnusableGame, match="'disco' must count 'income'"):
        _of_amount(_hearing(VECTORS_WRONG[name], (2,)))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-2, 2).map(lambda w: round(w, 2)), min_size=3, max_size=3),
    st.sampled_from(["objective", "row", "equality"]),
)
def test_any_weights_count_once_where_they_are_shares(weights: list[float], where: str) -> None:
    """However they are stated: none below 0, and 1 or the number of them together."""
    share = np.array(weights)
    offer, z = cp.Variable((3, 1), bounds=[0, 9]), cp.Variable()
    income = cp.Parameter(3, name="income")
    rows = {
        "objective": [z <= 0],
        "row": [z <= share @ income],
        "equality": [z == share @ income],
    }[where]
    gain = share @ income if where == "objective" else z
    disco = Agent("disco", cp.Problem(cp.Maximize(gain), rows), {"income": income}, {"p": offer})
    price, bought = cp.Parameter((3, 1)), cp.Variable((3, 1), bounds=[0, 9])
    cost = cp.sum(cp.multiply(price, bought)) - 4 * cp.sum(bought)
    site = Agent("site", cp.Problem(cp.Minimize(cost)), {"p": price}, {"q": bought})
    bill = Payment("bill", "site", "disco", "disco.p", "site.q")
    links = [Link("disco.p", "site.p"), Link("bill", "disco.income")]
    right = (share >= 0).all() and any(abs(share.sum() - total) < 1e-9 for total in (1, 3))
    try:
        Game([disco, site], "disco", links, [bill])
    except UnusableGame:
        assert not right
    else:
        assert right
