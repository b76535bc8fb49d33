"""Paper A: an aggregator that sells ramping products which the feeder has to be able to deliver."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from equigrid.experiments import system
from equigrid.experiments.frp_aggregator.schema import FrpAggregatorSpec
from equigrid.experiments.system import later

if TYPE_CHECKING:  # what follows from these takes long to import, and few need all of it
    from equigrid.experiments.frp_aggregator.case_parties import FrpAggregator
    from equigrid.experiments.report_content import ReportContent
    from equigrid.experiments.spec.findings import Problem
    from equigrid.experiments.spec.study import Study, StudyCase
    from equigrid.experiments.system import Deliveries, Tables
    from equigrid.experiments.world.case_run import CaseRun
    from equigrid.experiments.world.kpi import Kpi
    from equigrid.experiments.world.world import World


def _later(module: str, name: str) -> Any:
    return later(f"{__name__}.{module}", name)


class System(system.System[FrpAggregatorSpec]):
    """An aggregator leads, a network operator clears, within limits before or after delivery.

    Attributes
    ----------
    parties : FrpAggregator
        Of the case, on the linear network of its last answer.
    """

    logged_tables = ("offers", "bills", "prices", "costs")
    parties: "FrpAggregator"

    def doubts(self, study: "Study") -> "Iterable[Problem]":
        """Yield powers, prices and fractions that look as if in other units."""
        doubts: Iterable[Problem] = _later("plausibility", "doubts")(study)
        return doubts

    def prepare(self, study: "Study") -> None:
        """Refuse a feeder that violates its limits before anybody sells anything."""
        _later("bare_feeder", "refuse_violated_feeder")(study)

    def day(self, world: "World") -> Iterator[Any]:
        """Go through the timetable of the study."""
        yield from _later("day", "day")(self, world)

    def kpis(self, run: "CaseRun") -> "Mapping[str, Kpi]":
        """Return costs, products, and what AC says after delivery."""
        kpis: Mapping[str, Kpi] = _later("kpis", "case_kpis")(self.parties, run)
        return kpis

    def tables(self, run: "CaseRun") -> "Tables":
        """Return prices, offers and the wires, by scenario and step."""
        tables: Tables = _later("tables", "case_tables")(self.parties, run)
        return tables

    def study_tables(self, study: "Study") -> "Tables":
        """Return who sits where, prices, loads and scenarios."""
        tables: Tables = _later("tables", "study_tables")(study)
        return tables

    def report(self) -> "ReportContent":
        """Return headline, key figures, pictures and tables."""
        content: ReportContent = _later("report", "report_content")()
        return content

    def deliveries(
        self, study: "Study", case: "StudyCase", tables: "Tables", count: int, seed: int
    ) -> "Deliveries":
        """Return what random deliveries of the products that were sold come to."""
        delivered: Deliveries = _later("deliveries", "deliveries")(study, case, tables, count, seed)
        return delivered

    def told_kpis(self, told: Any, tables: "Tables") -> Mapping[str, float]:
        """Rebuild costs from what was told and the duals in the tables, which nobody is told."""
        kpis: Mapping[str, float] = _later("replay", "told_kpis")(told, tables)
        return kpis

    def told_differences(self, told: Any, tables: "Tables") -> Iterable[str]:
        """Compare offers, prices and payments."""
        differences: Iterable[str] = _later("replay", "told_differences")(told, tables)
        return differences
