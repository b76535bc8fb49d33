"""Paper E with more and more microgrids: ``python benchmarks/growth.py --picture FILE.png``.

24 hours, three scenarios. Seconds until the gap is 0.1 %, or the gap after two minutes.
"""

import argparse
import time
from dataclasses import dataclass, field

import paper_e

import equigrid as eg


class OutOfTimeError(Exception):
    """Two minutes are over."""


@dataclass
class Trace:
    """Answer and bound over time, in the leader's sense (a gain)."""

    limit_s: float
    begin: float = field(default_factory=time.perf_counter)
    points: list[tuple[float, float, float]] = field(default_factory=list)

    def __call__(self, nodes: int, answer: float, bound: float) -> None:
        """Note how far the search is."""
        seconds = time.perf_counter() - self.begin
        self.points.append((seconds, answer, bound))
        if seconds > self.limit_s:
            raise OutOfTimeError

    @property
    def gap(self) -> float:
        """Relative gap at the last point."""
        _, answer, bound = self.points[-1]
        return (bound - answer) / abs(answer)


def grown(followers: int, limit_s: float) -> tuple[int, Trace]:
    """Solve one size, until 0.1 % or the limit; the number of pairs and the trace."""
    game = paper_e.game(paper_e.grown(followers))
    _ = game.forms
    trace = Trace(limit_s)
    method = eg.Exact(gap=1e-3, route="branching", progress=trace, tell_every=1)
    try:
        found = method.solve(game)
        trace.points.append(
            (
                time.perf_counter() - trace.begin,
                float(found.leader_objective or 0.0),
                found.statistics["bound"],
            )
        )
    except OutOfTimeError:
        pass
    pairs = eg.Exact(gap=1e9, route="branching", node_limit=1).solve(game).statistics["pairs"]
    return int(pairs), trace


def picture(traces: dict[int, Trace], path: str) -> None:
    """Draw the gap over time."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (followers, trace), colour in zip(
        traces.items(), ("#1b6f8a", "#e08e27", "#7a9b3e", "#a3395b"), strict=False
    ):
        known = [(t, 100 * (b - a) / abs(a)) for t, a, b in trace.points if abs(a) < 1e15]
        axes.step(*zip(*known, strict=True), where="post", label=f"{followers}", color=colour, lw=2)
    axes.axhline(0.1, color="0.6", lw=1, ls="--")
    axes.set(xlabel="seconds", ylabel="gap in %", xscale="log", yscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(title="microgrids", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print a table, and draw a picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--followers", type=int, nargs="+", default=[3, 8, 21, 60])
    parser.add_argument("--limit-s", type=float, default=120.0)
    parser.add_argument("--picture")
    given = parser.parse_args()
    traces = {}
    print("| microgrids | pairs | answer | bound | gap | seconds |\n|---|---|---|---|---|---|")
    for followers in given.followers:
        pairs, traces[followers] = grown(followers, given.limit_s)
        seconds, answer, bound = traces[followers].points[-1]
        gap = f"{100 * traces[followers].gap:.3f} %"
        print(
            f"| {followers} | {pairs} | {answer:.3f} | {bound:.3f} | {gap} | {seconds:.1f} |",
            flush=True,
        )
    if given.picture:
        picture(traces, given.picture)


if __name__ == "__main__":
    main()
