"""What a published system brings: its study files, its parties, its report, and where it is."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.experiments.spec.findings import Problem
from equigrid.experiments.spec.study import Study, StudyCase
from equigrid.experiments.spec.study_spec import StudySpec as StudyFile

if TYPE_CHECKING:  # what follows from these takes long to import, and few need all of it
    import pandas as pd

    from equigrid.experiments.replay import LoggedRun
    from equigrid.experiments.report.kind import ReportKind
    from equigrid.experiments.result import Kpi
    from equigrid.experiments.world import World
    from equigrid.grid.ac import AcResult
    from equigrid.markets.equilibrium import Equilibrium
    from equigrid.markets.games.game import Game

    Tables = dict[str, pd.DataFrame]
    Kpis = dict[str, Kpi]


SYSTEMS: dict[str, str] = {
    "disco-microgrids": "equigrid.experiments.disco_microgrids",
    "frp-aggregator": "equigrid.experiments.frp_aggregator",
}
"""The package of each system, by what a study's `system` says; its `KIND` is a `SystemKind`."""


@dataclass(frozen=True, eq=False)
class Dispatch:
    """What AC power flow is run on: N buses, C columns, such as the hours of all scenarios.

    Attributes
    ----------
    net_load_mw, net_load_mvar : array, shape (N, C)
    voltage_pu : array, shape (N, C), or None
        Of the linear network, to be compared with AC; None where there is none.
    enforced : array of bool, shape (C,), or None
        Columns in which limits have to hold where the case enforces them, all if None. What AC
        says of the others is for KPIs and tables.
    parts : array of int, shape (C,), or None
        Columns that are reported together have the same number, such as a state of the network;
        pandapower judges the worst of each. One part if None.
    """

    net_load_mw: FloatArray
    net_load_mvar: FloatArray
    voltage_pu: FloatArray | None = None
    enforced: BoolArray | None = None
    parts: IntArray | None = None


class System(Protocol):
    """The parties of one case of a study, their game and their timetable."""

    @property
    def study(self) -> Study:
        """The study that the case is of."""
        ...

    @property
    def game(self) -> "Game":
        """The game before anything is known; it is checked for feasibility first."""
        ...

    def day(self, world: "World") -> Generator[Any, Any, None]:
        """Go through the stages of the study on the clock of the world."""
        ...

    def dispatch(self, outcome: "Equilibrium") -> Dispatch:
        """Return what AC power flow is run on."""
        ...

    def kpis(self, outcome: "Equilibrium", ac: "AcResult") -> "Kpis":
        """Return the KPIs of the final outcome."""
        ...

    def tables(self, case: str, outcomes: "Mapping[str, Equilibrium]", ac: "AcResult") -> "Tables":
        """Return the tables of one case, each with a column `case`.

        Parameters
        ----------
        case : str
        outcomes : Mapping of str to Equilibrium
            By stage, the final one last.
        ac : AcResult
            Of the final outcome's dispatch.
        """
        ...


@dataclass(frozen=True, eq=False)
class Deliveries:
    """What random deliveries in one case come to in AC.

    Attributes
    ----------
    secured : bool
        Whether the case promises that deliveries keep to the limits.
    voltage_pu, loading_percent : array, shape (count,)
        Greatest distance beyond the limits of each delivery; infinite where no power flow
        converges.
    """

    secured: bool
    voltage_pu: FloatArray
    loading_percent: FloatArray


@dataclass(frozen=True)
class ReplayKind:
    """What a replay can rebuild of a system's cases from messages, beyond the settlement.

    Attributes
    ----------
    tables : tuple of str
        Tables that it needs besides the settlement.
    kpis : callable
        Of what was told and the tables of one case: KPIs by name.
    differences : callable
        Of the same: a sentence for each series that does not agree.
    compared : callable
        Of the KPIs reported by case, as in ``summary.json``: a sentence for each that does not
        agree with another case.
    """

    tables: tuple[str, ...]
    kpis: "Callable[[LoggedRun, Tables], Mapping[str, float]]"
    differences: "Callable[[LoggedRun, Tables], Iterable[str]]"
    compared: Callable[[Mapping[str, Any]], Iterable[str]] = lambda reported: ()


@dataclass(frozen=True)
class SystemKind:
    """What a published system brings: its study files, its parties, its report.

    Attributes
    ----------
    schema : type
        What its study files hold.
    parties : callable
        Of a study as it is in a case, and the case: its `System`.
    study_tables : callable
        Of the system of the first case: tables that are the same in all cases.
    report : callable
        Of nothing: what the report shows.
    replay : callable
        Of nothing: what a replay compares.
    compared : callable
        Of KPIs by case, and the study: adds those that compare cases.
    refuse : callable
        Of a study: raises `UnusableInput` for what power flows alone find, before any solving.
    doubts : callable
        Of a study: what is implausible in it, told as warnings; place, message, guilty value.
    deliveries : callable or None
        Of a study, the tables of one of its cases, a count and a seed: what random deliveries
        of what was sold come to in AC; None where nothing is sold that could be delivered.
    """

    schema: type[StudyFile]
    parties: Callable[[Study, StudyCase], System]
    study_tables: "Callable[[Any], Tables]"
    report: "Callable[[], ReportKind]"
    replay: Callable[[], ReplayKind]
    compared: "Callable[[dict[str, Kpis], Study], None]" = lambda kpis, study: None
    refuse: Callable[[Study], None] = lambda study: None
    doubts: Callable[[Study], Iterable[Problem]] = lambda study: ()
    deliveries: "Callable[[Study, StudyCase, Tables, int, int], Deliveries] | None" = None


def system_kind(name: str) -> SystemKind:
    """Return what a system brings.

    Parameters
    ----------
    name : str
        As in a study's `system`.

    Raises
    ------
    KeyError
        When no system has this name.

    Examples
    --------
    >>> system_kind("disco-microgrids").schema.__name__
    'DiscoMicrogridsSpec'
    """
    kind: SystemKind = import_module(SYSTEMS[name]).KIND
    return kind


def later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that is imported when it is called first.

    A study is validated, and a result replayed, without what takes long to import: cvxpy for the
    parties, matplotlib for the report.

    >>> later("math", "hypot")(3, 4)
    5.0
    """

    def call(*given: Any) -> Any:
        return getattr(import_module(module), name)(*given)

    return call
