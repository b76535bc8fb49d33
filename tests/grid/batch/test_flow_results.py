"""What is handed out, and that it does not depend on how it was asked for."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest

from equigrid.grid.batch.flow import power_flow_batch, power_flow_chunks
from equigrid.grid.batch.request import RESULTS
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.scenarios.seeds import stream

Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def asked(radial_states: Callable[..., Array]) -> tuple[Network, Array, Array, Array]:
    """Rows of every status, the same topology now and then for some rows."""
    network, random = feeder("baran-wu-33"), stream(1, "asked")
    states = radial_states(network, random, 40).repeat(random.integers(1, 21, 40), axis=0)
    states |= random.random(states.shape) < 0.003
    states &= random.random(states.shape) > 0.003
    nominal = network.buses[["load_mw", "load_mvar"]].to_numpy().T[:, None]
    active, reactive = nominal * random.uniform(0.2, 2.5, (len(states), 1))
    return network, active, reactive, states


def test_all_statuses_are_there(asked: Any) -> None:
    counts = np.bincount(power_flow_batch(*asked).status, minlength=4)
    assert (counts > 3).all()


@pytest.mark.parametrize("name", RESULTS)
def test_one_result_is_that_of_all(asked: Any, name: str) -> None:
    whole = power_flow_batch(*asked, results=RESULTS)
    alone = power_flow_batch(*asked, results=(name,))
    assert np.array_equal(getattr(whole, name), getattr(alone, name), equal_nan=True)
    assert np.array_equal(whole.status, alone.status)
    assert getattr(whole, name).flags.c_contiguous
    other = next(result for result in RESULTS if result != name)
    with pytest.raises(ValueError, match=f"{other} was not asked for: name it in results"):
        getattr(alone, other)


@pytest.mark.parametrize("rows", [7, 8, 37, 10**6])
def test_chunks_are_the_whole(asked: Any, rows: int) -> None:
    """To the last bit: no answer depends on the rows beside it."""
    network, *tables = asked
    tables = [table[:120] for table in tables]
    whole = power_flow_batch(network, *tables, results=RESULTS)
    chunks = list(power_flow_chunks(network, *tables, results=RESULTS, rows=rows))
    assert [len(chunk.status) for chunk in chunks[:-1]] == [rows] * (len(chunks) - 1)
    for name in (*RESULTS, "status"):
        joined = np.concatenate([getattr(chunk, name) for chunk in chunks])
        assert np.array_equal(getattr(whole, name), joined, equal_nan=True)


def test_neither_order_nor_threads_matter(asked: Any) -> None:
    network, *tables = asked
    whole = power_flow_batch(network, *tables, results=RESULTS)
    turned = power_flow_batch(network, *(table[::-1] for table in tables), results=RESULTS)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    alone = power_flow_batch(network, *tables, results=RESULTS)
    numba.set_num_threads(threads)
    for name, table in whole.results.items():
        assert np.array_equal(table, turned.results[name][::-1], equal_nan=True), name
        assert np.array_equal(table, alone.results[name], equal_nan=True), name


def test_one_state_for_all_is_that_state_in_each_row(asked: Any) -> None:
    network, active, reactive, states = asked
    once = power_flow_batch(network, active, reactive, states[0])
    often = power_flow_batch(network, active, reactive, np.tile(states[0], (len(active), 1)))
    assert np.array_equal(once.voltage_pu, often.voltage_pu, equal_nan=True)
    own = power_flow_batch(network, active, reactive)
    told = power_flow_batch(network, active, reactive, network.branches["closed"].to_numpy())
    assert np.array_equal(own.voltage_pu, told.voltage_pu, equal_nan=True)


def test_any_kind_of_table(asked: Any) -> None:
    """Lists, single precision, columns first, read-only: read as they are, left as they were."""
    network, active, reactive, states = asked
    active, reactive, states = (table[:10] for table in (active, reactive, states))
    expected = power_flow_batch(network, active, reactive, states).loss_mw
    frozen = active.copy()
    frozen.flags.writeable = False
    ways = [
        (active.tolist(), reactive.tolist(), states.tolist()),
        (np.asfortranarray(active), np.asfortranarray(reactive), np.asfortranarray(states)),
        (frozen, reactive[::-1][::-1], states),
    ]
    for way in ways:
        assert np.array_equal(power_flow_batch(network, *way).loss_mw, expected, equal_nan=True)
    single = power_flow_batch(network, active.astype(np.float32), reactive, states).loss_mw
    assert single == pytest.approx(expected, rel=1e-5, nan_ok=True)
    assert not np.shares_memory(frozen, power_flow_batch(network, frozen, reactive).voltage_pu)


@pytest.mark.slow
def test_a_second_process_does_not_compile() -> None:
    """Compiling takes twenty seconds; what this process has compiled is on disk."""
    network = feeder("baran-wu-33")
    power_flow_batch(network, np.zeros((1, 33)), np.zeros((1, 33)))
    code = (
        "import time, numpy as np, equigrid as eg\n"
        "network, nothing = eg.feeder('baran-wu-33'), np.zeros((1, 33))\n"
        "eg.power_flow_batch\n"
        "begin = time.process_time()\n"
        "eg.power_flow_batch(network, nothing, nothing)\n"
        "print(time.process_time() - begin)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 5
