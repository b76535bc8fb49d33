"""The textbook duopoly: price a - b (q1 + q2), unit costs c1 and c2, firm 1 leads.

The follower's best reply to q1 is the answer of a market with the potential

    min  b/2 Q² - a Q + b/2 q2² + c2 q2   over   Q + w ≤ q2

to the withdrawal w = -q1, and the dual of w is the price. What the leader pays for its withdrawal
is a payment at that dual; see henderson_quandt_1958.
"""

import cvxpy as cp

import equigrid as eg

CHOKE, SLOPE = 100.0, 1.0
LEADER_COST, FOLLOWER_COST = 10.0, 20.0


def game() -> eg.Game:
    """Return the game."""
    output, withdrawn = cp.Variable(1, bounds=[0, CHOKE / SLOPE]), cp.Parameter(1)
    sold, reply = cp.Variable(1, bounds=[0, 2 * CHOKE / SLOPE]), cp.Variable(1, bounds=[0, CHOKE])
    worth = CHOKE * cp.sum(sold) - SLOPE / 2 * cp.sum_squares(sold)
    effort = FOLLOWER_COST * cp.sum(reply) + SLOPE / 2 * cp.sum_squares(reply)
    market = eg.Agent(
        "market",
        cp.Problem(cp.Minimize(effort - worth), [sold + withdrawn <= reply]),
        hears={"withdrawn": withdrawn},
        says={"reply": reply},
    )
    paid = cp.Parameter()
    leader = eg.Agent(
        "leader",
        cp.Problem(cp.Maximize(-paid - LEADER_COST * cp.sum(output))),
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
