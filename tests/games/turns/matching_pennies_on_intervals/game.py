"""One player gains x y, the other loses it; both choose from -1 to 1."""

import cvxpy as cp

import equigrid as eg


def _player(name: str, sign: float) -> eg.Agent:
    own, other = cp.Variable(bounds=[-1, 1]), cp.Parameter()
    problem = cp.Problem(cp.Maximize(sign * other * own))
    return eg.Agent(name, problem, hears={"other": other}, says={"own": own})


def game() -> eg.Game:
    """Return the game."""
    return eg.Game(
        [_player("even", 1.0), _player("odd", -1.0)],
        links=[eg.Link("odd.own", "even.other"), eg.Link("even.own", "odd.other")],
    )
