"""Batches of power flows beside other libraries: ``python benchmarks/power_flow.py``.

Draws of loads on 33 buses, a topology of its own in every row, and feeders of 33 to 10,000 buses,
by equigrid, power-grid-model, lightsim2grid (where it is installed) and pandapower, on two threads.
The best of some repetitions is told; the libraries' rows differ in number, so that each takes a
while. The largest difference is that of voltages from equigrid's, over the rows that both solved.
"""

import argparse
import importlib.util
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import power_flow_rivals as rivals
from power_flow_cases import Case, draws, own_topologies
from power_flow_rivals import Solve

NEWTON = "power-grid-model, Newton"
CURRENT = "power-grid-model, iterative current"
SIZES = (33, 69, 118, 1000, 10_000)


@dataclass(frozen=True)
class Line:
    """What one library took for one case."""

    case: str
    buses: int
    library: str
    rows: int
    seconds: float
    difference_pu: float

    @property
    def us(self) -> float:
        """Microseconds a flow."""
        return 1e6 * self.seconds / self.rows

    def text(self, ours_us: float) -> str:
        """Return a row of the table."""
        difference = "" if np.isnan(self.difference_pu) else f"{self.difference_pu:.0e}"
        return (
            f"| {self.case} | {self.buses} | {self.library} | {self.rows:,} | {self.us:,.2f} "
            f"| {1e3 * self.us / self.buses:,.1f} | {self.us / ours_us:,.1f} | {difference} |"
        )


def measured(name: str, case: Case, library: str, solve: Solve, repeat: int) -> Line:
    """Solve a case some times; the first rows are held against equigrid's voltages."""
    seconds, voltage = solve(case)
    for _ in range(repeat - 1):
        seconds = min(seconds, solve(case)[0])
    some = min(len(case), 1000)
    _, ours = rivals.equigrid(case.first(some))
    apart = np.abs(voltage[:some] - ours) if len(voltage) else np.full(1, np.nan)
    known = apart[np.isfinite(apart)]
    return Line(
        name,
        case.load_mw.shape[1],
        library,
        len(case),
        seconds,
        float(known.max()) if len(known) else float("nan"),
    )


def compared(
    name: str, case: Case, shares: dict[str, tuple[Solve, float]], repeat: int
) -> list[Line]:
    """Give each library its share of the rows; print a table row for each."""
    lines: list[Line] = []
    for library, (solve, share) in shares.items():
        part = case.first(max(round(len(case) * share), 2))
        lines.append(measured(name, part, library, solve, repeat))
        print(lines[-1].text(lines[0].us), flush=True)
    return lines


def tables(size: float, repeat: int) -> list[Line]:
    """Measure everything; ``size`` 1 is a million rows of 33 buses."""
    ours = {
        "equigrid": (rivals.equigrid, 1.0),
        "equigrid, losses only": (rivals.equigrid_losses, 1.0),
    }
    models = {
        NEWTON: (rivals.power_grid_model("newton_raphson"), 0.1),
        CURRENT: (rivals.power_grid_model("iterative_current"), 0.1),
    }
    others: dict[str, tuple[Solve, float]] = {"pandapower runpp": (rivals.runpp, 1e-4)}
    if importlib.util.find_spec("lightsim2grid"):
        others = {"lightsim2grid": (rivals.lightsim2grid, 0.05), **others}
    lines = compared("loads", draws(33, round(1e6 * size)), ours | models | others, repeat)
    lines += compared("own topology", own_topologies(round(2e5 * size)), ours | models, repeat)
    for buses in SIZES:
        case = draws(buses, max(round(3e7 * size / buses), 64))
        lines += compared("scale", case, {"equigrid": ours["equigrid"], **models}, repeat)
    return lines


def picture(lines: Sequence[Line], path: str) -> None:
    """Draw the time of a flow by library, and the time of a bus over the size of a feeder."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = [line for line in lines if line.case == "loads"][::-1]
    colours = ["#1b6f8a" if "equigrid" in line.library else "#b9c4c9" for line in shown]
    bars = left.barh([line.library for line in shown], [line.us for line in shown], color=colours)
    left.bar_label(bars, labels=[_short(line.us) for line in shown], padding=3)
    left.set(xscale="log", xlabel="microseconds a flow, 33 buses")
    left.margins(x=0.2)
    for library, colour in (("equigrid", "#1b6f8a"), (NEWTON, "#e08e27"), (CURRENT, "#7a9b3e")):
        points = [line for line in lines if line.case == "scale" and line.library == library]
        per_bus = [1e3 * line.us / line.buses for line in points]
        right.plot([line.buses for line in points], per_bus, "o-", color=colour, label=library)
    right.set(xscale="log", yscale="log", xlabel="buses", ylabel="nanoseconds a bus")
    right.xaxis.set_major_formatter("{x:,g}")
    right.yaxis.set_major_formatter("{x:g}")
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _short(figure: float) -> str:
    return f"{figure:.2f}" if figure < 10 else f"{figure:,.0f}"


def main() -> None:
    """Print a table, and draw a picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="1 is a million rows of 33 buses")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--picture")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")  # the other libraries' own
    numba.set_num_threads(min(rivals.THREADS, numba.config.NUMBA_NUM_THREADS))
    rivals.equigrid(draws(33, 8))  # kernels are compiled once and kept on disk
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| case | buses | library | rows | µs a flow | ns a bus | times equigrid | difference |")
    print("|---|---|---|---|---|---|---|---|")
    lines = tables(given.size, given.repeat)
    if given.picture:
        picture(lines, given.picture)


if __name__ == "__main__":
    main()
