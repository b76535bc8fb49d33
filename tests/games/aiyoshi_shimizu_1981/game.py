"""A company shares resources among two plants, each of which stays near its own aim.

What both plants make arrives at the company as a sum and is sold at a price that falls with it.
"""

import cvxpy as cp
import numpy as np

import equigrid as eg

NEEDS = np.array([[0.4, 0.7], [0.6, 0.3]])
AIMS = {"first": np.array([4.0, 13.0]), "second": np.array([35.0, 2.0])}
MOST = {"first": 20.0, "second": 40.0}
SHARES = {"first": np.array([10.0, 5.0]), "second": np.array([15.0, 20.0])}
PRICES = np.array([200.0, 160.0])


def _plant(name: str) -> eg.Agent:
    made, share = cp.Variable(2, bounds=[0, MOST[name]]), cp.Parameter(2)
    distance = cp.sum_squares(made) - 2 * AIMS[name] @ made + AIMS[name] @ AIMS[name]
    problem = cp.Problem(cp.Minimize(distance), [NEEDS @ made <= share])
    return eg.Agent(name, problem, hears={"share": share}, says={"made": made})


def game() -> eg.Game:
    """Return the game of one company and two plants."""
    shares = {name: cp.Variable(2, bounds=[0, most]) for name, most in SHARES.items()}
    made, sold = cp.Parameter(2), cp.Variable(2)
    company = eg.Agent(
        "company",
        cp.Problem(
            cp.Maximize(PRICES @ sold - cp.sum_squares(sold)),
            [sold == made, sum(cp.sum(share) for share in shares.values()) <= 40],
        ),
        hears={"made": made},
        says=shares,
    )
    return eg.Game(
        agents=[company, *(_plant(name) for name in shares)],
        leader="company",
        links=[eg.Link(f"company.{name}", f"{name}.share") for name in shares]
        + [eg.Link(f"{name}.made", "company.made") for name in shares],
    )
