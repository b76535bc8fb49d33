"""What is left where figures cancel counts as 0, at every size of figures; more does not."""

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from equigrid.markets.bilevel.follower_presolve import reduce_form
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.cancellation import cleared, plus, plus_product
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.model.agent import Agent

SIZES = pytest.mark.parametrize("size", [1e-9, 0.002398072218354266, 1.0, 1e9])


@SIZES
def test_only_last_digits_are_cleared(size: float) -> None:
    left = np.array([0.3 - 3 * 0.1, 1e-12, -np.inf, 0.0]) * np.array([size, size, 1.0, size])
    sizes = np.array([0.6 * size, size, np.inf, 0.0])
    assert cleared(left, sizes).tolist() == [0.0, 1e-12 * size, -np.inf, 0.0]


@SIZES
def test_sums_with_products(size: float) -> None:
    terms, values = sparse.csr_array([[-3.0, 0.0], [1.0, 1.0]]), size * np.array([0.1, 0.2])
    kept = size * np.array([0.3, 1.0])
    assert plus(kept, terms, values).tolist() == [0.0, *(kept + terms @ values)[1:]]
    both = plus_product(
        sparse.csr_array(kept[:, np.newaxis]), terms, sparse.csr_array(values[:, np.newaxis])
    )
    assert both.nnz == 1
    assert both.toarray().ravel().tolist() == plus(kept, terms, values).tolist()


@SIZES
def test_costs_of_a_follower_that_cancel_where_a_column_is_defined(size: float) -> None:
    """3x - y = -4: of 3 for x and -1 for y nothing is left, whatever is a third of what."""
    x, y = cp.Variable(bounds=[-9, -1]), cp.Variable()
    goal = cp.Minimize(-30000 * size * x + 10000 * size * y)
    form = compile_agent(Agent("a", cp.Problem(goal, [3 * x - y == -4])))
    reduced = reduce_form(form, np.zeros(0), np.zeros(0))
    assert reduced.form.cost.tolist() == [0.0]


def test_a_limit_that_cancels_is_no_proof_that_an_agent_has_no_answer() -> None:
    """What is asked for is 3 × 0.1 - 0.3, less than nothing by a digit."""
    x, asked = cp.Variable(nonneg=True), cp.Parameter()
    problem = cp.Problem(cp.Minimize(x), [x == 0.3 - 3 * asked])
    solver = AgentSolver(Agent("a", problem, {"asked": asked}, {"x": x}))
    assert solver.answer(asked=0.1)["x"] == 0.0
