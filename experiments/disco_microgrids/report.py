"""What the report of paper E's results shows: headline, key figures, pictures, tables."""

from equigrid.experiments.disco_microgrids import report_tables
from equigrid.experiments.disco_microgrids.pictures import PICTURES
from equigrid.experiments.report import tables
from equigrid.experiments.report.words import NO_CHANGE, amount, change, figure
from equigrid.experiments.report_content import ReportContent, ReportTable
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.world.kpi import Kpi

_NAMES = {
    "max_ramp_up_mw_per_h": "Largest ramp up",
    "max_ramp_down_mw_per_h": "Largest ramp down",
    "disco_profit": "Profit of the Disco",
    "profit_forgone": "Profit forgone",
    "wholesale_energy_mwh": "Wholesale energy",
    "ramp_penalty": "Ramp penalty",
    "disco_dg_energy_mwh": "Energy of the Disco's generators",
    "interrupted_energy_mwh": "Energy interrupted",
    "microgrid_cost.": "Cost of",
    "microgrid_import_mwh": "Imports of the microgrids",
    "microgrid_der_energy_mwh": "Microgrids' own energy",
}
_TILES = (
    "max_ramp_up_mw_per_h",
    "max_ramp_down_mw_per_h",
    "disco_profit",
    "wholesale_energy_mwh",
    "disco_dg_energy_mwh",
    "interrupted_energy_mwh",
    "microgrid_import_mwh",
    "ramp_penalty",
)
_TIES = """Ties among a microgrid's equally good answers are resolved in the Disco's favour:
  where a microgrid does not care which of two schedules it follows, the answer reported is the one
  that suits the Disco. How much hangs on that is what the worst tie shows: the announced prices
  stay, the microgrids choose among answers that cost them the same, and the Disco decides the rest
  again. Which tie is the worst is found by search, not proven."""

_ABOUT = (
    "Paper E is this project's letter for the published model behind this study: a distribution "
    "company (Disco) leads, its microgrids follow. Its equations stand in docs/model.md."
)

_TABLES = (
    ReportTable(
        "prices-table", "Price of exchange over time", 1, ("prices", "bids"),
        report_tables.price_table,
        "Per MWh. A marked price sits on the bid that stands beside it; the others follow from "
        "storage, ramps of generators, or the bounds of the price.",
    ),
    tables.PAYMENTS,
    ReportTable(
        "purchase-table", "Purchase and ramp over time", 1, ("purchase",),
        report_tables.purchase_table,
    ),
    tables.PLACES,
    ReportTable("scenarios-table", "Scenarios", 1, ("scenarios",), report_tables.scenario_table),
)  # fmt: skip


def report_content() -> ReportContent:
    """Return what the report shows."""
    return ReportContent("E", headline, _NAMES, _TILES, PICTURES, _TABLES, _TIES, _ABOUT)


def headline(result: Result) -> str:
    """Say in a sentence what the last case changed against the first."""
    before, after = result.cases[0], result.cases[-1]
    key = "max_ramp_up_mw_per_h"
    if key not in before.kpis or key not in after.kpis:
        return result.title
    if len(result.cases) == 1:
        return f"The largest ramp up is {amount(after.kpis[key])}{_profit(after)}."
    old, new = before.kpis[key].value, after.kpis[key]
    moved = change(old, new.value)
    if moved == NO_CHANGE:
        return f"The largest ramp up stays at {amount(new)}{_price_of_it(after)}."
    verb = "falls" if new.value < old else "rises"
    span = f"{verb} from {figure(old)} to {amount(new)} ({moved})"
    return f"The largest ramp up {span}{_price_of_it(after)}."


def _profit(case: CaseResult) -> str:
    profit = case.kpis.get("disco_profit")
    return f", at a profit of {amount(profit)}" if profit else ""


def _price_of_it(case: CaseResult) -> str:
    forgone = case.kpis.get("profit_forgone")
    if forgone is None:
        return ""
    if forgone.value < 0:
        return f", with {amount(Kpi(-forgone.value, forgone.unit))} more profit"
    return f", for {amount(forgone)} of profit forgone"
