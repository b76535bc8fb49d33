"""Figures of the microgrids: their ramps, and how each meets its demand."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.experiments.disco_microgrids.comparisons import microgrid_names
from equigrid.experiments.report.figures import (
    INK,
    MUTED,
    bars,
    by_step,
    case_names,
    legend_above,
    of_case,
    panels,
    party_colours,
    step_axis,
    steps,
)
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.result import Result

# What a microgrid lives on and what it uses power for: label, column, sign, colour.
_PARTS = (
    ("photovoltaics", "photovoltaic_mw", 1, "#f2cc4d"),
    ("generator", "generator_mw", 1, "#009e73"),
    ("storage", "discharge_mw", 1, "#56b4e9"),
    ("interruption", "interrupted_mw", 1, "#cc79a7"),
    ("exchange with the Disco", "import_mw", 1, "#7d8fa3"),
    ("storage", "charge_mw", -1, "#56b4e9"),
)
_DIAMOND: dict[str, Any] = {
    "color": INK,
    "linestyle": "",
    "marker": "D",
    "markerfacecolor": "white",
    "markersize": 5,
}


def microgrid_ramps(result: Result) -> Figure:
    """Draw the ramps of the microgrids stacked, their sum, and the ramp of the purchase."""
    cases = case_names(result)
    figure, grid = panels(len(cases), 1, 0.6 + 2.3 * len(cases), sharex=True, sharey=True)
    colours = party_colours(microgrid_names(result))
    for case, axes in zip(cases, grid[:, 0], strict=True):
        _stack(axes, _ramps(result, case), colours)
        _ramp_lines(axes, result, case)
        axes.set_title(case)
        axes.set_ylabel("ramp, MW/h")
    grid[-1, 0].set_xlabel(step_names(result).label)
    lines = [
        Line2D([], [], label="sum of microgrids", **_DIAMOND),
        Line2D([], [], color=INK, linewidth=1.4, label="ramp of the Disco's purchase"),
    ]
    legend_above(figure, [*(Patch(color=c, label=name) for name, c in colours.items()), *lines])
    return figure


def _ramps(result: Result, case: str) -> pd.DataFrame:
    rows = of_case(result, "microgrids", case)
    return rows.pivot_table(index="step", columns="microgrid", values="ramp_mw_per_h", sort=False)


def _ramp_lines(axes: Axes, result: Result, case: str) -> None:
    rows = of_case(result, "purchase", case)
    total = by_step(rows, "microgrid_ramp_mw_per_h")
    axes.plot(total.index, total.to_numpy(), **_DIAMOND)
    steps(axes, by_step(rows, "ramp_mw_per_h"), color=INK, linewidth=1.4)
    step_axis(axes, result, list(total.index), labelled=False)


def balances(result: Result) -> Figure:
    """Draw how each microgrid (down) meets its demand in each case (across)."""
    cases, names = case_names(result), microgrid_names(result)
    shape = (len(names), len(cases))
    figure, grid = panels(*shape, 0.7 + 2.2 * len(names), sharex=True, sharey="row")
    for (row, column), axes in np.ndenumerate(grid):
        rows = of_case(result, "microgrids", cases[column])
        rows = rows[rows["microgrid"] == names[row]].sort_values("step")
        _balance(axes, rows.set_index("step"))
        axes.set_title(f"{names[row]}, {cases[column]}")
        step_axis(axes, result, list(rows["step"]), labelled=row == shape[0] - 1)
    for axes in grid[:, 0]:
        axes.set_ylabel("MW")
    handles: list[Any] = [Patch(color=colour, label=name) for name, _, _, colour in _PARTS[:-1]]
    legend_above(figure, [*handles, Line2D([], [], color=INK, linewidth=2, label="demand")])
    return figure


def _balance(axes: Axes, rows: pd.DataFrame) -> None:
    signed = {column: sign * rows[column] for _, column, sign, _ in _PARTS}
    _stack(axes, pd.DataFrame(signed), {column: colour for _, column, _, colour in _PARTS})
    steps(axes, rows["demand_mw"], color=INK, linewidth=2)


def _stack(axes: Axes, parts: pd.DataFrame, colours: dict[str, str]) -> None:
    """Stack what is positive upwards and what is negative downwards, a bar a step."""
    for side in (parts.clip(lower=0), parts.clip(upper=0)):
        base = np.zeros(len(parts))
        for name in parts.columns:
            height = side[name].to_numpy()
            seen = np.where(height == 0, np.nan, height)
            bars(axes, parts.index, base, seen, 0.86, colours[str(name)])
            base = base + height
    axes.axhline(0, color=MUTED, linewidth=0.8)
