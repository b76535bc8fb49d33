"""A system: what a study's `system` names; its parties, their day, and what is read from it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.study_spec import StudySpec

if TYPE_CHECKING:  # what follows from these takes long to import, and few need all of it
    import pandas as pd

    from equigrid.experiments.report_content import ReportContent
    from equigrid.experiments.spec.findings import Problem
    from equigrid.experiments.spec.study import Study, StudyCase
    from equigrid.experiments.world.case_run import CaseRun
    from equigrid.experiments.world.kpi import Kpi
    from equigrid.experiments.world.world import World

    Tables = dict[str, pd.DataFrame]

S = TypeVar("S", bound=StudySpec)


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


class System(Generic[S]):
    """What a study's `system` names; one object for each case, made without arguments.

    Only `day` has to be there. A file of one's own defines a subclass named ``System``.

    Attributes
    ----------
    Spec : type
        What its study files hold: the ``Spec`` of ``System[Spec]``.
    logged_tables : tuple of str
        Tables that a replay of its results needs besides the settlement.

    Examples
    --------
    >>> import equigrid as eg
    >>> class Idle(System[eg.StudySpec]):
    ...     def day(self, world):
    ...         world.check("nothing", "what is done", 0.0, 1.0)
    >>> said = {"study": "idle", "title": "Idle", "system": "idle", "currency": "EUR", "seed": 1,
    ...         "cases": [{"name": "only"}]}
    >>> eg.run(Idle, said).certified
    True
    """

    Spec: ClassVar[type[StudySpec]] = StudySpec
    logged_tables: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Know what study files of the system hold."""
        super().__init_subclass__()
        for base in getattr(cls, "__orig_bases__", ()):
            for said in get_args(base):
                if isinstance(said, type) and issubclass(said, StudySpec):
                    cls.Spec = said

    def problems(self, spec: S) -> Iterable[tuple[str, str]]:
        """Yield what is wrong with a study whose fields are valid: path and sentence."""
        return ()

    def doubts(self, study: "Study") -> "Iterable[Problem]":
        """Yield what is implausible, told as warnings: place, message, guilty value."""
        return ()

    def prepare(self, study: "Study") -> Any:
        """Return what all cases use, such as a forecaster; it is `World.prepared` then.

        Raises
        ------
        UnusableInput
            When what power flows alone find keeps the study from being run.
        """
        return None

    def day(self, world: "World") -> Any:
        """Go through the stages of the study: a generator of events, or a plain function."""
        raise NotImplementedError(f"{type(self).__name__} has no day; define day(self, world)")

    def kpis(self, run: "CaseRun") -> "Mapping[str, Kpi]":
        """Return the figures of a case, each with its unit."""
        return {}

    def tables(self, run: "CaseRun") -> "Tables":
        """Return tables of a case of the system's own; the column `case` is added."""
        return {}

    def compare(self, runs: "Mapping[str, CaseRun]") -> "Mapping[str, Mapping[str, Kpi]]":
        """Return further KPIs by case, of what differs between cases."""
        return {}

    def study_tables(self, study: "Study") -> "Tables":
        """Return tables that are the same in all cases."""
        return {}

    def report(self) -> "ReportContent":
        """Return what the report shows of it."""
        content: ReportContent = later("equigrid.experiments.report.plain", "plain_content")()
        return content

    def deliveries(
        self, study: "Study", case: "StudyCase", tables: "Tables", count: int, seed: int
    ) -> "Deliveries | None":
        """Return what random deliveries of what was sold come to; None if nothing is sold."""
        return None

    def told_kpis(self, told: Any, tables: "Tables") -> Mapping[str, float]:
        """Return KPIs as a replay rebuilds them of a `LoggedRun` and the tables of one case."""
        return {}

    def told_differences(self, told: Any, tables: "Tables") -> Iterable[str]:
        """Yield a sentence for each series that a log and the tables do not agree on."""
        return ()

    def kpi_differences(self, reported: Mapping[str, Any]) -> Iterable[str]:
        """Yield a sentence for each reported KPI, by case, that does not agree with others."""
        return ()


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
