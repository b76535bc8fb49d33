"""What is refused, in sentences, before anything is solved."""

from typing import Any

import numpy as np
import pandapower.networks
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.batch import flow as flow_module
from equigrid.grid.batch.flow import power_flow_batch, power_flow_chunks
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network
from equigrid.grid.switching.best_configuration import best_configuration
from equigrid.grid.switching.configurations import radial_configurations

ZERO = np.zeros((4, 33))


@pytest.fixture(autouse=True)
def nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(*_: object) -> None:
        raise AssertionError("solved all the same")

    monkeypatch.setattr(flow_module, "solve_all", solve)


def _refused(*given: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(NetworkError) as refusal:
        power_flow_batch(feeder("baran-wu-33"), *given, **more)
    return refusal.value.findings


def test_loads_of_the_wrong_shape() -> None:
    rows = ": give rows of 33 figures, one for each bus."
    assert _refused(ZERO[0], ZERO) == (f"load_mw has shape (33,){rows}",)
    assert _refused(ZERO, ZERO[:, 1:]) == (f"load_mvar has shape (4, 32){rows}",)
    assert _refused(ZERO.T, ZERO.T) == (
        f"load_mw has shape (33, 4){rows}",
        f"load_mvar has shape (33, 4){rows}",
    )
    assert _refused(ZERO, ZERO[:3]) == (
        "load_mw has 4 rows and load_mvar 3: give both for the same rows.",
    )
    assert _refused([[1.0] * 33, [1.0] * 32], ZERO) == (
        "load_mw is no table of numbers: give rows of 33 figures, all as long.",
    )
    assert _refused(None, ZERO) == (f"load_mw has shape (){rows}",)


def test_masked_loads_are_not_taken_for_known() -> None:
    masked = np.ma.masked_array(ZERO, mask=ZERO > 0)
    masked[1, 4] = np.ma.masked
    assert _refused(masked, ZERO) == (
        "load_mw is nan in row 1 at bus 5 not finite: give MW and MVAr.",
    )


@pytest.mark.parametrize("network", ["baran-wu-33", None, pandapower.networks.case33bw])
def test_something_else_than_a_network(network: Any) -> None:
    for ask in (
        lambda: power_flow_batch(network, ZERO, ZERO),
        lambda: power_flow_chunks(network, ZERO, ZERO),
        lambda: radial_configurations(network),
        lambda: best_configuration(network),
    ):
        with pytest.raises(NetworkError, match=r"^The network is \w+: give a Network, such as"):
            ask()


def test_results_that_are_no_names() -> None:
    for results in (None, 3, [3]):
        (said,) = _refused(ZERO, ZERO, results=results)
        assert said.startswith(f"There is no result {3 if results else None!r}: use voltage_pu,")


def test_loads_that_are_no_numbers() -> None:
    assert _refused(ZERO.astype(str), ZERO * 1j) == (
        "load_mw holds no numbers but <U32: give MW and MVAr.",
        "load_mvar holds no numbers but complex128: give MW and MVAr.",
    )


def test_loads_that_are_not_finite() -> None:
    broken, infinite = ZERO.copy(), ZERO.copy()
    broken[2, 5], infinite[0, 0], infinite[3, 32] = np.nan, -np.inf, np.inf
    assert _refused(broken, infinite) == (
        "load_mw is nan in row 2 at bus 6 not finite: give MW and MVAr.",
        "load_mvar is -inf in row 0 at bus 1, and 1 more figures, not finite: give MW and MVAr.",
    )


def test_chunks_are_refused_as_the_whole_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = feeder("baran-wu-33")
    with pytest.raises(NetworkError, match="rows is 0: give a positive whole number"):
        power_flow_chunks(network, ZERO, ZERO, rows=0)
    with pytest.raises(NetworkError, match="give rows of 33 figures"):
        power_flow_chunks(network, ZERO[0], ZERO)
    broken = ZERO.copy()
    broken[2, 5] = np.nan
    monkeypatch.undo()
    chunks = power_flow_chunks(network, broken, ZERO, rows=2)
    assert len(next(chunks).status) == 2
    with pytest.raises(NetworkError, match="in row 2 at bus 6"):
        next(chunks)


def test_tables_of_branches() -> None:
    shape = ": give 37 columns, one for each branch, ties included, and one row or as many as"
    for wrong in (np.ones(32, bool), np.ones((3, 37), bool), np.ones((4, 36), bool)):
        (said,) = _refused(ZERO, ZERO, wrong)
        assert said.startswith(f"branch_closed has shape {wrong.shape}{shape}")
    assert _refused(ZERO, ZERO, np.ones(37)) == (
        "branch_closed holds float64: give true or false.",
    )
    assert len(_refused(ZERO, ZERO, np.ones((4, 36), int))) == 2


def test_all_at_once() -> None:
    said = _refused(ZERO[0], ZERO.astype(str), np.ones(3), results=("loss", "voltage_pu"))
    assert len(said) == 5
    assert said[2].startswith("There is no result 'loss' (did you mean 'loss_mw'?): use voltage_pu")


def test_figures_and_names_at_once() -> None:
    """What is wrong with the arrays does not hide what is wrong in them, nor one load the other."""
    broken, wide = ZERO.copy(), np.ones((4, 38), bool)
    broken[2, 5] = np.nan
    finding = "load_mw is nan in row 2 at bus 6 not finite: give MW and MVAr."
    said = _refused(broken, ZERO, wide, results="los_mw")
    assert len(said) == 3
    assert said[0].startswith("There is no result 'los_mw' (did you mean 'loss_mw'?)")
    assert said[1].startswith("branch_closed has shape (4, 38): give 37 columns")
    assert said[2] == finding
    assert _refused(broken, ZERO[0]) == (
        "load_mvar has shape (33,): give rows of 33 figures, one for each bus.",
        finding,
    )
    # How many rows a table is to have is not known where no load is any.
    assert len(_refused(ZERO[0], ZERO[0], np.ones((4, 37), bool))) == 2


def test_figures_and_sources_at_once() -> None:
    network = feeder("das-70")
    joined = network.with_closed({"tie 69": True})
    broken, state = np.zeros((2, 70)), joined.branches["closed"].to_numpy()
    broken[1, 3] = np.inf
    feed = "2 sources (at the buses 1, 70) feed the same island: "
    for given, table, where in (
        (joined, None, ""),
        (network, state, "In row 0 of branch_closed: "),
    ):
        with pytest.raises(NetworkError) as refusal:
            power_flow_batch(given, broken, broken[:, 1:], table)
        shape, sources, figure = refusal.value.findings
        assert shape.startswith("load_mvar has shape (2, 69)")
        assert sources.startswith(where + feed)
        assert figure == "load_mw is inf in row 1 at bus 4 not finite: give MW and MVAr."
    with pytest.raises(NetworkError) as refusal:
        power_flow_chunks(joined, broken, broken[:, 1:], results="loss", rows=0)
    assert [said.split()[0] for said in refusal.value.findings] == [
        "rows",
        "load_mvar",
        "There",
        "2",
    ]
    # A table of the wrong width tells nothing of islands.
    with pytest.raises(NetworkError) as refusal:
        power_flow_batch(joined, broken, broken, state[1:])
    assert [said.split()[0] for said in refusal.value.findings] == [
        "branch_closed",
        "load_mw",
        "load_mvar",
    ]


def test_one_result_as_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = power_flow_batch(feeder("baran-wu-33"), ZERO, ZERO, results="loss_mw")
    assert list(found.results) == ["loss_mw"]


def test_two_sources_in_an_island() -> None:
    network = feeder("das-70")
    zero, state = np.zeros((3, 70)), network.branches["closed"].to_numpy()
    joined = state | (network.branches["name"] == "tie 69").to_numpy()
    feed = "2 sources (at the buses 1, 70) feed the same island: keep one in service, or open a "
    for table, where in (
        (joined, "In row 0 of branch_closed: "),
        (np.stack([state, joined, joined]), "In row 1 and 1 more rows of branch_closed: "),
    ):
        with pytest.raises(NetworkError) as refusal:
            power_flow_batch(network, zero, zero, table)
        assert refusal.value.findings == (f"{where}{feed}branch between them.",)
    with pytest.raises(NetworkError) as refusal:
        power_flow_batch(network.with_closed({"tie 69": True}), zero, zero)
    assert refusal.value.findings == (f"{feed}branch between them.",)


@pytest.mark.slow
def test_two_sources_at_a_bus(three_buses: dict[str, list[dict[str, Any]]]) -> None:
    three_buses["sources"] = [{"bus": 10}, {"bus": 10}]
    with pytest.raises(
        NetworkError, match=r"2 sources \(at the buses 10, 10\) feed the same island"
    ):
        power_flow_batch(Network("twice", three_buses), np.zeros((1, 3)), np.zeros((1, 3)))


def test_a_branch_without_impedance() -> None:
    """No network can hold one, neither given nor imported."""
    net = pandapower.networks.case33bw()
    net.line.loc[5, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0
    with pytest.raises(NetworkError, match="has no impedance: give r_ohm and x_ohm"):
        Network.from_pandapower(net)
