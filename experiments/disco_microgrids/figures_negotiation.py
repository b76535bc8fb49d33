"""Figures of the negotiation: profit and prices round by round."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from equigrid.experiments.report.figures import (
    INK,
    case_colours,
    case_names,
    legend_above,
    of_case,
    panels,
    step_axis,
)
from equigrid.experiments.result import Result


def rounds(result: Result) -> Figure:
    """Draw the profit the Disco planned and realised in each round, a panel a case."""
    colours = case_colours(result)
    figure, [row] = panels(1, len(colours), 3.2)
    for axes, (case, colour) in zip(row, colours.items(), strict=True):
        rows = of_case(result, "rounds", case)
        for column, dash, mark in (("planned_profit", "--", "o"), ("realised_profit", "-", "s")):
            profit = pd.to_numeric(rows[column])
            axes.plot(rows["round"], profit, dash, marker=mark, markersize=4, color=colour)
        optimum = result.case(case).kpis.get("disco_profit")
        if optimum is not None:
            axes.axhline(optimum.value, color=INK, linewidth=1, linestyle=":")
        axes.set_title(case)
        axes.set_xlabel("round")
        axes.xaxis.get_major_locator().set_params(integer=True)
    row[0].set_ylabel(f"profit of the Disco, {result.currency}")
    legend_above(figure, _round_marks())
    return figure


def _round_marks() -> list[Any]:
    looks: Any = (("planned", "--", "o"), ("realised", "-", "s"), ("answer reported", ":", None))
    return [
        Line2D([], [], color=INK, linestyle=dash, marker=mark, markersize=4, label=label)
        for label, dash, mark in looks
    ]


def round_prices(result: Result) -> Figure:
    """Draw the announced price by round (up) and step (across), a panel a case."""
    cases = case_names(result)
    figure, [row] = panels(1, len(cases), 3.2)
    prices = result.tables["round_prices"]["exchange_price_per_mwh"]
    scale = {"vmin": float(prices.min()), "vmax": float(prices.max())}
    for axes, case in zip(row, cases, strict=True):
        table = of_case(result, "round_prices", case).pivot_table(
            index="round", columns="step", values="exchange_price_per_mwh"
        )
        image = axes.pcolormesh(
            table.columns, table.index, table.to_numpy(), cmap="cividis", **scale
        )
        step_axis(axes, result, list(table.columns))
        axes.set_title(case)
        axes.grid(visible=False)
        axes.yaxis.get_major_locator().set_params(integer=True)
    row[0].set_ylabel("round")
    figure.colorbar(image, ax=row, label=f"{result.currency} per MWh", pad=0.02)
    return figure
