"""A feeder before and after its switching, each as a tree from its sources."""

from typing import Any

import matplotlib as mpl
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from equigrid.experiments.operation import Operation
from equigrid.experiments.report.feeder_layout import Cell, tree_layout
from equigrid.experiments.report.figures import INK, LIMIT, MUTED, WIDTH_IN, legend_above

_CLOSING, _OPENING = "#009e73", LIMIT
_VOLTAGES = mpl.colormaps["cividis"]
_DARK = 0.6  # below it, texts on a voltage's colour are white
_ASIDE = (
    0.28,
    0.48,
    0.33,
    0.53,
    0.38,
    0.58,
    0.43,
)  # where branches climb, in columns, so that neighbours keep apart
_FEWEST_COLUMNS = 14
_HIGHEST_IN = 13.0


def switching(before: Operation, after: Operation) -> Figure:
    """Draw both, one above the other; what is switched has a colour, buses that of their voltage.

    Parameters
    ----------
    before, after : Operation
        Of the same feeder.
    """
    states = [state.network.branches["closed"].to_numpy() for state in (before, after)]
    layouts = [_cells(state) for state in (before, after)]
    rows = [max(row for _, row in cells.values()) + 2 for cells in layouts]
    columns = max([column for cells in layouts for column, _ in cells.values()] + [_FEWEST_COLUMNS])
    row_in = min(1.25 * WIDTH_IN / (columns + 1.2), _HIGHEST_IN / sum(rows))
    size = (WIDTH_IN, row_in * sum(rows) + 1.6)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(2, 1, height_ratios=rows)
    volts = np.concatenate([before.voltage_pu, after.voltage_pu])
    scale = Normalize(*(np.nanmin(volts), np.nanmax(volts)) if np.isfinite(volts).any() else (0, 1))
    words = ("Before", "After")
    for axes, word, state, cells in zip(panels, words, (before, after), layouts, strict=True):
        axes.set_title(f"{word}: {_said(state)}")
        axes.set(
            xlim=(-0.6, columns + 0.6), ylim=(-0.7, max(row for _, row in cells.values()) + 0.7)
        )
        axes.set_axis_off()
        _draw_branches(axes, state, cells, states)
        _draw_buses(axes, state, cells, min(72 * row_in, 330 / (columns + 1.2)), scale)
    colours = mpl.cm.ScalarMappable(scale, _VOLTAGES)
    look: dict[str, Any] = {"location": "bottom", "shrink": 0.4, "aspect": 45, "anchor": (0, 0)}
    figure.colorbar(colours, ax=panels, label="voltage, p.u.", **look)
    legend_above(figure, _legend())
    return figure


def _said(state: Operation) -> str:
    if not np.isfinite(state.loss_mw):
        return "the power flow has no solution"
    said = f"losses {1e3 * state.loss_mw:.2f} kW, least voltage {state.voltage_min_pu:.4f} p.u."
    rated = state.loading_max_percent > 0
    said += f", greatest loading {state.loading_max_percent:.1f} %" * rated
    return said + ", sources joined" * (state.status == "TWICE_FED")


def _cells(state: Operation) -> dict[int, Cell]:
    """Return column and row of every bus, rows from 0 without gaps."""
    sources = state.network.sources
    roots = sources["bus"][sources["in_service"]]
    cells = tree_layout(state.network.graph(), roots)
    rank = {row: at for at, row in enumerate(sorted({row for _, row in cells.values()}))}
    return {bus: (column, rank[row]) for bus, (column, row) in cells.items()}


def _draw_branches(
    axes: Axes, state: Operation, points: dict[int, Cell], closed: list[Any]
) -> None:
    """Draw what is closed, and what is open as a dashed curve."""
    network = state.network
    for kind, name in _bus_switches(network.graph()):
        _draw_closed(axes, points, (kind, name), INK)
    branches = network.branches
    for k, row in enumerate(branches.itertuples()):
        ends = (int(row.from_bus), int(row.to_bus))
        if not all(bus in points for bus in ends):
            continue
        colour = _CLOSING if closed[1][k] and not closed[0][k] else INK
        if closed[0][k] and not closed[1][k]:
            colour = _OPENING
        if branches["closed"].iat[k]:
            _draw_closed(axes, points, ends, colour)
        else:
            _draw_open(axes, points, ends, MUTED if colour == INK else colour)


def _bus_switches(wires: "nx.MultiGraph[int]") -> list[tuple[int, int]]:
    return [
        (one, other) for one, other, (kind, _) in wires.edges(keys=True) if kind == "bus switch"
    ]


def _draw_closed(axes: Axes, points: dict[int, Cell], ends: tuple[int, int], colour: str) -> None:
    """Draw a branch along its row; one to another row climbs between columns, past other buses."""
    (x0, y0), (x1, y1) = sorted(points[bus] for bus in ends)
    aside = x0 + _ASIDE[y0 % len(_ASIDE)]
    corner = y0 + 0.4 * np.sign(y1 - y0)
    across = (
        [(x0, y0), (aside, corner), (aside, y1), (x1, y1)] if y0 != y1 else [(x0, y0), (x1, y1)]
    )
    width = 1.4 if colour == INK else 2.6
    axes.plot(*zip(*across, strict=True), color=colour, linewidth=width, zorder=2)


def _draw_open(axes: Axes, points: dict[int, Cell], ends: tuple[int, int], colour: str) -> None:
    one, other = sorted(points[bus] for bus in ends)
    curve = f"arc3,rad={0.13 if one[1] <= other[1] else -0.13}"
    width = 1.0 if colour == MUTED else 1.8
    look: dict[str, Any] = {"color": colour, "linestyle": (0, (4, 3)), "linewidth": width}
    axes.add_patch(
        FancyArrowPatch(one, other, connectionstyle=curve, arrowstyle="-", zorder=1, **look)
    )


def _draw_buses(
    axes: Axes, state: Operation, points: dict[int, Cell], room: float, scale: Normalize
) -> None:
    """Draw the buses, as large as the room in points allows."""
    size = float(np.clip(room - 2, 6, 15))
    volts = dict(zip(state.network.buses.index, state.voltage_pu, strict=True))
    sources = set(state.network.sources["bus"])
    look: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.8, "zorder": 3}
    text: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 4}
    for bus, at in points.items():
        known = np.isfinite(volts[bus])
        fill = _VOLTAGES(scale(volts[bus])) if known else "white"
        marker = "s" if bus in sources else "o"
        axes.plot(*at, marker, color=fill, markersize=size, **look)
        colour = "white" if known and scale(volts[bus]) < _DARK else INK
        label = str(bus)
        font = 0.52 * size * min(1, 2.5 / len(label))
        axes.text(*at, label, fontsize=font, color=colour, **text)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=_OPENING, linewidth=2.6, label="opened by the switching"),
        Line2D([], [], color=_CLOSING, linewidth=2.6, label="closed by the switching"),
        Line2D([], [], color=MUTED, linestyle="--", label="open in both"),
        Line2D([], [], color=INK, marker="s", linestyle="", label="source"),
    ]
