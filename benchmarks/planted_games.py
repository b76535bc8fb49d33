"""A small game of each kind, and its true answer, in which errors are planted.

Every agent says all of its variables, so that an answer is a point and nothing is left to fill in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np

import equigrid as eg
from equigrid.arrays import FloatArray

HOURS = 3
LOAD = np.array([4.0, 6.0, 5.0])
OWN_COST = np.array([5.0, 7.0, 6.0])
WHOLESALE = np.array([2.0, 3.0, 2.5])


@dataclass(frozen=True, eq=False)
class Planted:
    """A game with its true answer and what is proven of it.

    Attributes
    ----------
    game : equigrid.Game
    values : Mapping of str to array
    proof : Mapping of str to object
        What ``certify`` is given beside the values.
    objectives : Mapping of str to float
        Of each leader, as a cost, at the answer: the least that there is.
    """

    game: eg.Game
    values: Mapping[str, FloatArray]
    proof: Mapping[str, Any] = field(default_factory=dict)
    objectives: Mapping[str, float] = field(default_factory=dict)


def _led(game: eg.Game) -> Planted:
    found = eg.Exact(gap=1e-9, ties=False).solve(game)
    objective = found.leader_objective
    assert objective is not None
    sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
    proof = {"bound": objective, "claimed": objective}
    return Planted(game, found.values, proof, {str(game.leader): sign * objective})


def _site(name: str, *, curved: bool = False, scale: float = 1.0) -> eg.Agent:
    """Buy, or run a unit of 3 MW that has energy for two hours."""
    price = cp.Parameter(HOURS, name="price")
    bought, own = cp.Variable(HOURS, bounds=[0, 20]), cp.Variable(HOURS, bounds=[0, 3])
    cost = price @ bought + scale * OWN_COST @ own
    if curved:
        cost = cost + cp.quad_form(own, np.eye(HOURS))
    rows = [bought + own == scale * LOAD, cp.sum(own) <= 6]
    says = {"bought_mw": bought, "own_mw": own}
    return eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), {"price": price}, says)


def _company(sites: Sequence[str], extra: Callable[..., Any] | None = None) -> eg.Agent:
    """Sell to sites at one price of up to 12, and buy wholesale what is sold."""
    offer, income = cp.Variable(HOURS, bounds=[0, 12]), cp.Parameter(name="income")
    sold = {f"sold_{name}_mw": cp.Parameter(HOURS, name=name) for name in sites}
    taken = cp.Variable(HOURS, bounds=[0, 40])
    profit, rows = income - WHOLESALE @ taken, [taken >= sum(sold.values())]
    says: dict[str, Any] = {"price": offer, "taken_mw": taken}
    if extra is not None:
        profit, more, said = extra(profit, taken)
        rows, says = rows + more, says | said
    problem = cp.Problem(cp.Maximize(profit), rows)
    return eg.Agent("company", problem, {"income": income, **sold}, says)


def _selling(company: eg.Agent, *sites: eg.Agent) -> eg.Game:
    links, payments = [], []
    for site in sites:
        name = site.name
        links += [
            eg.Link("company.price", f"{name}.price"),
            eg.Link(f"{name}.bought_mw", f"company.sold_{name}_mw"),
            eg.Link(f"bill of {name}", "company.income"),
        ]
        payments.append(
            eg.Payment(f"bill of {name}", name, "company", "company.price", f"{name}.bought_mw")
        )
    return eg.Game([company, *sites], "company", links, payments)


def led_linear() -> Planted:
    """One price for two sites."""
    sites = [_site("east"), _site("west", scale=1.3)]
    return _led(_selling(_company(["east", "west"]), *sites))


def led_quadratic() -> Planted:
    """A site whose own unit gets dearer the more it makes."""
    return _led(_selling(_company(["east"]), _site("east", curved=True)))


def led_binaries() -> Planted:
    """Lines to be paid for, which nobody hears of: one is enough, and one never pays."""

    def lines(profit: cp.Expression, taken: cp.Variable) -> Any:
        open_, spare = cp.Variable(2, boolean=True), cp.Variable(boolean=True)
        rows = [taken <= 12 * open_[0] + 20 * open_[1]]
        cost = np.array([4.0, 9.0]) @ open_ + 2.0 * spare
        return profit - cost, rows, {"open": open_, "spare": spare}

    return _led(_selling(_company(["east"], lines), _site("east")))


def duals() -> Planted:
    """A load that pays what one more MW of it costs a network with dearer and dearer supply."""
    heard, made = cp.Parameter(HOURS, name="drawn"), cp.Variable((2, HOURS), bounds=[0, 9])
    cost = np.array([20.0, 60.0]) @ cp.sum(made, axis=1)
    rows = [cp.sum(made, axis=0) == heard, made[0] <= np.array([5.0, 4.0, 6.0])]
    dno = eg.Agent("dno", cp.Problem(cp.Minimize(cost), rows), {"drawn_mw": heard}, {"made": made})
    drawn, fee = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(name="fee")
    worth = np.array([70.0, 45.0, 30.0]) @ drawn - fee
    leader = eg.Agent(
        "load", cp.Problem(cp.Maximize(worth), [cp.sum(drawn) <= 14]), {"fee": fee},
        {"drawn_mw": drawn},
    )  # fmt: skip
    return _led(
        eg.Game(
            [leader, dno],
            "load",
            [eg.Link("load.drawn_mw", "dno.drawn_mw"), eg.Link("fee", "load.fee")],
            [eg.Payment("fee", "load", "dno", eg.Dual("dno.drawn_mw"), "load.drawn_mw")],
        )
    )


def several_leaders() -> Planted:
    """Two sellers of goods that replace each other in part, and one buyer."""
    asks = [cp.Parameter(1, name=f"p{k}") for k in (1, 2)]
    both = cp.Variable(2, bounds=[0, 9])
    taken = [both[:1], both[1:]]
    worth = 8 * cp.sum(both) - cp.quad_form(both, np.array([[1.0, 0.5], [0.5, 1.0]]))
    buyer = eg.Agent(
        "site",
        cp.Problem(cp.Maximize(worth - asks[0] @ taken[0] - asks[1] @ taken[1])),
        {"p1": asks[0], "p2": asks[1]},
        {"q1_mw": taken[0], "q2_mw": taken[1]},
    )
    links, payments = [], []
    for k in (1, 2):
        links += [eg.Link(f"s{k}.price", f"site.p{k}"), eg.Link(f"site.q{k}_mw", f"s{k}.sold_mw")]
        links.append(eg.Link(f"bill{k}", f"s{k}.income"))
        bill = eg.Payment(f"bill{k}", "site", f"s{k}", f"s{k}.price", f"site.q{k}_mw")
        payments.append(bill)
    game = eg.Game([_seller(1, 1.0), _seller(2, 2.0), buyer], ["s1", "s2"], links, payments)
    # In closed form p = (8 + 2 cost + the other's price) / 4, and then what the buyer takes.
    price = np.linalg.solve([[4, -1], [-1, 4]], [8 + 2 * 1.0, 8 + 2 * 2.0])
    bought = np.linalg.solve([[2, 1], [1, 2]], 8 - price)
    values = {f"s{k}.price": price[[k - 1]] for k in (1, 2)}
    values |= {f"site.q{k}_mw": bought[[k - 1]] for k in (1, 2)}
    profits = (price - np.array([1.0, 2.0])) * bought
    bounds = {f"s{k}": float(profits[k - 1]) for k in (1, 2)}
    return Planted(game, values, {"bounds": bounds}, {name: -one for name, one in bounds.items()})


def _seller(number: int, cost: float) -> eg.Agent:
    income, sold = cp.Parameter(name="income"), cp.Parameter(1, name="sold")
    problem = cp.Problem(cp.Maximize(income - cost * cp.sum(sold)))
    hears = {"income": income, "sold_mw": sold}
    return eg.Agent(f"s{number}", problem, hears, {"price": cp.Variable(1, bounds=[0, 8])})


def one_pass() -> Planted:
    """A market announces, a site answers, and a plant covers what the site buys."""
    need, made = cp.Parameter(HOURS, name="need"), cp.Variable((2, HOURS), bounds=[0, 8])
    cost = np.array([3.0, 9.0]) @ cp.sum(made, axis=1)
    rows = [cp.sum(made, axis=0) >= need, cp.sum(made[0]) <= 10]
    plant = eg.Agent(
        "plant", cp.Problem(cp.Minimize(cost), rows), {"need_mw": need}, {"made_mw": made}
    )
    market = eg.Agent("market", says={"price": np.array([4.0, 9.0, 6.5])})
    links = [eg.Link("market.price", "site.price"), eg.Link("site.bought_mw", "plant.need_mw")]
    bill = eg.Payment("bill", "site", "market", "market.price", "site.bought_mw")
    game = eg.Game([market, _site("site"), plant], links=links, payments=[bill])
    return Planted(game, eg.Exact().solve(game).values)


def nash() -> Planted:
    """Two firms whose price falls with what both sell, in each hour."""

    def firm(name: str, cost: float) -> eg.Agent:
        output, others = cp.Variable(HOURS, bounds=[0, 99]), cp.Parameter(HOURS, name="others")
        worth = (np.array([90.0, 60.0, 75.0]) - cost) @ output
        profit = worth - cp.quad_form(output, np.eye(HOURS)) - others @ output
        return eg.Agent(
            name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"output_mw": output}
        )

    links = [eg.Link("a.output_mw", "b.others"), eg.Link("b.output_mw", "a.others")]
    game = eg.Game([firm("a", 0.0), firm("b", 6.0)], links=links)
    demand = np.array([90.0, 60.0, 75.0])
    outputs = {"a": (demand + 6.0) / 3, "b": (demand - 12.0) / 3}
    return Planted(game, {f"{name}.output_mw": output for name, output in outputs.items()})


def _exchange(other: eg.Agent, load: FloatArray) -> eg.Game:
    made = cp.Variable(load.shape, bounds=[0, 9])
    flat = cp.vec(made, order="F")
    cost = 4.0 * cp.sum(made) + cp.quad_form(flat, 0.5 * np.eye(load.size))
    plant = eg.Agent("plant", cp.Problem(cp.Minimize(cost)), says={"made_mw": made})
    city = eg.Agent("city", says={"load_mw": load})
    terms = ["plant.made_mw", "-city.load_mw", f"{other.name}.net_mw"]
    return eg.Game([plant, city, other], balances=[eg.Balance("energy", terms)])


def balances() -> Planted:
    """A plant with rising costs and a battery serve a city."""
    net = cp.Variable(HOURS, bounds=[-2, 2])
    rows = [cp.sum(net) == 0, net[0] <= 0, net[0] + net[1] <= 0, net[0] + net[1] >= -3]
    battery = eg.Agent(
        "battery", cp.Problem(cp.Minimize(cp.quad_form(net, 0.1 * np.eye(HOURS))), rows),
        says={"net_mw": net},
    )  # fmt: skip
    game = _exchange(battery, LOAD)
    return Planted(game, eg.Exact().solve(game).values)


def fleets() -> Planted:
    """The same with four small units of a size of their own, each at a bus of its own."""
    limit, net = cp.Parameter(HOURS, name="limit"), cp.Variable(HOURS, nonneg=True)
    cost = 3.0 * cp.sum(net) + cp.quad_form(net, np.eye(HOURS))
    unit = eg.Agent(
        "unit", cp.Problem(cp.Minimize(cost), [net <= limit]), {"limit": limit}, {"net_mw": net}
    )
    sizes = np.array([[0.5, 1.0, 0.0], [1.0, 1.0, 1.0], [0.2, 0.4, 0.9], [0.0, 0.0, 2.0]])
    roofs = eg.Fleet("roofs", unit, {"limit": sizes}, by=["a", "b", "c", "d"])
    game = _exchange(roofs, np.outer([0.3, 0.5, 0.4, 0.8], LOAD))
    return Planted(game, eg.Exact().solve(game).values)


KINDS: Mapping[str, Callable[[], Planted]] = {
    "led, linear": led_linear,
    "led, quadratic": led_quadratic,
    "led, with the leader's binaries": led_binaries,
    "prices that are duals": duals,
    "several leaders": several_leaders,
    "one pass": one_pass,
    "Nash": nash,
    "balances": balances,
    "fleets": fleets,
}
