"""Paper E: a distribution company that buys wholesale and prices its exchange with microgrids."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from equigrid.experiments import system
from equigrid.experiments.disco_microgrids.schema import DiscoMicrogridsSpec
from equigrid.experiments.system import later

if TYPE_CHECKING:  # what follows from these takes long to import, and few need all of it
    from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
    from equigrid.experiments.report_content import ReportContent
    from equigrid.experiments.spec.findings import Problem
    from equigrid.experiments.spec.study import Study
    from equigrid.experiments.system import Tables
    from equigrid.experiments.world.case_run import CaseRun
    from equigrid.experiments.world.kpi import Kpi
    from equigrid.experiments.world.world import World


def _later(module: str, name: str) -> Any:
    return later(f"{__name__}.{module}", name)


class System(system.System[DiscoMicrogridsSpec]):
    """A Disco leads, its microgrids follow; the ISO does or does not charge for ramps.

    Attributes
    ----------
    parties : DiscoMicrogrids
        Of the case, on the linear network of its last answer.
    """

    logged_tables = ("prices", "purchase", "microgrids", "bids", "round_prices", "rounds")
    parties: "DiscoMicrogrids"

    def doubts(self, study: "Study") -> "Iterable[Problem]":
        """Yield powers, prices and fractions that look as if in other units."""
        doubts: Iterable[Problem] = _later("plausibility", "doubts")(study)
        return doubts

    def day(self, world: "World") -> Iterator[Any]:
        """Go through the timetable of the study."""
        yield from _later("day", "day")(self, world)

    def kpis(self, run: "CaseRun") -> "Mapping[str, Kpi]":
        """Return profit, costs, energies and ramps."""
        kpis: Mapping[str, Kpi] = _later("kpis", "case_kpis")(self.parties, run.answer)
        return kpis

    def compare(self, runs: "Mapping[str, CaseRun]") -> "Mapping[str, Mapping[str, Kpi]]":
        """Return what a price on ramps costs the Disco."""
        more: Mapping[str, Mapping[str, Kpi]] = _later("kpis", "profit_forgone")(runs)
        return more

    def tables(self, run: "CaseRun") -> "Tables":
        """Return what each party did, step by step."""
        tables: Tables = _later("tables", "case_tables")(self.parties, run)
        return tables

    def study_tables(self, study: "Study") -> "Tables":
        """Return who sits where, bids and scenarios."""
        tables: Tables = _later("tables", "study_tables")(study)
        return tables

    def report(self) -> "ReportContent":
        """Return headline, key figures, pictures and tables."""
        content: ReportContent = _later("report", "report_content")()
        return content

    def told_kpis(self, told: Any, tables: "Tables") -> Mapping[str, float]:
        """Rebuild the Disco's figures from messages, and those of microgrids from tables."""
        kpis: Mapping[str, float] = _later("replay", "told_kpis")(told, tables)
        return kpis

    def told_differences(self, told: Any, tables: "Tables") -> Iterable[str]:
        """Compare prices, purchase, imports and rounds."""
        differences: Iterable[str] = _later("replay", "told_differences")(told, tables)
        return differences

    def kpi_differences(self, reported: Mapping[str, Any]) -> Iterable[str]:
        """Compare the profit forgone with the profits of the cases."""
        differences: Iterable[str] = _later("replay", "kpi_differences")(reported)
        return differences
