"""A duopoly with the price 100 - Q/2, where the leader makes x at 5 and the follower y at y²/2.

The leader's income (100 - Q/2) x multiplies what it hears by its own decision and is not convex as
it stands. But the follower's best reply is the answer of a market with the potential

    min  Q²/4 - 100 Q + y²/2 + y²/4   over   Q + w ≤ y

to the withdrawal w = -x, and the dual of w is the price (100 - Q/2). So what the leader pays for
its withdrawal is a payment at a dual, which strong duality turns into Q²/2 - 100 Q + 3 y²/2.
"""

import cvxpy as cp

import equigrid as eg


def game() -> eg.Game:
    """Return the game."""
    output, withdrawn = cp.Variable(1, bounds=[0, 200]), cp.Parameter(1)
    sold, reply = cp.Variable(1, bounds=[0, 400]), cp.Variable(1, bounds=[0, 200])
    worth = 100 * cp.sum(sold) - cp.sum_squares(sold) / 4
    market = eg.Agent(
        "market",
        cp.Problem(cp.Minimize(0.75 * cp.sum_squares(reply) - worth), [sold + withdrawn <= reply]),
        hears={"withdrawn": withdrawn},
        says={"reply": reply},
    )
    paid = cp.Parameter()
    leader = eg.Agent(
        "leader",
        cp.Problem(cp.Maximize(-paid - 5 * cp.sum(output))),
        hears={"paid": paid},
        says={"output": output, "withdrawn": -output},
    )
    price = eg.Dual("market.withdrawn")
    return eg.Game(
        agents=[leader, market],
        leader="leader",
        links=[
            eg.Link("leader.withdrawn", "market.withdrawn"),
            eg.Link("bill", "leader.paid"),
        ],
        payments=[eg.Payment("bill", "leader", "market", price, "leader.withdrawn")],
    )
