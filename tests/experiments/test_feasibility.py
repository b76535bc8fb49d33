"""What an agent cannot do is named with its equation and its step before anything is solved."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import NoAnswer
from equigrid.experiments.world.feasibility import refuse_infeasible, refuse_infeasible_agent
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link

HOURS = 4


def _agent(constraint: cp.Constraint, output_mw: cp.Variable) -> Agent:
    problem = cp.Problem(cp.Minimize(cp.sum(output_mw)), [constraint.set_label("limit")])
    return Agent("unit", problem, says={"output_mw": output_mw})


def _refusal(agent: Agent) -> str:
    with pytest.raises(NoAnswer) as refused:
        refuse_infeasible_agent(agent, HOURS)
    assert refused.value.agent == "unit"
    return str(refused.value)


def test_a_series_names_its_step() -> None:
    output = cp.Variable(HOURS, bounds=[0, 1])
    assert "limit cannot hold in step 3" in _refusal(
        _agent(output >= np.array([0, 1, 1.5, 1]), output)
    )


def test_a_balance_may_fail_on_either_side() -> None:
    output = cp.Variable(HOURS, bounds=[0, 1])
    for wanted in (-0.5, 1.5):
        assert "step 2" in _refusal(_agent(output == np.array([0, wanted, 0, 0]), output))


def test_ramps_run_from_the_second_step() -> None:
    output = cp.Variable(HOURS, bounds=[0, 1])
    assert "step 4" in _refusal(_agent(cp.diff(output) >= np.array([0, 0, 1.2]), output))


def test_a_single_row_is_the_first_step_and_scenarios_wrap_around() -> None:
    output = cp.Variable(HOURS, bounds=[0, 1])
    assert "step 1" in _refusal(_agent(output[0] >= 2, output))
    wide = cp.Variable((2, HOURS), bounds=[0, 1])
    least = np.zeros((2, HOURS))
    least[1, 2] = 1.4
    assert "step 3" in _refusal(_agent(wide >= least, wide))


def test_an_agent_without_constraints_can_do_anything() -> None:
    output = cp.Variable(HOURS, bounds=[0, 1])
    refuse_infeasible_agent(
        Agent("unit", cp.Problem(cp.Minimize(cp.sum(output))), says={"output_mw": output}), HOURS
    )


def test_what_a_signal_can_mend_is_not_refused() -> None:
    heard, output = cp.Parameter(HOURS, name="limit_mw"), cp.Variable(HOURS)
    problem = cp.Problem(cp.Minimize(cp.sum(output)), [output <= heard, output >= 3])
    refuse_infeasible_agent(Agent("unit", problem, hears={"limit_mw": heard}), HOURS)


def _pair(most_mw: float) -> Game:
    """Return a seller who may sell 4 MW in every hour and a buyer who needs more in hour 2."""
    price, bought = cp.Parameter(HOURS), cp.Variable(HOURS)
    own = cp.Variable(HOURS, bounds=[0, most_mw])
    balance = (bought + own == np.array([3.0, 6.0, 3.0, 3.0])).set_label("balance")
    buyer = Agent(
        "buyer",
        cp.Problem(cp.Minimize(price @ bought), [balance]),
        {"price": price},
        {"mw": bought},
    )
    offer, sold = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS)
    connection = (sold <= 4).set_label("connection")
    seller = Agent(
        "seller",
        cp.Problem(cp.Maximize(cp.sum(offer) - cp.sum(sold)), [connection]),
        {"sold": sold},
        {"price": offer},
    )
    links = [Link("seller.price", "buyer.price"), Link("buyer.mw", "seller.sold")]
    return Game([seller, buyer], leader="seller", links=links)


def test_a_leader_is_refused_where_no_answer_of_its_followers_keeps_its_limits() -> None:
    with pytest.raises(NoAnswer, match=r"'seller' .* connection cannot hold in step 2, short by 1"):
        refuse_infeasible(_pair(1.0), HOURS)
    refuse_infeasible(_pair(2.0), HOURS)
