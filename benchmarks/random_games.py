"""The exact engine against brute force on small random bilevel programs.

``python benchmarks/random_games.py --games 1000 --seed 1`` draws games of every kind, solves each
by both routes and by ``brute_force``, which shares nothing with equigrid, and prints a table. It
ends with 1 if any answer is wrong: another value, a follower that could do better, or another
verdict on whether there is an answer. ``--game "price/17"`` tells about one game alone.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click
import numpy as np
from brute_force import Best, DoubtError, best, regret
from declared_games import declare
from drawn_games import KINDS, DrawnGame, draw

import equigrid as eg
from equigrid.markets.bilevel.column_ranges import NoBoundError

ROUTES = ("milp", "branching")
VALUE_TOLERANCE = 1e-6
REGRET_TOLERANCE = 1e-6
GAP = 1e-7
GAP_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Outcome:
    """What a route said: solved, infeasible, unbounded, refused or crashed; the value minimised."""

    status: str
    value: float = np.nan
    regret: float = 0.0
    own_regret: float = 0.0
    gap: float = 0.0
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """One game, what each route said of it, and what is wrong with that."""

    name: str
    brute: str
    outcomes: dict[str, Outcome]
    wrong: dict[str, str]


def method(route: str) -> eg.Exact:
    """Return the engine with that route at a gap below what is compared."""
    return eg.Exact(route=route, gap=GAP)


def solve_by(route: str, game: DrawnGame) -> Outcome:
    """Solve a game by a route and say how it went."""
    began = time.perf_counter()
    try:
        found = method(route).solve(declare(game))
    except (NoBoundError, eg.WrongMethod, eg.UnusableGame) as error:
        return Outcome("refused", reason=f"{type(error).__name__}: {error}")
    except eg.NoAnswer as error:
        return Outcome(_verdict(str(error)), reason=str(error), seconds=time.perf_counter() - began)
    except Exception as error:  # whatever it is, it is a finding
        return Outcome("crashed", reason=f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - began
    answers = [found.values[f"f{k}.y"] for k in range(len(game.followers))]
    sign = -1.0 if game.maximises else 1.0
    assert found.leader_objective is not None
    return Outcome(
        "solved",
        sign * found.leader_objective,
        max(found.certificate.regret.values()),
        regret(game, np.ravel(found.values["leader.x"]), answers),
        found.certificate.optimality_gap or 0.0,
        seconds=seconds,
    )


def _verdict(message: str) -> str:
    """Tell a leader without bounds from a game without an answer, by the sentence."""
    if "nothing bounds the objective" in message:
        return "unbounded"
    words = ("has no decision", "no feasible answer", "no bounded answer")
    return "infeasible" if any(word in message for word in words) else "crashed"


def judge(expected: Best, outcome: Outcome) -> str:
    """Return what is wrong with an outcome, or nothing."""
    if outcome.status == "refused":
        return ""
    if outcome.status != expected.status:
        return f"{outcome.status} {outcome.value:g} {outcome.reason}, but it is {expected.status}"
    if expected.status != "solved":
        return ""
    if not abs(outcome.value - expected.value) <= VALUE_TOLERANCE * max(1.0, abs(expected.value)):
        return f"value {outcome.value:.9g}, but it is {expected.value:.9g}"
    worst = max(outcome.regret, outcome.own_regret)
    if worst > REGRET_TOLERANCE:
        return f"regret {worst:.2g}"
    return f"gap {outcome.gap:.2g}" if outcome.gap > GAP_TOLERANCE else ""


def examine(kind: str, seed: int, number: int, routes: Sequence[str] = ROUTES) -> Report:
    """Draw a game, solve it by every route and by brute force, and judge."""
    game, name = draw(kind, seed, number), f"{kind}/{number}"
    try:
        expected = best(game)
    except DoubtError as doubt:
        return Report(name, f"doubt: {doubt}", {}, {})
    outcomes = {route: solve_by(route, game) for route in routes}
    wrong = {route: judge(expected, outcome) for route, outcome in outcomes.items()}
    return Report(name, expected.status, outcomes, {r: w for r, w in wrong.items() if w})


def table(reports: Sequence[Report], routes: Sequence[str]) -> str:
    """Return what came out as text, a line for every kind and route."""
    heads = (
        "kind",
        "route",
        "games",
        "solved",
        "infeasible",
        "unbounded",
        "refused",
        "wrong",
        "slowest",
    )
    lines = ["{:17} {:10} {:>6} {:>7} {:>11} {:>10} {:>8} {:>6} {:>8}".format(*heads)]
    for kind in (*KINDS, "all"):
        mine = [r for r in reports if kind in (r.name.partition("/")[0], "all")]
        lines += [_line(kind, route, mine) for route in routes if mine]
    return "\n".join(lines)


def _line(kind: str, route: str, reports: Sequence[Report]) -> str:
    outcomes = [r.outcomes[route] for r in reports if route in r.outcomes]
    counts = Counter(outcome.status for outcome in outcomes)
    wrong = sum(route in report.wrong for report in reports)
    slowest = max((outcome.seconds for outcome in outcomes), default=0.0)
    return (
        f"{kind:17} {route:10} {len(reports):6} {counts['solved']:7} {counts['infeasible']:11} "
        f"{counts['unbounded']:10} {counts['refused']:8} {wrong:6} {slowest:7.2f}s"
    )


def reasons(reports: Iterable[Report]) -> str:
    """Return why games were refused and doubted, counted, without what is between quotes."""
    why: Counter[str] = Counter()
    for report in reports:
        for route, outcome in report.outcomes.items():
            if outcome.status == "refused":
                words = outcome.reason.split("'")[::2]
                why[f"{route} refused {'…'.join(words)[:150]}"] += 1
        if not report.outcomes:
            why[f"brute force, {report.brute}"] += 1
    return "\n".join(f"{count:5} × {reason}" for reason, count in why.most_common())


@click.command()
@click.option("--games", default=1000, help="How many games to draw, over all kinds.")
@click.option("--seed", default=1, help="Root seed of all streams.")
@click.option("--game", "only", default="", help="One game alone, such as price/17.")
@click.option("--route", "routes", multiple=True, default=ROUTES, help="Routes to compare.")
def main(games: int, seed: int, only: str, routes: tuple[str, ...]) -> None:
    """Compare the exact engine with brute force and print a table."""
    began = time.perf_counter()
    if only:
        wanted = [(only.partition("/")[0], int(only.partition("/")[2]))]
    else:
        wanted = [(KINDS[k % len(KINDS)], k // len(KINDS)) for k in range(games)]
    reports = []
    for kind, number in wanted:
        reports.append(examine(kind, seed, number, routes))
        for route, what in reports[-1].wrong.items():
            click.echo(f"WRONG {reports[-1].name} by {route}: {what}")
    if only:
        click.echo(f"{draw(*wanted[0][:1], seed, wanted[0][1])}\n{reports[0]}")
    click.echo(f"{table(reports, routes)}\n{reasons(reports)}")
    click.echo(f"{len(reports)} games in {time.perf_counter() - began:.0f} s")
    raise SystemExit(any(report.wrong for report in reports))


if __name__ == "__main__":
    main()
