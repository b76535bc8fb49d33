"""Figures of what the parties are given: market prices and loads."""

from typing import Any

from matplotlib.figure import Figure

from equigrid.experiments.report.figures import by_step, panels, step_axis, steps
from equigrid.experiments.result import Result

UP, DOWN = "#009e73", "#cc79a7"
_PRICES = (("energy", "#0072b2"), ("up", UP), ("down", DOWN))
_NAMES = {"energy": "energy", "up": "upward product", "down": "downward product"}


def prices(result: Result) -> Figure:
    """Draw what energy costs (left) and what ramping products are worth (right), by step."""
    figure, [row] = panels(1, 2, 3.0)
    for product, colour in _PRICES:
        axes = row[0] if product == "energy" else row[1]
        series = by_step(result.tables["prices"], f"{product}_price_per_mwh")
        steps(axes, series, color=colour, linewidth=2, label=_NAMES[product])
        step_axis(axes, result, list(series.index))
    for axes in row:
        axes.set_ylim(bottom=0)
        axes.set_ylabel(f"{result.currency} per MWh")
        axes.legend(loc="upper left")
    return figure


def loads(result: Result) -> Figure:
    """Draw the active and reactive load of the feeder by step."""
    figure, [[axes]] = panels(1, 1, 2.8)
    looks: Any = (("load_mw", "active, MW", "-"), ("load_mvar", "reactive, MVAr", "--"))
    for column, label, dash in looks:
        series = by_step(result.tables["loads"], column)
        steps(axes, series, color="#0072b2", linewidth=2, linestyle=dash, label=label)
        step_axis(axes, result, list(series.index))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("load of the feeder")
    axes.legend(loc="upper left")
    return figure
