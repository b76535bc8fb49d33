"""Answers whose costs cancel to last digits, or that move next to nothing, are certified."""

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
        ("dual", 38, 1.0, "milp"),
    ],
)
def test_a_drawn_game_is_certified(kind: str, number: int, money: float, route: str) -> None:
    game = drawn_game(kind, number, money)
    found = eg.Exact(route=route, gap=1e-7).solve(game)  # type: ignore[arg-type]
    assert found.certificate.shortcomings(TOLERANCE) == []
