"""Paper E by all routes, side by side: ``python benchmarks/exact_routes.py [--perturbed]``.

All times are without the certificate, which takes a second more for each way. The plain way is what
one would write down first: the optimality conditions of every follower as declared, a binary for
each pair with a guessed bound of 500, and HiGHS as it comes.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import paper_e
from scipy import sparse

from equigrid.experiments.spec.study import Study
from equigrid.markets.bilevel.big_m.milp import BigMMilp, with_binaries
from equigrid.markets.bilevel.big_m.pair_bounds import PairBounds, pair_bounds
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.complementarity_pairs import pairs_of
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.bilevel.quadratic_cuts import Squares
from equigrid.markets.bilevel.substitution import itself
from equigrid.markets.games.game import Game

GUESS = 500.0
GAP = 5e-5
Row = tuple[str, float, float, float, int, float]


def plain(game: Game, gap: float, time_limit_s: float) -> tuple[float, float, int]:
    """Solve by guessed bounds; return value, bound and nodes."""
    program = KktProgram(game)
    stated = program.program.assembled(program.leader_form.offset)
    n, whole = len(stated.cost), itself(stated)
    nothing = Squares(np.zeros(0, dtype=int), sparse.csr_array((0, n)), np.zeros(0))
    pairs = pairs_of(program, whole)
    game_program = Mpcc(stated, pairs, nothing, np.zeros(0, dtype=int), whole)
    guess = np.full(pairs.count, GUESS)
    bounds = PairBounds(guess, guess, np.zeros(pairs.count, dtype=int), np.zeros(1))
    with_all, _ = with_binaries(game_program, bounds)
    solution = with_all.model(mip_rel_gap=gap, time_limit=time_limit_s).solve()
    sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
    return sign * solution.objective, sign * solution.bound, solution.nodes


def by_route(route: str) -> Callable[[Game], tuple[float, float, int]]:
    """Return a way to solve by one route of Exact."""

    def solve(game: Game) -> tuple[float, float, int]:
        program = KktProgram(game)
        stated = mpcc_of(program).in_own_units()
        # The nodes of the two routes are worth about as many seconds.
        if route == "branching":
            found = Branching(stated, GAP).run(2500)
        else:
            found = BigMMilp(stated, pair_bounds(program, stated), GAP).run(100)
        assert found.best is not None
        assert stated.units is not None
        sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
        unit, offset = sign * stated.units.money, stated.program.offset
        return unit * (found.best.value + offset), unit * (found.bound + offset), found.nodes

    return solve


def rows(
    study: Study, ways: dict[str, Callable[[Game], tuple[float, float, int]]]
) -> Iterator[Row]:
    """Solve both cases in every way and time the whole of it."""
    for penalty in (False, True):
        case = "with-flexibility" if penalty else "without-flexibility"
        for name, solve in ways.items():
            game = paper_e.game(study, ramp_penalty=penalty)
            _ = game.forms  # compiled once, whatever the way
            begin = time.perf_counter()
            value, bound, nodes = solve(game)
            yield (
                f"{case} | {name}",
                value,
                bound,
                abs(value - bound) / abs(value),
                nodes,
                (time.perf_counter() - begin),
            )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--perturbed", action="store_true", help="five other data sets")
    parser.add_argument("--plain-limit-s", type=float, default=120.0)
    given = parser.parse_args()
    ways = {"branching": by_route("branching"), "milp": by_route("milp")}
    print("| data | case | route | value | bound | gap | nodes | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    if given.perturbed:
        sets = {n: paper_e.changed(c, s, 0.05) for n, (c, s) in paper_e.PERTURBED.items()}
    else:
        sets = {"as shipped": paper_e.shipped()}
        ways["plain KKT, M = 500"] = lambda game: plain(game, GAP, given.plain_limit_s)
    for data, study in sets.items():
        for name, value, bound, gap, nodes, seconds in rows(study, ways):
            figures = f"{value:.3f} | {bound:.3f} | {gap:.1e} | {nodes} | {seconds:.1f}"
            print(f"| {data} | {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
