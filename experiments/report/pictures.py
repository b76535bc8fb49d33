"""The pictures of a report in their order: what each shows, needs and says."""

from collections.abc import Callable
from dataclasses import dataclass

from equigrid.experiments.report import (
    figures_bargaining,
    figures_market,
    figures_microgrids,
    figures_network,
)
from equigrid.experiments.report.comparisons import bids_met, ranges, strategy_hours
from equigrid.experiments.report.figures import Draw, of_case
from equigrid.experiments.report.verdict import negotiation
from equigrid.experiments.report.words import figure
from equigrid.experiments.result import Result

Say = Callable[[Result], str]


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    key, title : str
    paper : str
        The figure or table of paper E that it answers to, if any.
    shows : str
        What stands in for the picture where it cannot be seen.
    needs : tuple of str
        Tables without which there is nothing to draw.
    draw : callable
    say : callable
        The caption, with what is to be seen in this result.
    cases : int
        The least number of cases that make sense of it.
    """

    key: str
    title: str
    paper: str
    shows: str
    needs: tuple[str, ...]
    draw: Draw
    say: Say
    cases: int = 1

    def fits(self, result: Result) -> bool:
        """Whether the result holds what the picture needs."""
        filled = all(len(result.tables.get(table, ())) for table in self.needs)
        return filled and len(result.cases) >= self.cases


def _say_purchase(result: Result) -> str:
    return _by_case(result, "wholesale_energy_mwh", "Energy bought") + (
        " The shaded area is the change." if len(result.cases) > 1 else ""
    )


def _say_ramps(result: Result) -> str:
    return _by_case(result, "max_ramp_down_mw_per_h", "Largest ramp down") + (
        " Lines mark the ramp, both ways, for which the ISO is paid a penalty; "
        "where ramps are free there is none."
    )


def _by_case(result: Result, key: str, start: str) -> str:
    said = [
        f"{case.name} {figure(case.kpis[key].value)} {case.kpis[key].unit}"
        for case in result.cases
        if key in case.kpis
    ]
    return f"{start}: {', '.join(said)}." if said else ""


def _say_strategies(result: Result) -> str:
    hours = strategy_hours(result)
    told = [
        f"{which} in {'hour' if len(found) == 1 else 'hours'} {ranges(found)}"
        for which, found in hours.items()
        if found
    ]
    first, last = result.cases[0].name, result.cases[-1].name
    return (
        f"Against {first}, {last} buys {'; '.join(told)}. The rows below tell what moved with it: "
        "brown is more, teal is less, a dot is no change; figures of the Disco's own resources "
        "are expectations over the scenarios."
    )


def _say_ramp_coupling(result: Result) -> str:
    return (
        "Bars are the ramps of each microgrid's exchange, diamonds their sum, the line is the ramp "
        "of the wholesale purchase."
    )


def _say_prices(result: Result) -> str:
    return "What the Disco is given: it sells to its own customers at the dotted price."


def _say_exchange(result: Result) -> str:
    met = [case for case, _ in bids_met(result)]
    names = [case.name for case in result.cases]
    hours = {name: len(of_case(result, "prices", name)) for name in names}
    said = [f"{met.count(name)} of {hours[name]} hours in {name}" for name in names]
    return f"The price sits on the bid of a microgrid's resource in {', '.join(said)}."


def _say_balances(result: Result) -> str:
    return (
        "Above zero is what supplies the microgrid, below zero what it charges or sells to the "
        "Disco; the line is its demand."
    )


def _say_feeder(result: Result) -> str:
    branches = result.network.branches
    return (
        f"{result.network.name}: {len(result.network.buses)} buses, "
        f"{int(branches['closed'].sum())} closed branches, {int((~branches['closed']).sum())} open."
    )


def _say_voltages(result: Result) -> str:
    volts = result.tables["voltages"].dropna()
    if volts.empty:
        return "No AC voltage is known: the power flow does not converge."
    low, high = volts["voltage_ac_pu"].min(), volts["voltage_ac_pu"].max()
    off = (volts["voltage_linear_pu"] - volts["voltage_ac_pu"]).abs().max()
    return (
        f"Each bar spans all hours and scenarios: {low:.4f} to {high:.4f} p.u. overall. The linear "
        f"network of the model differs from AC by at most {off:.4f} p.u."
    )


def _say_loading(result: Result) -> str:
    rows = result.tables["branches"].dropna(subset="loading_percent")
    if rows.empty:
        return "No branch has a loading."
    worst = rows.loc[rows["loading_percent"].idxmax()]
    return (
        f"Each bar spans all hours and scenarios; the most loaded is {worst['branch']} with "
        f"{worst['loading_percent']:.0f} % in {worst['case']}, hour {worst['hour']}."
    )


def _say_payments(result: Result) -> str:
    return f"Bands are as wide as the amount in {result.currency}, expected over the scenarios."


def _say_rounds(result: Result) -> str:
    return " ".join(negotiation(result)) + (
        " Planned is what the Disco expects from the answers it has heard, realised is what the "
        "answers to its announced price bring."
    )


def _say_round_prices(result: Result) -> str:
    return "The price that the Disco announces to the microgrids, round by round."


PICTURES = (
    Picture(
        "purchase", "Wholesale purchase", "Fig. 4",
        "Steps of the power bought wholesale in each hour, one line for each case",
        ("purchase",), figures_market.purchase, _say_purchase,
    ),
    Picture(
        "ramps", "Ramps of the purchase", "Fig. 5",
        "Bars of the change of the purchase from hour to hour, side by side by case, with limits",
        ("purchase", "prices"), figures_market.ramps, _say_ramps,
    ),
    Picture(
        "strategies", "Three strategies: buy less, more, or the same", "section IV",
        "A strip of hours, coloured by how much more or less is bought than in the first case",
        ("purchase", "microgrids", "dispatch", "scenarios"),
        figures_market.strategies, _say_strategies, cases=2,
    ),
    Picture(
        "exchange-prices", "Price of exchange with the microgrids", "Table I",
        "Steps of the exchange price in each hour by case, over the bids of microgrid resources",
        ("prices", "bids"), figures_market.exchange_prices, _say_exchange,
    ),
    Picture(
        "given-prices", "Wholesale and interruption prices", "Fig. 3",
        "Steps of the wholesale price, the price of interruption and the selling price by hour",
        ("prices",), figures_market.given_prices, _say_prices,
    ),
    Picture(
        "microgrid-ramps", "Ramps of the microgrids", "Fig. 6",
        "Stacked bars of the microgrids' ramps by hour, with their sum, a panel for each case",
        ("microgrids", "purchase"), figures_microgrids.microgrid_ramps, _say_ramp_coupling,
    ),
    Picture(
        "balances", "Supply and demand of each microgrid", "Figs. 7 and 8",
        "Stacked bars of supply and use by hour, a row for each microgrid, a column for each case",
        ("microgrids",), figures_microgrids.balances, _say_balances,
    ),
    Picture(
        "payments", "Who pays whom", "",
        "Bands from those who pay to those who are paid, a panel for each case",
        ("settlement",), figures_bargaining.payments, _say_payments,
    ),
    Picture(
        "feeder", "The feeder and who sits where", "Fig. 2",
        "A tree of buses from the source, open ties dashed, with the parties at their buses",
        ("places",), figures_network.feeder, _say_feeder,
    ),
    Picture(
        "voltages", "Voltages against their limits", "",
        "Bars from the lowest to the highest AC voltage of each bus by case, with the limits",
        ("voltages",), figures_network.voltages, _say_voltages,
    ),
    Picture(
        "loading", "Loading of the branches", "",
        "Bars from the least to the greatest loading of each branch by case, with the rating",
        ("branches",), figures_network.loading, _say_loading,
    ),
    Picture(
        "rounds", "The negotiation: profit by round", "",
        "Lines of planned and realised profit over the rounds, a panel for each case",
        ("rounds",), figures_bargaining.rounds, _say_rounds,
    ),
    Picture(
        "round-prices", "The negotiation: price by round", "",
        "Heat maps of the announced price, hours across and rounds up, a panel for each case",
        ("round_prices",), figures_bargaining.round_prices, _say_round_prices,
    ),
)  # fmt: skip
