"""AC power flow of many rows at once, radial or meshed."""

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.errors import NetworkError
from equigrid.grid.batch.kernels.checks import twice_fed
from equigrid.grid.batch.kernels.kernel_network import prepare
from equigrid.grid.batch.kernels.rows import solve_all
from equigrid.grid.batch.kernels.sweep import (
    FIGURES,
    LOADING_MAX,
    LOSS,
    UNSUPPLIED,
    VOLTAGE_MAX,
    VOLTAGE_MIN,
)
from equigrid.grid.batch.kernels.tables import FlowResults
from equigrid.grid.batch.meshed import solve_meshed
from equigrid.grid.batch.request import Request, for_kernels, read_request, unfinished
from equigrid.grid.batch.result import BatchFlow, FlowStatus
from equigrid.grid.network.network import Network
from equigrid.grid.network.topology import twice_fed_islands

_USUAL = ("voltage_pu", "branch_current_ka", "loss_mw")
_ROW_OF = {
    "loss_mw": LOSS,
    "voltage_min_pu": VOLTAGE_MIN,
    "voltage_max_pu": VOLTAGE_MAX,
    "loading_max_percent": LOADING_MAX,
    "unsupplied_mw": UNSUPPLIED,
}
_WITH_CURRENTS = {"branch_current_ka", "branch_active_mw", "loss_mw", "loading_max_percent"}
_TABLES = ("voltage_pu", "branch_current_ka", "branch_active_mw")
_MESHED_AT_ONCE = 5000


def power_flow_batch(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    branch_closed: ArrayLike | None = None,
    *,
    results: Iterable[str] = _USUAL,
) -> BatchFlow:
    """Run an AC power flow for every row.

    Parameters
    ----------
    network : Network
        Several sources may feed it, but no island two. Its own loads and generation are replaced;
        transformers, shunts and line charging count.
    load_mw, load_mvar : array (S, N)
        Net consumption by row and bus in MW and MVAr, in the order of ``network.buses``; injection
        is negative.
    branch_closed : array of bool (B,) or (S, B), optional
        Which branches are closed, in the order of ``network.branches``, ties included; the others
        are open at both ends. Rows with the same state, one behind the other, are solved faster.
        Without it the network's own state holds.
    results : iterable of str
        What to return, of the properties of :class:`BatchFlow`: ``voltage_pu``,
        ``branch_current_ka``, ``branch_active_mw`` (what enters a branch at its ``from_bus``),
        ``loss_mw``, ``voltage_min_pu``, ``voltage_max_pu``, ``loading_max_percent``,
        ``unsupplied_mw`` (net load that nothing feeds). The last five are one figure a row.

    Returns
    -------
    BatchFlow
        Voltages are exact to 1e-9 p.u. A row's answer does not depend, to the last bit, on the
        other rows, on the results asked for or on the number of threads.

    Raises
    ------
    NetworkError
        Naming all at once: arrays of the wrong shape or kind, results that there are not, loads
        that are not finite, sources that feed the same island.

    Examples
    --------
    >>> import numpy as np, equigrid as eg
    >>> network = eg.feeder("baran-wu-33")
    >>> level = np.array([[0.5], [1.0], [5.0]])
    >>> flow = eg.power_flow_batch(
    ...     network, level * [network.buses["load_mw"]], level * [network.buses["load_mvar"]])
    >>> flow.loss_mw.round(4).tolist(), [eg.FlowStatus(s).name for s in flow.status]
    ([0.0471, 0.2027, nan], ['CONVERGED', 'CONVERGED', 'DIVERGED'])
    """
    request = read_request(network, load_mw, load_mvar, branch_closed, results)
    return _Batch(network, request).flow(0, len(request))


def power_flow_chunks(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    branch_closed: ArrayLike | None = None,
    *,
    results: Iterable[str] = _USUAL,
    rows: int = 100_000,
) -> Iterator[BatchFlow]:
    """Run the power flows of :func:`power_flow_batch` a number of rows at a time.

    So results of many rows, or loads in a memory-mapped file, need not fit into memory. Rows are
    checked for loads that are not finite when it is their turn.

    Parameters
    ----------
    rows : int
        So many a chunk, the last one may have fewer.
    """
    request = read_request(network, load_mw, load_mvar, branch_closed, results)
    batch = _Batch(network, request)
    good = isinstance(rows, Integral) and rows > 0
    wrong = [] if good else [f"rows is {rows!r}: give a positive whole number."]
    _refuse([*wrong, *batch.findings])
    first_rows = range(0, len(request), rows)
    return (batch.flow(start, min(start + rows, len(request))) for start in first_rows)


def sources_meet(network: Network, branch_closed: BoolArray | None = None) -> bool:
    """Whether sources feed the same island, in any of the switch states (S, B) or in its own."""
    return bool(_Batch(network, Request({}, branch_closed, (), ())).findings)


def _refuse(findings: Sequence[str]) -> None:
    if findings:
        raise NetworkError(findings)


class _Batch:
    """A network prepared for a request."""

    def __init__(self, network: Network, request: Request) -> None:
        self._network, self._request = network, request
        own_state = request.branch_closed is None
        self._ports, self._kernel_network = prepare(network, own_state)
        self._branches = len(network.branches)
        self.findings = [*request.findings, *self._twice_fed()]

    def flow(self, start: int, stop: int) -> BatchFlow:
        """Solve some rows, or refuse all that is wrong with them and the request."""
        tables = self._request.loads(start, stop)
        _refuse([*self.findings, *unfinished(self._network, tables, start)])
        loads = tables["load_mw"], tables["load_mvar"]
        closed = self._closed(self._request.closed(start, stop))
        results = self._empty(stop - start)
        solve_all(self._kernel_network, closed[0] if len(closed) == 1 else closed, loads, results)
        self._solve_loops(results, closed, loads)
        return BatchFlow(results.status, self._named(results))

    def _closed(self, table: BoolArray | None) -> BoolArray:
        """Return states of branches and, always closed, of bus switches with an impedance."""
        if table is None:
            return np.ones((1, len(self._kernel_network.branch)), np.bool_)
        switches = len(self._kernel_network.branch) - self._branches
        if switches:
            table = np.concatenate([table, np.ones((len(table), switches), np.bool_)], axis=1)
        return for_kernels(table, np.bool_)

    def _twice_fed(self) -> list[str]:
        """Return a sentence for each island that several sources feed, in the first such state."""
        if len(self._kernel_network.source_node) < 2:
            return []
        wrong = np.flatnonzero(
            twice_fed(self._kernel_network, self._closed(self._request.branch_closed))
        )
        if not len(wrong):
            return []
        network, where = self._network, ""
        if self._request.branch_closed is not None:
            state = self._request.branch_closed[wrong[0]]
            names = network.branches["name"]
            network = network.with_closed(dict(zip(names, state.tolist(), strict=True)))
            more = f" and {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
            where = f"In row {wrong[0]}{more} of branch_closed: "
        islands = twice_fed_islands(network.graph(), network.sources)
        return [where + sentence for sentence in islands]

    def _empty(self, rows: int) -> FlowResults:
        asked = set(self._request.results)
        buses, branches = len(self._kernel_network.bus_node), self._branches
        return FlowResults(
            status=np.empty(rows, np.int8),
            voltage_pu=np.empty((rows if "voltage_pu" in asked else 0, buses)),
            branch_current_ka=np.empty((rows if "branch_current_ka" in asked else 0, branches)),
            branch_active_mw=np.empty((rows if "branch_active_mw" in asked else 0, branches)),
            figures=np.zeros((FIGURES, rows)),
            with_currents=bool(asked & _WITH_CURRENTS),
            with_unsupplied="unsupplied_mw" in asked,
        )

    def _named(self, results: FlowResults) -> dict[str, FloatArray]:
        return {
            name: results.figures[_ROW_OF[name]] if name in _ROW_OF else getattr(results, name)
            for name in self._request.results
        }

    def _solve_loops(
        self, results: FlowResults, closed: BoolArray, loads: tuple[FloatArray, FloatArray]
    ) -> None:
        """Write the results of power-grid-model for rows with loops."""
        with_loops = np.flatnonzero(results.status == FlowStatus.MESHED)
        for start in range(0, len(with_loops), _MESHED_AT_ONCE):
            rows = with_loops[start : start + _MESHED_AT_ONCE]
            state = closed if len(closed) == 1 else closed[rows]
            meshed_rows = solve_meshed(
                self._ports, self._kernel_network, state, loads[0][rows], loads[1][rows]
            )
            results.status[rows[~meshed_rows.solved]] = FlowStatus.DIVERGED
            results.figures[:, rows] = meshed_rows.figures
            for name in _TABLES:
                table = getattr(results, name)
                if len(table):  # bus switches with an impedance are left out
                    table[rows] = getattr(meshed_rows, name)[:, : table.shape[1]]
