"""A price that is a dual is checked as a subgradient: any optimal one passes, no other does."""

from collections.abc import Mapping

import cvxpy as cp
import numpy as np
import pytest

from equigrid.arrays import FloatArray
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certify import certify
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.sources import Dual

NODES = 2


def operator(*, maximise: bool = False) -> Agent:
    """Serve what is withdrawn at two nodes from 2 MW at 10, 3 MW at 30 and any amount at 80."""
    withdrawn = cp.Parameter(NODES, name="withdrawn")
    made = cp.Variable(3, bounds=[0, [2, 3, np.inf]])
    cost = np.array([10.0, 30.0, 80.0]) @ made
    served = [cp.sum(made) == cp.sum(withdrawn)]
    goal = cp.Maximize(-cost) if maximise else cp.Minimize(cost)
    return Agent("dno", cp.Problem(goal, served), {"withdrawn": withdrawn}, {"made": made})


def checked(
    follower: Agent, given: Mapping[str, FloatArray], duals: Mapping[str, FloatArray]
) -> Certificate:
    """Certify duals of a follower at what it is given, by heard name."""
    ears = {name: cp.Parameter(follower.hears[name].shape) for name in duals}
    sources = {name: Dual(f"{follower.name}.{name}") for name in duals}
    game = Game(
        [follower, Agent("listener", hears=ears)],
        links=[Link(source, f"listener.{name}") for name, source in sources.items()],
        given={f"{follower.name}.{name}": value for name, value in given.items()},
    )
    values: dict[str, FloatArray] = {sources[name]: dual for name, dual in duals.items()}
    return certify(game, values)[0]


@pytest.mark.parametrize("maximise", [False, True])
@pytest.mark.parametrize(
    ("withdrawn", "price", "optimal"),
    [
        ([1.0, 0.0], 10.0, True),
        ([1.0, 0.0], 10.1, False),
        ([1.0, 0.0], 9.9, False),
        ([1.0, 0.0], -10.0, False),
        ([1.0, 1.0], 10.0, True),
        ([1.0, 1.0], 17.0, True),
        ([1.0, 1.0], 30.0, True),
        ([1.0, 1.0], 30.3, False),
        ([1.0, 1.0], 9.9, False),
        ([5.0, 2.0], 80.0, True),
        ([5.0, 2.0], 80.0 + 1e-8, True),
        ([5.0, 2.0], 80.8, False),
        ([0.0, 0.0], 10.0, True),
        ([0.0, 0.0], -1000.0, True),
        ([0.0, 0.0], 10.1, False),
    ],
)
def test_every_optimal_dual_passes_and_no_other(
    withdrawn: list[float], price: float, optimal: bool, maximise: bool
) -> None:
    """At a kink there are many; 1 % off the interval, or the other sign, is caught."""
    dno = operator(maximise=maximise)
    given = {"withdrawn": np.array(withdrawn)}
    found = checked(dno, given, {"withdrawn": np.full(NODES, price)}).dual_residual
    assert found is not None
    assert (found <= 1e-6) == optimal


def test_the_residual_is_a_share_of_the_cost() -> None:
    """At 20 for what costs 10, one MW more is worth 10, until 30 is dearer: 10 of 10 and 20."""
    given, price = {"withdrawn": np.array([1.0, 0.0])}, np.full(NODES, 20.0)
    found = checked(operator(), given, {"withdrawn": price}).dual_residual
    assert found == pytest.approx(1.0 / 3.0)


def test_prices_that_are_optimal_one_by_one_but_not_together() -> None:
    """Both nodes are served alike, so their prices are equal, whatever they are."""
    given, apart = {"withdrawn": np.array([1.0, 1.0])}, np.array([10.0, 30.0])
    found = checked(operator(), given, {"withdrawn": apart})
    assert found.dual_residual is not None
    assert found.dual_residual > 0.1
    assert any("is no optimal dual" in sentence for sentence in found.shortcomings(TOLERANCE))


TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-6} | {
    "ac_voltage_pu": 0.005,
    "ac_loading_percent": 0.0,
}


def site() -> Agent:
    """Cover 4 MW from outside at the price, or with 2 MW of its own at 5."""
    price, need = cp.Parameter(1, name="price"), cp.Parameter(1, name="need")
    bought, own = cp.Variable(1, bounds=[0, 9]), cp.Variable(1, bounds=[0, 2])
    cost = price @ bought + 5 * cp.sum(own) + 0.5 * cp.sum(price)
    return Agent(
        "site",
        cp.Problem(cp.Minimize(cost), [bought + own == need]),
        {"price": price, "need": need},
    )


@pytest.mark.parametrize(
    ("price", "quantity", "optimal"),
    [
        (4.0, 4.5, True),
        (4.0, 4.4, False),
        (5.0, 2.5, True),
        (5.0, 3.3, True),
        (5.0, 2.4, False),
        (6.0, 2.5, True),
        (6.0, 2.6, False),
    ],
)
def test_the_dual_of_a_price_is_a_quantity(price: float, quantity: float, optimal: bool) -> None:
    """Cost grows with a price by what is bought, and by the half that is paid in any case."""
    given = {"price": np.array([price]), "need": np.array([4.0])}
    found = checked(site(), given, {"price": np.array([quantity])}).dual_residual
    assert found is not None
    assert (found <= 1e-6) == optimal


def test_duals_of_a_price_and_of_a_need() -> None:
    given = {"price": np.array([6.0]), "need": np.array([4.0])}
    duals = {"price": np.array([2.5]), "need": np.array([6.0])}
    assert checked(site(), given, duals).dual_residual == pytest.approx(0.0, abs=1e-8)
    worse = checked(site(), given, {**duals, "need": np.array([5.9])}).dual_residual
    assert worse is not None
    assert worse > 1e-3


def test_what_moves_costs_and_limits_at_once_is_not_proven() -> None:
    """Cost is neither convex nor concave in it, so nothing is said in its favour."""
    signal, x = cp.Parameter(1, name="signal"), cp.Variable(1, bounds=[0, 9])
    agent = Agent("a", cp.Problem(cp.Minimize(signal @ x), [x >= signal]), {"signal": signal})
    found = checked(agent, {"signal": np.ones(1)}, {"signal": np.full(1, 2.0)})
    assert found.dual_residual == np.inf
    assert any("by inf of its money" in sentence for sentence in found.shortcomings(TOLERANCE))


def test_a_curved_cost_has_one_dual() -> None:
    heard, x = cp.Parameter(2, name="heard"), cp.Variable(2)
    agent = Agent("a", cp.Problem(cp.Minimize(cp.sum_squares(x)), [x == heard]), {"heard": heard})
    given = {"heard": np.array([1.0, 3.0])}
    assert checked(agent, given, {"heard": np.array([2.0, 6.0])}).dual_residual == pytest.approx(
        0.0, abs=1e-7
    )
    worse = checked(agent, given, {"heard": np.array([2.0, 6.06])}).dual_residual
    assert worse == pytest.approx(0.03**2 / 30, rel=0.01)


def test_without_a_dual_there_is_nothing_to_check() -> None:
    assert checked(site(), {"price": np.ones(1), "need": np.ones(1)}, {}).dual_residual is None
