"""The request of a batch: loads, switch states and names of results, read and checked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.grid.batch.kernels.checks import all_finite
from equigrid.grid.network.network import Network, require_network
from equigrid.grid.network.tables import did_you_mean

RESULTS = (
    "voltage_pu",
    "branch_current_ka",
    "branch_active_mw",
    "loss_mw",
    "voltage_min_pu",
    "voltage_max_pu",
    "loading_max_percent",
    "unsupplied_mw",
)


@dataclass(frozen=True)
class Request:
    """What is usable of what was given, and the findings on the rest.

    Attributes
    ----------
    tables : dict of str to array (S, N)
        ``load_mw`` and ``load_mvar`` as they were given, of any kind of number; one that is no such
        table is left out.
    branch_closed : array of bool (S, B) or (1, B), optional
        None for the network's own state; without rows where what was given is no such table.
    results : tuple of str
        Some of RESULTS.
    findings : tuple of str
        A sentence for every array of the wrong shape or kind, and every result that there is not.
    """

    tables: dict[str, npt.NDArray[Any]]
    branch_closed: BoolArray | None
    results: tuple[str, ...]
    findings: tuple[str, ...]

    def __len__(self) -> int:
        return max(map(len, self.tables.values()), default=0)

    def loads(self, start: int, stop: int) -> dict[str, FloatArray]:
        """Return some rows of the tables, as compiled code wants them."""
        return {
            name: for_kernels(table[start:stop], np.float64) for name, table in self.tables.items()
        }

    def closed(self, start: int, stop: int) -> BoolArray | None:
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
    """Return what was asked, with all that is wrong with its shapes, kinds and names."""
    require_network(network)
    buses, branches = len(network.buses), len(network.branches)
    loads = {"load_mw": _table(load_mw), "load_mvar": _table(load_mvar)}
    flaws = {name: list(_load_findings(name, table, buses)) for name, table in loads.items()}
    tables = {name: table for name, table in loads.items() if not flaws[name]}
    names = _names(results)
    findings = [*chain(*flaws.values()), *_row_findings(tables), *_name_findings(names)]
    closed = None
    if branch_closed is not None:
        closed = _table(branch_closed)
        wrong = _table_findings(closed, [len(table) for table in tables.values()], branches)
        findings += wrong
        closed = np.zeros((0, branches), np.bool_) if wrong else np.atleast_2d(closed)
    return Request(tables, closed, names, tuple(findings))


def _names(results: Any) -> tuple[Any, ...]:
    if isinstance(results, str) or not isinstance(results, Iterable):
        return (results,)
    return tuple(results)


def _table(given: ArrayLike) -> npt.NDArray[Any]:
    """Return an array, of floats if it can be, with NaN for what is masked.

    Rows of unequal length become a column of objects, which is refused.
    """
    if np.ma.is_masked(given):
        return np.ma.filled(np.ma.asarray(given).astype(np.float64), np.nan)
    try:
        table = np.asarray(given)
        return table.astype(np.float64) if table.dtype == object else table
    except (TypeError, ValueError):
        return np.fromiter(given, object)  # type: ignore[arg-type]


def _load_findings(name: str, table: npt.NDArray[Any], buses: int) -> Iterator[str]:
    if table.dtype == object:
        yield f"{name} is no table of numbers: give rows of {buses} figures, all as long."
        return
    if table.ndim != 2 or table.shape[1] != buses:
        yield f"{name} has shape {table.shape}: give rows of {buses} figures, one for each bus."
    if table.dtype.kind not in "fiu":
        yield f"{name} holds no numbers but {table.dtype}: give MW and MVAr."


def _row_findings(tables: dict[str, npt.NDArray[Any]]) -> Iterator[str]:
    rows = [len(table) for table in tables.values()]
    if len(set(rows)) > 1:
        yield f"load_mw has {rows[0]} rows and load_mvar {rows[1]}: give both for the same rows."


def _name_findings(names: tuple[str, ...]) -> Iterator[str]:
    known = ", ".join(RESULTS)
    for name in names:
        if name not in RESULTS:
            yield f"There is no result {name!r}{did_you_mean(str(name), RESULTS)}: use {known}."


def _table_findings(closed: npt.NDArray[Any], rows: list[int], branches: int) -> list[str]:
    findings = []
    if closed.dtype != np.bool_:
        findings.append(f"branch_closed holds {closed.dtype}: give true or false.")
    known = rows[0] if rows else len(np.atleast_1d(closed))
    if closed.shape not in ((branches,), (1, branches), (known, branches)):
        findings.append(
            f"branch_closed has shape {closed.shape}: give {branches} columns, one for each "
            f"branch, ties included, and one row or as many as load_mw has."
        )
    return findings


def unfinished(network: Network, loads: dict[str, FloatArray], start: int) -> list[str]:
    """Return a sentence for each table that is not finite, whose first row has this number."""
    findings = []
    for name, table in loads.items():
        if all_finite(table):
            continue
        bad = np.argwhere(~np.isfinite(table))
        row, column = bad[0]
        more = f", and {len(bad) - 1} more figures," if len(bad) > 1 else ""
        findings.append(
            f"{name} is {table[row, column]} in row {start + row} at bus "
            f"{network.buses.index[column]}{more} not finite: give MW and MVAr."
        )
    return findings
