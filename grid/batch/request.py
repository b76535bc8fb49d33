"""What a batch is asked: loads, switch states and names of results, read and refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from equigrid.grid.network import Network
from equigrid.grid.tables import NetworkError, did_you_mean

Array = npt.NDArray[np.float64]
Closed = npt.NDArray[np.bool_]
RESULTS = (
    "voltage_pu",
    "branch_current_ka",
    "loss_mw",
    "voltage_min_pu",
    "voltage_max_pu",
    "loading_max_percent",
)


@dataclass(frozen=True)
class Request:
    """Arrays of the right shapes.

    Attributes
    ----------
    load_mw, load_mvar : array (S, N)
        As they were given, of any kind of number.
    branch_closed : array of bool (S, B) or (1, B), optional
        None for the network's own state.
    results : tuple of str
        Some of RESULTS.
    """

    load_mw: npt.NDArray[Any]
    load_mvar: npt.NDArray[Any]
    branch_closed: Closed | None
    results: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.load_mw)

    def loads(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the loads of some rows, as compiled code wants them."""
        rows = slice(start, stop)
        return (
            for_kernels(self.load_mw[rows], np.float64),
            for_kernels(self.load_mvar[rows], np.float64),
        )

    def closed(self, start: int, stop: int) -> Closed | None:
        """Return the states of some rows, a single row where it holds for all."""
        table = self.branch_closed
        return table if table is None or len(table) == 1 else table[start:stop]


def for_kernels(array: npt.NDArray[Any], kind: Any) -> npt.NDArray[Any]:
    """Return the array, or a copy if it is of another kind, read-only or not contiguous.

    For those numba would compile its kernels again, which takes longer than any copy.
    """
    return np.require(array, kind, ("C", "W"))


def read_request(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    branch_closed: ArrayLike | None,
    results: Iterable[str],
) -> Request:
    """Return what was asked.

    Raises
    ------
    NetworkError
        Naming every array of the wrong shape or kind, and every result that there is not.
    """
    loads = {"load_mw": _table(load_mw), "load_mvar": _table(load_mvar)}
    names = (results,) if isinstance(results, str) else tuple(results)
    findings = [
        *_load_findings(loads, len(network.buses)),
        *(
            f"There is no result {name!r}{did_you_mean(name, RESULTS)}: use {', '.join(RESULTS)}."
            for name in names
            if name not in RESULTS
        ),
    ]
    closed = None
    if branch_closed is not None:
        closed = _table(branch_closed)
        findings += _table_findings(closed, loads["load_mw"].shape[:1], len(network.branches))
    if findings:
        raise NetworkError(findings)
    if closed is not None:
        closed = np.atleast_2d(closed)
    return Request(loads["load_mw"], loads["load_mvar"], closed, names)


def _table(given: ArrayLike) -> npt.NDArray[Any]:
    """Return an array; rows of unequal length become a column of objects, which is refused."""
    try:
        return np.asarray(given)
    except ValueError:
        return np.fromiter(given, object)  # type: ignore[arg-type]


def _load_findings(loads: dict[str, npt.NDArray[Any]], buses: int) -> list[str]:
    findings = [
        f"{name} has shape {array.shape}: give rows of {buses} figures, one for each bus."
        for name, array in loads.items()
        if array.ndim != 2 or array.shape[1] != buses
    ]
    findings += [
        f"{name} holds no numbers but {array.dtype}: give MW and MVAr."
        for name, array in loads.items()
        if array.dtype.kind not in "fiu"
    ]
    if not findings and loads["load_mw"].shape != loads["load_mvar"].shape:
        rows = [len(array) for array in loads.values()]
        findings.append(
            f"load_mw has {rows[0]} rows and load_mvar {rows[1]}: give both for the same rows."
        )
    return findings


def _table_findings(closed: npt.NDArray[Any], rows: tuple[int, ...], branches: int) -> list[str]:
    findings = []
    if closed.dtype != np.bool_:
        findings.append(f"branch_closed holds {closed.dtype}: give true or false.")
    if closed.shape not in ((branches,), (*rows, branches)):
        findings.append(
            f"branch_closed has shape {closed.shape}: give {branches} columns, one for each "
            f"branch, ties included, and one row or as many as load_mw has."
        )
    return findings


def unfinished(network: Network, loads: tuple[Array, Array], start: int) -> list[str]:
    """Return a sentence for each array that is not finite, whose first row has this number."""
    findings = []
    for name, array in zip(("load_mw", "load_mvar"), loads, strict=True):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            row, column = bad[0]
            more = f", and {len(bad) - 1} more figures," if len(bad) > 1 else ""
            findings.append(
                f"{name} is {array[row, column]} in row {start + row} at bus "
                f"{network.buses.index[column]}{more} not finite: give MW and MVAr."
            )
    return findings
