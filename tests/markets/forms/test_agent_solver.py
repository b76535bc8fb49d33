"""An agent solved again and again gives cvxpy's own answers, and names what it cannot do."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, UnusableGame
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.model.agent import Agent

STEPS = 4


def _store(seed: int, *, curved: bool) -> Agent:
    """A store and a generator that cover what is needed, or buy it; generic costs, no ties."""
    rng = np.random.default_rng(seed)
    price, need = cp.Parameter(STEPS, name="price"), cp.Parameter(STEPS, name="need")
    room = cp.Parameter(name="room")
    flow, bought = cp.Variable(STEPS, bounds=[-2, 2]), cp.Variable(STEPS, bounds=[-9, 9])
    made = cp.Variable((2, STEPS), bounds=[0, 3])
    stored = cp.cumsum(flow)
    cost = price @ bought + rng.uniform(1, 9, 2) @ made @ np.ones(STEPS)
    cost = cost + rng.uniform(0.01, 0.2, STEPS) @ flow
    if curved:
        cost = cost + 0.3 * cp.sum_squares(made) + 0.05 * cp.sum_squares(cp.diff(flow))
        cost = cost + 0.1 * cp.sum_squares(bought) + 0.1 * cp.sum_squares(flow)
    rows = [bought + cp.sum(made, axis=0) == need + flow, stored >= 0, stored <= room]
    says = {"bought": bought, "made": made, "spent": cp.sum(made) + room, "stored": stored}
    return Agent(
        "store",
        cp.Problem(cp.Minimize(cost), rows),
        {"price": price, "need": need, "room": room},
        says,
    )


def _heard(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "price": rng.uniform(-2, 12, STEPS),
        "need": rng.uniform(0, 6, STEPS),
        "room": rng.uniform(0, 4),
    }


def _by_cvxpy(agent: Agent, heard: dict[str, Any]) -> tuple[float, dict[str, FloatArray]]:
    assert agent.problem is not None
    for name, value in heard.items():
        agent.hears[name].value = value
    linear = agent.problem.is_lp()
    strict = {} if linear else {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
    value = agent.problem.solve(solver=cp.HIGHS if linear else cp.CLARABEL, **strict)
    return float(value), {name: np.asarray(said.value) for name, said in agent.says.items()}


@pytest.mark.smoke
@pytest.mark.parametrize("curved", [False, True])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_answers_are_those_of_cvxpy_at_every_signal(curved: bool, seed: int) -> None:
    agent, rng = _store(seed, curved=curved), np.random.default_rng(seed)
    solver = AgentSolver(agent)
    for _ in range(8):
        heard = _heard(rng)
        said = solver.answer(**heard)
        value, expected = _by_cvxpy(agent, heard)
        assert said.keys() == expected.keys()
        for name, array in expected.items():
            assert said[name] == pytest.approx(array, abs=1e-4 if curved else 1e-6)
        theta = solver.form.heard_vector({n: np.asarray(v) for n, v in heard.items()})
        own = solver.form.objective_at(solver.solve(theta), theta)
        assert own == pytest.approx(value, rel=1e-6, abs=1e-6)


@pytest.mark.smoke
def test_a_maximiser_and_a_mixed_integer_agent_answer_as_cvxpy_does() -> None:
    price, units = cp.Parameter(2, name="price"), cp.Variable(2, integer=True, bounds=[0, 3])
    problem = cp.Problem(cp.Maximize(price @ units - 1.5 * cp.sum(units)), [cp.sum(units) <= 4])
    agent = Agent("plant", problem, {"price": price}, {"units": units})
    solver = AgentSolver(agent)
    for value in np.random.default_rng(0).uniform(0, 5, (10, 2)):
        _, expected = _by_cvxpy(agent, {"price": value})
        assert solver.answer(price=value)["units"] == pytest.approx(expected["units"])


def test_what_is_said_of_what_is_heard_follows_it() -> None:
    """Said affine in the signal alone, in its own shape; what is not affine is left out."""
    told, x = cp.Parameter((2, 2), name="told"), cp.Variable(2, bounds=[0, 1])
    says = {"echo": 2 * told + 1, "x": x, "size": cp.norm1(x)}
    agent = Agent("a", cp.Problem(cp.Minimize(cp.sum(x))), {"told": told}, says)
    table = np.arange(4.0).reshape(2, 2)
    said = AgentSolver(agent).answer(told=table)
    assert said.keys() == {"echo", "x"}
    assert said["echo"].tolist() == (2 * table + 1).tolist()


def _solver(*, curved: bool) -> AgentSolver:
    need, x = cp.Parameter(2, name="need_mw"), cp.Variable(2, bounds=[0, 5])
    cost = cp.sum_squares(x) if curved else cp.sum(x)
    return AgentSolver(
        Agent("site", cp.Problem(cp.Minimize(cost), [x >= need]), {"need_mw": need}, {"x": x})
    )


@pytest.mark.parametrize("curved", [False, True])
def test_wrong_names_and_shapes_are_named(curved: bool) -> None:
    solver = _solver(curved=curved)
    with pytest.raises(ValueError, match="'site' does not hear 'need'; did you mean 'need_mw'"):
        solver.answer(need=[1.0, 2.0])
    with pytest.raises(ValueError, match="'site' needs a value for 'need_mw'"):
        solver.answer()
    with pytest.raises(ValueError, match=r"'site\.need_mw' has shape \(2,\), not \(3,\)"):
        solver.answer(need_mw=[1.0, 2.0, 3.0])


@pytest.mark.parametrize("curved", [False, True])
def test_an_agent_without_an_answer_is_named_and_answers_again_afterwards(curved: bool) -> None:
    solver = _solver(curved=curved)
    with pytest.raises(NoAnswer, match="agent 'site' has no best answer to what it hears") as why:
        solver.answer(need_mw=[6.0, 0.0])
    assert why.value.agent == "site"
    assert solver.answer(need_mw=[3.0, 1.0])["x"] == pytest.approx([3.0, 1.0], abs=1e-5)


def test_an_agent_that_gains_without_end_is_named() -> None:
    price, x = cp.Parameter(name="price"), cp.Variable(nonneg=True)
    solver = AgentSolver(
        Agent("seller", cp.Problem(cp.Maximize(price * x - x)), {"price": price}, {"x": x})
    )
    assert solver.answer(price=0.5)["x"] == pytest.approx(0.0)
    with pytest.raises(NoAnswer, match=r"agent 'seller' has no best answer.*unbounded"):
        solver.answer(price=2.0)


def test_whole_numbers_with_a_square_are_refused() -> None:
    x = cp.Variable(integer=True)
    with pytest.raises(UnusableGame, match="agent 'plant' has whole numbers and a quadratic cost"):
        AgentSolver(Agent("plant", cp.Problem(cp.Minimize(cp.square(x))), says={"x": x}))
