"""A producer builds capacity that a market of 200 MW clears for 8760 hours at its own price.

In print the producer is paid λ y for what it generates, where λ is the dual of the demand balance,
and bears 10 y. Whatever the market's answer, (λ - 10) y is the rent μ x of the capacity x, where μ
is the multiplier of y ≤ x. So the whole margin is the payment at the dual of the capacity: what
the market's cost grows by per MW more, which is -μ.
"""

import cvxpy as cp
import numpy as np

import equigrid as eg

HOURS, INVESTMENT = 8760.0, 40_000.0
COSTS = np.array([10.0, 12.0, 15.0])
RIVALS_MW = np.array([150.0, 100.0])
DEMAND_MW = 200.0


def game() -> eg.Game:
    """Return the game; the producer's objective is cost less margin, as in print."""
    built, capacity = cp.Variable(1, bounds=[0, 250]), cp.Parameter(1)
    own, rivals = cp.Variable(1, nonneg=True), cp.Variable(2, bounds=[0, RIVALS_MW])
    market = eg.Agent(
        "market",
        cp.Problem(
            cp.Minimize(COSTS[:1] @ own + COSTS[1:] @ rivals),
            [cp.sum(own) + cp.sum(rivals) == DEMAND_MW, own <= capacity],
        ),
        hears={"capacity_mw": capacity},
        says={"own_mw": own, "rivals_mw": rivals},
    )
    rent = cp.Parameter()
    producer = eg.Agent(
        "producer",
        cp.Problem(cp.Minimize(INVESTMENT * cp.sum(built) + rent)),
        hears={"rent": rent},
        says={"capacity_mw": built},
    )
    price = eg.Dual("market.capacity_mw")
    margin = eg.Payment("margin", "producer", "market", price, "producer.capacity_mw", hours=HOURS)
    return eg.Game(
        agents=[producer, market],
        leader="producer",
        links=[
            eg.Link("producer.capacity_mw", "market.capacity_mw"),
            eg.Link("margin", "producer.rent"),
        ],
        payments=[margin],
    )
