"""Errors planted in true answers of every kind of game, and how many the certificate catches.

Each figure of an answer is changed in a hundred ways. Whether a change does harm is judged from the
agents' matrices by SciPy alone, which shares no solver call with the certificate:

    python benchmarks/planted_errors.py
"""

import argparse
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from planted_games import KINDS, Planted
from planted_judge import Judge

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.scenarios.seeds import stream

TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-6}
WAYS = 100
_FACTORS = (0.0, -1.0, 0.5, 0.9, 0.99, 0.999, 1.001, 1.01, 1.1, 2.0, 10.0, 1e6)
_SHIFTS = (1e-3, 1e-2, 0.1, 1.0, 10.0)


@dataclass
class Tally:
    """What became of the errors in one kind of game.

    Attributes
    ----------
    caught, missed : int
        Of those that do harm, or that are no values.
    harmless, alarms : int
        Changes that leave every party as well off, and those of them that are refused all the same.
    near : int
        Those whose harm is too near to the tolerances to say.
    names : list of str
        Of what was missed.
    """

    caught: int = 0
    missed: int = 0
    harmless: int = 0
    alarms: int = 0
    near: int = 0
    names: list[str] = field(default_factory=list)


def errors(
    values: Mapping[str, FloatArray], path: str, ways: int = WAYS
) -> Iterator[tuple[str, Any]]:
    """Yield so many changes of one figure, by name, each different from the figure."""
    figure = values[path]
    found = 0
    for name, change in _changes(values, path):
        # A number times an array without axes is no array any more.
        changed = np.asarray(change) if isinstance(change, np.generic) else change
        same = isinstance(changed, np.ndarray) and np.array_equal(changed, figure)
        if not same:
            found += 1
            yield name, changed
        if found == ways:
            return


def _changes(values: Mapping[str, FloatArray], path: str) -> Iterator[tuple[str, Any]]:
    figure = np.array(values[path])
    size = max(1.0, float(np.abs(figure).max()))
    yield from _no_values(figure)
    yield from ((f"× {factor:g}", figure * factor) for factor in _FACTORS)
    yield from ((f"{s:+} × {by:g}", figure + s * by * size) for by in _SHIFTS for s in (1, -1))
    yield from _moved(figure, size)
    others = [p for p in values if p != path and np.shape(values[p]) == figure.shape]
    yield from ((f"that of {other}", np.array(values[other])) for other in others[:10])
    rng = stream(1, f"planted errors/{path}")
    for number in range(10 * WAYS):
        by = 10.0 ** rng.uniform(-3, 1)
        yield f"noise {number} of {by:.2g}", figure + by * size * rng.standard_normal(figure.shape)


def _no_values(figure: FloatArray) -> Iterator[tuple[str, Any]]:
    """What is no figure, or none of this shape."""
    for odd in (np.nan, np.inf, -np.inf):
        yield f"all {odd}", np.full(figure.shape, odd)
        for entry in range(min(3, figure.size)):
            changed = figure.copy()
            changed.flat[entry] = odd
            yield f"entry {entry} {odd}", changed
    yield "missing", ...
    yield "nothing", None
    yield "text", "a lot"
    yield "one more axis", figure[None]
    yield "too long", np.concatenate([figure.ravel(), [0.0]])
    yield "complex", figure + 1j


def _moved(figure: FloatArray, size: float) -> Iterator[tuple[str, FloatArray]]:
    """Other figures in one hour, another order, and what moves from one hour to another."""
    places = range(min(6, figure.size))
    for entry in places:
        for by in (-1.0, -0.1, -0.01, 0.01, 0.1, 1.0):
            changed = figure.copy()
            changed.flat[entry] += by * size
            yield f"entry {entry} {by:+g}", changed
    if figure.size < 2:
        return
    for by in range(1, min(4, figure.size)):
        yield f"rolled by {by}", np.roll(figure, by)
    yield "backwards", figure[::-1].copy()
    for i in places:
        for j in places:
            if i != j and figure.size <= 3:
                changed = figure.copy()
                changed.flat[i] -= 0.05 * size
                changed.flat[j] += 0.05 * size
                yield f"moved from {i} to {j}", changed


def plant(planted: Planted, ways: int = WAYS, paths: Sequence[str] | None = None) -> Tally:
    """Change every figure of an answer, and count what the certificate finds."""
    tally, judge = Tally(), Judge(planted)
    for path in paths or planted.values:
        for name, changed in errors(planted.values, path, ways):
            _count(tally, judge, planted, path, name, changed)
    return tally


def _count(
    tally: Tally, judge: Judge, planted: Planted, path: str, name: str, changed: Any
) -> None:
    values: dict[str, Any] = {**planted.values, path: changed}
    if changed is ...:
        del values[path]
    caught, harm = is_caught(planted, values, path), judge.harm(values)
    if harm >= 1.0:
        tally.caught, tally.missed = tally.caught + caught, tally.missed + (not caught)
        tally.names += [] if caught else [f"{path}: {name} (harm {harm:.2g})"]
    elif harm <= 0.1:
        tally.harmless, tally.alarms = tally.harmless + 1, tally.alarms + caught
    else:
        tally.near += 1


def is_caught(planted: Planted, values: Mapping[str, Any], path: str = "") -> bool:
    """Whether values are refused, fall short of tolerances, or lack a figure that it names."""
    try:
        certificate, _ = eg.certify(planted.game, values, ties=False, **planted.proof)
    except (ValueError, eg.NoAnswer):
        return True
    proven = "bound" in planted.proof or bool(planted.game.balances)
    found = certificate.shortcomings(TOLERANCE, proven=proven)
    return bool(found) or path in certificate.unchecked


HEAD = "| game | figures | errors that do harm | caught | harmless, as another optimum | near the tolerances | seconds |"  # noqa: E501


def line(kind: str, ways: int) -> tuple[str, Tally]:
    """Return a row of the table."""
    begin = time.perf_counter()
    planted = KINDS[kind]()
    tally = plant(planted, ways)
    harmful = tally.caught + tally.missed
    share = 100 * tally.caught / harmful if harmful else math.nan
    cells = (
        kind, len(planted.values), harmful, f"{share:.2f} %",
        f"{tally.harmless} ({tally.alarms} refused)", tally.near,
        f"{time.perf_counter() - begin:.0f}",
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |", tally


def main() -> None:
    """Print the table, and what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", type=int, default=WAYS, help="changes of each figure")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    asked = parser.parse_args()
    print(HEAD + "\n" + "|---" * 7 + "|", flush=True)
    missed = []
    for kind in asked.kinds:
        row, tally = line(kind, asked.ways)
        print(row, flush=True)
        missed += [f"{kind}: {name}" for name in tally.names]
    print("\n".join(["", *(f"missed in {name}" for name in missed)]))


if __name__ == "__main__":
    main()
