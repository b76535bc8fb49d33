"""Wind and a generator, and a load that would pay more than they cost but cannot get enough."""

import cvxpy as cp
import numpy as np

import equigrid as eg

COST, VALUE = {"wind": 10.0, "generator": 30.0}, 80.0
MOST = {"wind": [4.0, 4.0, 4.0], "generator": [6.0, 6.0, 6.0], "load": [3.0, 8.0, 15.0]}


def producer(name: str) -> eg.Agent:
    """Produce at a cost up to a limit."""
    output = cp.Variable(3, bounds=[0, np.array(MOST[name])])
    problem = cp.Problem(cp.Minimize(COST[name] * cp.sum(output)))
    return eg.Agent(name, problem, says={"output_mw": output})


def load() -> eg.Agent:
    """Draw what is worth its price, up to a limit."""
    demand = cp.Variable(3, bounds=[0, np.array(MOST["load"])])
    return eg.Agent(
        "load", cp.Problem(cp.Maximize(VALUE * cp.sum(demand))), says={"demand_mw": demand}
    )


def game() -> eg.Game:
    """Return the game."""
    terms = ["wind.output_mw", "generator.output_mw", "-load.demand_mw"]
    agents = [producer("wind"), producer("generator"), load()]
    return eg.Game(agents, balances=[eg.Balance("energy", terms)])
