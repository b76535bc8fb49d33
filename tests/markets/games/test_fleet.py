"""A fleet is its members stated one by one: cost, sums, as a follower, in a certificate."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.posting import said_values
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

STEPS = 3


def _member(
    name: str,
    data: dict[str, FloatArray] | None = None,
    *,
    curved: bool = True,
    whole: bool = False,
) -> Agent:
    """Buy for a load, make some of it at a cost, and store; data in place of what is heard."""
    price = cp.Parameter(STEPS, name="price")
    load, cost, limit = cp.Parameter(STEPS), cp.Parameter(2), cp.Parameter((2, STEPS))
    heard = {"load": load, "cost": cost, "limit": limit}
    bought, stored = cp.Variable(STEPS), cp.Variable(STEPS, bounds=[0, 2])
    own = cp.Variable((2, STEPS), bounds=[0, 4])
    runs = cp.Variable(boolean=whole, bounds=None if whole else [0, 1])
    rows = [
        bought + cp.sum(own, axis=0) == load + cp.diff(cp.hstack([0.5, stored])) + runs,
        own <= limit,
        stored[-1] >= 0.5,
        cp.abs(bought) <= 9,
    ]
    total = price @ bought + cost @ cp.sum(own, axis=1) + 0.3 * cp.sum(load) - 2 * runs
    total = total + (0.5 * cp.sum_squares(own) + 0.1 * cp.sum_squares(bought) if curved else 0)
    says = {"bought": bought, "own": own, "spare": load - bought, "first": bought[0]}
    if data is None:
        problem = cp.Problem(cp.Minimize(total), rows)
        return Agent(name, problem, {"price": price, **heard}, says)
    swap = {id(parameter): cp.Constant(data[key]) for key, parameter in heard.items()}
    problem = cp.Problem(cp.Minimize(total.tree_copy(swap)), [row.tree_copy(swap) for row in rows])
    said = {key: value.tree_copy(swap) for key, value in says.items()}
    return Agent(name, problem, {"price": price}, said)


def _data(rng: np.random.Generator, size: int) -> dict[str, FloatArray]:
    return {
        "load": rng.uniform(1, 4, (size, STEPS)),
        "cost": rng.uniform(1, 6, (size, 2)),
        "limit": rng.uniform(0, 2, (size, 2, STEPS)),
    }


def _alone(data: dict[str, FloatArray], **options: Any) -> list[Agent]:
    rows = [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]
    return [_member(f"m{k}", row, **options) for k, row in enumerate(rows)]


seeds = st.integers(0, 10**6)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=seeds, size=st.integers(1, 5), kind=st.sampled_from(["curved", "linear", "whole"]))
def test_a_fleet_answers_as_its_members_do(seed: int, size: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {"curved": kind == "curved", "whole": kind == "whole"}
    data, price = _data(rng, size), rng.uniform(0, 8, STEPS)
    fleet = Fleet("homes", _member("home", **options), data)
    whole, each = AgentSolver(fleet), [AgentSolver(agent) for agent in _alone(data, **options)]
    theta = whole.form.heard_vector({"price": price})
    columns = whole.solve(theta)
    costs = [one.form.objective_at(one.solve(price), price) for one in each]
    assert whole.form.objective_at(columns, theta) == pytest.approx(sum(costs), abs=1e-5)
    assert fleet.members(theta).costs(columns.reshape(size, -1)) == pytest.approx(costs, abs=1e-5)
    if kind == "curved":
        for name, total in whole.answer(price=price).items():
            parts = [one.answer(price=price)[name] for one in each]
            assert total == pytest.approx(sum(parts), abs=1e-4)
            assert fleet.answers(columns, theta)[name] == pytest.approx(np.array(parts), abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, size=st.integers(1, 6))
def test_rows_by_label_are_sums_over_those_who_have_it(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(["north", "east", "west"], size)
    fleet = Fleet(
        "homes", _member("home"), _data(rng, size), by=labels, groups=["west", "north", "east", "x"]
    )
    form = compile_agent(fleet, list(fleet.says))
    columns, theta = rng.normal(size=form.columns), rng.normal(size=form.heard_size)
    each, summed = fleet.answers(columns, theta), fleet.said_at(columns, theta)
    for name, said in form.said.items():
        assert said.shape == fleet.shape_of(name) == (4, *fleet.member.shape_of(name))
        assert summed[name] == pytest.approx(said.value(columns, theta))
        for row, label in enumerate(["west", "north", "east", "x"]):
            assert summed[name][row] == pytest.approx(each[name][labels == label].sum(axis=0))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seed=seeds, size=st.integers(1, 4))
def test_the_problem_in_cvxpy_is_the_form(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    fleet = Fleet("homes", _member("home"), _data(rng, size), by=rng.integers(0, 2, size))
    price = rng.uniform(0, 8, STEPS)
    fleet.hears["price"].value = price
    strict = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    fleet.problem.solve(solver=cp.CLARABEL, **strict)
    solver = AgentSolver(fleet)
    assert fleet.problem.value == pytest.approx(
        solver.form.objective_at(solver.solve(price), price), abs=1e-5
    )
    for name, value in solver.answer(price=price).items():
        assert fleet.says[name].value == pytest.approx(value, abs=1e-4)


def test_a_member_that_gains_makes_a_fleet_that_gains() -> None:
    price, limit, output = cp.Parameter(2), cp.Parameter(2), cp.Variable(2, nonneg=True)
    gain = cp.Problem(cp.Maximize(price @ output), [output <= limit])
    one = Agent("pv", gain, {"price": price, "limit": limit}, {"output": output})
    fleet = Fleet("roofs", one, {"limit": [[1, 2], [3, 4]]})
    fleet.hears["price"].value = [2.0, 1.0]
    fleet.problem.solve()
    assert fleet.maximises
    assert fleet.decides
    assert fleet.problem.value == pytest.approx(14.0)


def _led(sites: list[Agent]) -> Game:
    """A company that sets a price for members who buy at it."""
    offer, income = cp.Variable(STEPS, bounds=[0, 9]), cp.Parameter()
    sold = [cp.Parameter(STEPS) for _ in sites]
    cost = 2.0 * cp.sum(sum(sold)) - income
    hears = {"income": income, **{f"sold{k}": heard for k, heard in enumerate(sold)}}
    leader = Agent("disco", cp.Problem(cp.Minimize(cost)), hears, {"price": offer})
    links, payments = [], []
    for k, site in enumerate(sites):
        name = site.name
        links += [Link("disco.price", f"{name}.price"), Link(f"{name}.bought", f"disco.sold{k}")]
        links.append(Link(f"bill{k}", "disco.income"))
        payments.append(Payment(f"bill{k}", name, "disco", "disco.price", f"{name}.bought"))
    return Game([leader, *sites], "disco", links, payments)


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_a_fleet_follows_as_its_members_do(seed: int) -> None:
    data = _data(np.random.default_rng(seed), 2)
    fleet = Fleet("homes", _member("home", curved=False), data)
    apart = build.certified(_led(_alone(data, curved=False)))
    together = build.certified(_led([fleet]))
    assert together.leader_objective == pytest.approx(apart.leader_objective, abs=1e-4)
    sums = together.values["homes.bought"]
    assert sums.shape == (STEPS,)
    paid = float(together.values["disco.price"] @ sums)
    assert paid == pytest.approx(together.payments["bill0"], abs=1e-6)


def test_nothing_is_built_for_many_members() -> None:
    rng, size = np.random.default_rng(1), 20_000
    fleet = Fleet("homes", _member("home"), _data(rng, size), by=rng.integers(0, 9, size))
    game = Game([fleet], given={"homes.price": np.ones(STEPS)})
    form = game.forms["homes"]
    values = said_values(game, {"homes": (np.ones(form.columns), np.ones(STEPS))})
    assert values["homes.own"].shape == (9, 2, STEPS)
    assert "problem" not in vars(fleet)


def _wrong(**change: Any) -> list[str]:
    data = _data(np.random.default_rng(0), 3)
    stated: dict[str, Any] = {"name": "homes", "member": _member("home"), "data": data, **change}
    with pytest.raises(UnusableGame) as error:
        Fleet(**stated)
    assert all("homes" in finding or "h.x" in finding for finding in error.value.findings)
    return list(error.value.findings)


def test_what_is_wrong_is_said_in_sentences() -> None:
    good = _data(np.random.default_rng(0), 3)
    spoiled = {**good, "cost": np.where(np.eye(3, 2) > 0, np.nan, 1.0)}
    assert "did you mean 'load'" in _wrong(data={"laod": good["load"]})[0]
    assert "must have shape (n, 3)" in _wrong(data={"load": np.ones((3, 2))})[0]
    assert "different numbers of rows" in _wrong(data={**good, "load": np.ones((2, 3))})[0]
    assert "row 0 is not" in _wrong(data=spoiled)[0]
    assert "has no members" in _wrong(data={"load": np.ones((0, 3))})[0]
    assert "has no members" in _wrong(data={})[0]
    assert "2 labels for 3 members" in _wrong(by=["a", "b"])[0]
    assert "not in groups: c" in _wrong(by=["a", "b", "c"], groups=["a", "b"])[0]
    assert "names a label twice" in _wrong(by=["a"] * 3, groups=["a", "a"])[0]
    assert "no labels" in _wrong(groups=["a"])[0]
    assert "no problem" in _wrong(member=Agent("iso"))[0]
    assert "pass an Agent" in _wrong(member=3)[0]
    assert "without dots" in _wrong(name="h.x")[0]


def test_data_must_have_the_sign_of_their_parameter() -> None:
    most, output = cp.Parameter(nonneg=True), cp.Variable(nonneg=True)
    one = Agent(
        "a", cp.Problem(cp.Maximize(output), [output <= most]), {"most": most}, {"o": output}
    )
    with pytest.raises(UnusableGame, match="sign"):
        Fleet("homes", one, {"most": [1.0, -1.0]})


def test_labels_without_data_say_how_many_there_are() -> None:
    most, output = cp.Parameter(), cp.Variable(nonneg=True)
    one = Agent(
        "a", cp.Problem(cp.Maximize(output), [output <= most]), {"most": most}, {"o": output}
    )
    fleet = Fleet("homes", one, {}, by=[4, 2, 4])
    assert fleet.groups == (2, 4)
    assert AgentSolver(fleet).answer(most=2.0)["o"] == pytest.approx([2.0, 4.0])
