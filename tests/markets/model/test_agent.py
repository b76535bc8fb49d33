"""What an agent may not be, said in sentences, all at once."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import UnusableGame, did_you_mean
from equigrid.markets.model.agent import Agent


def test_says_numbers_as_constants_and_freezes_its_mappings() -> None:
    agent = Agent("iso", says={"price": np.array([1.0, 2.0]), "fee": 3.0})
    assert agent.shape_of("price") == (2,)
    assert agent.says["fee"].value == 3.0
    assert not agent.maximises
    with pytest.raises(TypeError):
        agent.says["more"] = cp.Constant(1)  # type: ignore[index]


@pytest.mark.parametrize("name", ["", "a.b"])
def test_name_without_dots(name: str) -> None:
    with pytest.raises(UnusableGame, match="must be text without dots"):
        Agent(name)


def test_every_finding_at_once() -> None:
    p, q, x = cp.Parameter(name="p"), cp.Parameter(name="q"), cp.Variable(name="x")
    problem = cp.Problem(cp.Minimize(p * q * x))
    with pytest.raises(UnusableGame) as caught:
        Agent("a.b", problem, hears={"p": p})
    assert len(caught.value.findings) == 3
    text = str(caught.value)
    assert "Parameter 'q' that it does not hear" in text
    assert "Parameter 'p'" not in text
    assert "DPP" in text


def test_a_concave_cost_is_refused() -> None:
    x = cp.Variable()
    with pytest.raises(UnusableGame, match="not a convex problem"):
        Agent("a", cp.Problem(cp.Minimize(cp.sqrt(x))))


def test_parameters_of_what_is_said_must_be_heard_too() -> None:
    p = cp.Parameter(name="secret")
    with pytest.raises(UnusableGame, match="'secret'"):
        Agent("a", says={"x": 2 * p})


def test_variables_include_those_that_are_only_said_once_each() -> None:
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    p = cp.Parameter(name="p")
    agent = Agent("a", cp.Problem(cp.Maximize(p * x), [x <= 1]), hears={"p": p}, says={"s": x + y})
    assert [v.name() for v in agent.variables()] == ["x", "y"]
    assert agent.parameters() == [p]
    assert agent.maximises


def test_suggestions() -> None:
    assert did_you_mean("prise", ["price", "sold"]) == "; did you mean 'price'?"
    assert did_you_mean("zzz", ["price", "sold"]) == "; there is: price, sold"
    assert did_you_mean("zzz", []) == ""
