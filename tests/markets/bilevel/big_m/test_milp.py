"""The big-M MILP closes its gap where HiGHS' answers alone would not let it."""

import importlib
from pathlib import Path

import pytest

import equigrid as eg

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        # HiGHS 1.16 values an answer at -0.75 and returns the start in its place, worth 0.
        pytest.param("dual", 45, id="a start comes back as the answer"),
        # Tangents that it may miss by its usual tolerance would be added without end.
        pytest.param("price", 14, id="tangents are missed by little"),
    ],
)
def test_the_gap_closes(kind: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    drawn, declared = map(importlib.import_module, ("drawn_games", "declared_games"))
    game = declared.declare(drawn.draw(kind, 1, number))
    found = eg.Exact(route="milp", gap=1e-7).solve(game)
    assert found.settled
    assert found.certificate.optimality_gap == pytest.approx(0.0, abs=1e-6)
