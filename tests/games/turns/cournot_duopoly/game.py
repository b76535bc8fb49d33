"""Two producers of one good: price a - b (q1 + q2), unit costs c1 and c2."""

import cvxpy as cp

import equigrid as eg

CHOKE, SLOPE = 100.0, 2.0
COSTS = {"first": 10.0, "second": 25.0}


def _firm(name: str, cost: float) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, CHOKE / SLOPE]), cp.Parameter()
    income = (CHOKE - cost) * output - SLOPE * (cp.square(output) + others * output)
    problem = cp.Problem(cp.Maximize(income))
    return eg.Agent(name, problem, hears={"others": others}, says={"output": output})


def game() -> eg.Game:
    """Return the game."""
    return eg.Game(
        [_firm(name, cost) for name, cost in COSTS.items()],
        links=[
            eg.Link("second.output", "first.others"),
            eg.Link("first.output", "second.others"),
        ],
    )
