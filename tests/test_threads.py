"""Answers hang on no BLAS thread, and the user's limits are afterwards what they were."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
import yaml
from threadpoolctl import ThreadpoolController, threadpool_limits

import equigrid as eg
from equigrid.experiments.running.loading import study_path
from equigrid.threads import one_blas_thread

HOURS = 12_000  # BLAS adds up less in one thread anyway


def _threads() -> set[int]:
    """Return how many threads the BLAS libraries would take that can take more than one."""
    found = ThreadpoolController().select(user_api="blas").info()
    return {one["num_threads"] for one in found if one["threading_layer"] != "disabled"}


def _pool() -> tuple[eg.Game, dict[str, Any]]:
    """Return a game of many hours and its answer: the plant first, what it lacks at 3."""
    draw = np.random.default_rng(1)
    cost, most, load_mw = (draw.uniform(low, 2, HOURS) for low in (1, 1, 0))
    output_mw, rest_mw = cp.Variable(HOURS, bounds=[0, most]), cp.Variable(HOURS, bounds=[0, 9])
    plant = cp.Problem(cp.Minimize(cost @ output_mw))
    rest = cp.Problem(cp.Minimize(3 * cp.sum(rest_mw)))
    game = eg.Game(
        [
            eg.Agent("plant", plant, says={"mw": output_mw}),
            eg.Agent("rest", rest, says={"mw": rest_mw}),
            eg.Agent("load", says={"mw": cp.Constant(load_mw)}),
        ],
        balances=[eg.Balance("energy", ["plant.mw", "rest.mw", "-load.mw"])],
    )
    given = np.minimum(most, load_mw)
    price = np.where(load_mw > most, 3.0, cost)
    lacking = load_mw - given
    said = {"plant.mw": given, "rest.mw": lacking, "load.mw": load_mw, "energy": price}
    return game, said


@pytest.mark.slow
@pytest.mark.smoke
def test_a_certificate_has_the_same_digits_whatever_the_threads() -> None:
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            before = _threads()
            found.append(eg.certify(*_pool()))
            assert _threads() == before
    assert found[0] == found[1]
    assert found[0][0].optimality_gap is not None
    assert found[0][0].optimality_gap < 1e-9


@one_blas_thread()
def _fails() -> None:
    assert _threads() == {1}
    raise ZeroDivisionError


def test_the_limit_ends_with_an_error_too() -> None:
    with threadpool_limits(2, "blas"):
        before = _threads()
        with pytest.raises(ZeroDivisionError):
            _fails()
        assert _threads() == before


@pytest.mark.smoke
def test_runs_that_overlap_leave_what_the_first_found() -> None:
    first, second = threading.Event(), threading.Event()

    def begins_second_ends_last() -> None:
        first.wait()
        with one_blas_thread():
            second.set()
            done.wait()

    done = threading.Event()
    worker = threading.Thread(target=begins_second_ends_last)
    with threadpool_limits(2, "blas"):
        before = _threads()
        worker.start()
        with one_blas_thread():
            first.set()
            second.wait()
        assert _threads() == {1}
        done.set()
        worker.join()
        assert _threads() == before


def test_the_limit_holds_in_a_thread_beside_one_that_has_limits_of_its_own() -> None:
    seen = []

    def work() -> None:
        with one_blas_thread():
            seen.append(_threads())
        seen.append(_threads())

    with threadpool_limits(2, "blas"):
        before = _threads()
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        assert seen == [{1}, before]
        assert _threads() == before


@pytest.mark.slow
def test_a_shipped_study_has_the_same_bytes_whatever_the_environment_says(tmp_path: Path) -> None:
    data = yaml.safe_load(study_path("frp-aggregator").read_text("utf-8"))
    data["cases"] = data["cases"][:1]
    data["network"]["linearisation"]["rounds"] = 1
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    for threads in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "equigrid", "run", str(study), "--out", tmp_path / threads],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=False,  # after one round the linear network is not yet AC, which is told
            capture_output=True,
        )
    for name in ("messages.jsonl", "summary.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
