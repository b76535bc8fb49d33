"""The tables of paper A's report, as text ready to be shown."""

import pandas as pd

from equigrid.experiments.frp_aggregator.critical import expected
from equigrid.experiments.report.figures import case_names
from equigrid.experiments.report.step_names import StepNames, step_names
from equigrid.experiments.report.words import figure
from equigrid.experiments.result import Result

Shown = tuple[list[str], list[list[str]]]
_STATES = {"before": "before", "up": "after up", "down": "after down"}


def decision_table(result: Result) -> Shown:
    """Return head and rows of the paper's Tables 1 and 2: what each case came to."""
    costs = result.tables["costs"].set_index("case")
    keys = (
        "energy_cost", "frp_revenue", "expected_total_cost", "worst_case_total_cost",
        "frp_up_mwh", "frp_down_mwh",
    )  # fmt: skip
    head = [
        "Case", "Limits hold", "Confidence", "Energy cost", "FRP revenue", "Expected total cost",
        "Worst-case total cost", "Upward, MWh", "Downward, MWh",
    ]  # fmt: skip
    rows = [
        [
            case.name,
            ", ".join(_STATES[state] for state in str(costs.loc[case.name, "secured"]).split()),
            f"{100 * float(costs.loc[case.name, 'confidence']):g} %",
            *(figure(case.kpis[key].value) if key in case.kpis else "–" for key in keys),
        ]
        for case in result.cases
    ]
    return head, rows


def delivery_table(result: Result) -> Shown:
    """Return head and rows of what AC says of each case and state, and where."""
    names = step_names(result)
    rows = [
        [
            str(row.case),
            _STATES[row.state],
            "hold" if row.secured else "reported",
            f"{row.voltage_violation_pu:.5f}",
            _where(names, f"bus {row.voltage_bus}", row.voltage_step, row.voltage_scenario),
            f"{row.loading_violation_percent:.2f}",
            _where(names, f"branch {row.loading_branch}", row.loading_step, row.loading_scenario),
        ]
        for row in result.tables["delivery"].itertuples()
    ]
    return ["Case", "State", "Limits", "Voltage, p.u.", "where", "Loading, %", "where"], rows


def _where(names: StepNames, place: str, step: int, scenario: int) -> str:
    return f"{place}, {names.name(step)}, scenario {scenario}" if step else "–"


def bill_table(result: Result) -> Shown:
    """Return head and rows of the expected bills by prosumer and product."""
    parts = {name: _bills(result, name) for name in case_names(result)}
    keys = list(next(iter(parts.values())).index)
    rows = [[*key, *(figure(float(part[key])) for part in parts.values())] for key in keys]
    return ["Prosumer", "Product", *parts], rows


def _bills(result: Result, case: str) -> "pd.Series[float]":
    rows, hours = expected(result, "offers", case), step_names(result).hours
    quantity = {"energy": "import_mw", "up": "up_mw", "down": "down_mw"}
    sign = {"energy": 1.0, "up": -1.0, "down": -1.0}
    owed = pd.DataFrame(
        {
            product: sign[product]
            * hours
            * (rows[said] * rows[f"{product}_price_per_mwh"] * rows["chance"])
            for product, said in quantity.items()
        }
    )
    by_prosumer = owed.groupby(rows["prosumer"], sort=False).sum()
    return by_prosumer.stack()


def scenario_table(result: Result) -> Shown:
    """Return head and rows of the scenarios: nominal and worst probabilities, cost by case."""
    sun = result.tables["scenarios"].groupby("scenario")["irradiance"].sum()
    sun = step_names(result).hours * sun
    names, bills = case_names(result), result.tables["bills"]
    first = bills[bills["case"] == names[0]].set_index("scenario")
    worst = bills.pivot_table(index="scenario", columns="case", values="worst_probability")
    rows = [
        [
            str(scenario),
            f"{sun[scenario]:.2f}",
            f"{100 * float(chance):.3g} %",
            *(f"{100 * float(worst.loc[scenario, name]):.3g} %" for name in names),
        ]
        for scenario, chance in first["probability"].items()
    ]
    head = ["Scenario", "Sun, hours at rated power", "Probability"]
    return [*head, *(f"Worst, {name}" for name in names)], rows


def round_table(result: Result) -> Shown:
    """Return head and rows of the rounds of the linear network."""
    rows = [
        [str(row.case), str(row.round), f"{row.error_pu:.2e}"]
        for row in result.tables["linearisation"].itertuples()
    ]
    return ["Case", "Round", "Difference from AC"], rows
