"""A cheap and a dear generator at two buses, and a line between them that is full in one hour."""

import cvxpy as cp

import equigrid as eg

LOAD_MW = {"north": [5.0, 2.0], "south": [20.0, 7.0]}
# Cost linear and quadratic: a q + b q².
COST = {"north": (10.0, 0.5), "south": (20.0, 1.0)}
LINE_MAX_MW = 8.0


def generator(bus: str) -> eg.Agent:
    """Produce at a cost that grows."""
    output = cp.Variable(2, bounds=[0, 40])
    linear, square = COST[bus]
    cost = linear * cp.sum(output) + square * cp.sum_squares(output)
    return eg.Agent(f"gen_{bus}", cp.Problem(cp.Minimize(cost)), says={"output_mw": output})


def line() -> eg.Agent:
    """Carry power from where it is cheap to where it is dear, for the difference."""
    flow = cp.Variable(2, bounds=[-LINE_MAX_MW, LINE_MAX_MW])
    return eg.Agent("line", cp.Problem(cp.Minimize(0.0 * cp.sum(flow))), says={"flow_mw": flow})


def game() -> eg.Game:
    """Return the game."""
    return eg.Game(
        [generator("north"), generator("south"), line()],
        balances=[
            eg.Balance("north", ["gen_north.output_mw", "-line.flow_mw"], LOAD_MW["north"]),
            eg.Balance("south", ["gen_south.output_mw", "line.flow_mw"], LOAD_MW["south"]),
        ],
    )
