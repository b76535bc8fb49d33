"""A generator withholds what costs it nothing, from a market of 100 MW that pays its dual.

In print the generator is paid λ g for its output g ≤ q, where λ is the dual of the demand balance
and q is what it offers. As g costs the market nothing, λ g is the rent μ q of the offer, where μ is
the multiplier of g ≤ q. So the income is the payment at the dual of the offer, which is -μ.
"""

import cvxpy as cp
import numpy as np

import equigrid as eg

COSTS = np.array([50.0, 100.0, 1000.0])
RIVALS_MW = np.array([40.0, 40.0, 100.0])
DEMAND_MW = 100.0


def game() -> eg.Game:
    """Return the game."""
    offer, offered = cp.Variable(1, bounds=[0, 100]), cp.Parameter(1)
    own, rivals = cp.Variable(1, nonneg=True), cp.Variable(3, bounds=[0, RIVALS_MW])
    market = eg.Agent(
        "market",
        cp.Problem(
            cp.Minimize(COSTS @ rivals),
            [cp.sum(own) + cp.sum(rivals) == DEMAND_MW, own <= offered],
        ),
        hears={"offered_mw": offered},
        says={"rivals_mw": rivals},
    )
    paid = cp.Parameter()
    generator = eg.Agent(
        "generator",
        cp.Problem(cp.Maximize(-paid)),
        hears={"paid": paid},
        says={"offered_mw": offer},
    )
    price = eg.Dual("market.offered_mw")
    return eg.Game(
        agents=[generator, market],
        leader="generator",
        links=[
            eg.Link("generator.offered_mw", "market.offered_mw"),
            eg.Link("rent", "generator.paid"),
        ],
        payments=[eg.Payment("rent", "generator", "market", price, "generator.offered_mw")],
    )
