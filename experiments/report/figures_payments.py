"""Figures of the money: who pays whom."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from equigrid.experiments.report.figures import (
    MUTED,
    case_names,
    of_case,
    panels,
    party_colours,
)
from equigrid.experiments.result import Result

_NODE_WIDTH, _GAP_SHARE = 0.05, 0.06


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
