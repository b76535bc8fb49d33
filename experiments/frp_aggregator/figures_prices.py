"""Figures of the prices at every bus and what they are made of."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.experiments.frp_aggregator.critical import widest_prices
from equigrid.experiments.frp_aggregator.figures_given import DOWN, UP
from equigrid.experiments.report.figures import (
    INK,
    MUTED,
    bars,
    case_names,
    legend_above,
    of_case,
    panels,
)
from equigrid.experiments.result import Result

PARTS = {
    "energy": ("energy", "#9fb3c8"),
    "loss": ("losses", "#d9a400"),
    "voltage": ("voltage limits", "#0072b2"),
    "congestion": ("branch limits", "#b3261e"),
}


def bus_prices(result: Result) -> Figure:
    """Draw the price of energy at each bus as a stack of its parts, and both products' prices."""
    moment, cases = widest_prices(result), case_names(result)
    figure, grid = panels(len(cases), 2, 0.7 + 2.6 * len(cases), sharex=True, sharey="col")
    for case, (left, right) in zip(cases, grid, strict=True):
        rows = moment.rows(of_case(result, "bus_prices", case)).sort_values("bus")
        _draw_parts(left, rows)
        for product, colour in (("up", UP), ("down", DOWN)):
            right.plot(rows["bus"], rows[f"{product}_price_per_mwh"], color=colour, linewidth=2)
        left.set_title(f"energy, {case}, {moment.named(result)}")
        right.set_title(f"ramping products, {case}")
        left.set_ylabel(f"{result.currency} per MWh")
    for axes in grid[-1]:
        axes.set_xlabel("bus")
    for axes in grid[0]:
        axes.xaxis.get_major_locator().set_params(integer=True)
    patches = [Patch(color=colour, label=label) for label, colour in PARTS.values()]
    lines: list[Any] = [Line2D([], [], color=INK, linewidth=1.4, label="price of energy")]
    lines += [
        Line2D([], [], color=colour, linewidth=2, label=label)
        for label, colour in (("upward product", UP), ("downward product", DOWN))
    ]
    legend_above(figure, [*patches, *lines], columns=4)
    return figure


def _draw_parts(axes: Axes, rows: pd.DataFrame) -> None:
    """Stack what raises the price upwards and what lowers it downwards."""
    top, bottom = np.zeros(len(rows)), np.zeros(len(rows))
    for part, (_, colour) in PARTS.items():
        value = rows[f"energy_{part}_per_mwh"].to_numpy()
        base = np.where(value >= 0, top, bottom)
        bars(axes, rows["bus"], base, np.where(value == 0, np.nan, value), 0.8, colour)
        top, bottom = top + value.clip(min=0), bottom + value.clip(max=0)
    axes.plot(rows["bus"], rows["energy_price_per_mwh"], color=INK, linewidth=1.4)
    axes.axhline(0, color=MUTED, linewidth=0.8)
