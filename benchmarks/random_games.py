"""The exact engine against brute force on small random bilevel programs.

``python benchmarks/random_games.py --games 1000 --seed 1`` draws games of every kind, solves each
by both routes and by ``brute_force``, which shares nothing with equigrid, and prints a table. It
ends with 1 if any answer is wrong: another value, a follower that could do better, or another
verdict on whether there is an answer. ``--game "price/17"`` tells about one game alone. With
``--scales 3`` each game is solved three times, with all its money multiplied by factors drawn from
1e-6 to 1e6; what brute force found for the game as drawn has to hold for all of them.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import click
import numpy as np
from brute_force import Best, DoubtError, best, money, regret
from declared_games import declare
from drawn_games import KINDS, DrawnGame, draw, in_money

import equigrid as eg
from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.scenarios.seeds import stream

ROUTES = ("milp", "branching")
VALUE_TOLERANCE = 1e-6
# Where no money moves at all; numbers of drawn games are whole, so this is nothing.
LAST_DIGITS = 1e-8
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
    money: float = 0.0


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


def solve_by(route: str, game: DrawnGame, unit: float = 1.0) -> Outcome:
    """Solve a game with its money multiplied by a unit, and say how it went in that unit."""
    began = time.perf_counter()
    try:
        found = method(route).solve(declare(in_money(game, unit)))
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
    x = np.ravel(found.values["leader.x"])
    return Outcome(
        "solved",
        sign * found.leader_objective / unit,
        max(found.certificate.regret.values()),
        regret(game, x, answers),
        found.certificate.optimality_gap or 0.0,
        seconds=seconds,
        money=money(game, x, answers),
    )


def _verdict(message: str) -> str:
    """Tell a leader without bounds from a game without an answer, by the sentence."""
    if "nothing bounds the objective" in message:
        return "unbounded"
    words = ("has no decision", "no feasible answer", "no bounded answer")
    return "infeasible" if any(word in message for word in words) else "crashed"


def judge(game: DrawnGame, expected: Best, outcome: Outcome) -> str:
    """Return what is wrong with an outcome, or nothing; values relative to the money that moves."""
    if outcome.status == "refused":
        return ""
    if outcome.status != expected.status:
        return f"{outcome.status} {outcome.value:g} {outcome.reason}, but it is {expected.status}"
    if expected.status != "solved":
        return ""
    assert expected.x is not None
    moved = max(outcome.money, money(game, expected.x, expected.answers), abs(expected.value))
    if not abs(outcome.value - expected.value) <= max(VALUE_TOLERANCE * moved, LAST_DIGITS):
        return f"value {outcome.value:.9g}, but it is {expected.value:.9g}"
    worst = max(outcome.regret, outcome.own_regret)
    if worst > REGRET_TOLERANCE:
        return f"regret {worst:.2g}"
    return f"gap {outcome.gap:.2g}" if outcome.gap > GAP_TOLERANCE else ""


def examine(
    kind: str, seed: int, number: int, routes: Sequence[str] = ROUTES, scales: int = 0
) -> Iterator[Report]:
    """Draw a game, solve it by every route and by brute force, and judge; in several units."""
    game, name = draw(kind, seed, number), f"{kind}/{number}"
    try:
        expected = best(game)
    except DoubtError as doubt:
        yield Report(name, f"doubt: {doubt}", {}, {})
        return
    for unit in units(kind, seed, number, scales):
        outcomes = {route: solve_by(route, game, unit) for route in routes}
        wrong = {route: judge(game, expected, outcome) for route, outcome in outcomes.items()}
        told = name if unit == 1.0 else f"{name} x {unit:.3g}"
        yield Report(told, expected.status, outcomes, {r: w for r, w in wrong.items() if w})


def units(kind: str, seed: int, number: int, scales: int) -> list[float]:
    """Return the units of money that a game is solved in: as it is, or so many that are drawn."""
    if not scales:
        return [1.0]
    rng = stream(seed, f"random games/{kind}/{number}/units")
    return [float(10**power) for power in rng.uniform(-6, 6, scales)]


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
@click.option("--scales", default=0, help="Units of money to try each game in; 0: as it is.")
@click.option("--route", "routes", multiple=True, default=ROUTES, help="Routes to compare.")
def main(games: int, seed: int, only: str, scales: int, routes: tuple[str, ...]) -> None:
    """Compare the exact engine with brute force and print a table."""
    began = time.perf_counter()
    if only:
        wanted = [(only.partition("/")[0], int(only.partition("/")[2]))]
    else:
        wanted = [(KINDS[k % len(KINDS)], k // len(KINDS)) for k in range(games)]
    reports = []
    for kind, number in wanted:
        for report in examine(kind, seed, number, routes, scales):
            reports.append(report)
            for route, what in report.wrong.items():
                click.echo(f"WRONG {report.name} by {route}: {what}")
    if only:
        click.echo(f"{draw(*wanted[0][:1], seed, wanted[0][1])}\n{reports[0]}")
    click.echo(f"{table(reports, routes)}\n{reasons(reports)}")
    click.echo(f"{len(reports)} games in {time.perf_counter() - began:.0f} s")
    raise SystemExit(any(report.wrong for report in reports))


if __name__ == "__main__":
    main()
