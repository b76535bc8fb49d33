"""Errors planted in every figure of a game of each kind; the certificate catches what does harm.

The games, the errors and the judge are those of ``benchmarks/planted_errors.py``, which plants a
hundred in each figure. What is no value at all comes first there, then an error of each form.
"""

import itertools

import numpy as np
import pytest
from tests.support.benchmark_files import benchmark

games = benchmark("planted_games")
judge = benchmark("planted_judge")
planted_errors = benchmark("planted_errors")
# Of the hundred changes of a figure every so manieth is tried here, from a place of its own.
STRIDE = 31


QUICK = ("balances", "one pass", "prices that are duals")


@pytest.mark.parametrize(
    "kind",
    [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in games.KINDS],
)
def test_errors_that_do_harm_are_caught(kind: str) -> None:
    planted = games.KINDS[kind]()
    assert not planted_errors.is_caught(planted, planted.values)
    judged = judge.Judge(planted)
    assert judged.harm(dict(planted.values)) < 1e-3
    harmful = 0
    for start, path in enumerate(planted.values):
        each = planted_errors.errors(planted.values, path)
        for name, changed in itertools.islice(each, 3 * start % STRIDE, None, STRIDE):
            values = {**planted.values, path: changed}
            if changed is ...:
                del values[path]
            if judged.harm(values) >= 1.0:
                harmful += 1
                assert planted_errors.is_caught(planted, values, path), f"{path}: {name}"
    assert harmful >= 3


@pytest.mark.parametrize("path", ["east.bought_mw", "company.price", "company.spare"])
def test_a_figure_is_changed_in_a_hundred_ways(path: str) -> None:
    values = {
        "east.bought_mw": np.array([1.0, 6.0, 2.0]),
        "company.price": np.full(3, 12.0),
        "company.spare": np.array(1.0),
    }
    changes = dict(planted_errors.errors(values, path))
    assert len(changes) == planted_errors.WAYS
    arrays = [c for c in changes.values() if isinstance(c, np.ndarray)]
    assert not any(np.array_equal(array, values[path]) for array in arrays)
    assert {"missing", "nothing", "text", "complex", "× 2"} <= set(changes)
