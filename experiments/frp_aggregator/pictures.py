"""The pictures of paper A's report in their order: what each shows, needs and says."""

from dataclasses import dataclass, replace

from equigrid.experiments.frp_aggregator import (
    figures_given,
    figures_offers,
    figures_prices,
    figures_wires,
)
from equigrid.experiments.frp_aggregator.critical import widest_prices
from equigrid.experiments.report import pictures
from equigrid.experiments.report.pictures import by_case
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.report_content import Picture
from equigrid.experiments.result import Result


@dataclass(frozen=True)
class ByConfidence(Picture):
    """A picture of what confidence changes, where cases differ in it."""

    def fits(self, result: Result) -> bool:
        """Whether there is more than one confidence."""
        return super().fits(result) and result.tables["costs"]["confidence"].nunique() > 1


def _say_state(result: Result, what: str, unit: str) -> str:
    """Say how far each case is beyond the limits in any state."""
    outcome = (
        result.tables["delivery"].groupby("case", sort=False)[f"{what}_violation_{unit}"].max()
    )
    allowed, shown = {
        "pu": (result.tolerance["ac_voltage_pu"], "{:.4f} p.u"),
        "percent": (result.tolerance["ac_loading_percent"], "{:.1f} %"),
    }[unit]
    beyond = [
        f"{case} goes beyond its limits by up to {shown.format(value)}"
        for case, value in outcome.items()
        if value > allowed
    ]
    within = [str(case) for case, value in outcome.items() if value <= allowed]
    kept = [f"no limit is violated in {', '.join(within)}"] if within else []
    return f"Over all steps, scenarios and states, {'; '.join([*beyond, *kept])}."


def _say_voltages(result: Result) -> str:
    return (
        f"The {step_names(result).noun} in which a voltage is furthest beyond its limits, or "
        f"nearest to them. {_say_state(result, 'voltage', 'pu')}"
    )


def _say_loading(result: Result) -> str:
    noun = step_names(result).noun
    said = _say_state(result, "loading", "percent")
    return f"The {noun} in which a branch is loaded most. {said}"


def _say_offers(result: Result) -> str:
    return (
        f"Expectations over the scenarios. {by_case(result, 'frp_up_mwh', 'Upward')} "
        f"{by_case(result, 'frp_down_mwh', 'Downward')}"
    )


def _say_prices(result: Result) -> str:
    off = float(result.tables["price_residuals"]["residual_per_mwh"].max())
    return (
        f"The moment at which the limits of the feeder make prices differ most between buses, or "
        f"losses where no limit does: {widest_prices(result).named(result)}. Where prosumers sit, "
        f"parts add up to the price that is paid{f' within {off:.0e} per MWh' if off else ''}."
    )


def _say_given(result: Result) -> str:
    return "What the market announces for the substation: energy left, ramping products right."


def _say_loads(result: Result) -> str:
    load = result.tables["loads"]
    peak = load.loc[load["load_mw"].idxmax()]
    return (
        "Without prosumers and PV, less what the feeder itself generates; the peak is "
        f"{peak['load_mw']:.2f} MW in {step_names(result).name(int(peak['step']))}."
    )


def _say_confidence(result: Result) -> str:
    return (
        "Offers are made for each scenario, so confidence changes no decision; it changes what "
        "the aggregator reckons with."
        if (result.tables["costs"]["offers"] == "per-scenario").all()
        else "One offer holds in all scenarios, so confidence changes decisions."
    )


PICTURES = (
    Picture(
        "offers", "Energy and ramping products of each prosumer", "Figs. 9 and 10",
        "Steps of the energy bought over time, with bars of what may be called upward and downward",
        ("offers", "scenarios"), figures_offers.offers, _say_offers,
    ),
    Picture(
        "delivered-voltages", "Voltages at the worst step, before and after delivery", "Fig. 7",
        "Lines of the AC voltage of each bus before, after upward and after downward delivery",
        ("voltages", "delivery"), figures_wires.voltages, _say_voltages,
    ),
    Picture(
        "delivered-loading", "Branches at the worst step, before and after delivery", "Fig. 8",
        "Bars of the AC loading of each branch before, after upward and after downward delivery",
        ("branches", "delivery"), figures_wires.loading, _say_loading,
    ),
    ByConfidence(
        "confidence", "What confidence costs", "Table 2",
        "Lines of the expected and the worst-case cost over the confidence",
        ("costs",), figures_offers.confidence, _say_confidence, cases=2,
    ),
    Picture(
        "bus-prices", "Prices at each bus and their parts", "A(62)–A(64)",
        "Stacks of the parts of the price of energy by bus, and lines of the products' prices",
        ("bus_prices", "price_residuals"), figures_prices.bus_prices, _say_prices,
    ),
    Picture(
        "given-prices", "Market prices", "Fig. 5",
        "Steps of the prices of energy and of both ramping products over time",
        ("prices",), figures_given.prices, _say_given,
    ),
    Picture(
        "loads", "Load of the feeder", "Fig. 6",
        "Steps of the active and reactive load over time",
        ("loads",), figures_given.loads, _say_loads,
    ),
    replace(pictures.FEEDER, paper="Fig. 4"),
)  # fmt: skip
