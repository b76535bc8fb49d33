"""Figures of the wires at the critical steps: before delivery, after that of up, after down."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator.critical import Moment, worst_loading, worst_voltage
from equigrid.experiments.frp_aggregator.figures_given import DOWN, UP
from equigrid.experiments.report.figures import (
    INK,
    LIMIT,
    bars,
    case_names,
    legend_above,
    of_case,
    panels,
)
from equigrid.experiments.result import Result

_STATES = {
    "before": ("before delivery", INK),
    "up": ("after upward delivery", UP),
    "down": ("after downward delivery", DOWN),
}
_MARKS = {"before": "o", "up": "^", "down": "v"}


def voltages(result: Result) -> Figure:
    """Draw the AC voltage of each bus at the critical step in every state, a panel a case."""
    limits, moment = result.manifest["network"], worst_voltage(result)
    figure, column = _case_panels(result)
    ends = result.feeder.branches[["from_bus", "to_bus"]].to_numpy()
    joined = {frozenset(pair) for pair in ends.tolist()}
    for case, axes in zip(case_names(result), column, strict=True):
        rows = moment.rows(of_case(result, "voltages", case))
        for state, (_, colour) in _STATES.items():
            part = rows[rows["state"] == state]
            look: dict[str, Any] = {"color": colour, "marker": _MARKS[state], "markersize": 3.5}
            axes.plot(*_along(part, joined), linewidth=1.4, **look)
        for key in ("voltage_min_pu", "voltage_max_pu"):
            axes.axhline(limits[key], color=LIMIT, linestyle="--", linewidth=1.3)
        _name(axes, [str(bus) for bus in rows[rows["state"] == "before"]["bus"]])
        axes.set_title(_titled(result, case, moment))
        axes.set_ylabel("AC voltage, p.u.")
    column[-1].set_xlabel("bus")
    handles = [
        Line2D([], [], color=colour, marker=_MARKS[state], markersize=4, label=label)
        for state, (label, colour) in _STATES.items()
    ]
    limit = Line2D([], [], color=LIMIT, linestyle="--", label="limits")
    legend_above(figure, [*handles, limit])
    return figure


def _along(rows: pd.DataFrame, joined: set[frozenset[int]]) -> tuple[FloatArray, FloatArray]:
    """Return places and voltages of the buses, with a gap where no branch joins two of them."""
    buses, voltage = rows["bus"].to_list(), rows["voltage_ac_pu"].to_numpy()
    apart = [k for k, ends in enumerate(pairwise(buses), 1) if frozenset(ends) not in joined]
    places = np.arange(len(buses), dtype=float)
    return np.insert(places, apart, np.nan), np.insert(voltage, apart, np.nan)


def loading(result: Result) -> Figure:
    """Draw the AC loading of each branch at the critical step in every state, a panel a case."""
    moment, branches = worst_loading(result), result.feeder.branches
    closed = set(branches["name"][branches["closed"]])
    figure, column = _case_panels(result)
    for case, axes in zip(case_names(result), column, strict=True):
        rows = moment.rows(of_case(result, "branches", case))
        rows = rows[rows["branch"].isin(closed)]
        for at, (state, (_, colour)) in enumerate(_STATES.items()):
            _draw_state(axes, rows[rows["state"] == state], (at - 1) * 0.27, colour)
        axes.axhline(100, color=LIMIT, linestyle="--", linewidth=1.3)
        _name(axes, [str(name) for name in rows[rows["state"] == "before"]["branch"]])
        axes.set_ylim(0, max(105.0, axes.get_ylim()[1]))
        axes.set_title(_titled(result, case, moment))
        axes.set_ylabel("AC loading, %")
    column[-1].set_xlabel("branch")
    limit = Line2D([], [], color=LIMIT, linestyle="--", label="rating")
    patches = [Patch(color=colour, label=label) for label, colour in _STATES.values()]
    legend_above(figure, [*patches, limit])
    return figure


def _draw_state(axes: Axes, rows: pd.DataFrame, shift: float, colour: str) -> None:
    height = rows["loading_percent"].to_numpy()
    bars(axes, np.arange(len(rows)) + shift, np.zeros(len(rows)), height, 0.24, colour)


def _case_panels(result: Result) -> tuple[Figure, Any]:
    """Return a figure with a panel a case, one below the other, and the panels."""
    count = len(result.cases)
    figure, grid = panels(count, 1, 0.6 + 2.5 * count, sharex=True, sharey=True)
    return figure, grid[:, 0]


def _titled(result: Result, case: str, moment: Moment) -> str:
    named = moment.named(result)
    return f"{case}, {named}" if len(result.cases) > 1 else named


def _name(axes: Axes, names: list[str]) -> None:
    """Name places along the axis, as many as can be read."""
    every = 1 + len(names) // 45
    turn = 90 if max(len(name) for name in names) > 2 else 0
    axes.set_xticks(range(0, len(names), every), names[::every], rotation=turn)
    axes.set_xlim(-0.7, len(names) - 0.3)
