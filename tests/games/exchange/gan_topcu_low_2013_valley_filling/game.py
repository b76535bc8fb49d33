"""Four electric vehicles that fill the valley of a night, and a utility that bears the total."""

import cvxpy as cp
import numpy as np

import equigrid as eg

BASE_MW = np.array([9.0, 7.0, 5.0, 3.0, 2.0, 2.0, 4.0, 8.0])
ENERGY_MWH = {"ev1": 6.0, "ev2": 5.0, "ev3": 3.0, "ev4": 2.0}
MOST_MW = 2.5


def vehicle(name: str) -> eg.Agent:
    """Draw an amount of energy over the night, whenever."""
    charge = cp.Variable(len(BASE_MW), bounds=[0, MOST_MW])
    problem = cp.Problem(cp.Minimize(0.0 * cp.sum(charge)), [cp.sum(charge) == ENERGY_MWH[name]])
    return eg.Agent(name, problem, says={"charge_mw": charge})


def utility() -> eg.Agent:
    """Bear half the square of the total load in each hour."""
    supplied = cp.Variable(len(BASE_MW), bounds=[-10, 10])
    cost = cp.sum_squares(BASE_MW + supplied) / 2
    return eg.Agent("utility", cp.Problem(cp.Minimize(cost)), says={"supplied_mw": supplied})


def game() -> eg.Game:
    """Return the game."""
    terms = ["utility.supplied_mw", *(f"-{name}.charge_mw" for name in ENERGY_MWH)]
    agents = [utility(), *(vehicle(name) for name in ENERGY_MWH)]
    return eg.Game(agents, balances=[eg.Balance("charging", terms)])
