"""Two leaders and two followers sell one good at the price a - b Q, all at outputs.

The followers' Cournot equilibrium at the leaders' output X is the answer of one market with the
potential

    min  b/2 Q² - a Q + Σ (c y_k + b/2 y_k²)   over   Q + w ≤ Σ y_k

to the withdrawal w = -X, and the dual of w is the price. So what a leader earns is a payment at
that dual, as in stackelberg_duopoly.
"""

from collections.abc import Sequence

import cvxpy as cp
import numpy as np

import equigrid as eg

CHOKE, SLOPE = 100.0, 1.0
LEADER_COSTS, FOLLOWER_COSTS = (10.0, 16.0), (20.0, 20.0)
PRICE = eg.Dual("market.withdrawn")


def _market(costs: Sequence[float]) -> eg.Agent:
    sold, withdrawn = cp.Variable(1, bounds=[0, 4 * CHOKE / SLOPE]), cp.Parameter(1)
    replies = cp.Variable(len(costs), bounds=[0, CHOKE / SLOPE])
    worth = CHOKE * cp.sum(sold) - SLOPE / 2 * cp.sum_squares(sold)
    effort = np.array(costs) @ replies + SLOPE / 2 * cp.sum_squares(replies)
    return eg.Agent(
        "market",
        cp.Problem(cp.Minimize(effort - worth), [sold + withdrawn <= cp.sum(replies)]),
        hears={"withdrawn": withdrawn},
        says={"replies": replies},
    )


def _leader(name: str, cost: float) -> eg.Agent:
    output, paid = cp.Variable(1, bounds=[0, CHOKE / SLOPE]), cp.Parameter()
    return eg.Agent(
        name,
        cp.Problem(cp.Maximize(-paid - cost * cp.sum(output))),
        hears={"paid": paid},
        says={"output": output, "withdrawn": -output},
    )


def game() -> eg.Game:
    """Return the game."""
    names = [f"leader{number}" for number in range(1, len(LEADER_COSTS) + 1)]
    leaders = [_leader(*pair) for pair in zip(names, LEADER_COSTS, strict=True)]
    links = [eg.Link(f"{name}.withdrawn", "market.withdrawn") for name in names]
    links += [eg.Link(f"bill {name}", f"{name}.paid") for name in names]
    return eg.Game(
        [*leaders, _market(FOLLOWER_COSTS)],
        leader=names,
        links=links,
        payments=[
            eg.Payment(f"bill {name}", name, "market", PRICE, f"{name}.withdrawn") for name in names
        ],
    )
