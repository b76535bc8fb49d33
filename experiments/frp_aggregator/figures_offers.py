"""Figures of the decisions: what each prosumer buys and offers, and what confidence costs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.experiments.frp_aggregator.critical import expected
from equigrid.experiments.frp_aggregator.figures_given import DOWN, UP
from equigrid.experiments.report.figures import (
    AFTER,
    BEFORE,
    INK,
    bars,
    case_names,
    legend_above,
    panels,
    step_axis,
    steps,
)
from equigrid.experiments.result import Result

OFFERS = ("import_mw", "up_mw", "down_mw")


def offers(result: Result) -> Figure:
    """Draw what each prosumer (down) buys and may be asked to take in each case (across)."""
    cases = case_names(result)
    names = [str(name) for name in result.tables["offers"]["prosumer"].unique()]
    shape = (len(names), len(cases))
    figure, grid = panels(*shape, 0.7 + 2.1 * len(names), sharex=True, sharey="row")
    for column, case in enumerate(cases):
        means = mean_offers(result, case)
        for row, name in enumerate(names):
            axes = grid[row, column]
            _draw_offer(axes, means.loc[name])
            axes.set_title(f"{name}, {case}")
            step_axis(axes, result, list(means.loc[name].index), labelled=name == names[-1])
    for axes in grid[:, 0]:
        axes.set_ylabel("consumption, MW")
    line = Line2D([], [], color=INK, linewidth=1.8, label="energy bought")
    patches = [
        Patch(color=UP, label="upward product: consumes less when called"),
        Patch(color=DOWN, label="downward product: consumes more when called"),
    ]
    legend_above(figure, [line, *patches])
    return figure


def mean_offers(result: Result, case: str) -> pd.DataFrame:
    """Return the expected offers of a case in MW, by prosumer and step."""
    rows = expected(result, "offers", case)
    weighted = rows[list(OFFERS)].mul(rows["chance"], axis=0)
    keys = [rows["prosumer"], rows["step"]]
    return weighted.groupby(keys, sort=False).sum()


def _draw_offer(axes: Axes, means: pd.DataFrame) -> None:
    """Draw the energy bought as a line, and what may be called of it as bars on either side."""
    bought = means["import_mw"].to_numpy()
    for column, sign, colour in (("up_mw", -1, UP), ("down_mw", 1, DOWN)):
        height = means[column].to_numpy()
        seen = np.where(height < 1e-6, np.nan, sign * height)
        bars(axes, means.index, bought, seen, 0.8, colour)
    steps(axes, means["import_mw"], color=INK, linewidth=1.8)


def confidence(result: Result) -> Figure:
    """Draw the expected and the worst-case cost over the confidence."""
    figure, [[axes]] = panels(1, 1, 3.0)
    costs = result.tables["costs"].sort_values("confidence")
    at = np.arange(len(costs))
    looks: Any = (
        ("expected_total_cost", "expected, at nominal probabilities", BEFORE, "o"),
        ("worst_case_total_cost", "at the worst distribution of the set", AFTER, "s"),
    )
    handles = [
        axes.plot(at, costs[column].to_numpy(), color=colour, marker=mark, label=label)[0]
        for column, label, colour, mark in looks
    ]
    axes.set_xticks(at, [f"{100 * share:g} %" for share in costs["confidence"]])
    axes.set_xlim(-0.3, len(costs) - 0.7)
    axes.set_xlabel("confidence")
    axes.set_ylabel(f"total cost of the day, {result.currency}")
    legend_above(figure, handles)
    return figure
