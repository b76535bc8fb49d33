"""The pictures of paper E's report in their order: what each shows, needs and says."""

from dataclasses import replace

from equigrid.experiments.disco_microgrids import (
    figures_market,
    figures_microgrids,
    figures_negotiation,
)
from equigrid.experiments.disco_microgrids.comparisons import bids_met, strategy_steps
from equigrid.experiments.report import pictures
from equigrid.experiments.report.figures import of_case
from equigrid.experiments.report.negotiated import negotiation
from equigrid.experiments.report.pictures import by_case
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.report_content import Picture
from equigrid.experiments.result import Result


def _say_purchase(result: Result) -> str:
    return by_case(result, "wholesale_energy_mwh", "Energy bought") + (
        " The shaded area is the change." if len(result.cases) > 1 else ""
    )


def _say_ramps(result: Result) -> str:
    return by_case(result, "max_ramp_down_mw_per_h", "Largest ramp down") + (
        " Lines mark the ramp, both ways, for which the ISO is paid a penalty; "
        "where ramps are free there is none."
    )


def _say_strategies(result: Result) -> str:
    names = step_names(result)
    told = [f"{which} {names.during(at)}" for which, at in strategy_steps(result).items() if at]
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
    names, noun = [case.name for case in result.cases], step_names(result).noun
    steps = {name: len(of_case(result, "prices", name)) for name in names}
    said = [f"{met.count(name)} of {steps[name]} {noun}s in {name}" for name in names]
    return f"The price sits on the bid of a microgrid's resource in {', '.join(said)}."


def _say_balances(result: Result) -> str:
    return (
        "Above zero is what supplies the microgrid, below zero what it charges or sells to the "
        "Disco; the line is its demand."
    )


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
        "Steps of the power bought wholesale over time, one line for each case",
        ("purchase",), figures_market.purchase, _say_purchase,
    ),
    Picture(
        "ramps", "Ramps of the purchase", "Fig. 5",
        "Bars of the change of the purchase from step to step, side by side by case, with limits",
        ("purchase", "prices"), figures_market.ramps, _say_ramps,
    ),
    Picture(
        "strategies", "Three strategies: buy less, more, or the same", "section IV",
        "A strip of steps, coloured by how much more or less is bought than in the first case",
        ("purchase", "microgrids", "dispatch", "scenarios"),
        figures_market.strategies, _say_strategies, cases=2,
    ),
    Picture(
        "exchange-prices", "Price of exchange with the microgrids", "Table I",
        "Steps of the exchange price over time by case, over the bids of microgrid resources",
        ("prices", "bids"), figures_market.exchange_prices, _say_exchange,
    ),
    Picture(
        "given-prices", "Wholesale and interruption prices", "Fig. 3",
        "Steps of the wholesale price, the price of interruption and the selling price over time",
        ("prices",), figures_market.given_prices, _say_prices,
    ),
    Picture(
        "microgrid-ramps", "Ramps of the microgrids", "Fig. 6",
        "Stacked bars of the microgrids' ramps over time, with their sum, a panel for each case",
        ("microgrids", "purchase"), figures_microgrids.microgrid_ramps, _say_ramp_coupling,
    ),
    Picture(
        "balances", "Supply and demand of each microgrid", "Figs. 7 and 8",
        "Stacked bars of supply and use over time, a row for each microgrid, a column a case",
        ("microgrids",), figures_microgrids.balances, _say_balances,
    ),
    pictures.PAYMENTS,
    replace(pictures.FEEDER, paper="Fig. 2"),
    pictures.VOLTAGES,
    pictures.LOADING,
    Picture(
        "rounds", "The negotiation: profit by round", "",
        "Lines of planned and realised profit over the rounds, a panel for each case",
        ("rounds",), figures_negotiation.rounds, _say_rounds,
    ),
    Picture(
        "round-prices", "The negotiation: price by round", "",
        "Heat maps of the announced price, steps across and rounds up, a panel for each case",
        ("round_prices",), figures_negotiation.round_prices, _say_round_prices,
    ),
)  # fmt: skip
