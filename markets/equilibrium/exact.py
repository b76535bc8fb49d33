"""Solved to proof: a game that one agent leads, and the central problem of an exchange."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.answers import announce_outcome
from equigrid.markets.bilevel.blame import why_no_answer
from equigrid.markets.bilevel.blocks import blocks_of
from equigrid.markets.bilevel.both_routes import solve_by_both
from equigrid.markets.bilevel.branching import Branching
from equigrid.markets.bilevel.by_blocks import solve_by_blocks
from equigrid.markets.bilevel.complementarity import ComplementarityProgram, relaxed
from equigrid.markets.bilevel.incumbents import Found, polished
from equigrid.markets.bilevel.mixed_integer import MixedInteger, pair_bounds
from equigrid.markets.bilevel.optimality import OptimalityProgram
from equigrid.markets.equilibrium.led_answer import LedAnswer, sense
from equigrid.markets.equilibrium.method import Equilibrium
from equigrid.markets.exchange.blame import why_no_exchange
from equigrid.markets.exchange.central import CentralProgram
from equigrid.markets.exchange.outcome import exchange_outcome, exchange_values
from equigrid.markets.findings import NoAnswer, SolverFailed
from equigrid.markets.game import Game
from equigrid.markets.kinds import Kind, require_kind
from equigrid.markets.mailroom import Mailroom
from equigrid.markets.turns.one_pass import one_pass
from equigrid.threads import one_blas_thread

Vector = NDArray[np.float64]
Progress = Callable[[int, float, float], None]


@dataclass(frozen=True)
class Exact:
    """Embed the followers by their optimality conditions and solve to a proven gap.

    Ties among a follower's equally good answers are resolved in the leader's favour, unless a
    margin is asked for.

    Parameters
    ----------
    gap : float
        Relative optimality gap at which to stop.
    node_limit : int
        Branch-and-bound nodes after which the best answer so far is returned with its gap.
    route : str
        ``branching`` on complementarity, which needs no bound on multipliers; ``milp``, a
        binary for every pair, with derived bounds; or ``auto``, the branching first, and where
        it takes long both, each on a core of its own.
    margin : float
        Least multiplier of every limit that an answer rests on, by which followers strictly
        prefer it; 0 for the optimistic answer.
    progress : callable, optional
        Told nodes, incumbent and bound now and then, in the leader's own sense.
    tell_every : int
        Nodes between two words of progress.
    ties : bool
        Whether the certificate looks for the worst of the followers' equally good answers.
    """

    gap: float = 5e-5
    node_limit: int = 1_000_000
    route: Literal["auto", "branching", "milp"] = "auto"
    margin: float = 0.0
    progress: Progress | None = field(default=None, compare=False)
    tell_every: int = 50
    ties: bool = True

    @one_blas_thread()
    def solve(self, game: Game) -> Equilibrium:
        """Solve a game that one agent leads, or the central problem of balances.

        Raises
        ------
        WrongMethod
            When the game is not of this kind; says which method is.
        NoAnswer
            When an agent has no feasible answer, or nothing bounds a multiplier.
        """
        mailroom = Mailroom()
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Solve centrally, then post what the parties would exchange."""
        kind = require_kind(game, "Exact", [Kind.LED, Kind.BALANCES, Kind.ORDER])
        if kind is Kind.BALANCES:
            return (yield from self._play_exchange(game, mailroom, stage))
        if kind is Kind.ORDER:
            return (yield from one_pass(game, mailroom, stage, "exact"))
        equilibrium = self.search(game).certified(ties=self.ties)
        announce_outcome(game, equilibrium.values, mailroom, stage)
        yield mailroom.clock.timeout(0)
        return equilibrium

    @one_blas_thread()
    def search(self, game: Game) -> LedAnswer:
        """Solve a game that one agent leads and leave the certificate for later.

        For answers that are a step on the way to another game, as in the rounds in which a linear
        network is fitted to AC power flow.

        Raises
        ------
        WrongMethod, NoAnswer
            As :meth:`solve` does.
        """
        require_kind(game, "Exact.search", [Kind.LED])
        program = OptimalityProgram(game)
        stated = relaxed(program)
        found = self._search(program, stated)
        if found.best is None or found.status == "unbounded":
            raise _no_answer(program, found)
        best = found.best
        if not found.sharp:
            best = polished(stated, best.states, best.columns, self.margin) or best
        sign, offset = sense(game), stated.program.offset
        return LedAnswer(
            program,
            stated.restored(best.columns),
            sign * (best.value + offset),
            sign * (found.bound + offset),
            found.nodes,
            stated.pairs.count,
            settled=found.status == "optimal",
        )

    def _play_exchange(
        self, game: Game, mailroom: Mailroom, stage: str
    ) -> Generator[Any, Any, Equilibrium]:
        """Solve the central problem of balances."""
        program = CentralProgram(game)
        found = program.solve(self.gap)
        if found.status != "optimal":
            raise why_no_exchange(program, found.status)
        values = exchange_values(game, found.columns, found.prices)
        yield mailroom.clock.timeout(0)
        statistics = {"columns": float(program.size), "bound": found.bound}
        return exchange_outcome(
            game, "exact", values, mailroom, stage, bound=found.bound, statistics=statistics
        )

    def _search(self, program: OptimalityProgram, stated: ComplementarityProgram) -> Found:
        """Solve by the route that is asked for."""
        if self.route == "milp" or self.margin:
            bounds = pair_bounds(program, stated)
            return MixedInteger(stated, bounds, self.gap, self.margin).run(self.node_limit)
        progress = self._told(program.game, stated.program.offset)
        blocks = blocks_of(stated)
        if blocks is not None:
            found = solve_by_blocks(
                stated, blocks, self.gap, self.node_limit, progress, self.tell_every
            )
            if found is not None:
                return found
        if self.route == "branching":
            return Branching(stated, self.gap, progress, self.tell_every).run(self.node_limit)
        return solve_by_both(program, stated, self.gap, self.node_limit, progress, self.tell_every)

    def _told(self, game: Game, offset: float) -> Progress | None:
        """Return the progress in the leader's own sense."""
        tell, sign = self.progress, sense(game)
        if tell is None:
            return None
        return lambda nodes, value, bound: tell(
            nodes, sign * (value + offset), sign * (bound + offset)
        )


def _no_answer(program: OptimalityProgram, found: Found) -> NoAnswer:
    if found.status == "infeasible":
        return why_no_answer(program)
    leader = str(program.game.leader)
    if found.status == "unbounded":
        return NoAnswer(
            f"nothing bounds the objective of leader '{leader}'; bound its variables", leader
        )
    if found.status == "optimal":
        return NoAnswer(
            "an answer was found that does not hold to the last digits: its numbers are too far "
            "apart; use Exact(route='branching'), without a margin"
        )
    if found.status == "failed":
        return SolverFailed.on("HiGHS", found.status)
    return NoAnswer(f"no answer was found ({found.status}); raise the node limit of Exact")
