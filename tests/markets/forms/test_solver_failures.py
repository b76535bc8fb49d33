"""A solver's failure is told as that, in its own words; only a proof is blamed on an agent."""

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import highspy
import numpy as np
import piqp
import pytest

import equigrid as eg
from equigrid.markets.admm.balance_terms import balance_terms_of
from equigrid.markets.admm.proximal import Proximal
from equigrid.markets.certification import standalone
from equigrid.markets.forms.highs_model import HighsModel
from equigrid.markets.forms.quadratic_model import QuadraticModel


def plant(cost: Callable[[cp.Variable], Any], upper: float = 3.0, least: float = 0.0) -> eg.Agent:
    price, output_mw = cp.Parameter(2), cp.Variable(2, bounds=[0, upper])
    problem = cp.Problem(cp.Maximize(price @ output_mw - cost(output_mw)), [output_mw >= least])
    return eg.Agent("plant", problem, hears={"price": price}, says={"output_mw": output_mw})


def linear(output_mw: cp.Variable) -> Any:
    return 5 * cp.sum(output_mw)


def quadratic(output_mw: cp.Variable) -> Any:
    return cp.sum_squares(output_mw)


PRICE = [6.0, 7.0]


def test_a_failure_of_highs_is_told_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = eg.AgentSolver(plant(linear))
    monkeypatch.setattr(HighsModel, "_run", lambda self: highspy.HighsModelStatus.kSolveError)
    with pytest.raises(eg.SolverFailed, match=r"HiGHS cannot solve .*'plant'.*'Solve error'"):
        solver.answer(price=PRICE)


def test_a_run_that_returns_an_error_is_none_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = eg.AgentSolver(plant(linear))
    solver.answer(price=PRICE)
    run = "equigrid.markets.forms.highs_model.in_own_thread"
    monkeypatch.setattr(run, lambda *_: highspy.HighsStatus.kError)
    with pytest.raises(eg.SolverFailed, match="Solve error"):
        solver.answer(price=PRICE)


class Ended:
    """A solver that always ends with the same words."""

    x, z, obj_val, obj_val_dual = (0.0, 0.0), (0.0,) * 4, 0.0, 0.0

    def __init__(self, words: str) -> None:
        self.status = words

    def solve(self) -> "Ended":
        return self

    def update(self, **_: Any) -> None:
        pass


@pytest.mark.parametrize(
    "words", ["NumericalError", "InsufficientProgress", "MaxIterations", "AlmostPrimalInfeasible"]
)
def test_what_interior_points_do_not_prove_is_no_fault_of_the_agent(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = eg.AgentSolver(plant(quadratic))
    solver.answer(price=PRICE)
    model: Any = solver._model
    monkeypatch.setattr(model._model, "_solver", Ended(words))
    assert np.allclose(solver.answer(price=PRICE)["output_mw"], [3.0, 3.0])  # PIQP has it
    monkeypatch.setattr(QuadraticModel, "_by_piqp", lambda self, failed: failed)
    with pytest.raises(eg.SolverFailed, match=rf"cannot solve .*'plant'.*'{words}'"):
        solver.answer(price=PRICE)


@pytest.mark.parametrize(
    ("agent", "why"),
    [
        (plant(linear, least=4.0), "infeasible"),
        (plant(linear, upper=float("inf")), "unbounded"),
        (plant(quadratic, least=4.0), "infeasible"),
        (plant(lambda output_mw: 0 * output_mw[0], upper=float("inf")), "unbounded"),
    ],
)
def test_proofs_are_told_of_the_agent(agent: eg.Agent, why: str) -> None:
    with pytest.raises(eg.NoAnswer, match=rf"agent 'plant' has no best answer.*{why}") as raised:
        eg.AgentSolver(agent).answer(price=PRICE)
    assert not isinstance(raised.value, eg.SolverFailed)


@pytest.mark.parametrize("cost", [linear, quadratic])
def test_a_failure_in_a_certificate_is_told_as_one(
    cost: Callable[[cp.Variable], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise cp.SolverError("Solver 'HIGHS' failed: the basis is singular")

    agent = plant(cost)
    agent.hears["price"].value = PRICE
    monkeypatch.setattr(cp.Problem, "unpack_results", fails)
    with pytest.raises(eg.SolverFailed, match="the basis is singular"):
        standalone.solve(agent, standalone.statement_of(agent).problem())


@pytest.mark.parametrize("words", ["failed", "infeasible_inaccurate", "unbounded_inaccurate"])
def test_a_certificate_asks_piqp_where_clarabel_proves_nothing(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack, tried = cp.Problem.unpack_results, []

    def unpack_or_fail(problem: cp.Problem, solution: Any, chain: Any, back: Any) -> None:
        tried.append(chain.solver.name())
        unpack(problem, solution, chain, back)
        if tried[-1] == cp.CLARABEL:
            if words == "failed":
                raise cp.SolverError("Solver 'CLARABEL' failed.")
            problem._status = words

    agent = plant(quadratic)
    agent.hears["price"].value = PRICE
    monkeypatch.setattr(cp.Problem, "unpack_results", unpack_or_fail)
    problem = standalone.statement_of(agent).problem()
    # Each is worth most at half its price, of which 3 may be made.
    assert standalone.solve(agent, problem) == pytest.approx(-21.0)
    assert tried == [cp.CLARABEL, cp.CLARABEL, cp.PIQP]


@pytest.mark.parametrize(("cap", "off"), [(5e5, 0.0), (1e9, 0.0), (1e9, 1e-3)])
def test_a_limit_of_heard_figures_alone_does_not_stop_a_certificate(cap: float, off: float) -> None:
    """It is of money where the others are of power, and far from all of them."""
    dual, x = cp.Parameter(), cp.Variable(2, bounds=[0, 4])
    rows = [dual <= cap, -dual <= cap, x[0] <= 4 + 4e-9, x[0] >= 4 - 4e-9]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x) / 8 - x[0] + x[1]), rows)
    agent = eg.Agent("leader", problem, {"dual": dual}, {"x": x})
    dual.value = cap + off * cap
    if not off:
        assert standalone.solve(agent, problem) == pytest.approx(-2.0, abs=1e-7)
        return
    with pytest.raises(eg.NoAnswer, match="infeasible"):
        standalone.solve(agent, problem)


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        (piqp.PIQP_NUMERICS, True),
        (piqp.PIQP_MAX_ITER_REACHED, True),
        (piqp.PIQP_PRIMAL_INFEASIBLE, False),
        (piqp.PIQP_DUAL_INFEASIBLE, False),
    ],
)
def test_what_piqp_does_not_prove_is_no_fault_of_the_agent(status: Any, *, failed: bool) -> None:
    output_mw = cp.Variable(1, bounds=[0, 3])
    party = eg.Agent("plant", cp.Problem(cp.Minimize(5 * cp.sum(output_mw))), {}, {"mw": output_mw})
    load = eg.Agent("load", says={"mw": cp.Constant([2.0])})
    game = eg.Game([party, load], balances=[eg.Balance("energy", ["plant.mw", "-load.mw"])])
    told = Proximal(balance_terms_of(game, "plant"))._no_answer(status)
    assert isinstance(told, eg.SolverFailed) == failed
    assert ("PIQP cannot solve" in str(told)) == failed
