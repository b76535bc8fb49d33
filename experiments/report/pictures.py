"""Pictures that any system can show: the feeder, voltages, loading, payments."""

from equigrid.experiments.report import figures_feeder, figures_network, figures_payments
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.report.words import figure
from equigrid.experiments.report_content import Picture
from equigrid.experiments.result import Result


def by_case(result: Result, key: str, start: str) -> str:
    """Say what a KPI is in each case that has it; nothing where none has."""
    said = [
        f"{case.name} {figure(case.kpis[key].value)} {case.kpis[key].unit}"
        for case in result.cases
        if key in case.kpis
    ]
    return f"{start}: {', '.join(said)}." if said else ""


def _say_feeder(result: Result) -> str:
    branches = result.feeder.branches
    return (
        f"{result.feeder.name}: {len(result.feeder.buses)} buses, "
        f"{int(branches['closed'].sum())} closed branches, {int((~branches['closed']).sum())} open."
    )


def _say_voltages(result: Result) -> str:
    volts = result.tables["voltages"].dropna(subset="voltage_ac_pu")
    if volts.empty:
        return "No AC voltage is known: the power flow does not converge."
    low, high = volts["voltage_ac_pu"].min(), volts["voltage_ac_pu"].max()
    said = f"Each bar spans all steps and scenarios: {low:.4f} to {high:.4f} p.u. overall."
    if "voltage_linear_pu" not in volts:
        return said
    off = (volts["voltage_linear_pu"] - volts["voltage_ac_pu"]).abs().max()
    return f"{said} The linear network of the model differs from AC by at most {off:.4f} p.u."


def _say_loading(result: Result) -> str:
    rows = result.tables["branches"].dropna(subset="loading_percent")
    if rows.empty:
        return "No branch has a loading."
    worst = rows.loc[rows["loading_percent"].idxmax()]
    return (
        f"Each bar spans all steps and scenarios; the most loaded is {worst['branch']} with "
        f"{worst['loading_percent']:.0f} % in {worst['case']}, "
        f"{step_names(result).name(int(worst['step']))}."
    )


def _say_payments(result: Result) -> str:
    return f"Bands are as wide as the amount in {result.currency}, expected over the scenarios."


# fmt: off
PAYMENTS = Picture(
    "payments", "Who pays whom", "",
    "Bands from those who pay to those who are paid, a panel for each case",
    ("settlement",), figures_payments.payments, _say_payments,
)
FEEDER = Picture(
    "feeder", "The feeder and who sits where", "",
    "A tree of buses from the source, open ties dashed, with the parties at their buses",
    ("places",), figures_feeder.feeder, _say_feeder,
)
VOLTAGES = Picture(
    "voltages", "Voltages against their limits", "",
    "Bars from the lowest to the highest AC voltage of each bus by case, with the limits",
    ("voltages",), figures_network.voltages, _say_voltages,
)
LOADING = Picture(
    "loading", "Loading of the branches", "",
    "Bars from the least to the greatest loading of each branch by case, with the rating",
    ("branches",), figures_network.loading, _say_loading,
)
# fmt: on
