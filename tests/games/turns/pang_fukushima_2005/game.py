"""Two leaders of one follower without an equilibrium.

The first minimises x/2 + y over x from 0 to 1, the second -z/2 - y over z from 0 to 1, where y
answers them by min y (x + z - 1) + y²/2 over y ≥ 0. So y = max(0, 1 - x - z); the first wants
x = 1 - z, the second z = 0 where x < 1/2 and z = 1 where x > 1/2.
"""

import cvxpy as cp

import equigrid as eg


def _leader(name: str, sign: float) -> eg.Agent:
    own, answer = cp.Variable(bounds=[0, 1]), cp.Parameter()
    return eg.Agent(
        name,
        cp.Problem(cp.Minimize(sign * (own / 2 + answer))),
        hears={"answer": answer},
        says={"own": own},
    )


def game() -> eg.Game:
    """Return the game."""
    answer, price = cp.Variable(bounds=[0, 5]), cp.Parameter()
    follower = eg.Agent(
        "follower",
        cp.Problem(cp.Minimize((price - 1) * answer + cp.square(answer) / 2)),
        hears={"price": price},
        says={"answer": answer},
    )
    names = {"first": 1.0, "second": -1.0}
    return eg.Game(
        [*(_leader(name, sign) for name, sign in names.items()), follower],
        leader=list(names),
        links=[
            *(eg.Link(f"{name}.own", "follower.price") for name in names),
            *(eg.Link("follower.answer", f"{name}.answer") for name in names),
        ],
    )
