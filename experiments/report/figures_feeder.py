"""The feeder as a tree, with the names of its buses and everybody who sits at them.

All measures are inches. A row is as high as the tallest stack of units in it, and laterals climb
between two columns, so that nothing stands on anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import networkx as nx
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from equigrid.experiments.report.feeder_layout import tree_layout
from equigrid.experiments.report.figures import INK, MUTED, WIDTH_IN, legend_above
from equigrid.experiments.result import Result

_FEWEST_COLUMNS = 10
_MARGIN = 0.35
_BARE_ROW, _FIRST, _LEVEL = 0.5, 0.27, 0.31  # a row without units, the first unit, one more
_NAME_ROOM, _LETTER = 0.24, 0.062  # below a bus, and the width of a letter
_NAME_TURN = 30.0  # degrees, of names that do not fit between two buses
_LONGEST_NAME = 14
_CLIMB = 0.5  # where laterals leave the row of their bus, in columns
# What may sit at a bus: marker, colour.
_KINDS: dict[str, tuple[str, str]] = {
    "source": ("s", INK),
    "microgrid": ("h", "#0072b2"),
    "generator": ("o", "#009e73"),
    "photovoltaic": ("*", "#d9a400"),
    "feeder-generation": ("^", "#7a4f2a"),
}
_OTHER_KIND = ("D", "#8e5ea2")

Point = tuple[float, float]


@dataclass(frozen=True)
class _Plan:
    """Where everything stands: buses, the figure's size, the distance between columns."""

    points: Mapping[int, Point]
    names: Mapping[int, str]
    size: Point
    step: float

    @property
    def names_fit(self) -> bool:
        """Whether every name fits below its bus."""
        longest = max((len(name) for name in self.names.values()), default=0)
        return longest * _LETTER <= self.step


def feeder(result: Result) -> Figure:
    """Draw the feeder as a tree from its sources, its open ties, and who sits where."""
    network, places = result.feeder, result.tables["places"]
    wires = network.graph()
    plan = _planned(wires, network.sources, network.buses, places)
    figure = Figure(figsize=(plan.size[0], plan.size[1] + 0.4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, plan.size[0]), ylim=(0, plan.size[1]))
    axes.set_axis_off()
    _draw_wires(axes, wires, plan)
    _draw_ties(axes, network.branches, plan.points)
    _draw_buses(axes, plan)
    kinds = _draw_places(axes, places, plan)
    tie = Line2D([], [], color=MUTED, linestyle="--", label="open tie switch")
    legend_above(figure, [*(_mark(kind) for kind in kinds), tie])
    return figure


def _planned(
    wires: "nx.MultiGraph[int]", sources: pd.DataFrame, buses: pd.DataFrame, places: pd.DataFrame
) -> _Plan:
    cells = tree_layout(wires, sources["bus"][sources["in_service"]])
    columns = max([column for column, _ in cells.values()] + [_FEWEST_COLUMNS])
    step = (WIDTH_IN - 2 * _MARGIN) / columns
    names = {bus: _cut(str(buses.at[bus, "name"])) for bus in cells if _is_named(buses, bus)}
    height = _row_heights(cells, places.groupby("bus").size().to_dict())
    tilted = any(len(name) * _LETTER > step for name in names.values())
    below = dict.fromkeys(height, _BARE_ROW / 2 + (_NAME_ROOM * (1 + tilted) if names else 0))
    rows = sorted(height)
    tops = accumulate(below[row] + height[row] for row in rows)
    middle = {row: top - height[row] for row, top in zip(rows, tops, strict=True)}
    points = {bus: (_MARGIN + x * step, middle[y]) for bus, (x, y) in cells.items()}
    return _Plan(points, names, (WIDTH_IN, sum(below.values()) + sum(height.values())), step)


def _row_heights(cells: Mapping[int, Point], units: Mapping[int, int]) -> dict[float, float]:
    """Return what each row needs above its buses."""
    tallest: dict[float, int] = {}
    for bus, (_, row) in cells.items():
        tallest[row] = max(tallest.get(row, 0), units.get(bus, 0))
    return {row: _BARE_ROW / 2 + _LEVEL * levels for row, levels in tallest.items()}


def _is_named(buses: pd.DataFrame, bus: int) -> bool:
    """Whether a bus has a name that says more than its number."""
    name = str(buses.at[bus, "name"]).strip()
    return name.lower() not in {"", str(bus), f"bus {bus}", f"bus{bus}"}


def _cut(name: str) -> str:
    """Leave out the middle of a long name: buses often differ in their last letters only."""
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def _draw_wires(axes: Axes, wires: "nx.MultiGraph[int]", plan: _Plan) -> None:
    look: dict[str, Any] = {"color": INK, "linewidth": 1.4, "zorder": 2}
    for ends in wires.edges():
        (x0, y0), (x1, y1) = sorted(plan.points[bus] for bus in ends)
        climb = x0 + _CLIMB * plan.step
        across = [x0, climb, climb, x1], [y0, y0, y1, y1]
        axes.plot(*(([x0, x1], [y0, y1]) if y0 == y1 or x0 == x1 else across), **look)


def _draw_ties(axes: Axes, branches: pd.DataFrame, points: Mapping[int, Point]) -> None:
    for row in branches[~branches["closed"]].itertuples():
        if row.from_bus in points and row.to_bus in points:
            one, other = sorted((points[row.from_bus], points[row.to_bus]))
            curve = f"arc3,rad={0.13 if one[1] <= other[1] else -0.13}"
            look: dict[str, Any] = {"color": MUTED, "linestyle": (0, (4, 3)), "linewidth": 1.1}
            axes.add_patch(
                FancyArrowPatch(one, other, connectionstyle=curve, arrowstyle="-", zorder=1, **look)
            )


def _draw_buses(axes: Axes, plan: _Plan) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    x, y = zip(*plan.points.values(), strict=True)
    size = min(13.0, 0.62 * 72 * plan.step)
    axes.plot(x, y, "o", color="white", markersize=size, markeredgecolor=INK, zorder=3)
    for bus, at in plan.points.items():
        axes.text(*at, str(bus), fontsize=min(7.0, 1.5 * size / len(str(bus))), **look)
    straight = {"ha": "center", "rotation": 0.0}
    tilted = {"ha": "right", "rotation": _NAME_TURN, "rotation_mode": "anchor"}
    turn: dict[str, Any] = straight if plan.names_fit else tilted
    for bus, name in plan.names.items():
        x0, y0 = plan.points[bus]
        axes.text(x0, y0 - 0.12, name, color=MUTED, fontsize=6.5, va="top", zorder=4, **turn)


def _draw_places(axes: Axes, places: pd.DataFrame, plan: _Plan) -> list[str]:
    """Draw what sits at each bus as a stack above it; return the kinds met."""
    for bus, rows in places.groupby("bus"):
        if bus in plan.points:
            x, y = plan.points[int(bus)]
            for level, row in enumerate(rows.itertuples()):
                name, kind = _cut(str(row.name)), str(row.kind)
                # On a crowded feeder its own generators stay nameless; parties do not.
                if kind == "feeder-generation" and len(name) * _LETTER > plan.step:
                    name = ""
                _draw_place(axes, name, kind, (x, y + _FIRST + _LEVEL * level))
    met = [str(kind) for kind in places["kind"].unique()]
    return sorted(met, key=lambda kind: [*_KINDS, kind].index(kind))


def _draw_place(axes: Axes, name: str, kind: str, at: Point) -> None:
    marker, colour = _KINDS.get(kind, _OTHER_KIND)
    size = 12 if marker == "*" else 8
    axes.plot(*at, marker=marker, color=colour, markersize=size, markeredgecolor="white", zorder=5)
    look: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7, "fontweight": "bold"}
    room = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
    axes.text(at[0], at[1] + 0.07, name, color=colour, bbox=room, zorder=4.5, **look)


def _mark(kind: str) -> Line2D:
    marker, colour = _KINDS.get(kind, _OTHER_KIND)
    label = kind.replace("-", " ")
    return Line2D([], [], color=colour, marker=marker, markersize=9, linestyle="", label=label)
