"""Figures of the wires: voltages and loading."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.experiments.report.figures import (
    LIMIT,
    bars,
    case_colours,
    legend_above,
    of_case,
    panels,
)
from equigrid.experiments.result import Result


def voltages(result: Result) -> Figure:
    """Draw the range of the AC voltages of each bus, over steps and scenarios, by case."""
    limits = result.manifest["network"]
    figure, [[axes]] = panels(1, 1, 3.4)
    keys = list(result.tables["voltages"]["bus"].unique())
    handles = _spread(axes, result, ("voltages", "bus", "voltage_ac_pu"), keys)
    for key in ("voltage_min_pu", "voltage_max_pu"):
        axes.axhline(limits[key], color=LIMIT, linestyle="--", linewidth=1.3)
    axes.set_ylabel("AC voltage, p.u.")
    axes.set_xlabel("bus")
    limit = Line2D([], [], color=LIMIT, linestyle="--", label="limits")
    legend_above(figure, [*handles, limit])
    return figure


def loading(result: Result) -> Figure:
    """Draw the range of the loading of each branch, over steps and scenarios, by case."""
    figure, [[axes]] = panels(1, 1, 3.4)
    branches = result.feeder.branches
    keys = list(branches["name"][branches["closed"]])
    handles = _spread(axes, result, ("branches", "branch", "loading_percent"), keys)
    axes.axhline(100, color=LIMIT, linestyle="--", linewidth=1.3)
    axes.set_ylim(0, max(105.0, axes.get_ylim()[1]))
    axes.set_ylabel("AC loading, percent of rating")
    axes.set_xlabel("branch")
    limit = Line2D([], [], color=LIMIT, linestyle="--", label="rating")
    legend_above(figure, [*handles, limit])
    return figure


def _spread(
    axes: Axes, result: Result, source: tuple[str, str, str], keys: Sequence[Any]
) -> list[Any]:
    """Draw a bar from the least to the greatest value of each key, side by side by case."""
    table, key, column = source
    colours = case_colours(result)
    width = 0.7 / len(colours)
    for at, (case, colour) in enumerate(colours.items()):
        spread = of_case(result, table, case).groupby(key)[column].agg(["min", "max"]).reindex(keys)
        middle = np.arange(len(keys)) + (at - (len(colours) - 1) / 2) * width
        height = (spread["max"] - spread["min"]).to_numpy()
        bars(axes, middle, spread["min"].to_numpy(), height, 0.8 * width, colour)
    every = 1 + len(keys) // 45
    turn = 90 if max(len(str(name)) for name in keys) > 2 else 0
    axes.set_xticks(range(0, len(keys), every), [str(k) for k in keys[::every]], rotation=turn)
    axes.set_xlim(-0.7, len(keys) - 0.3)
    return [Patch(color=colour, label=case) for case, colour in colours.items()]
