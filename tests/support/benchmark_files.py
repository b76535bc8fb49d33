"""Files of benchmarks/, which is not a package, as modules that tests can use."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = str(Path(__file__).parents[2] / "benchmarks")


def benchmark(name: str) -> Any:
    """Import a file of benchmarks/, with those that it imports itself."""
    sys.path.insert(0, FOLDER)
    try:
        return import_module(name)
    finally:
        sys.path.remove(FOLDER)


def drawn_game(kind: str, number: int, money: float = 1.0) -> Any:
    """Declare a random game that a benchmark draws with seed 1, its money in a unit."""
    drawn, declared = benchmark("drawn_games"), benchmark("declared_games")
    return declared.declare(drawn.in_money(drawn.draw(kind, 1, number), money))
