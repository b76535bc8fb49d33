"""Three parties that exchange two goods, each with a quadratic cost about what it would like."""

import cvxpy as cp
import numpy as np

import equigrid as eg

WEIGHTS = {"first": 1.0, "second": 2.0, "third": 4.0}
WISHES = {"first": [3.0, -6.0], "second": [1.0, 5.0], "third": [-0.5, 8.0]}


def party(name: str) -> eg.Agent:
    """Bear ½ a |x - c|² for receiving x."""
    taken = cp.Variable(2, bounds=[-50, 50])
    cost = WEIGHTS[name] / 2 * cp.sum_squares(taken - np.array(WISHES[name]))
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"taken": taken})


def game() -> eg.Game:
    """Return the game: what all take adds up to nothing."""
    balance = eg.Balance("market", [f"{name}.taken" for name in WEIGHTS])
    return eg.Game([party(name) for name in WEIGHTS], balances=[balance])
