"""Two players share a limit: (x - 1)² and (y - ½)², both subject to x + y ≤ 1."""

import cvxpy as cp

import equigrid as eg


def _player(name: str, target: float) -> eg.Agent:
    own, other = cp.Variable(), cp.Parameter()
    problem = cp.Problem(cp.Minimize(cp.square(own - target)), [own + other <= 1])
    return eg.Agent(name, problem, hears={"other": other}, says={"own": own})


def game() -> eg.Game:
    """Return the game."""
    return eg.Game(
        [_player("first", 1.0), _player("second", 0.5)],
        links=[eg.Link("second.own", "first.other"), eg.Link("first.own", "second.other")],
    )
