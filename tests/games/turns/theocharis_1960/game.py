"""Three producers that all change their outputs at once: price 90 - (q1 + q2 + q3), no costs."""

import cvxpy as cp

import equigrid as eg


def _firm(name: str) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, 90]), cp.Parameter()
    income = 90 * output - cp.square(output) - others * output
    problem = cp.Problem(cp.Maximize(income))
    return eg.Agent(name, problem, hears={"others": others}, says={"output": output})


def game() -> eg.Game:
    """Return the game."""
    names = ["first", "second", "third"]
    links = [
        eg.Link(f"{other}.output", f"{name}.others")
        for name in names
        for other in names
        if other != name
    ]
    return eg.Game([_firm(name) for name in names], links=links)
