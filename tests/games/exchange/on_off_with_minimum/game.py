"""A unit that is off, or on between a least and a greatest power, beside a dearer small one."""

import cvxpy as cp

import equigrid as eg

LOAD_MW = [3.0, 4.5, 6.0, 9.0, 12.0]


def unit() -> eg.Agent:
    """Pay 50 for an hour on, and 20 per MWh, at 4 to 10 MW."""
    on = cp.Variable(len(LOAD_MW), boolean=True)
    output = cp.Variable(len(LOAD_MW), bounds=[0, 10])
    rows = [(output >= 4 * on).set_label("least power"), (output <= 10 * on).set_label("most")]
    cost = 50 * cp.sum(on) + 20 * cp.sum(output)
    problem = cp.Problem(cp.Minimize(cost), rows)
    return eg.Agent("unit", problem, says={"output_mw": output, "on": on})


def peaker() -> eg.Agent:
    """Produce up to 8 MW at 30 per MWh."""
    output = cp.Variable(len(LOAD_MW), bounds=[0, 8])
    problem = cp.Problem(cp.Minimize(30 * cp.sum(output)))
    return eg.Agent("peaker", problem, says={"output_mw": output})


def game() -> eg.Game:
    """Return the game."""
    balance = eg.Balance("energy", ["unit.output_mw", "peaker.output_mw"], LOAD_MW)
    return eg.Game([unit(), peaker()], balances=[balance])
