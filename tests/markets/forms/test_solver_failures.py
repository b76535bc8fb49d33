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
    monkeypatch.setattr(cp.Problem, "solve", fails)
    with pytest.raises(eg.SolverFailed, match="the basis is singular"):
        standalone.solve(agent, standalone.statement_of(agent).problem())


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
