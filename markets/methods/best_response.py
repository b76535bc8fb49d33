"""Best response: negotiation below a leader, Nash games, EPEC, one pass."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from equigrid.markets.best_response.epec import play_leaders
from equigrid.markets.best_response.epec_leader import OwnOptimum
from equigrid.markets.best_response.nash import play_nash
from equigrid.markets.best_response.negotiation import negotiate
from equigrid.markets.best_response.one_pass import one_pass
from equigrid.markets.best_response.rounds import Order, Rules
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.forms.search_limits import SearchLimits
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, require_kind
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.talk_limits import Progress, TalkLimits
from equigrid.markets.methods.certified import certified, posted
from equigrid.markets.methods.exact import Exact
from equigrid.threads import one_blas_thread

_KINDS = (Kind.LED, Kind.SEVERAL_LEAD, Kind.ORDER, Kind.NASH)
_NAME = "best-response"
_ORDERS = ("gauss-seidel", "jacobi")
# Work that may be done beyond all limits, about two seconds, for what followers say at last words.
_HELD = 100_000


@dataclass(frozen=True)
class BestResponse:
    """Let each agent answer what it hears, in rounds of messages.

    Below one leader it is a negotiation of announced signals and answers, in which only rounds
    and gap matter. Several leaders decide in turn, each by Exact with what the others said taken
    as given (diagonalisation). Where nobody leads, all agents do, each with its own problem; if
    nobody waits for another in a circle, once and in order.

    Parameters
    ----------
    rounds : int
        Limit; the talk that has not ended by then is reported as not settled.
    gap : float
        Relative gap to which a leader solves its own problem in each round, and the regret with
        which an answer counts as settled.
    order : str
        ``gauss-seidel``: each hears those before it in the same round, in the order of the game;
        or ``jacobi``: all decide at once upon what was said in the round before.
    damping : float
        Share of a new answer in what is said next, above 0 and at most 1; the rest is what was
        said before. Agents with whole numbers cannot mix.
    tolerance : float
        By how much, relative, best answers may differ from what was said when a talk ends. Of
        several leaders, one moves only if that gains it a thousandth of the gap.
    start : Mapping of str to array
        What agents (several leaders, where there are) are taken to have said before the first
        round, by ``"agent.quantity"``. Otherwise it is the middle of what the bounds of their
        variables allow, the finite end where there is one, and 0 where there is none.
    work_limit : float, optional
        Work after which the talk ends with its best or last answer so far, certified and not
        settled, the same on every machine: that of `Exact`, where every answer of an agent counts
        as one node of a program of its size, and what leaders search for as it does there.
        Without it, only rounds are limited.
    seconds : float, optional
        The same by the clock; the answer then depends on the machine. Both are looked at after
        every round, and end a search for whole numbers, or of a leader, in the middle.
        ``statistics`` of an equilibrium says what ended a talk: ``stopped_by_work``,
        ``stopped_by_clock``.
    progress : callable, optional
        Told after every round: its number, what is off, and what is allowed. In a negotiation
        that is the relative gap between what the leader plans and the best that came of it, NaN
        as long as it only tries prices, and its ``gap``; else by how much best answers differ from
        what was said, and its ``tolerance``. One pass in order is one round, with NaN for both.

    Raises
    ------
    ValueError
        With a sentence for each setting that cannot be used.

    Examples
    --------
    Two firms whose price falls with what both sell:

    >>> import cvxpy as cp
    >>> from equigrid.markets.model.agent import Agent
    >>> from equigrid.markets.model.link import Link
    >>> def firm(name):
    ...     output, others = cp.Variable(bounds=[0, 99]), cp.Parameter()
    ...     profit = 90 * output - cp.square(output) - others * output
    ...     return Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})
    >>> links = [Link("a.q", "b.others"), Link("b.q", "a.others")]
    >>> found = BestResponse().solve(Game([firm("a"), firm("b")], links=links))
    >>> found.settled, round(float(found.values["a.q"]), 3)
    (True, 30.0)
    """

    rounds: int = 60
    gap: float = 1e-6
    order: Order = "gauss-seidel"
    damping: float = 1.0
    tolerance: float = 1e-6
    start: Mapping[str, ArrayLike] = field(default_factory=dict, compare=False)
    work_limit: float | None = None
    seconds: float | None = None
    progress: Progress | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is no number of rounds, no share and no order."""
        if findings := self._findings():
            raise ValueError("\n".join(findings))
        start = {path: np.array(value, dtype=float) for path, value in self.start.items()}
        object.__setattr__(self, "start", start)

    def _findings(self) -> list[str]:
        checks = {
            f"rounds of BestResponse must be at least 1 (got {self.rounds!r})": self.rounds >= 1,
            f"gap of BestResponse must be above 0 (got {self.gap!r})": self.gap > 0,
            f"tolerance of BestResponse must be above 0 (got {self.tolerance!r})": self.tolerance
            > 0,
            "damping of BestResponse must be above 0 and at most 1, the share of a new answer "
            f"(got {self.damping!r})": 0 < self.damping <= 1,
            f"order of BestResponse must be {' or '.join(_ORDERS)} (got {self.order!r})": self.order
            in _ORDERS,
            **{
                f"{name} of BestResponse must be above 0 (got {value!r})": value is None
                or value > 0
                for name, value in (("work_limit", self.work_limit), ("seconds", self.seconds))
            },
        }
        return [sentence for sentence, holds in checks.items() if not holds]

    @one_blas_thread()
    def solve(self, game: Game, faults: Faults | None = None) -> Equilibrium:
        """Bargain on a private clock.

        Parameters
        ----------
        game : Game
        faults : Faults, optional
            What may happen to the messages.

        Raises
        ------
        WrongMethod
            When the game is not of these kinds; says which method is.
        NoAnswer
            When an agent has no feasible answer, or falls silent; or no answer was found before a
            limit.
        Interrupted
            On Ctrl-C, with the best or last answer so far, if there is one.
        """
        mailroom = Mailroom(faults=faults)
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Bargain through the mailroom; every party answers in a process of its own."""
        kind = require_kind(game, "BestResponse", _KINDS)
        limits = TalkLimits("BestResponse", self.work_limit, self.seconds, self.progress)
        outcomes: list[Outcome] = []
        with limits.ending():
            outcomes = yield from self._talk(game, kind, mailroom, stage, limits)
        if not outcomes:
            raise limits.without_answer()
        result = _least_regret([certified(game, _NAME, found, ties=False) for found in outcomes])
        if kind in (Kind.NASH, Kind.SEVERAL_LEAD):
            # Settled is what nobody regrets.
            content = all(regret <= self.gap for regret in result.certificate.regret.values())
            result = replace(result, settled=result.settled and content)
        result = posted(limits.hand(result), mailroom, stage)
        if kind is Kind.ORDER:
            yield mailroom.clock.timeout(0)
        return result

    def _talk(
        self, game: Game, kind: Kind, mailroom: Mailroom, stage: str, limits: TalkLimits
    ) -> Generator[Any, Any, list[Outcome]]:
        """Let agents, or leaders, answer each other, and return where that has led."""
        if kind is Kind.ORDER:
            return [one_pass(game, limits)]
        if kind is Kind.LED:
            return [(yield from negotiate(game, self.rounds, self.gap, mailroom, stage, limits))]
        rules = Rules(
            self.rounds, self.order, self.damping, self.tolerance, self.gap, limits=limits
        )
        if kind is Kind.NASH:
            return [(yield from play_nash(game, rules, mailroom, stage, self.start))]
        exact = Exact(gap=self.gap / 2, ties=False)
        solve, hold = partial(_own_optimum, exact, limits), partial(_held_optimum, exact)
        return (yield from play_leaders(game, solve, hold, rules, mailroom, stage, self.start))


def _least_regret(answers: Sequence[Equilibrium]) -> Equilibrium:
    """Return, where the answers that leaders count on differ, the one with the least regret."""
    if len(answers) == 1:
        return answers[0]
    return min(answers, key=lambda answer: max(answer.certificate.regret.values()))


def _own_optimum(exact: Exact, limits: TalkLimits, game: Game) -> OwnOptimum:
    """Solve the game of one leader, in which what the other leaders say is given."""
    with limits.search(exact.node_limit, exact.work_limit) as effort:
        solution = exact.search(game, effort).certified(ties=False)
    objective, bound = solution.leader_objective, solution.certificate.leader_bound
    assert objective is not None
    assert bound is not None
    return OwnOptimum(solution.values, objective, bound, solution.statistics["money"])


def _held_optimum(exact: Exact, game: Game) -> OwnOptimum:
    """Let followers answer words that all leaders keep to, when the limits of the talk are met."""
    answer = exact.search(game, SearchLimits(exact.node_limit, _HELD))
    money = answer.program.money(answer.columns)
    return OwnOptimum(answer.values, answer.objective, answer.bound, money)
