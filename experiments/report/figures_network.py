"""Figures of the wires: the feeder and who sits where, voltages, loading."""

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch

from equigrid.experiments.report.feeder_layout import Cell, tree_layout
from equigrid.experiments.report.figures import (
    INK,
    LIMIT,
    MUTED,
    WIDTH_IN,
    bars,
    case_colours,
    legend_above,
    of_case,
    panels,
)
from equigrid.experiments.result import Result

_ROW_HEIGHT = 1.35  # in columns, so that what sits at a bus finds room above it
_LONGEST_NAME = 14
# What may sit at a bus: marker, colour.
_KINDS: dict[str, tuple[str, str]] = {
    "source": ("s", INK),
    "microgrid": ("h", "#0072b2"),
    "generator": ("o", "#009e73"),
    "photovoltaic": ("*", "#d9a400"),
}
_OTHER_KIND = ("D", "#8e5ea2")

Point = tuple[float, float]


def feeder(result: Result) -> Figure:
    """Draw the feeder as a tree from its source, its open ties, and who sits where."""
    network = result.network
    wires = network.graph()
    cells = tree_layout(wires, network.sources["bus"])
    points = {bus: (float(x), _ROW_HEIGHT * y) for bus, (x, y) in cells.items()}
    figure, axes = _canvas(points)
    _draw_wires(axes, wires, cells, points)
    _draw_ties(axes, network.branches, points)
    _draw_buses(axes, points)
    kinds = _draw_places(axes, result.tables["places"], points)
    tie = Line2D([], [], color=MUTED, linestyle="--", label="open tie switch")
    legend_above(figure, [*(_mark(kind) for kind in kinds), tie])
    return figure


def _canvas(points: dict[int, Point]) -> tuple[Figure, Axes]:
    x, y = (np.array(values) for values in zip(*points.values(), strict=True))
    low, high = y.min() - 0.4, y.max() + 1.0
    scale_in = WIDTH_IN / max(np.ptp(x) + 1.2, 8)
    figure = Figure(figsize=(WIDTH_IN, 0.5 + scale_in * (high - low)), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(x.min() - 0.6, max(x.max(), x.min() + 7) + 0.6), ylim=(low, high))
    axes.set_axis_off()
    return figure, axes


def _draw_wires(
    axes: Axes, wires: "nx.MultiGraph[int]", cells: dict[int, Cell], points: dict[int, Point]
) -> None:
    for ends in wires.edges():
        (x0, y0), (x1, y1) = (points[bus] for bus in sorted(ends, key=lambda bus: cells[bus]))
        axes.plot([x0, x0, x1], [y0, y1, y1], color=INK, linewidth=1.4, zorder=2)


def _draw_ties(axes: Axes, branches: pd.DataFrame, points: dict[int, Point]) -> None:
    for row in branches[~branches["closed"]].itertuples():
        if row.from_bus in points and row.to_bus in points:
            one, other = sorted((points[row.from_bus], points[row.to_bus]))
            curve = f"arc3,rad={0.13 if one[1] <= other[1] else -0.13}"
            look: dict[str, Any] = {"color": MUTED, "linestyle": (0, (4, 3)), "linewidth": 1.1}
            axes.add_patch(
                FancyArrowPatch(one, other, connectionstyle=curve, arrowstyle="-", zorder=1, **look)
            )


def _draw_buses(axes: Axes, points: dict[int, Point]) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "zorder": 4}
    x, y = zip(*points.values(), strict=True)
    axes.plot(x, y, "o", color="white", markersize=13, markeredgecolor=INK, zorder=3)
    for bus, at in points.items():
        axes.text(*at, str(bus), **look)


def _draw_places(axes: Axes, places: pd.DataFrame, points: dict[int, Point]) -> list[str]:
    """Draw what sits at each bus as a stack above it; return the kinds met."""
    for bus, rows in places.groupby("bus"):
        if bus in points:
            x, y = points[int(bus)]
            for level, row in enumerate(rows.itertuples()):
                _draw_place(axes, str(row.name), str(row.kind), (x, y + 0.42 + 0.46 * level))
    met = [str(kind) for kind in places["kind"].unique()]
    return sorted(met, key=lambda kind: [*_KINDS, kind].index(kind))


def _draw_place(axes: Axes, name: str, kind: str, at: Point) -> None:
    marker, colour = _KINDS.get(kind, _OTHER_KIND)
    size = 14 if marker == "*" else 10
    axes.plot(*at, marker=marker, color=colour, markersize=size, markeredgecolor="white", zorder=5)
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    look: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7, "fontweight": "bold"}
    room = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(at[0], at[1] + 0.15, short, color=colour, bbox=room, zorder=4.5, **look)


def _mark(kind: str) -> Line2D:
    marker, colour = _KINDS.get(kind, _OTHER_KIND)
    return Line2D([], [], color=colour, marker=marker, markersize=9, linestyle="", label=kind)


def voltages(result: Result) -> Figure:
    """Draw the range of the AC voltages of each bus, over hours and scenarios, by case."""
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
    """Draw the range of the loading of each branch, over hours and scenarios, by case."""
    figure, [[axes]] = panels(1, 1, 3.4)
    branches = result.network.branches
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
