"""The compiled form has the optimum that cvxpy finds, for whatever is heard."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, UnusableGame
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent

SHAPES = st.sampled_from([(3,), (2, 3), ()])


def _agent(shape: tuple[int, ...], seed: int, *, maximise: bool) -> Agent:
    """A random linear problem that hears a price and a need, and says sums of what it does."""
    rng = np.random.default_rng(seed)
    price, need = cp.Parameter(shape, name="price"), cp.Parameter(shape, name="need")
    x = cp.Variable(shape, bounds=[-4.0, 6.0], name="x")
    y, free = cp.Variable(shape, nonneg=True, name="y"), cp.Variable(shape, name="free")
    cost = cp.sum(cp.multiply(price + 1, x)) + 9 * cp.sum(y) + 3.0 + 2 * cp.sum(need)
    weight = rng.integers(1, 4, shape).astype(float)
    rows = [
        x + cp.multiply(weight, y) >= need,
        free == x - 2 * need + 1,
        cp.sum(y) <= 40,
        y <= 30,
    ]
    objective = cp.Maximize(-cost) if maximise else cp.Minimize(cost)
    return Agent(
        "a",
        cp.Problem(objective, rows),
        hears={"price": price, "need": need},
        says={"both": x + 2 * y - need + 5, "free": free, "fixed": weight},
    )


def _hear(agent: Agent, seed: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-6, 9, p.shape) for name, p in agent.hears.items()}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 10**6), maximise=st.booleans())
def test_optimum_and_sayings_are_those_of_cvxpy(
    shape: tuple[int, ...], seed: int, maximise: bool
) -> None:
    agent = _agent(shape, seed, maximise=maximise)
    form = compile_agent(agent, ["both", "free", "fixed"])
    solver = AgentSolver(form)
    for shift in (1, 2):
        values = _hear(agent, seed + shift)
        heard = form.heard_vector(values)
        columns = solver.solve(heard)
        for name, parameter in agent.hears.items():
            parameter.value = values[name]
        assert agent.problem is not None
        expected = agent.problem.solve(solver=cp.CLARABEL)
        sign = -1.0 if maximise else 1.0
        assert sign * form.objective_at(columns, heard) == pytest.approx(expected, abs=1e-5)
        form.assign(columns, heard)
        assert agent.problem.objective.value == pytest.approx(expected, abs=1e-5)
        assert all(constraint.violation().max() < 1e-7 for constraint in agent.problem.constraints)
        for name, said in form.said.items():
            assert said.value(columns, heard) == pytest.approx(agent.says[name].value, abs=1e-7)
            assert said.value(columns, heard).shape == shape


def test_matrices_flatten_in_column_major_order() -> None:
    heard, x = cp.Parameter((2, 3), name="heard"), cp.Variable((2, 3), bounds=[0, 50])
    agent = Agent("a", cp.Problem(cp.Minimize(cp.sum(x)), [x >= heard]), {"heard": heard}, {"x": x})
    form = compile_agent(agent, ["x"])
    table = np.arange(6.0).reshape(2, 3)
    theta = form.heard_vector({"heard": table})
    assert theta.tolist() == [0, 3, 1, 4, 2, 5]
    columns = AgentSolver(form).solve(theta)
    assert form.said["x"].value(columns, theta).tolist() == table.tolist()


def _bounds_of(variable: cp.Variable) -> tuple[StandardForm, list[float], list[float]]:
    form = compile_agent(Agent("a", cp.Problem(cp.Minimize(cp.sum(variable)), [variable >= -5])))
    return form, form.lower.tolist(), form.upper.tolist()


@pytest.mark.parametrize(
    ("attributes", "lower", "upper", "integer"),
    [
        ({}, -np.inf, np.inf, False),
        ({"nonneg": True}, 0.0, np.inf, False),
        ({"nonpos": True}, -np.inf, 0.0, False),
        ({"bounds": [None, 3]}, -np.inf, 3.0, False),
        ({"bounds": [1, None]}, 1.0, np.inf, False),
        ({"bounds": [1, 3]}, 1.0, 3.0, False),
        ({"boolean": True}, 0.0, 1.0, True),
        ({"integer": True}, -np.inf, np.inf, True),
        ({"integer": True, "bounds": [1, 5]}, 1.0, 5.0, True),
    ],
)
def test_attributes_become_bounds(
    attributes: dict[str, object], lower: float, upper: float, integer: bool
) -> None:
    form, low, high = _bounds_of(cp.Variable(2, **attributes))
    assert low == [lower] * 2
    assert high == [upper] * 2
    assert form.integer.tolist() == [integer] * 2


@pytest.mark.parametrize("attribute", ["symmetric", "PSD", "diag", "complex"])
def test_attributes_across_entries_are_refused(attribute: str) -> None:
    x = cp.Variable((2, 2), name="x", **{attribute: True})
    with pytest.raises(UnusableGame, match="variable 'x' of agent 'a' has an attribute"):
        compile_agent(Agent("a", cp.Problem(cp.Minimize(0)), says={"x": x}))


def test_bounds_that_are_heard_are_refused() -> None:
    cap = cp.Parameter(nonneg=True)
    x = cp.Variable(bounds=[0, cap])
    with pytest.raises(UnusableGame, match="state them as a constraint"):
        compile_agent(Agent("a", cp.Problem(cp.Maximize(x)), hears={"cap": cap}))


def test_variables_that_are_only_said_keep_their_bounds() -> None:
    offer, silent = cp.Variable(2, bounds=[1, 9]), cp.Variable(integer=True, bounds=[0, 4])
    agent = Agent("a", cp.Problem(cp.Minimize(0)), says={"offer": 2 * offer, "silent": silent})
    form = compile_agent(agent, ["offer"])
    where = form.variable_columns[offer.id]
    assert form.lower[where].tolist() == [1, 1]
    assert form.upper[where].tolist() == [9, 9]
    assert form.integer[form.variable_columns[silent.id]].all()
    columns = AgentSolver(form).solve(np.zeros(0))
    assert (form.said["offer"].value(columns, np.zeros(0)) == 2 * columns[where]).all()


def test_a_problem_without_variables_has_a_form() -> None:
    income = cp.Parameter(name="income")
    hearing = Agent("a", cp.Problem(cp.Maximize(2 * income + 1)), {"income": income})
    for agent, theta, objective in ((Agent("iso"), [], 0.0), (hearing, [3.0], -7.0)):
        form, heard = compile_agent(agent), np.array(theta)
        assert form.objective_at(AgentSolver(form).solve(heard), heard) == objective


def test_products_of_heard_and_decided_in_constraints_are_refused() -> None:
    p, q, x = cp.Parameter(name="p"), cp.Parameter(name="q"), cp.Variable()
    agent = Agent("a", cp.Problem(cp.Minimize(x), [p * x >= q]), hears={"p": p, "q": q})
    with pytest.raises(UnusableGame) as caught:
        compile_agent(agent)
    assert caught.value.findings == (
        "'a.p' multiplies a variable in a constraint of 'a'; heard values may enter linear "
        "costs and right-hand sides only",
    )


@pytest.mark.parametrize(
    "problem",
    [
        cp.Problem(cp.Minimize(0), [cp.norm(cp.Variable(2), 2) <= 1]),
        cp.Problem(cp.Maximize(cp.entr(cp.Variable()))),
    ],
)
def test_curved_problems_are_refused(problem: cp.Problem) -> None:
    with pytest.raises(UnusableGame, match="the problem of agent 'a' is neither linear nor convex"):
        compile_agent(Agent("a", problem))


def test_piecewise_linear_costs_are_linear() -> None:
    x = cp.Variable(bounds=[-3, 8], name="x")
    form = compile_agent(Agent("a", cp.Problem(cp.Minimize(cp.abs(x - 2) + cp.pos(x)))))
    columns = AgentSolver(form).solve(np.zeros(0))
    assert form.objective_at(columns, np.zeros(0)) == pytest.approx(2.0)


def test_what_is_wanted_must_be_affine() -> None:
    x = cp.Variable(bounds=[0, 1])
    agent = Agent("a", cp.Problem(cp.Minimize(x)), says={"curved": cp.square(x)})
    assert compile_agent(agent).said == {}
    with pytest.raises(UnusableGame, match=r"'a\.curved' is linked or paid for but is not affine"):
        compile_agent(agent, ["curved"])


def test_solver_names_who_has_no_answer() -> None:
    need, x = cp.Parameter(name="need"), cp.Variable(bounds=[0, 3])
    agent = Agent("site", cp.Problem(cp.Minimize(x), [x >= need]), hears={"need": need})
    solver = AgentSolver(compile_agent(agent))
    assert solver.solve(np.array([2.0])) == pytest.approx([2.0])
    with pytest.raises(NoAnswer, match=r"agent 'site' .*infeasible") as caught:
        solver.solve(np.array([4.0]))
    assert caught.value.agent == "site"
    assert solver.solve(np.array([1.0])) == pytest.approx([1.0])
    endless = Agent("site", cp.Problem(cp.Minimize(cp.Variable())))
    with pytest.raises(NoAnswer, match="unbounded"):
        AgentSolver(compile_agent(endless)).solve(np.zeros(0))


def test_what_is_no_finite_number_is_refused_by_the_agents_name() -> None:
    x = cp.Variable(2, bounds=[0, 1])
    for problem in (
        cp.Problem(cp.Minimize(np.array([1.0, np.nan]) @ x)),
        cp.Problem(cp.Minimize(np.array([1.0, np.inf]) @ x)),
        cp.Problem(cp.Minimize(cp.sum(x)), [x[0] + x[1] >= cp.Constant(np.nan)]),
    ):
        with pytest.raises(UnusableGame, match="'site' has a cost or a coefficient that is no"):
            compile_agent(Agent("site", problem))
