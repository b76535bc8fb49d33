"""Three parties that share two goods from outside, with quadratic costs about their wishes."""

import cvxpy as cp
import numpy as np

import equigrid as eg

WEIGHTS = {"first": 1.0, "second": 2.0, "third": 4.0}
WISHES = {"first": [3.0, -6.0], "second": [1.0, 5.0], "third": [-0.5, 8.0]}
THERE_IS = [7.0, -3.5]


def party(name: str) -> eg.Agent:
    """Bear ½ a |x - c|² for receiving x."""
    taken = cp.Variable(2, bounds=[-50, 50])
    cost = WEIGHTS[name] / 2 * cp.sum_squares(taken - np.array(WISHES[name]))
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"taken": taken})


def game() -> eg.Game:
    """Return the game: what all take adds up to what there is."""
    balance = eg.Balance("market", [f"{name}.taken" for name in WEIGHTS], THERE_IS)
    return eg.Game([party(name) for name in WEIGHTS], balances=[balance])
