"""Five producers of one good with equal costs: price a - b (q1 + … + q5)."""

import cvxpy as cp

import equigrid as eg

CHOKE, SLOPE, COST, FIRMS = 120.0, 0.5, 12.0, 5


def _firm(name: str) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, CHOKE / SLOPE]), cp.Parameter()
    income = (CHOKE - COST) * output - SLOPE * (cp.square(output) + others * output)
    problem = cp.Problem(cp.Maximize(income))
    return eg.Agent(name, problem, hears={"others": others}, says={"output": output})


def game() -> eg.Game:
    """Return the game; what the others sell adds up by links to one heard value."""
    names = [f"firm{number}" for number in range(1, FIRMS + 1)]
    links = [
        eg.Link(f"{other}.output", f"{name}.others")
        for name in names
        for other in names
        if other != name
    ]
    return eg.Game([_firm(name) for name in names], links=links)
