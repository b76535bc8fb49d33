"""Fleets on a feeder, 100 to 100,000 members: ``python benchmarks/fleets.py --sizes 100,1000``.

The game is declared in fleet_exchange.py. Told are rounds and seconds of ADMM, the peak memory of
its process, what all pay, a bound on it or the central optimum, and what does not balance.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fleet_exchange import exchange

import equigrid as eg
from equigrid.markets.admm.central_program import CentralProgram


@dataclass(frozen=True)
class Line:
    """What one size gave; costs in currency, the gap relative to the best bound."""

    agents: int
    rounds: int
    seconds: float
    peak_mb: float
    cost: float
    bound: float
    optimum: float | None
    central_seconds: float | None
    balance_residual: float
    imbalances: tuple[float, ...]

    @property
    def gap(self) -> float:
        """Distance of the cost from the central optimum, or from the bound."""
        best = self.bound if self.optimum is None else self.optimum
        return (self.cost - best) / abs(best)

    def text(self) -> str:
        """Return a row of the table."""
        optimum = "" if self.optimum is None else f"{self.optimum:.3f}"
        beside = "" if self.central_seconds is None else f"{self.central_seconds:.1f}"
        return (
            f"| {self.agents} | {self.rounds} | {self.seconds:.1f} | {self.peak_mb:.0f} | "
            f"{self.cost:.3f} | {self.bound:.3f} | {optimum} | {beside} | {self.gap:.1e} | "
            f"{self.balance_residual:.1e} |"
        )


def solved(n: int, seed: int, central: bool) -> Line:
    """Settle one size by ADMM, certificate included, and solve the central problem beside."""
    game = exchange(n, seed)
    begin = time.perf_counter()
    found = eg.Admm(tolerance=1e-5, dual_tolerance=1e-4, compare_up_to=0).solve(game)
    seconds = time.perf_counter() - begin
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    imbalances = tuple(float(record["imbalance"]) for record in found.rounds)
    begin = time.perf_counter()
    optimum = CentralProgram(game).solve().cost if central else None
    central_seconds = time.perf_counter() - begin if central else None
    certificate = found.certificate
    return Line(
        agents=n,
        rounds=len(imbalances),
        seconds=seconds,
        peak_mb=peak_mb,
        cost=float(certificate.total_cost or 0.0),
        bound=float(certificate.total_bound or 0.0),
        optimum=optimum,
        central_seconds=central_seconds,
        balance_residual=float(certificate.balance_residual or 0.0),
        imbalances=imbalances,
    )


def apart(n: int, seed: int, central: bool) -> Line:
    """Solve one size in a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(solved, (n, seed, central))


def picture(lines: Sequence[Line], path: str) -> None:
    """Draw the largest imbalance round by round, and seconds over the number of agents."""
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import NullFormatter  # noqa: PLC0415

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = ("#1b6f8a", "#e08e27", "#7a9b3e", "#a3395b", "#555555")
    for line, colour in zip(lines, colours, strict=False):
        label = f"{line.agents:,} agents"
        left.plot(range(1, line.rounds + 1), line.imbalances, label=label, color=colour, lw=1.5)
        right.plot(line.agents, line.seconds, "o", color=colour, ms=7)
    right.plot([x.agents for x in lines], [x.seconds for x in lines], color="0.7", lw=1, zorder=0)
    left.set(xlabel="round", ylabel="largest imbalance / largest offer", yscale="log")
    right.set(xlabel="agents", ylabel="seconds to settle", xscale="log", yscale="log")
    right.xaxis.set_major_formatter("{x:,g}")
    right.yaxis.set_major_formatter("{x:g}")
    right.yaxis.set_minor_formatter(NullFormatter())
    left.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print a table, and draw a picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--central-up-to", type=int, default=10_000)
    parser.add_argument("--picture")
    given = parser.parse_args()
    print(
        "| agents | rounds | seconds | peak MB | cost | bound | optimum | seconds, central "
        "| gap | imbalance |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    # Kernels are compiled once and kept on disk, those for few members and those for many.
    for size in (100, 6300):
        solved(size, given.seed, central=False)
    lines = []
    for size in map(int, given.sizes.split(",")):
        lines.append(apart(size, given.seed, size <= given.central_up_to))
        print(lines[-1].text(), flush=True)
    if given.picture:
        picture(lines, given.picture)


if __name__ == "__main__":
    main()
