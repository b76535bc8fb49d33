"""The look that all figures of a report share, and how a figure becomes text."""

import base64
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from equigrid.experiments.report.step_names import StepNames, step_names
from equigrid.experiments.result import Result

INK, MUTED, RULE, LIMIT = "#1f2933", "#5f6b78", "#dfe4ea", "#b3261e"
BEFORE, AFTER = "#66809c", "#e07b00"
_BETWEEN = ("#009e73", "#8e5ea2", "#56b4e9", "#a08c1e")
# Okabe and Ito's colours, which keep apart for colour-blind readers; those of the cases left out.
PARTIES = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#c9a400", "#7a4f2a", "#444444")
WIDTH_IN = 10.4
_FONT = "DejaVu Sans"
_STYLE: Any = {  # matplotlib types its settings one by one
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "font.family": [_FONT],
    "font.size": 9,
    "grid.color": RULE,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "equigrid",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
# Texts stay texts in the browser's own face, which is no wider than the one measured with.
_FACES = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"

Draw = Callable[[Result], Figure]


def data_uri(draw: Draw, result: Result) -> str:
    """Draw a figure and return it as an SVG data URI, the same bytes for the same result."""
    text = svg(lambda: draw(result))
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


def svg(draw: Callable[[], Figure]) -> str:
    """Draw a figure in the look of the report and return it as SVG."""
    buffer = io.BytesIO()
    with _style():
        draw().savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().decode().replace(f"'{_FONT}'", _FACES)


@contextmanager
def _style() -> Iterator[None]:
    """Set the style for a while, whatever the user's own matplotlibrc says."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has other faces
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def panels(rows: int, columns: int, height_in: float, **share: Any) -> tuple[Figure, Any]:
    """Return a figure of the report's width and its axes, array (rows, columns)."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **share)


def case_names(result: Result) -> list[str]:
    """Return the names of the cases in the order of the study."""
    return [case.name for case in result.cases]


def case_colours(result: Result) -> dict[str, str]:
    """Give the first case the colour of "before", the last that of "after"."""
    names = case_names(result)
    between = [_BETWEEN[at % len(_BETWEEN)] for at in range(len(names) - 2)]
    return dict(zip(names, [BEFORE, *between, AFTER] if len(names) > 1 else [AFTER], strict=True))


def party_colours(names: Sequence[str]) -> dict[str, str]:
    """Give each party a colour, in the order of the names."""
    return {name: PARTIES[at % len(PARTIES)] for at, name in enumerate(names)}


def of_case(result: Result, table: str, case: str) -> pd.DataFrame:
    """Return the rows of a table that belong to a case."""
    rows = result.tables[table]
    return rows[rows["case"] == case]


def by_step(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Return a column by step."""
    return rows.set_index("step")[column].astype(float).sort_index()


def step_axis(
    axes: Axes, result: Result, steps: Sequence[int], *, labelled: bool = True, most: int = 14
) -> None:
    """Mark steps, or times, so that they can be told apart and still be read.

    Parameters
    ----------
    axes : Axes
        On which a step is as wide as 1, with its number in the middle.
    result : Result
    steps : sequence of int
    labelled : bool
        Whether the axis says what its marks are.
    most : int
        So many numbers of steps are marked.
    """
    names, first, last = step_names(result), min(steps), max(steps)
    axes.set_xlim(first - 0.6, last + 0.6)
    if names.times:
        axes.set_xticks(*_marked_times(names))
    else:
        axes.set_xticks(range(first, last + 1, 1 + (last - first) // (most - 1)))
    axes.set_xlabel(names.label if labelled else "")


def _marked_times(names: StepNames) -> tuple[list[float], list[str]]:
    """Return where round times stand along the steps, and how they are written."""
    start, end = names.times[0], names.times[-1]
    locator: Any = AutoDateLocator(  # type: ignore[no-untyped-call]
        tz=start.tzinfo, minticks=2, maxticks=7
    )
    around: list[datetime] = num2date(  # type: ignore[no-untyped-call]
        locator.tick_values(start, end), start.tzinfo
    )
    marked = [time for time in around if start <= time <= end]
    step = timedelta(minutes=names.minutes)
    return [0.5 + (t - start) / step for t in marked], [_written(t, names) for t in marked]


def _written(time: datetime, names: StepNames) -> str:
    """Return the hour of a time; of midnight the day, where there are several."""
    is_day = not names.of_one_day and (time.hour, time.minute) == (0, 0)
    return f"{time:%m-%d}" if is_day else f"{time:%H:%M}"


def steps(axes: Axes, series: "pd.Series[float]", **look: Any) -> Any:
    """Draw a series as a level in each step, centred on its number."""
    edges = [float(step) - 0.5 for step in series.index]
    return axes.stairs(series.to_numpy(), [*edges, edges[-1] + 1.0], baseline=None, **look)


def bars(axes: Axes, middle: Any, bottom: Any, height: Any, width: float, colour: str) -> None:
    """Draw upright bars as one path: hundreds of rectangles would make a slow, fat report."""
    left, right = np.asarray(middle) - width / 2, np.asarray(middle) + width / 2
    low, high = np.asarray(bottom), np.asarray(bottom) + np.asarray(height)
    corners = [(left, low), (left, high), (right, high), (right, low), (left, low)]
    seen = np.isfinite(low + high)
    points = np.array([np.column_stack(corner)[seen] for corner in corners])
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * int(seen.sum())
    path = Path(points.swapaxes(0, 1).reshape(-1, 2), codes)
    # The edge keeps a bar without height to be seen.
    axes.add_patch(PathPatch(path, facecolor=colour, edgecolor=colour, linewidth=0.4))
    axes.autoscale_view()


def legend_above(figure: Figure, handles: Sequence[Any], columns: int = 6) -> None:
    """Put one legend above all panels."""
    labels = [_shown(str(handle.get_label())) for handle in handles]
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=1.6)


def _shown(label: str) -> str:
    # Matplotlib hides labels that start with an underscore.
    return f" {label}" if label.startswith("_") else label
