"""The network of a feeder: buses, branches, sources and loads, immutable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from equigrid.errors import NetworkError
from equigrid.grid.network import checks, topology
from equigrid.grid.network.columns import Column
from equigrid.grid.network.tables import CopiedTables, Rows, did_you_mean, read_tables

if TYPE_CHECKING:
    from pandapower import pandapowerNet


_COMMON = ["name", "from_bus", "to_bus", "r_ohm", "x_ohm", "c_nf", "g_us", "rating_ka"]
_STATE = ["in_service", "from_closed", "to_closed", "element"]
_POSITIVE = Column(float, sign="positive")


@dataclass(frozen=True, eq=False)
class Network:
    """Buses, branches (ties included), sources and what stands at the buses.

    A network never changes: every table it hands out is a copy, and the ``with_...``
    methods return another network.

    Parameters
    ----------
    name : str
        What to call the feeder.
    tables : mapping of str to rows
        ``buses``, ``lines``, ``transformers``, ``bus_switches``, ``sources``, ``loads``,
        ``generators`` and ``shunts``, each a data frame or a list of mappings with the columns
        of :data:`equigrid.grid.network.tables.SCHEMAS`; columns with a default may be left out.
        ``network.tables[...]`` hands out data frames with all columns.
    f_hz, base_mva : float
        Frequency in Hz and the base of the per-unit system in MVA.
    notes : tuple of str
        What the file said that is no part of a power flow and was left out, a sentence each.

    Raises
    ------
    NetworkError
        Naming everything that is wrong with the data, each with its remedy.

    Examples
    --------
    >>> Network("two buses", {
    ...     "buses": [{"bus": 1, "name": "1", "vn_kv": 20}, {"bus": 2, "name": "2", "vn_kv": 20}],
    ...     "lines": [{"name": "cable", "from_bus": 1, "to_bus": 2, "r_ohm": 0.1, "x_ohm": 0.1}],
    ...     "sources": [{"bus": 1}],
    ... }).is_radial()
    True
    """

    name: str
    tables: Mapping[str, Any] = field(repr=False)  # rows given, data frames handed out
    f_hz: float = 50.0
    base_mva: float = 1.0
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        frames, findings = read_tables(self.tables)
        # Rows that could not be read are missing here, so what refers to them would be
        # blamed for their faults: the tables are compared only when each is sound.
        findings = findings or checks.findings(frames)
        for key in ("f_hz", "base_mva"):
            try:
                object.__setattr__(self, key, _POSITIVE.read(getattr(self, key)))
            except ValueError as reason:
                findings.append(f"{key} {reason}: give a positive number.")
        if findings:
            raise NetworkError(findings)
        object.__setattr__(self, "tables", CopiedTables(frames))

    @property
    def buses(self) -> pd.DataFrame:
        """Buses by number: name, vn_kv, in_service, nominal load and generation (MW, MVAr)."""
        buses = self.tables["buses"].set_index("bus")
        for table, noun in (("loads", "load"), ("generators", "generation")):
            rows = self.tables[table]
            total = rows[rows["in_service"]].groupby("bus")[["p_mw", "q_mvar"]].sum()
            buses[[f"{noun}_mw", f"{noun}_mvar"]] = total.reindex(buses.index, fill_value=0.0)
        return buses

    @property
    def branches(self) -> pd.DataFrame:
        """Lines, then transformers: ends, totals in ohm (transformers seen from from_bus), state.

        ``closed`` is true when the branch is in service and both ends are closed;
        ``kind`` and ``element`` are pandapower's table and index.
        """
        lines = self.tables["lines"][_COMMON + _STATE].assign(kind="line")
        transformers = _as_branches(self.tables["transformers"])
        branches = pd.concat([lines, transformers][: 2 if len(transformers) else 1])
        state = branches["in_service"] & branches["from_closed"] & branches["to_closed"]
        return branches.assign(closed=state).reset_index(drop=True)

    @property
    def sources(self) -> pd.DataFrame:
        """External grids: name, bus, vm_pu, va_degree, in_service."""
        return self.tables["sources"]

    def graph(self) -> nx.MultiGraph[int]:
        """Return buses in service and what joins them: closed branches and bus switches.

        Edges have the key ``(kind, name)``.
        """
        return topology.network_graph(self.buses, self.branches, self.tables["bus_switches"])

    def radial_findings(self) -> list[str]:
        """Say what keeps the network from being radial, a sentence for each obstacle.

        They name the branches of each loop, the buses of each island without a source, and the
        sources that feed the same island.
        """
        return topology.radial_findings(self.graph(), self.sources)

    def is_radial(self) -> bool:
        """Whether every bus in service has exactly one path to exactly one source."""
        return not self.radial_findings()

    def with_loads(self, load_mw: ArrayLike, load_mvar: ArrayLike) -> Network:
        """Return the network with these constant-power loads and nothing else at its buses.

        Loads and static generators are replaced; shunts stay.

        Parameters
        ----------
        load_mw, load_mvar : array (N,)
            Net consumption per bus in MW and MVAr, in the order of ``buses``.

        Raises
        ------
        NetworkError
            When the arrays are not of shape (N,) or hold no finite numbers.
        """
        numbers = self.tables["buses"]["bus"]
        powers = {"load_mw": np.asarray(load_mw, float), "load_mvar": np.asarray(load_mvar, float)}
        if wrong := [key for key, value in powers.items() if value.shape != (len(numbers),)]:
            raise NetworkError(
                f"{key} has shape {powers[key].shape}: give one figure for each of the "
                f"{len(numbers)} buses."
                for key in wrong
            )
        loads = pd.DataFrame(
            {"bus": numbers, "p_mw": powers["load_mw"], "q_mvar": powers["load_mvar"]}
        )
        return self._with(loads=loads, generators=())

    def with_closed(self, closed: Mapping[str, bool]) -> Network:
        """Return the network with some branches closed (in service, both ends) or opened at both.

        Parameters
        ----------
        closed : mapping of branch name to bool
            The other branches keep their state.

        Raises
        ------
        NetworkError
            When there is no branch of that name.
        """
        self._require_branches(closed)
        tables = ("lines", "transformers")
        return self._with(**{table: _switched(self.tables[table], closed) for table in tables})

    def with_ratings(self, rating_ka: Mapping[str, float]) -> Network:
        """Return the network with other ratings of some lines.

        Parameters
        ----------
        rating_ka : mapping of line name to float
            Greatest current in kA; the other lines keep theirs.

        Raises
        ------
        NetworkError
            When there is no line of that name, or a rating is not positive.
        """
        lines = self.tables["lines"]
        self._require_branches(rating_ka)
        if other := [name for name in rating_ka if name not in set(lines["name"])]:
            raise NetworkError(
                f"Branch {name!r} is a transformer: its rating follows from its sn_mva."
                for name in other
            )
        lines["rating_ka"] = lines["name"].map(rating_ka).fillna(lines["rating_ka"])
        return self._with(lines=lines)

    def _require_branches(self, named: Iterable[str]) -> None:
        names = list(self.branches["name"])
        if unknown := [name for name in named if name not in names]:
            raise NetworkError(
                f"There is no branch {name!r}{did_you_mean(name, names)}: see network.branches."
                for name in unknown
            )

    def _with(self, **tables: Rows) -> Network:
        return replace(self, tables={**self.tables, **tables})

    @classmethod
    def from_pandapower(cls, net: pandapowerNet) -> Network:
        """Read a pandapower net; bus numbers and order are kept.

        Raises
        ------
        NetworkError
            Naming every table this framework has no model for, and everything wrong in the rest.
        """
        from equigrid.grid.pandapower.importer import read_net  # noqa: PLC0415  pandapower is heavy

        name, tables, figures = read_net(net)
        return cls(name, tables, **figures)

    def to_pandapower(self) -> pandapowerNet:
        """Return a new pandapower net with the same bus numbers and the same power flow."""
        from equigrid.grid.pandapower.export import build_net  # noqa: PLC0415  pandapower is heavy

        figures = {"name": self.name, "f_hz": self.f_hz, "sn_mva": self.base_mva}
        return build_net(self.tables, **figures)


def _as_branches(transformers: pd.DataFrame) -> pd.DataFrame:
    """Refer short-circuit impedances (ohm) and rated currents (kA) to the from (hv) side."""
    rated_mva = transformers["sn_mva"] * transformers["parallel"]
    ohm_per_percent = transformers["vn_hv_kv"] ** 2 / rated_mva / 100
    resistance, impedance = transformers["vkr_percent"], transformers["vk_percent"]
    return transformers[["name", "from_bus", "to_bus", *_STATE]].assign(
        r_ohm=resistance * ohm_per_percent,
        x_ohm=np.sqrt(impedance**2 - resistance**2) * ohm_per_percent,
        c_nf=0.0,
        g_us=0.0,
        rating_ka=rated_mva * transformers["df"] / (np.sqrt(3) * transformers["vn_hv_kv"]),
        kind="transformer",
    )


def _switched(frame: pd.DataFrame, closed: Mapping[str, bool]) -> pd.DataFrame:
    state = frame["name"].map(closed)
    for column in ("from_closed", "to_closed"):
        frame[column] = frame[column].where(state.isna(), state.eq(True))
    frame["in_service"] |= state.eq(True)
    return frame


def require_network(network: object) -> None:
    """Raise unless it is a network; a name or a pandapower net is easily taken for one."""
    if not isinstance(network, Network):
        raise NetworkError(
            [
                f"The network is {type(network).__name__}: give a Network, such as feeder(name) or "
                f"Network.from_pandapower(net)."
            ]
        )
