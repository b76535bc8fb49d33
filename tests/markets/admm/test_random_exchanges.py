"""Random exchanges against one central problem that is stated here, from the same agents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.scenarios.seeds import stream

# From what an agent produces by hour to what it says of it: see `_placed`.
Place = Callable[[cp.Expression], cp.Expression]
# A balance, an entry of it, and what a unit less and a unit more there is worth.
Looked = tuple[str, tuple[int, ...], float, float]
BUSES, STEP = 3, 0.05
TIGHT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


def _generator(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    output = cp.Variable(hours, bounds=[0, float(draw.uniform(2, 15))])
    cost = draw.uniform(15, 60) * cp.sum(output) + draw.uniform(0.1, 1) * cp.sum_squares(output)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"power": place(output)})


def _ramping(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    most = float(draw.uniform(2, 15))
    output = cp.Variable(hours, bounds=[0, most])
    ready = cp.Variable(hours, bounds=[0, most])
    rows = [output + ready <= most]
    if hours > 1:
        rows.append(cp.abs(cp.diff(output)) <= draw.uniform(0.5, 4))
    cost = draw.uniform(15, 70, hours) @ output + draw.uniform(1, 3) * cp.sum(ready)
    problem = cp.Problem(cp.Minimize(cost), rows)
    return eg.Agent(name, problem, says={"power": place(output), "reserve": cp.sum(ready)})


def _storage(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    most = float(draw.uniform(0.5, 4))
    charge, discharge = (cp.Variable(hours, bounds=[0, most]) for _ in range(2))
    energy = 1.5 * most + cp.cumsum(0.9 * charge - discharge / 0.9)
    rows = [energy >= 0, energy <= 3 * most, energy[hours - 1] >= 1.5 * most]
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum(charge + discharge)), rows)
    return eg.Agent(name, problem, says={"power": place(discharge - charge)})


def _shiftable(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    most = float(draw.uniform(0.5, 4))
    demand = cp.Variable(hours, bounds=[0, most])
    rows = [cp.sum(demand) == most * hours * draw.uniform(0.2, 0.8)]
    return eg.Agent(
        name, cp.Problem(cp.Minimize(0.0 * cp.sum(demand)), rows), says={"power": place(-demand)}
    )


def _photovoltaic(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    output = cp.Variable(hours, bounds=[0, draw.uniform(0, 6, hours)])
    return eg.Agent(
        name, cp.Problem(cp.Minimize(0.0 * cp.sum(output))), says={"power": place(output)}
    )


def _elastic(name: str, hours: int, draw: np.random.Generator, place: Place) -> eg.Agent:
    demand = cp.Variable(hours, bounds=[0, float(draw.uniform(2, 10))])
    worth = draw.uniform(40, 120, hours) @ demand - draw.uniform(1, 4) * cp.sum_squares(demand)
    return eg.Agent(name, cp.Problem(cp.Maximize(worth)), says={"power": place(-demand)})


def _grid(name: str, hours: int, draw: np.random.Generator, place: Place, most: float) -> eg.Agent:
    """Buy and sell without end, and help out with reserve at a high cost."""
    power, ready = cp.Variable(hours, bounds=[-most, most]), cp.Variable(bounds=[0, 200])
    cost = draw.uniform(20, 60, hours) @ power + draw.uniform(0.05, 0.5) * cp.sum_squares(power)
    cost = cost + 10 * ready + 0.1 * cp.square(ready)
    problem = cp.Problem(cp.Minimize(cost))
    return eg.Agent(name, problem, says={"power": place(power), "reserve": ready})


def _line(name: str, hours: int, draw: np.random.Generator) -> eg.Agent:
    """Carry power between buses, with limits."""
    flow = cp.Variable((BUSES - 1, hours), bounds=[-2, 6])
    ends = np.eye(BUSES)[:, 1:] - np.eye(BUSES)[:, :-1]
    cost = draw.uniform(0.01, 0.1) * cp.sum_squares(flow)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"power": ends @ flow})


KINDS = [_generator, _ramping, _storage, _shiftable, _photovoltaic, _elastic]


def _total(power: cp.Expression) -> cp.Expression:
    return cp.sum(power)


def _placed(shape: str, bus: int) -> Place:
    """Return how an agent at a bus says its power: one number, by hour, or by bus and hour."""
    if shape == "scalar":
        return _total
    if shape == "hours":
        return lambda power: power
    at = np.eye(BUSES)[:, [bus]]
    return lambda power: at @ cp.reshape(power, (1, power.size), order="C")


def _game(seed: int, agents: int, shape: str) -> eg.Game:
    """Draw an exchange of energy, and of reserve where somebody but the grid has some."""
    draw = stream(seed, "tests/exchange")
    hours = 1 if shape == "scalar" else int(draw.integers(2, 7))
    made = [_grid("grid", hours, draw, _placed(shape, 0), 20.0 + 10 * agents)]
    if shape == "buses":
        made += [
            _grid(f"grid{bus}", hours, draw, _placed(shape, bus), 20.0 + 10 * agents)
            for bus in range(1, BUSES)
        ]
        made.append(_line("line", hours, draw))
    while len(made) < agents:
        kind = KINDS[int(draw.integers(len(KINDS)))]
        place = _placed(shape, int(draw.integers(BUSES)))
        made.append(kind(f"a{len(made)}", hours, draw, place))
    load = draw.uniform(1, 2 * agents, _shape_of(shape, hours))
    ready = [f"{agent.name}.reserve" for agent in made if "reserve" in agent.says]
    balances = [eg.Balance("energy", [f"{a.name}.power" for a in made], load)]
    if len(ready) > 1:
        balances.append(eg.Balance("reserve", ready, float(draw.uniform(2, 10))))
    return eg.Game(made, balances=balances)


def _shape_of(shape: str, hours: int) -> tuple[int, ...]:
    return {"scalar": (), "hours": (hours,), "buses": (BUSES, hours)}[shape]


class Central:
    """One problem of a planner: all costs, all constraints, and the balances.

    Prices are the change of the least cost per unit of each right-hand side; cvxpy's have its sign.
    """

    def __init__(self, game: eg.Game) -> None:
        self.equals = {b.name: cp.Parameter(game.balance_shape(b)) for b in game.balances}
        problems = [agent.problem for agent in game.deciders if agent.problem is not None]
        cost = sum(
            -p.objective.expr if isinstance(p.objective, cp.Maximize) else p.objective.expr
            for p in problems
        )
        self._rows = {b.name: self._row(game, b) for b in game.balances}
        rows = [row for problem in problems for row in problem.constraints]
        self._problem = cp.Problem(cp.Minimize(cost), [*rows, *self._rows.values()])
        self.stated = {b.name: np.array(b.equals) for b in game.balances}
        self.least = self.cost()
        self.prices = {name: -np.asarray(row.dual_value) for name, row in self._rows.items()}

    def _row(self, game: eg.Game, balance: eg.Balance) -> cp.Constraint:
        total = sum(t.sign * game.agent(t.agent).says[t.said] for t in balance.signed)
        return total == self.equals[balance.name]

    def cost(self, name: str = "", place: tuple[int, ...] = (), change: float = 0.0) -> float:
        """Return the least cost where one entry of a right-hand side is changed."""
        for key, parameter in self.equals.items():
            value = np.array(self.stated[key])
            if key == name:
                value[place] += change
            parameter.value = value
        self._problem.solve(solver=cp.CLARABEL, **TIGHT)
        assert self._problem.status == "optimal"
        return float(self._problem.value)


def _worth_of_change(central: Central, name: str, place: tuple[int, ...]) -> tuple[float, float]:
    """Return what a unit less and a unit more is worth, between which any price lies."""
    left = (central.least - central.cost(name, place, -STEP)) / STEP
    return left, (central.cost(name, place, STEP) - central.least) / STEP


def _looked_into(game: eg.Game, central: Central) -> Iterator[Looked]:
    """Change a few entries of each right-hand side."""
    draw = stream(0, "tests/exchange/places")
    for balance in game.balances:
        shape = game.balance_shape(balance)
        for _ in range(min(3, math.prod(shape))):
            flat = int(draw.integers(math.prod(shape)))
            place = tuple(int(i) for i in np.unravel_index(flat, shape))
            yield balance.name, place, *_worth_of_change(central, balance.name, place)


@cache
def _stated(seed: int, agents: int, shape: str) -> tuple[eg.Game, Central, list[Looked]]:
    """Return a game and what there is to know of it, once for all methods."""
    game = _game(seed, agents, shape)
    central = Central(game)
    return game, central, list(_looked_into(game, central))


def _assert_central(drawn: tuple[int, int, str], found: eg.Equilibrium) -> None:
    """The cost is the central one, balances hold, and prices are what a unit more costs.

    A price lies between what a unit less saves and a unit more costs. Where these are one, it is
    unique, and the central multiplier as well.
    """
    _, central, looked = _stated(*drawn)
    certificate = found.certificate
    assert certificate.total_cost == pytest.approx(central.least, rel=1e-4, abs=1e-4)
    assert certificate.balance_residual is not None
    assert certificate.balance_residual <= 1e-6
    assert certificate.optimality_gap is not None
    assert abs(certificate.optimality_gap) <= 1e-4
    for name, place, left, right in looked:
        price, dual = found.prices[name][place], central.prices[name][place]
        near = 1e-2 * max(1.0, abs(dual))
        assert left - near <= price <= right + near, (name, place)
        if right - left <= near:
            assert price == pytest.approx(dual, abs=2 * near)


SHAPES = ["scalar", "hours", "buses"]
DRAWN = [
    pytest.param((seed, agents, SHAPES[seed % 3]), marks=[pytest.mark.slow] if agents >= 8 else [])
    for seed, agents in enumerate([2, 3, 5, 6, 8, 12, 9, 20, 14, 24, 16, 50, 4, 7, 10])
]


@pytest.mark.parametrize("drawn", DRAWN, ids=str)
def test_the_central_problem_is_what_exact_answers(drawn: tuple[int, int, str]) -> None:
    _assert_central(drawn, eg.Exact().solve(_stated(*drawn)[0]))


@pytest.mark.parametrize("drawn", DRAWN[:12], ids=str)
def test_talking_ends_at_the_central_problem(drawn: tuple[int, int, str]) -> None:
    found = eg.Admm().solve(_stated(*drawn)[0])
    assert found.settled
    _assert_central(drawn, found)


@pytest.mark.parametrize("drawn", DRAWN[:3], ids=str)
def test_a_price_is_what_one_more_unit_costs(drawn: tuple[int, int, str]) -> None:
    """The sign, at every entry: with the quadratic grid at each bus prices are unique."""
    game, central, _ = _stated(*drawn)
    found = eg.Exact().solve(game)
    for place in np.ndindex(found.prices["energy"].shape):
        left, right = _worth_of_change(central, "energy", place)
        assert right - left <= 0.2
        assert found.prices["energy"][place] == pytest.approx((left + right) / 2, abs=0.1)
