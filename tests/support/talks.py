"""Talks of each kind, small: who bargains, by which method, and a limit in work that ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np
from tests.support import led_games as build

import equigrid as eg
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.messaging.mailroom import Mailroom

Told = list[tuple[int, float, float]]


def firm(name: str) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, 99]), cp.Parameter()
    profit = 90 * output - cp.square(output) - others * output
    return eg.Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})


def nash() -> eg.Game:
    links = [eg.Link("a.q", "b.others"), eg.Link("b.q", "a.others")]
    return eg.Game([firm("a"), firm("b")], links=links)


def _leader(name: str) -> eg.Agent:
    """Go to 1, which costs less the further the other has gone."""
    x, heard, other = cp.Variable(bounds=[0, 1]), cp.Parameter(), cp.Parameter()
    cost = -0.4 * x - 0.2 * other * x + 0.1 * heard
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), {"y": heard, "other": other}, {"x": x})


def epec() -> eg.Game:
    """Two leaders that go on to 1, and a follower that adds them up: two rounds."""
    y, words = cp.Variable(bounds=[0, 3]), [cp.Parameter(), cp.Parameter()]
    follower = cp.Problem(cp.Minimize(cp.square(y) / 2 - (words[0] + words[1]) * y))
    agents = [_leader("a"), _leader("b")]
    agents.append(eg.Agent("f", follower, {"a": words[0], "b": words[1]}, {"y": y}))
    links = [eg.Link("a.x", "f.a"), eg.Link("b.x", "f.b"), eg.Link("f.y", "a.y")]
    links += [eg.Link("f.y", "b.y"), eg.Link("a.x", "b.other"), eg.Link("b.x", "a.other")]
    return eg.Game(agents, leader=["a", "b"], links=links)


def led() -> eg.Game:
    """A price for a site with two units of its own: eight rounds."""
    rng = np.random.default_rng(3)
    load, costs = rng.uniform(2, 6, 2), np.sort(rng.uniform(2, 8, 2))
    wholesale, units = rng.uniform(0, 5, 2), [cp.Variable(2, bounds=[0, 2]) for _ in costs]
    offer, sold, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2), cp.Parameter()
    profit = cp.Problem(cp.Maximize(income - wholesale @ sold))
    leader = eg.Agent("disco", profit, {"sold": sold, "income": income}, {"price": offer})
    price, bought = cp.Parameter(2), cp.Variable(2, bounds=[0, 20])
    cost = price @ bought + costs[0] * cp.sum(units[0]) + costs[1] * cp.sum(units[1])
    problem = cp.Problem(cp.Minimize(cost), [bought + units[0] + units[1] == load])
    return build.game(leader, eg.Agent("site", problem, {"price": price}, {"bought": bought}))


def _plant(name: str, least: float, most: float, cost: float) -> eg.Agent:
    """Generate between least and most; below 0 least is 0, above it only where on, at 50."""
    output = cp.Variable(2, bounds=[0, most])
    cost = cost * cp.sum(output) + 0.0
    rows: list[cp.Constraint] = []
    if least:
        on = cp.Variable(2, boolean=True)
        rows, cost = [output <= most * on, output >= least * on], cost + 50 * cp.sum(on)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), says={"mw": output})


def exchange(least: float = 0.0) -> eg.Game:
    load = eg.Agent("load", says={"mw": np.array([10.0, 55.0])})
    plants = [_plant("large", least, 40, 20), _plant("small", least / 3, 30, 35)]
    plants.append(_plant("shed", 0, 300, 60))
    terms = ["large.mw", "small.mw", "shed.mw", "-load.mw"]
    return eg.Game([*plants, load], balances=[eg.Balance("energy", terms)])


def fleet(count: int) -> eg.Game:
    most, charge = cp.Parameter(2), cp.Variable(2, nonneg=True)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(charge)), [charge <= most, cp.sum(charge) == 1])
    car = eg.Agent("car", problem, hears={"most_mw": most}, says={"mw": charge})
    cars = eg.Fleet("cars", car, {"most_mw": np.full((count, 2), 0.8)})
    gas = _plant("gas", 0, 100, 9)
    return eg.Game([gas, cars], balances=[eg.Balance("energy", ["gas.mw", "-cars.mw"])])


TALKS: dict[str, tuple[Callable[[], eg.Game], Any, float]] = {
    "negotiation": (led, eg.BestResponse(), 400),
    "nash": (nash, eg.BestResponse(), 500),
    "epec": (epec, eg.BestResponse(), 250),
    "exchange": (exchange, eg.Admm(), 1500),
}


def played(talk: str, **changes: Any) -> tuple[Equilibrium, Told, Mailroom]:
    told: Told = []
    game, method, _ = TALKS[talk]
    room = Mailroom()
    method = replace(method, progress=lambda *said: told.append(said), **changes)
    return room.run(method.play(game(), room)), told, room


@cache
def free(talk: str) -> tuple[Equilibrium, Told, Mailroom]:
    """Play without limits, once for all tests."""
    return played(talk)
