"""Exact: Stackelberg games, and the central problem of an exchange, solved to a proven gap."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

from equigrid.errors import Interrupted, NoAnswer, SolverFailed
from equigrid.markets.admm.central_program import CentralProgram
from equigrid.markets.admm.exchange_values import exchange_values
from equigrid.markets.admm.infeasibility import why_no_exchange
from equigrid.markets.best_response.one_pass import one_pass
from equigrid.markets.bilevel.big_m.milp import BigMMilp, margins
from equigrid.markets.bilevel.big_m.pair_bounds import pair_bounds
from equigrid.markets.bilevel.branching.incumbents import SearchResult
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.component_search import solve_by_component
from equigrid.markets.bilevel.components import components_of
from equigrid.markets.bilevel.concurrent_search import solve_concurrently
from equigrid.markets.bilevel.infeasibility import why_no_answer
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.forms.search_limits import SearchLimits
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, require_kind
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.methods.certified import certified, posted
from equigrid.markets.methods.stackelberg_answer import StackelbergAnswer, sense
from equigrid.threads import one_blas_thread

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
    work_limit : float
        Work after which the same is done, on any machine: simplex iterations, every node counted
        as fifty more, times 1 and a thousandth of the program's rows and columns. Of two routes
        side by side each may do as much, and HiGHS' own branch and bound is counted four times
        and only between its rounds. Where a search does not end, the default comes to about two
        minutes.
    seconds : float, optional
        The same by the clock, for those who want one; the answer then depends on the machine.
        ``statistics`` of an equilibrium says what ended a search: ``stopped_by_nodes``,
        ``stopped_by_work``, ``stopped_by_clock``.
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
    work_limit: float = 5_000_000
    seconds: float | None = None
    route: Literal["auto", "branching", "milp"] = "auto"
    margin: float = 0.0
    progress: Progress | None = field(default=None, compare=False)
    tell_every: int = 50
    ties: bool = True

    def __post_init__(self) -> None:
        """Refuse limits that no search can go by."""
        limits = ("gap", "work_limit", "seconds")
        given = {name: getattr(self, name) for name in limits}
        findings = [
            f"{name} of Exact must be above 0 (got {value!r})"
            for name, value in given.items()
            if value is not None and not value > 0
        ]
        if findings:
            raise ValueError("\n".join(findings))

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
            equilibrium = certified(game, "exact", one_pass(game), ties=False)
        else:
            equilibrium = self.search(game).certified(ties=self.ties)
        posted(equilibrium, mailroom, stage)
        yield mailroom.clock.timeout(0)
        return equilibrium

    @one_blas_thread()
    def search(self, game: Game, effort: SearchLimits | None = None) -> StackelbergAnswer:
        """Solve a game that one agent leads and leave the certificate for later.

        For answers that are a step on the way to another game, as in the rounds in which a linear
        network is fitted to AC power flow.

        Parameters
        ----------
        game : Game
        effort : SearchLimits, optional
            What it may spend, in place of limits of its own; it counts what was spent.

        Raises
        ------
        WrongMethod, NoAnswer
            As :meth:`solve` does.
        """
        require_kind(game, "Exact.search", [Kind.LED])
        effort = effort or SearchLimits(self.node_limit, self.work_limit, self.seconds)
        program, stated, result = None, None, None
        try:
            program = KktProgram(game)
            stated = mpcc_of(program)
            result = self._search(program, stated, effort)
        except KeyboardInterrupt as error:
            raise Interrupted(None) from error
        answer = self._answer(program, stated, result, effort)
        if effort.interrupted:
            raise Interrupted(None if answer is None else answer.certified(ties=False))
        if answer is None:
            raise _no_answer(program, result, effort)
        return answer

    def _answer(
        self,
        program: KktProgram,
        stated: Mpcc,
        found: SearchResult,
        effort: SearchLimits,
    ) -> StackelbergAnswer | None:
        """Return the best answer with what was proven of it, if there is one."""
        best = found.best
        if best is None or found.status == "unbounded":
            return None
        sign, offset = sense(program.game), stated.program.offset
        return StackelbergAnswer(
            program,
            stated.restored(best.columns),
            sign * (best.value + offset),
            sign * (found.bound + offset),
            found.nodes,
            stated.pairs.count,
            settled=found.status == "optimal",
            iterations=effort.iterations,
            stopped_by=effort.ended_by if found.status == "limit" else "",
        )

    def _play_exchange(
        self, game: Game, mailroom: Mailroom, stage: str
    ) -> Generator[Any, Any, Equilibrium]:
        """Solve the central problem of balances."""
        program = CentralProgram(game)
        effort = SearchLimits(self.node_limit, self.work_limit, self.seconds)
        try:
            solution = program.solve(self.gap, effort)
        except KeyboardInterrupt as error:
            raise Interrupted(None) from error
        if solution.status != "optimal":
            raise why_no_exchange(program, solution.status)
        values = exchange_values(game, solution.columns, solution.prices)
        yield mailroom.clock.timeout(0)
        statistics = {"columns": float(program.size), "bound": solution.bound}
        if not solution.settled:
            statistics[f"stopped_by_{effort.ended_by or 'work'}"] = 1.0
        outcome = Outcome(
            values, bound=solution.bound, settled=solution.settled, statistics=statistics
        )
        return posted(certified(game, "exact", outcome), mailroom, stage)

    def _search(self, program: KktProgram, declared: Mpcc, effort: SearchLimits) -> SearchResult:
        """Solve by the route that is asked for; the answer is in the units of the declaration."""
        if self.route != "milp" and not self.margin:
            result = self._by_blocks(program.game, declared, effort)
            if result is not None:
                return result
        stated = declared.in_own_units()
        result = self._by_route(program, stated, effort)
        return result.sharpened(stated, margins(stated, self.margin)).declared(stated)

    def _by_blocks(self, game: Game, declared: Mpcc, effort: SearchLimits) -> SearchResult | None:
        blocks = components_of(declared)
        if blocks is None:
            return None
        progress = self._told(game, declared)
        return solve_by_component(declared, blocks, self.gap, effort, progress, self.tell_every)

    def _by_route(self, program: KktProgram, stated: Mpcc, effort: SearchLimits) -> SearchResult:
        if self.route == "milp" or self.margin:
            bounds = pair_bounds(program, stated)
            milp = BigMMilp(stated, bounds, self.gap, self.margin)
            return milp.run(self.node_limit, effort=effort)
        progress = self._told(program.game, stated)
        if self.route == "branching":
            branching = Branching(stated, self.gap, progress, self.tell_every)
            return branching.run(self.node_limit, effort)
        return solve_concurrently(program, stated, self.gap, effort, progress, self.tell_every)

    def _told(self, game: Game, stated: Mpcc) -> Progress | None:
        """Return the progress in the leader's own sense and in its currency."""
        tell, offset = self.progress, stated.program.offset
        unit = sense(game) * (1.0 if stated.units is None else stated.units.money)
        if tell is None:
            return None
        return lambda nodes, value, bound: tell(
            nodes, unit * (value + offset), unit * (bound + offset)
        )


def _no_answer(program: KktProgram, found: SearchResult, effort: SearchLimits) -> NoAnswer:
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
    limit = _LIMITS.get(effort.ended_by, "the search ended without a proof")
    return NoAnswer(f"no answer was found before {limit}")


_LIMITS = {
    "nodes": "the node limit of Exact; raise node_limit",
    "work": "the limit in work of Exact; raise work_limit",
    "clock": "the clock struck; give it more seconds (--seconds, or seconds of Exact)",
}
