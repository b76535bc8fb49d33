"""Figures of what the Disco buys and what it costs: purchase, ramps, prices, strategies."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from equigrid.experiments.disco_microgrids.comparisons import UNCHANGED_MW, bids_met, changes_mw
from equigrid.experiments.report.figures import (
    AFTER,
    INK,
    MUTED,
    WIDTH_IN,
    bars,
    by_step,
    case_colours,
    legend_above,
    of_case,
    panels,
    step_axis,
    steps,
)
from equigrid.experiments.report.step_names import step_names
from equigrid.experiments.result import Result

_MOST_CELLS = 30  # of a row that figures can be read in


def purchase(result: Result) -> Figure:
    """Draw the wholesale purchase of every case over the steps."""
    figure, [[axes]] = panels(1, 1, 3.6)
    handles: list[Any] = []
    _shade_change(axes, result)
    for case, colour in case_colours(result).items():
        series = by_step(of_case(result, "purchase", case), "purchase_mw")
        handles.append(steps(axes, series, color=colour, linewidth=2.2, label=case))
        step_axis(axes, result, list(series.index))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel("wholesale purchase, MW")
    legend_above(figure, handles)
    return figure


def _shade_change(axes: Axes, result: Result) -> None:
    """Shade what lies between the first case and the last."""
    first, last = (
        by_step(of_case(result, "purchase", case.name), "purchase_mw")
        for case in (result.cases[0], result.cases[-1])
    )
    edges = [first.index[0] - 0.5, *(first.index + 0.5)]
    look: dict[str, Any] = {"fill": True, "color": AFTER, "alpha": 0.13}
    axes.stairs(last.to_numpy(), edges, baseline=first.to_numpy(), **look)


def ramps(result: Result) -> Figure:
    """Draw the change of the purchase from step to step, and the room the Disco left itself."""
    figure, [[axes]] = panels(1, 1, 3.6)
    colours = case_colours(result)
    width = 0.8 / len(colours)
    handles: list[Any] = []
    for at, (case, colour) in enumerate(colours.items()):
        rows = of_case(result, "purchase", case)
        series = by_step(rows, "ramp_mw_per_h")
        middle = series.index.to_numpy() + (at - (len(colours) - 1) / 2) * width
        bars(axes, middle, np.zeros(len(series)), series.to_numpy(), width, colour)
        _limits(axes, middle, _paid_ramp(result, case).to_numpy(), width, colour)
        handles.append(Patch(color=colour, label=case))
        step_axis(axes, result, list(series.index))
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_ylabel("ramp of the purchase, MW/h")
    handles.append(Line2D([], [], color=INK, linewidth=1.2, label="ramp paid for, both ways"))
    legend_above(figure, handles)
    return figure


def _paid_ramp(result: Result, case: str) -> "pd.Series[float]":
    """Return the ramp room by step where it costs something; a free one says nothing."""
    room = by_step(of_case(result, "purchase", case), "ramp_limit_mw_per_h")
    return room.where(by_step(of_case(result, "prices", case), "ramp_penalty_per_mw") > 0)


def _limits(axes: Axes, middle: Any, limit: Any, width: float, colour: str) -> None:
    """Mark the limits both ways; where nothing limits, there is nothing to mark."""
    for side in (limit, -limit):
        axes.hlines(
            np.where(np.isfinite(side), side, np.nan),
            middle - width / 2,
            middle + width / 2,
            color=colour,
            linewidth=1.2,
        )


def given_prices(result: Result) -> Figure:
    """Draw the prices that the Disco is given: wholesale and of interruption."""
    figure, [[axes]] = panels(1, 1, 3.0)
    handles: list[Any] = []
    for column, label, colour, dash in (
        ("wholesale_price_per_mwh", "wholesale price", "#0072b2", "-"),
        ("interruption_price_per_mwh", "price of interruption", "#cc79a7", "-"),
        ("tariff_per_mwh", "selling price to network load", MUTED, ":"),
    ):
        for case, series in _distinct(result, column).items():
            named = f"{label}, {case}" if case else label
            look: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 2}
            handles.append(steps(axes, series, label=named, **look))
            step_axis(axes, result, list(series.index))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"{result.currency} per MWh")
    legend_above(figure, handles, columns=3)
    return figure


def _distinct(result: Result, column: str) -> "dict[str, pd.Series[float]]":
    """Return the series of each case, or one without a name where all cases agree."""
    cases = {
        case: by_step(of_case(result, "prices", case), column) for case in case_colours(result)
    }
    first = next(iter(cases.values()))
    return {"": first} if all(series.equals(first) for series in cases.values()) else cases


def exchange_prices(result: Result) -> Figure:
    """Draw the price the Disco sets for the microgrids, over the bids of their resources."""
    figure, [[axes]] = panels(1, 1, 3.6)
    _draw_bids(axes, result.tables["bids"])
    met = bids_met(result)
    wide = 2.4 * len(result.cases)  # so that a case shows beneath a later one on the same price
    handles: list[Any] = [Line2D([], [], color="#aab4bf", label="bids of microgrid resources")]
    for case, colour in case_colours(result).items():
        series = by_step(of_case(result, "prices", case), "exchange_price_per_mwh")
        handles.append(steps(axes, series, color=colour, linewidth=wide, label=case))
        wide -= 2.4
        sits = series[[(case, step) in met for step in series.index]]
        look: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "markersize": 6}
        axes.plot(sits.index, sits.to_numpy(), "o", **look)
        step_axis(axes, result, list(series.index))
    handles.append(Line2D([], [], color=INK, marker="o", linestyle="", label="sits on a bid"))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"{result.currency} per MWh")
    legend_above(figure, handles)
    return figure


def _draw_bids(axes: Axes, bids: pd.DataFrame) -> None:
    """Draw bids in grey, named at the right; what ends at one price shares a line of names."""
    ends: dict[float, list[str]] = {}
    for (microgrid, resource), rows in bids.groupby(["microgrid", "resource"], sort=False):
        series = by_step(rows, "bid_per_mwh")
        steps(axes, series, color="#aab4bf", linewidth=1)
        ends.setdefault(round(float(series.iloc[-1]), 2), []).append(f"{microgrid} {resource}")
    look: dict[str, Any] = {"fontsize": 7, "color": MUTED, "va": "center"}
    for price, names in ends.items():
        shown = "\n".join(names)
        axes.text(1.005, price, shown, transform=axes.get_yaxis_transform(), **look)


def strategies(result: Result) -> Figure:
    """Draw what the last case buys more and less than the first by step, and what moved with it."""
    change = changes_mw(result)
    rows, columns = change.shape
    figure = Figure(figsize=(WIDTH_IN, 0.9 + 0.34 * rows), layout="constrained")
    axes = figure.subplots()
    most = max(float(change.abs().to_numpy().max()), UNCHANGED_MW)
    look: dict[str, Any] = {"cmap": "BrBG_r", "vmin": -2 * most, "vmax": 2 * most}
    edges = np.arange(columns + 1) + 0.5
    gap = 1.5 if columns <= _MOST_CELLS else 0.0
    axes.pcolormesh(
        edges, np.arange(rows + 1), change.to_numpy(), edgecolors="white", linewidth=gap, **look
    )
    if columns <= _MOST_CELLS:
        _write_cells(axes, change)
    _label_cells(axes, change)
    step_axis(axes, result, list(change.columns), most=_MOST_CELLS)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"MW against the first case ({step_names(result).label})")
    return figure


def _write_cells(axes: Axes, change: pd.DataFrame) -> None:
    look: dict[str, Any] = {"fontsize": 7, "ha": "center", "va": "center"}
    for (row, column), value in np.ndenumerate(change.to_numpy()):
        axes.text(column + 1, row + 0.5, _cell(float(value), row), **look)


def _cell(value_mw: float, row: int) -> str:
    """Return a signed figure; in the row of the purchase also the strategy as a sign."""
    if abs(value_mw) <= UNCHANGED_MW:
        return "=" if row == 0 else "·"
    figure = f"{value_mw:+.2f}".replace("-", "−")
    return figure if row else ("▲" if value_mw > 0 else "▼") + "\n" + figure


def _label_cells(axes: Axes, change: pd.DataFrame) -> None:
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8)
    axes.set_yticks(np.arange(change.shape[0]) + 0.5, [str(name) for name in change.index])
    axes.xaxis.tick_top()
    axes.axhline(1, color=INK, linewidth=1.2)
