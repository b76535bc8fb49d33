"""Answers whose costs cancel to last digits, or that move next to nothing, are certified."""

import cvxpy as cp
import pytest
from tests.support.benchmark_files import drawn_game

import equigrid as eg

TOLERANCE = {"regret": 1e-6, "gap": 1e-5, "settlement": 1e-6}


@pytest.mark.parametrize(
    ("kind", "number", "money", "route"),
    [
        # What a follower hears makes a cost of 0 of a column without a bound, but for a digit.
        ("chain", 63, 475.6544693841058, "branching"),
        # A follower moves nothing, at costs far above the others'.
        ("quadratic", 63, 0.031317936586444245, "branching"),
        # The leader does best to do nothing.
        ("linear", 36, 214605.57188615942, "milp"),
        ("quadratic leader", 66, 0.011958100209503324, "branching"),
        # Nothing of what the leader decides has a price, but its square.
        ("quadratic leader", 116, 2.666870914357104e-05, "milp"),
        ("quadratic leader", 116, 1.3847804620687184e-05, "branching"),
        # A limit of the leader is one of heard money alone, millions beside ones.
        ("quadratic leader", 144, 186160.67163784278, "branching"),
        ("dual", 38, 1.0, "milp"),
    ],
)
def test_a_drawn_game_is_certified(kind: str, number: int, money: float, route: str) -> None:
    game = drawn_game(kind, number, money)
    found = eg.Exact(route=route, gap=1e-7).solve(game)  # type: ignore[arg-type]
    assert found.certificate.shortcomings(TOLERANCE) == []


@pytest.mark.parametrize("power", [1e-3, 1e3])
@pytest.mark.parametrize("money", [1e-6, 1e6])
@pytest.mark.parametrize("price", [0.0, 1.0])
def test_a_leader_that_does_best_to_do_nothing_is_certified(
    power: float, money: float, price: float
) -> None:
    """Its cost is its own, a square beside a price; the follower does nothing whatever it does."""
    worth = money / power
    x, heard = cp.Variable(bounds=[0, 2 * power]), cp.Parameter()
    cost = 8 * worth / power * cp.square(x) + price * worth * x - worth * heard
    leader = eg.Agent("leader", cp.Problem(cp.Minimize(cost)), {"y": heard}, {"x": x})
    y = cp.Variable(bounds=[0, 2 * power])
    follower = eg.Agent("f", cp.Problem(cp.Minimize(3 * worth * y)), {}, {"y": y})
    game = eg.Game([leader, follower], "leader", [eg.Link("f.y", "leader.y")])
    found = eg.Exact(route="branching", gap=1e-7).solve(game)
    assert found.certificate.shortcomings(TOLERANCE) == []
    assert found.leader_objective == pytest.approx(0.0, abs=1e-8 * money)
