"""What the report of paper A's results shows: headline, key figures, pictures, tables."""

from equigrid.experiments.frp_aggregator import report_tables
from equigrid.experiments.frp_aggregator.pictures import PICTURES
from equigrid.experiments.report import tables
from equigrid.experiments.report.words import NO_CHANGE, amount, change, figure
from equigrid.experiments.report_content import ReportContent, ReportTable
from equigrid.experiments.result import Result

_NAMES = {
    "expected_total_cost": "Expected total cost",
    "worst_case_total_cost": "Worst-case total cost",
    "energy_cost": "Energy cost",
    "frp_revenue": "Revenue of ramping products",
    "frp_up_mwh": "Upward product offered",
    "frp_down_mwh": "Downward product offered",
    "ac_voltage_violation_after_up_pu": "Voltage beyond limits after upward delivery",
    "ac_voltage_violation_after_down_pu": "Voltage beyond limits after downward delivery",
    "ac_loading_violation_after_up_percent": "Loading above rating after upward delivery",
    "ac_loading_violation_after_down_percent": "Loading above rating after downward delivery",
}
# Delivery upward relieves a feeder; what it violates stands in the table of key figures.
_TILES = tuple(name for name in _NAMES if "_after_up_" not in name)
_TIES = """Ties among the operator's equally good answers, and among the duals that are prices, are
  resolved in the aggregator's favour. The certificate of a case speaks of the states in which its
  limits hold; the table of states below tells what AC says of the others."""

_ABOUT = (
    "Paper A is this project's letter for the published model behind this study: an aggregator "
    "sells ramping products (FRP) of its prosumers, and the network operator clears them. Its "
    "equations stand in docs/model.md."
)

_TABLES = (
    ReportTable(
        "decisions-table", "What each case came to (paper: Tables 1 and 2)", 2, ("costs",),
        report_tables.decision_table,
        "Costs are for the day: at the nominal probabilities, and at the worst distribution of the "
        "set. A negative cost is income.",
    ),
    ReportTable(
        "states-table", "AC power flow before and after delivery", 3, ("delivery",),
        report_tables.delivery_table,
        "Greatest distance beyond a voltage limit, and greatest loading above the rating.",
    ),
    ReportTable(
        "bills-table", "Bills by prosumer and product", 2, ("offers", "scenarios"),
        report_tables.bill_table,
        "From the aggregator to the operator for the day, expected over the scenarios; a negative "
        "amount flows the other way.",
    ),
    ReportTable(
        "rounds-table", "Rounds of the linear network", 1, ("linearisation",),
        report_tables.round_table,
        "Greatest difference of voltages, relative to nominal, and of flows, relative to their "
        "limits, between AC and the linear network that the answer of the round was found on.",
    ),
    tables.PLACES,
    ReportTable(
        "scenarios-table", "Scenarios", 1, ("scenarios", "bills"), report_tables.scenario_table
    ),
)  # fmt: skip


def report_content() -> ReportContent:
    """Return what the report shows."""
    return ReportContent("A", headline, _NAMES, _TILES, PICTURES, _TABLES, _TIES, _ABOUT)


def headline(result: Result) -> str:
    """Say in a sentence what the last case changed against the first."""
    before, after = result.cases[0], result.cases[-1]
    by_confidence = result.tables["costs"]["confidence"].nunique() > 1
    key = "worst_case_total_cost" if by_confidence else "expected_total_cost"
    name = _NAMES[key].lower()
    if len(result.cases) == 1:
        return f"The {name} is {amount(after.kpis[key])}."
    old, new = before.kpis[key].value, after.kpis[key].value
    if change(old, new) == NO_CHANGE:
        return f"The {name} stays at {amount(after.kpis[key])}."
    verb = "rises" if new > old else "falls"
    said = f"The {name} {verb} from {figure(old)} to {amount(after.kpis[key])}"
    if by_confidence:
        return f"{said} from {before.name} to {after.name}."
    sold, left = before.kpis["frp_down_mwh"], after.kpis["frp_down_mwh"]
    return f"{said}, and the downward product goes from {figure(sold.value)} to {amount(left)}."
