"""The big-M MILP closes its gap where HiGHS' answers alone would not let it."""

import pytest
from tests.support.benchmark_files import drawn_game

import equigrid as eg


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        # HiGHS 1.16 values an answer at -0.75 and returns the start in its place, worth 0.
        pytest.param("dual", 45, id="a start comes back as the answer"),
        # Tangents that it may miss by its usual tolerance would be added without end.
        pytest.param("price", 14, id="tangents are missed by little"),
    ],
)
def test_the_gap_closes(kind: str, number: int) -> None:
    found = eg.Exact(route="milp", gap=1e-7).solve(drawn_game(kind, number))
    assert found.settled
    assert found.certificate.optimality_gap == pytest.approx(0.0, abs=1e-6)
