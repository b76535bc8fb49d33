"""A leader whose hard limit no answer allows is told which limit, and in which hour."""

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg

HOURS = 4
DEMAND_MW = np.array([2.0, 2.0, 3.0, 2.0])


def _site(name: str) -> eg.Agent:
    price, bought = cp.Parameter(HOURS), cp.Variable(HOURS)
    own = cp.Variable(HOURS, bounds=[0, 1])
    balance = (bought + own == DEMAND_MW).set_label("balance")
    cost = cp.Minimize(price @ bought + 45 * cp.sum(own))
    return eg.Agent(name, cp.Problem(cost, [balance]), {"price": price}, {"mw": bought})


def _seller(name: str, most_mw: float, ramp_mw: float = 9.0, *, others: bool = False) -> eg.Agent:
    price, sold = cp.Variable(HOURS, bounds=[0, 90]), cp.Parameter(HOURS)
    income, other = cp.Parameter(), cp.Parameter(HOURS)
    rows = [
        (cp.diff(sold) <= ramp_mw).set_label("ramp of what is sold"),
        (sold <= most_mw).set_label("connection"),
    ]
    hears = {"sold": sold, "income": income}
    if others:
        rows.append((price <= 90 + 0.001 * other).set_label("fairness"))
        hears["other"] = other
    profit = cp.Maximize(income - 30 * cp.sum(sold))
    return eg.Agent(name, cp.Problem(profit, rows), hears, {"price": price})


def _deal(seller: str, site: str) -> tuple[list[eg.Link], eg.Payment]:
    bill = f"bill-{site}"
    links = [
        eg.Link(f"{seller}.price", f"{site}.price"),
        eg.Link(f"{site}.mw", f"{seller}.sold"),
        eg.Link(bill, f"{seller}.income"),
    ]
    return links, eg.Payment(bill, site, seller, f"{seller}.price", f"{site}.mw")


def _led(seller: eg.Agent) -> eg.Game:
    links, payment = _deal("seller", "site")
    return eg.Game([seller, _site("site")], leader="seller", links=links, payments=[payment])


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ((1.5, 9.0), r"'connection' cannot hold in step 3, short by 0\.5"),
        ((9.0, 0.25), r"'ramp of what is sold' cannot hold in step 3"),
    ],
)
def test_a_limit_that_no_answer_keeps_is_named_with_its_hour(
    limits: tuple[float, float], words: str
) -> None:
    with pytest.raises(eg.NoAnswer, match=rf"leader 'seller' .*{words}.*; relax") as refused:
        eg.BestResponse(rounds=8).solve(_led(_seller("seller", *limits)))
    assert refused.value.agent == "seller"


def test_limits_that_some_answer_keeps_are_no_reason() -> None:
    # 2.5 MW allow what the site buys where its own unit is worth running, not the first probe.
    found = eg.BestResponse(rounds=8).solve(_led(_seller("seller", 2.5)))
    assert found.leader_objective is not None
    assert found.values["site.mw"].max() <= 2.5 + 1e-9


def test_one_of_several_leaders_is_told_the_same() -> None:
    sellers = [_seller("one", 9.0, others=True), _seller("two", 1.5, others=True)]
    deals = [_deal("one", "site-one"), _deal("two", "site-two")]
    links = [link for some, _ in deals for link in some]
    links += [eg.Link("one.price", "two.other"), eg.Link("two.price", "one.other")]
    sites = [_site("site-one"), _site("site-two")]
    payments = [payment for _, payment in deals]
    game = eg.Game([*sellers, *sites], leader=["one", "two"], links=links, payments=payments)
    with pytest.raises(eg.NoAnswer, match=r"leader 'two' .*'connection' cannot hold in step 3"):
        eg.BestResponse(rounds=8).solve(game)
