"""Games of two hours, cut into steps of any length that fits: data are constant within an hour."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

import equigrid as eg
from equigrid.arrays import FloatArray

HOURS = 2


def by_step(hourly: list[float] | FloatArray, step_hours: float) -> FloatArray:
    """Repeat the figures of hours for every step."""
    return np.repeat(np.asarray(hourly, dtype=float), round(1 / step_hours))


def by_hour(values: FloatArray, step_hours: float) -> FloatArray:
    """Return means of hours over the last axis."""
    return np.asarray(values.reshape(*values.shape[:-1], HOURS, -1).mean(axis=-1))


def _plant(name: str, step_hours: float, cost: float, slope: float, most: float) -> eg.Agent:
    """Generate at a cost of so much per MWh, and more the more is generated."""
    output = cp.Variable(len(by_step([0, 0], step_hours)), bounds=[0, most])
    per_hour = cost * cp.sum(output) + slope / 2 * cp.sum_squares(output)
    return eg.Agent(
        name, cp.Problem(cp.Minimize(step_hours * per_hour)), says={"output_mw": output}
    )


def _store(step_hours: float) -> eg.Agent:
    """Carry 0.6 MWh at most, at 0.9 of what is charged, and end as it began."""
    steps = len(by_step([0, 0], step_hours))
    charge, discharge = (cp.Variable(steps, bounds=[0, 1]) for _ in range(2))
    stored = cp.cumsum(step_hours * (0.9 * charge - discharge))
    rows = [stored >= 0, stored <= 0.6, stored[-1] == 0]
    own = step_hours * (cp.sum(charge) + cp.sum(discharge))
    return eg.Agent(
        "store", cp.Problem(cp.Minimize(own), rows), says={"net_mw": discharge - charge}
    )


def _customer(step_hours: float, *, hears_price: bool) -> eg.Agent:
    """Take up to 3 MW, worth 45 per MWh less 5 for each MW; it may state its own bill."""
    steps = len(by_step([0, 0], step_hours))
    taken, price = cp.Variable(steps, bounds=[0, 3]), cp.Parameter(steps)
    worth = step_hours * (45 * cp.sum(taken) - 2.5 * cp.sum_squares(taken))
    bill = price @ (step_hours * taken) if hears_price else 0.0
    return eg.Agent(
        "customer",
        cp.Problem(cp.Maximize(worth - bill)),
        hears={"price_per_mwh": price} if hears_price else {},
        says={"taken_mw": taken},
    )


def exchange(step_hours: float, *, hears_price: bool = False, stated: bool = False) -> eg.Game:
    """Two plants, a store and a customer meet a load of 4 and of 7 MW.

    The length of a step is the game's, or stated by the balance.
    """
    agents = [
        _plant("wind", step_hours, 5.0, 0.0, 3.0),
        _plant("gas", step_hours, 20.0, 4.0, 9.0),
        _store(step_hours),
        _customer(step_hours, hears_price=hears_price),
        eg.Agent("load", says={"demand_mw": by_step([4.0, 7.0], step_hours)}),
    ]
    terms = ["wind.output_mw", "gas.output_mw", "store.net_mw"]
    terms += ["-load.demand_mw", "-customer.taken_mw"]
    return eg.Game(
        agents,
        balances=[eg.Balance("energy", terms, hours=step_hours if stated else None)],
        links=[eg.Link("energy", "customer.price_per_mwh")] if hears_price else [],
        step_hours=None if stated else step_hours,
    )


def led(step_hours: float, cut: float | None = None) -> eg.Game:
    """A company buys at 30 and 50 and sells at up to 90 to two sites that generate at 45 and 60.

    Hours are cut into steps of another length where `cut` says so.
    """
    cut = cut or step_hours
    steps = len(by_step([0, 0], cut))
    offer, income = cp.Variable(steps, bounds=[0, 90]), cp.Parameter()
    sold = {name: cp.Parameter(steps) for name in ("joinery", "bakery")}
    spent = by_step([30, 50], cut) @ (step_hours * sum(sold.values()))
    company = eg.Agent(
        "company",
        cp.Problem(cp.Maximize(income - spent)),
        hears={**sold, "income": income},
        says={"price_per_mwh": offer},
    )
    links, payments = [], []
    for name in sold:
        links += [
            eg.Link("company.price_per_mwh", f"{name}.price_per_mwh"),
            eg.Link(f"{name}.import_mw", f"company.{name}"),
            eg.Link(f"bill of {name}", "company.income"),
        ]
        ends = ("company.price_per_mwh", f"{name}.import_mw")
        payments.append(eg.Payment(f"bill of {name}", name, "company", *ends))
    sites = [
        _site("joinery", step_hours, cut, 45.0, 1.5),
        _site("bakery", step_hours, cut, 60.0, 2.0),
    ]
    return eg.Game([company, *sites], "company", links, payments, step_hours=step_hours)


def _site(name: str, step_hours: float, cut: float, bid: float, most: float) -> eg.Agent:
    steps = len(by_step([0, 0], cut))
    price, bought = cp.Parameter(steps), cp.Variable(steps, bounds=[0, 9])
    output = cp.Variable(steps, bounds=[0, most])
    cost = price @ (step_hours * bought) + step_hours * bid * cp.sum(output)
    rows = [bought + output == by_step([2.0, 3.0], cut)]
    return eg.Agent(
        name,
        cp.Problem(cp.Minimize(cost), rows),
        hears={"price_per_mwh": price},
        says={"import_mw": bought, "output_mw": output},
    )


def turns(step_hours: float) -> eg.Game:
    """A seller that sets a price against an effort of it, a buyer that buys less at more."""
    steps = len(by_step([0, 0], step_hours))
    asked, income = cp.Variable(steps, bounds=[0, 9]), cp.Parameter()
    effort = step_hours * cp.sum_squares(asked)
    seller = eg.Agent(
        "seller",
        cp.Problem(cp.Maximize(income - effort)),
        hears={"income": income},
        says={"price_per_mwh": asked},
    )
    price, bought = cp.Parameter(steps), cp.Variable(steps, bounds=[0, 9])
    worth = by_step([6.0, 9.0], step_hours) @ bought - cp.sum_squares(bought) / 2
    buyer = eg.Agent(
        "buyer",
        cp.Problem(cp.Maximize(step_hours * worth - price @ (step_hours * bought))),
        hears={"price_per_mwh": price},
        says={"bought_mw": bought},
    )
    return eg.Game(
        [seller, buyer],
        links=[
            eg.Link("seller.price_per_mwh", "buyer.price_per_mwh"),
            eg.Link("bill", "seller.income"),
        ],
        payments=[eg.Payment("bill", "buyer", "seller", "seller.price_per_mwh", "buyer.bought_mw")],
        step_hours=step_hours,
    )


def at_duals(step_hours: float) -> eg.Game:
    """A factory pays the dual of a grid: 3 MW at 20, then 50; a MWh is worth it 60, then 200."""
    steps = len(by_step([0, 0], step_hours))
    withdrawal, bill = cp.Parameter(steps), cp.Parameter()
    cheap, dear = cp.Variable(steps, bounds=[0, 3]), cp.Variable(steps, bounds=[0, 9])
    own = step_hours * cp.sum(20 * cheap + 50 * dear)
    rows = [(cheap + dear >= withdrawal).set_label("balance")]
    grid = eg.Agent("grid", cp.Problem(cp.Minimize(own), rows), hears={"withdrawal_mw": withdrawal})
    demand = cp.Variable(steps, bounds=[0, 5])
    worth = by_step([60.0, 200.0], step_hours) @ (step_hours * demand)
    factory = eg.Agent(
        "factory",
        cp.Problem(cp.Maximize(worth - bill)),
        hears={"bill": bill},
        says={"demand_mw": demand},
    )
    dual = eg.Dual("grid.withdrawal_mw")
    return eg.Game(
        [factory, grid],
        leader="factory",
        links=[
            eg.Link("factory.demand_mw", "grid.withdrawal_mw"),
            eg.Link("energy", "factory.bill"),
        ],
        payments=[eg.Payment("energy", "factory", "grid", dual, "factory.demand_mw")],
        step_hours=step_hours,
    )


def several_leaders(step_hours: float) -> eg.Game:
    """Two sellers of goods that replace each other in part, at costs of 1 and 2, and one buyer."""
    asks = [cp.Parameter(1, name=f"p{k}") for k in (1, 2)]
    both = cp.Variable(2, bounds=[0, 9])
    taken = [both[:1], both[1:]]
    worth = 8 * cp.sum(both) - cp.quad_form(both, np.array([[1.0, 0.5], [0.5, 1.0]]))
    spent = asks[0] @ (step_hours * taken[0]) + asks[1] @ (step_hours * taken[1])
    buyer = eg.Agent(
        "site",
        cp.Problem(cp.Maximize(step_hours * worth - spent)),
        {"p1": asks[0], "p2": asks[1]},
        {"q1_mw": taken[0], "q2_mw": taken[1]},
    )
    links, payments, sellers = [], [], []
    for k in (1, 2):
        income, sold = cp.Parameter(), cp.Parameter(1)
        problem = cp.Problem(cp.Maximize(income - step_hours * k * cp.sum(sold)))
        hears = {"income": income, "sold_mw": sold}
        sellers.append(eg.Agent(f"s{k}", problem, hears, {"price": cp.Variable(1, bounds=[0, 8])}))
        links += [eg.Link(f"s{k}.price", f"site.p{k}"), eg.Link(f"site.q{k}_mw", f"s{k}.sold_mw")]
        links.append(eg.Link(f"bill{k}", f"s{k}.income"))
        ends = ("site", f"s{k}", f"s{k}.price", f"site.q{k}_mw")
        payments.append(eg.Payment(f"bill{k}", *ends))
    return eg.Game([*sellers, buyer], ["s1", "s2"], links, payments, step_hours=step_hours)
