"""Two sellers of goods that are alike: at prices p1, p2 seller i sells a - b p_i + d p_j."""

import cvxpy as cp

import equigrid as eg

MARKET, OWN, CROSS = 100.0, 2.0, 1.0
COSTS = {"first": 8.0, "second": 20.0}


def _seller(name: str, cost: float) -> eg.Agent:
    price, other = cp.Variable(bounds=[0, MARKET]), cp.Parameter()
    # (p - c) (a - b p + d p'), without what it cannot change
    gain = (MARKET + OWN * cost) * price - OWN * cp.square(price) + CROSS * other * price
    gain = gain - cost * MARKET - cost * CROSS * other
    problem = cp.Problem(cp.Maximize(gain))
    return eg.Agent(name, problem, hears={"other": other}, says={"price": price})


def game() -> eg.Game:
    """Return the game."""
    return eg.Game(
        [_seller(name, cost) for name, cost in COSTS.items()],
        links=[eg.Link("second.price", "first.other"), eg.Link("first.price", "second.other")],
    )
