"""Best response: negotiation below a leader, Nash games, EPEC, one pass."""

from collections.abc import Generator, Mapping
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
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, require_kind
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.methods.certified import certified, posted
from equigrid.markets.methods.exact import Exact
from equigrid.threads import one_blas_thread

_KINDS = (Kind.LED, Kind.SEVERAL_LEAD, Kind.ORDER, Kind.NASH)
_NAME = "best-response"
_ORDERS = ("gauss-seidel", "jacobi")


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
            When an agent has no feasible answer, or falls silent.
        """
        mailroom = Mailroom(faults=faults)
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Bargain through the mailroom; every party answers in a process of its own."""
        kind = require_kind(game, "BestResponse", _KINDS)
        if kind is Kind.LED:
            outcome = yield from negotiate(game, self.rounds, self.gap, mailroom, stage)
            return posted(certified(game, _NAME, outcome, ties=False), mailroom, stage)
        if kind is Kind.ORDER:
            result = posted(certified(game, _NAME, one_pass(game), ties=False), mailroom, stage)
            yield mailroom.clock.timeout(0)
            return result
        result = yield from self._play_rounds(game, kind, mailroom, stage)
        # Settled is what nobody regrets.
        content = all(regret <= self.gap for regret in result.certificate.regret.values())
        return posted(replace(result, settled=result.settled and content), mailroom, stage)

    def _play_rounds(
        self, game: Game, kind: Kind, mailroom: Mailroom, stage: str
    ) -> Generator[Any, Any, Equilibrium]:
        """Let agents, or several leaders, answer each other, and certify where that has led."""
        rules = Rules(self.rounds, self.order, self.damping, self.tolerance, self.gap)
        if kind is Kind.NASH:
            outcome = yield from play_nash(game, rules, mailroom, stage, self.start)
            return certified(game, _NAME, outcome, ties=False)
        solve = partial(_own_optimum, Exact(gap=self.gap / 2, ties=False))
        outcomes = yield from play_leaders(game, solve, rules, mailroom, stage, self.start)
        # Where the answers that leaders count on differ, those with the least regret stand.
        answers = [certified(game, _NAME, outcome, ties=False) for outcome in outcomes]
        return min(answers, key=lambda answer: max(answer.certificate.regret.values()))


def _own_optimum(exact: Exact, game: Game) -> OwnOptimum:
    """Solve the game of one leader, in which what the other leaders say is given."""
    solution = exact.solve(game)
    objective, bound = solution.leader_objective, solution.certificate.leader_bound
    assert objective is not None
    assert bound is not None
    return OwnOptimum(solution.values, objective, bound, solution.statistics["money"])
