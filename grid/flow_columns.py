"""Net loads and switch states of many AC power flows, column by column, read and checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network


@dataclass(frozen=True, eq=False)
class Columns:
    """What AC power flows are asked for.

    Attributes
    ----------
    load_mw, load_mvar : array (N, C)
        Net consumption.
    closed : array of bool (B, C) or (B, 1), optional
        Which branches are closed, one column for all; None for the network's own state.
    """

    load_mw: FloatArray
    load_mvar: FloatArray
    closed: BoolArray | None

    def __len__(self) -> int:
        return len(self.load_mw.T)

    def only(self, columns: BoolArray) -> "Columns":
        """Return some of the columns."""
        closed = self.closed
        if closed is not None and closed.shape[1] > 1:
            closed = closed[:, columns]
        return Columns(self.load_mw[:, columns], self.load_mvar[:, columns], closed)

    def by_state(self) -> Iterator[tuple[BoolArray | None, IntArray]]:
        """Return each switch state (B,) once, with the numbers of its columns."""
        if self.closed is None or self.closed.shape[1] == 1:
            yield None if self.closed is None else self.closed[:, 0], np.arange(len(self))
            return
        states, state_of = np.unique(self.closed, axis=1, return_inverse=True)
        for number, state in enumerate(states.T):
            yield state, np.flatnonzero(state_of.ravel() == number)


def read_columns(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    branch_closed: ArrayLike | None = None,
) -> Columns:
    """Return the columns, or refuse all that is wrong with them.

    Raises
    ------
    NetworkError
        When loads are not of shape (N, C) or not finite, or states are not of shape (B,) or (B, C)
        or anything but true or false.
    """
    active, reactive = np.asarray(load_mw, float), np.asarray(load_mvar, float)
    findings, closed = list(_load_findings(len(network.buses), active, reactive)), None
    if branch_closed is not None:
        closed = _states(branch_closed)
        columns = None if findings else active.shape[1]
        findings += _state_findings(len(network.branches), columns, closed)
    if findings:
        raise NetworkError(findings)
    return Columns(active, reactive, closed)


def _load_findings(buses: int, active: FloatArray, reactive: FloatArray) -> Iterator[str]:
    flat = active.ndim != 2 or active.shape != reactive.shape
    if flat or len(active) != buses or not active.size:
        yield (
            f"load_mw has shape {active.shape} and load_mvar {reactive.shape}: give both for "
            f"{buses} buses and at least one column."
        )
        return
    bad = ~np.isfinite(active + reactive).all(axis=0)
    if bad.any():
        yield f"The loads of column {', '.join(map(str, np.flatnonzero(bad)))} are not finite."


def _states(given: ArrayLike) -> npt.NDArray[Any]:
    """Return (B, C) or (B, 1); what is masked or of unequal length becomes objects."""
    if np.ma.is_masked(given):
        given = np.ma.filled(np.ma.asarray(given).astype(object), None)
    try:
        states = np.asarray(given)
    except ValueError:
        states = np.fromiter(given, object)  # type: ignore[arg-type]
    return states[:, None] if states.ndim == 1 else states


def _state_findings(branches: int, columns: int | None, closed: npt.NDArray[Any]) -> Iterator[str]:
    if closed.dtype != np.bool_:
        yield f"branch_closed holds {closed.dtype}: give true or false."
    as_many = closed.ndim == 2 and (columns is None or closed.shape[1] in (1, columns))
    if not as_many or len(closed) != branches:
        yield (
            f"branch_closed has shape {closed.shape}: give {branches} rows, one for each branch, "
            f"ties included, and one state for all or as many columns as load_mw has."
        )
