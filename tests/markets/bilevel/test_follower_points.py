"""Multipliers of a follower as it is embedded become those of its own standard form."""

from dataclasses import replace
from typing import Literal

import cvxpy as cp
import numpy as np
import pytest

from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.agents.microgrid import Microgrid
from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.follower_points import points
from equigrid.markets.bilevel.follower_presolve import Multipliers, reduce_form
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.certification.kkt_residuals import (
    complementarity_residual,
    distance_of_point,
    stationarity_residual,
)
from equigrid.markets.certification.standalone import solve
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link

EXACT = 1e-7


def optimum(form: StandardForm, heard: FloatArray) -> tuple[FloatArray, Multipliers]:
    """Solve a form whose bounds are stated as rows, so that cvxpy tells all multipliers."""
    x, equal, rhs = cp.Variable(form.columns), form.equal_rows, form.rhs_at(heard)
    low, high = np.isfinite(form.lower), np.isfinite(form.upper)
    rows = [
        form.matrix[:equal] @ x - rhs[:equal] == 0,
        form.matrix[equal:] @ x <= rhs[equal:],
        form.lower[low] <= x[low],
        x[high] <= form.upper[high],
    ]
    cost = form.cost_at(heard) @ x
    if form.is_quadratic:
        cost += cp.quad_form(x, cp.psd_wrap(form.quadratic)) / 2
    solve(form.agent, cp.Problem(cp.Minimize(cost), rows))
    found = Multipliers(
        np.concatenate([row.dual_value for row in rows[:2]]), np.zeros(x.size), np.zeros(x.size)
    )
    found.lower[low], found.upper[high] = rows[2].dual_value, rows[3].dual_value
    return np.array(x.value), found


def chain(curved: bool) -> Agent:
    """Definitions of definitions: what is priced is defined by a row, and so is its definition."""
    price, need = cp.Parameter(3, name="price"), cp.Parameter(3, name="need")
    own, dear = cp.Variable(3, bounds=[0, 5]), cp.Variable(3, bounds=[0, 4])
    bought, left, total, twice = cp.Variable(3), cp.Variable(3), cp.Variable(), cp.Variable()
    rows = [
        bought + own + dear == need,
        left == 2 * bought - own + 1,
        total == cp.sum(left) + 3,
        twice == 2 * own[0] + 1,
        own[0] + own[1] <= 6,
    ]
    cost = price @ bought + 3 * cp.sum(own) + 7 * cp.sum(dear) + 0.5 * total + twice
    if curved:
        cost = cost + cp.sum_squares(own) + 0.1 * cp.square(twice)
    problem = cp.Problem(cp.Minimize(cost), [*rows, cp.abs(bought) <= 50])
    return Agent("a", problem, {"price": price, "need": need}, {"left": left})


def microgrid() -> Agent:
    return Microgrid(
        name="mg",
        demand_mw=np.array([0.5, 0.8, 0.6, 0.9]),
        photovoltaic_mw=np.array([0.0, 0.3, 0.1, 0.0]),
        generator=Generator("g", 0.0, 0.4, 0.2, 0.2, 0.1, 40.0),
        battery=Battery(0.2, 0.05, 0.4, 0.1, 0.9, 0.95),
        interruptible=InterruptibleLoad(0.1 * np.ones(4), 55.0),
        exchange_max_mw=5.0,
    ).agent()


@pytest.mark.parametrize("curved", [False, True])
def test_multipliers_of_rows_that_were_taken_out(curved: bool) -> None:
    form = compile_agent(chain(curved), ["left"])
    low, high = np.array([-9.0] * 3 + [1.0] * 3), np.array([9.0] * 3 + [8.0] * 3)
    reduced = reduce_form(form, low, high)
    taken = [step.form.quadratic[step.columns].nnz for step in reduced.steps]
    assert any(taken) == curved
    for heard in np.random.default_rng(2).uniform(low, high, (10, 6)):
        y, small = optimum(reduced.form, heard)
        full = reduced.restored_multipliers(y, heard, small)
        x = reduced.restore.value(y, heard)
        point = Point(x, heard, full.rows, full.lower, full.upper)
        assert stationarity_residual(form, point) <= EXACT
        assert complementarity_residual(form, point) <= EXACT


def test_columns_taken_out_one_after_another_come_back_in_turn() -> None:
    reduced = reduce_form(compile_agent(chain(False)), np.full(6, -9.0), np.full(6, 9.0))
    assert len(reduced.steps) >= 2


def game() -> Game:
    offer, heard = cp.Variable(4, bounds=[0, 90]), cp.Parameter(4)
    leader = Agent(
        "leader",
        cp.Problem(cp.Minimize(cp.sum(heard))),
        {"import_mw": heard},
        {"price": offer},
    )
    links = [Link("leader.price", "mg.price"), Link("mg.import_mw", "leader.import_mw")]
    return Game([leader, microgrid()], leader="leader", links=links)


def at_price(price: FloatArray) -> tuple[Game, Point]:
    """A point of the microgrid from columns of the game's program, filled in by hand."""
    led = game()
    program = KktProgram(led)
    follower = program.followers["mg"]
    columns = np.full(program.program.assembled(0.0).cost.size, np.nan)
    columns[follower.heard] = price
    y, small = optimum(follower.form, price)
    columns[follower.primal], columns[follower.rows] = y, small.rows
    columns[follower.lower], columns[follower.upper] = small.lower, small.upper
    return led, points(program, columns)["mg"]


@pytest.mark.parametrize("price", [0.0, 40.0, 47.0, 90.0])
def test_points_are_read_from_the_columns_of_the_program(price: float) -> None:
    led, point = at_price(np.full(4, price))
    form = led.forms["mg"]
    assert len(point.rows) == len(form.rhs)
    assert stationarity_residual(form, point) <= EXACT
    assert complementarity_residual(form, point) <= EXACT
    said = form.said["import_mw"].value(point.columns, point.heard)
    heard = {"price": np.full(4, price)}
    sizes = {"price": 10.0, "import_mw": 2.0}
    assert distance_of_point(form, point, heard, {"import_mw": said}, sizes) <= EXACT
    assert distance_of_point(form, point, heard, {"import_mw": said + 0.1}, sizes) >= 0.049
    assert distance_of_point(form, point, {"price": np.full(4, price + 0.5)}, {}, sizes) >= 0.049


@pytest.mark.parametrize("part", ["rows", "lower", "upper"])
def test_a_wrong_multiplier_shows(part: str) -> None:
    """One that is 1 % off unbalances costs; one of the wrong sign or on a free limit shows too."""
    led, point = at_price(np.full(4, 47.0))
    form = led.forms["mg"]
    values = np.array(getattr(point, part))
    most = int(np.argmax(np.abs(values)))
    assert abs(values[most]) > 1
    off, wrong = values.copy(), values.copy()
    off[most] *= 1.01
    assert stationarity_residual(form, replace(point, **{part: off})) > 1e-3
    free = int(np.argmin(np.abs(values[form.equal_rows * (part == "rows") :])))
    wrong[free + form.equal_rows * (part == "rows")] = -5.0
    assert complementarity_residual(form, replace(point, **{part: wrong})) > 1e-2


def test_a_multiplier_where_there_is_room_shows() -> None:
    led, point = at_price(np.full(4, 47.0))
    form = led.forms["mg"]
    room = np.where(np.isfinite(form.upper), form.upper - point.columns, 0.0)
    both = np.zeros(form.columns)
    both[int(np.argmax(room))] = 2.0
    # Balanced by the opposite multiplier, so that only complementarity tells.
    off = replace(point, upper=point.upper + both, lower=point.lower + both)
    assert stationarity_residual(form, off) <= EXACT
    assert complementarity_residual(form, off) > 1e-3


def test_a_column_off_its_limits_shows() -> None:
    led, point = at_price(np.full(4, 47.0))
    form = led.forms["mg"]
    assert complementarity_residual(form, replace(point, columns=point.columns + 0.01)) > 1e-3


def test_what_counts_where_nothing_multiplies() -> None:
    """An equality that is missed by 0.1, and multipliers of bounds that are not there."""
    x = cp.Variable(2)
    form = compile_agent(Agent("a", cp.Problem(cp.Minimize(0 * cp.sum(x)), [x == 1])))
    nothing = np.zeros(2)
    point = Point(np.ones(2), np.zeros(0), nothing, nothing, nothing)
    assert complementarity_residual(form, point) == 0.0
    missed = replace(point, columns=np.array([1.0, 1.1]))
    assert complementarity_residual(form, missed) == pytest.approx(0.1 / 1.1)
    unbounded = replace(point, lower=np.full(2, 0.3), upper=np.full(2, 0.3))
    assert stationarity_residual(form, unbounded) == 0.0
    assert complementarity_residual(form, unbounded) >= 0.3


@pytest.mark.parametrize("route", ["milp", "branching"])
def test_exact_offers_its_multipliers(route: Literal["milp", "branching"]) -> None:
    certificate = Exact(route=route).solve(game()).certificate
    assert certificate.stationarity_residual is not None
    assert certificate.stationarity_residual <= EXACT
    assert certificate.complementarity_residual is not None
    assert certificate.complementarity_residual <= EXACT
