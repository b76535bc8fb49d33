"""Figures of the bargaining: profit and prices round by round, and who pays whom."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from equigrid.experiments.report.figures import (
    INK,
    MUTED,
    case_colours,
    case_names,
    legend_above,
    of_case,
    panels,
    party_colours,
)
from equigrid.experiments.result import Result

_NODE_WIDTH, _GAP_SHARE = 0.05, 0.06


def rounds(result: Result) -> Figure:
    """Draw the profit the Disco planned and realised in each round, a panel a case."""
    colours = case_colours(result)
    figure, [row] = panels(1, len(colours), 3.2)
    for axes, (case, colour) in zip(row, colours.items(), strict=True):
        rows = of_case(result, "rounds", case)
        for column, dash, mark in (("planned_profit", "--", "o"), ("realised_profit", "-", "s")):
            profit = pd.to_numeric(rows[column])
            axes.plot(rows["round"], profit, dash, marker=mark, markersize=4, color=colour)
        optimum = result.case(case).kpis.get("disco_profit")
        if optimum is not None:
            axes.axhline(optimum.value, color=INK, linewidth=1, linestyle=":")
        axes.set_title(case)
        axes.set_xlabel("round")
        axes.xaxis.get_major_locator().set_params(integer=True)
    row[0].set_ylabel(f"profit of the Disco, {result.currency}")
    legend_above(figure, _round_marks())
    return figure


def _round_marks() -> list[Any]:
    looks: Any = (("planned", "--", "o"), ("realised", "-", "s"), ("answer reported", ":", None))
    return [
        Line2D([], [], color=INK, linestyle=dash, marker=mark, markersize=4, label=label)
        for label, dash, mark in looks
    ]


def round_prices(result: Result) -> Figure:
    """Draw the announced price by round (up) and hour (across), a panel a case."""
    cases = case_names(result)
    figure, [row] = panels(1, len(cases), 3.2)
    prices = result.tables["round_prices"]["exchange_price_per_mwh"]
    scale = {"vmin": float(prices.min()), "vmax": float(prices.max())}
    for axes, case in zip(row, cases, strict=True):
        table = of_case(result, "round_prices", case).pivot_table(
            index="round", columns="hour", values="exchange_price_per_mwh"
        )
        image = axes.pcolormesh(
            table.columns, table.index, table.to_numpy(), cmap="cividis", **scale
        )
        axes.set(title=case, xlabel="hour")
        axes.grid(visible=False)
        axes.yaxis.get_major_locator().set_params(integer=True)
    row[0].set_ylabel("round")
    figure.colorbar(image, ax=row, label=f"{result.currency} per MWh", pad=0.02)
    return figure


def payments(result: Result) -> Figure:
    """Draw payments as bands from payers to payees, as wide as the amount, a panel a case."""
    cases = case_names(result)
    figure, [row] = panels(1, len(cases), 4.0, sharey=True)
    flows = {case: _flows(of_case(result, "settlement", case)) for case in cases}
    parties = sorted({name for rows in flows.values() for pair in rows for name in pair})
    most = max((sum(rows.values()) for rows in flows.values()), default=0.0)
    for axes, case in zip(row, cases, strict=True):
        _draw_flows(axes, flows[case], party_colours(parties), _GAP_SHARE * most)
        axes.set_title(case)
    return figure


def _flows(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Sum payments by payer and payee; a negative one goes the other way."""
    flows: dict[tuple[str, str], float] = {}
    for row in rows.itertuples():
        pair = (row.payer, row.payee) if row.amount >= 0 else (row.payee, row.payer)
        flows[pair] = flows.get(pair, 0.0) + abs(row.amount)
    return {pair: amount for pair, amount in flows.items() if amount > 0}


def _draw_flows(
    axes: Axes, flows: dict[tuple[str, str], float], colours: dict[str, str], gap: float
) -> None:
    ends: list[dict[str, float]] = []
    for side in (0, 1):
        amounts: dict[str, float] = {}
        for pair, amount in flows.items():
            amounts[pair[side]] = amounts.get(pair[side], 0.0) + amount
        ends.append(_draw_nodes(axes, amounts, side, colours, gap))
    for (payer, payee), amount in flows.items():
        _band(axes, ends[0][payer], ends[1][payee], amount, colours[payer])
        ends[0][payer] -= amount
        ends[1][payee] -= amount
    axes.set_xlim(-0.02, 1.02)
    axes.autoscale_view(scalex=False)
    axes.set_axis_off()


def _draw_nodes(
    axes: Axes, amounts: dict[str, float], side: int, colours: dict[str, str], gap: float
) -> dict[str, float]:
    """Draw one side from the top down; return where the bands of each party start."""
    tops, top = {}, 0.0
    x, align = (0.28, "right") if side == 0 else (0.72 - _NODE_WIDTH, "left")
    text_x = x - 0.015 if side == 0 else x + _NODE_WIDTH + 0.015
    head = "pays" if side == 0 else "receives"
    axes.text(text_x, gap / 2, head, ha=align, va="bottom", fontsize=8, color=MUTED)
    for name, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0])):
        axes.add_patch(Rectangle((x, top - amount), _NODE_WIDTH, amount, color=colours[name]))
        label = f"{name}  {amount:,.0f}"
        axes.text(text_x, top - amount / 2, label, ha=align, va="center", fontsize=8)
        tops[name] = top
        top -= amount + gap
    return tops


def _band(axes: Axes, left: float, right: float, amount: float, colour: str) -> None:
    x0, x1 = 0.28 + _NODE_WIDTH, 0.72 - _NODE_WIDTH
    bend = (x0 + x1) / 2
    upper = [(x0, left), (bend, left), (bend, right), (x1, right)]
    lower = [(x, y - amount) for x, y in reversed(upper)]
    curve = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    path = Path(np.array(upper + lower), curve)
    axes.add_patch(PathPatch(path, facecolor=colour, alpha=0.35, linewidth=0))
