"""Axes of steps: hours, steps of another length, times that can be read."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from equigrid.experiments.disco_microgrids.figures_market import strategies
from equigrid.experiments.report.figures import panels, step_axis
from equigrid.experiments.result import Result


def _result(**manifest: Any) -> Result:
    cases = tuple(SimpleNamespace(name=name) for name in ("before", "after"))
    return cast("Result", SimpleNamespace(manifest=manifest, cases=cases, tables=_tables(96)))


def _tables(steps: int) -> dict[str, pd.DataFrame]:
    step = pd.DataFrame({"step": np.arange(1, steps + 1)})
    both = pd.concat([step.assign(case="before", size=1.0), step.assign(case="after", size=2.0)])
    return {
        "purchase": both.assign(purchase_mw=both["size"]),
        "microgrids": both.assign(microgrid="mg1", import_mw=-both["size"]),
        "dispatch": both.assign(scenario=1, kind="generator", power_mw=0.0),
        "scenarios": step.assign(scenario=1, probability=1.0),
    }


def _marks(axes: Axes) -> dict[float, str]:
    texts = [label.get_text() for label in axes.get_xticklabels()]
    return dict(zip(axes.get_xticks(), texts, strict=True))


@pytest.mark.parametrize(
    ("minutes", "label"),
    [
        (60, "hour"),
        (15, "step of 15 minutes"),
        (90, "step of 90 minutes"),
        (120, "step of 2 hours"),
    ],
)
def test_an_axis_says_how_long_its_steps_are(minutes: int, label: str) -> None:
    _, [[axes]] = panels(1, 1, 3.0)
    step_axis(axes, _result(step_minutes=minutes), range(1, 25))
    assert axes.get_xlabel() == label
    assert list(_marks(axes))[:3] == [1, 3, 5]
    step_axis(axes, _result(), range(1, 25), labelled=False)
    assert axes.get_xlabel() == ""


@pytest.mark.parametrize(
    ("steps", "minutes", "label", "marks"),
    [
        (24, 60, "2026-03-20, Europe/Berlin", {0.5: "00:00", 12.5: "12:00", 24.5: "00:00"}),
        (96, 15, "2026-03-20, Europe/Berlin", {0.5: "00:00", 48.5: "12:00", 96.5: "00:00"}),
        (72, 60, "2026-03-20 to 2026-03-22, Europe/Berlin", {0.5: "03-20", 24.5: "03-21"}),
        (168, 30, "2026-03-20 to 2026-03-23, Europe/Berlin", {48.5: "03-21", 96.5: "03-22"}),
    ],
)
def test_times_stand_where_they_are_and_apart(
    steps: int, minutes: int, label: str, marks: dict[float, str]
) -> None:
    zone = "Europe/Berlin"
    result = _result(steps=steps, step_minutes=minutes, start=f"2026-03-20T00:00 {zone}")
    figure, grid = panels(1, 3, 3.0)
    for axes in grid[0]:
        step_axis(axes, result, range(1, steps + 1))
    assert grid[0, 0].get_xlabel() == label
    assert marks.items() <= _marks(grid[0, 0]).items()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    boxes = [text.get_window_extent() for text in grid[0, 0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_a_strip_of_many_steps_has_colours_only() -> None:
    axes = strategies(_result(step_minutes=15)).axes[0]
    assert not axes.texts
    assert len(_marks(axes)) <= 30
    assert "step of 15 minutes" in axes.get_xlabel()
