"""Negotiation below a leader: column generation over the answers that it has heard.

Against fixed quantities a price setter's best answer jumps between zero and the cap. So the
leader remembers every answer (quantity and own cost) of every follower, and prices as if each
chose, among its own answers, the one that is cheapest for it. The followers answer with their
true optimum; the talk ends when nobody has anything new to say.
"""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, SolverFailed
from equigrid.markets.best_response.leader_infeasibility import broken_limit
from equigrid.markets.best_response.master_program import Answer, AnswerProgram, follower_cost
from equigrid.markets.best_response.negotiating_follower import Follower, decided
from equigrid.markets.bilevel.signals import Signals, interval
from equigrid.markets.games.game import Game
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response, Signal
from equigrid.markets.messaging.posting import said_to, said_values
from equigrid.markets.messaging.talk_limits import LimitMet, TalkLimits

# Answers are vertices: one that is not cheaper by this much, relative, is not new.
_NEW = 1e-9
# How often the leader asks before it takes a follower for silent. When one message in five is
# lost, only one round in 10^13 ends so by chance.
_TRIES = 30


def negotiate(
    game: Game,
    rounds: int,
    gap: float,
    mailroom: Mailroom,
    stage: str = "",
    limits: TalkLimits | None = None,
) -> Generator[Any, Any, Outcome]:
    """Negotiate through the mailroom; every follower answers in a process of its own.

    Parameters
    ----------
    game : Game
        With one leader.
    rounds : int
        Limit; the talk that has not ended by then is not settled.
    gap : float
        Relative gap to which the leader solves its own problem in each round.
    mailroom : Mailroom
    stage : str
        Of the study's timetable.
    limits : TalkLimits, optional
        In work and by the clock, which end the talk as well.

    Raises
    ------
    NoAnswer
        When an agent has no feasible answer, or none of its answers arrives.
    LimitMet
        When a limit, or Ctrl-C, ended the talk before it had an answer.
    """
    limits = limits or TalkLimits()
    talk = _Talk(game, gap, limits)
    followers = {agent.name: Follower(game, agent.name, limits) for agent in game.followers}
    try:
        with limits.ending():
            while len(talk.rounds) < rounds and not talk.settled and not limits.over:
                talk.propose()
                responses = yield from _exchange(followers, mailroom, stage, talk)
                talk.take(responses)
    finally:
        mailroom.end_bargaining()
    told_values, claimed = talk.outcome()
    values = said_values(game, decided(followers, told_values)) | told_values
    return Outcome(
        values,
        claimed=claimed,
        settled=talk.settled and not limits.ended_by,
        statistics={"rounds": len(talk.rounds)} | limits.statistics,
        rounds=tuple(talk.rounds),
    )


def _exchange(
    followers: Mapping[str, Follower], mailroom: Mailroom, stage: str, talk: "_Talk"
) -> Generator[Any, Any, dict[str, Response]]:
    """Ask every follower until all responses of this round have come."""
    leader, number = str(talk.game.leader), len(talk.rounds) + 1
    responses: dict[str, Response] = {}

    def hear() -> list[str]:
        """Take the first response of each, and return whose is missing."""
        for message in mailroom.empty(leader):
            # Whatever still comes from earlier rounds is a repetition.
            if isinstance(message, Response) and (message.stage, message.round) == (stage, number):
                responses.setdefault(message.sender, message)
        return [name for name in followers if name not in responses]

    for _ in range(_TRIES):
        mailroom.next_round()
        for name in hear():
            mailroom.post(talk.signal(name, stage, number))
        yield mailroom.together({name: party.act for name, party in followers.items()})
        missing = hear()
        if not missing:
            return responses
    raise _unheard(missing)


def _answer(response: Response) -> Answer:
    """Return what a follower said and what it costs it, as the leader remembers it."""
    assert response.own_cost is not None  # here every follower tells it
    said = {name: np.asarray(value) for name, value in response.values.items()}
    return Answer(said, response.own_cost)


def _unheard(names: list[str]) -> NoAnswer:
    """Name who has not answered."""
    agents = "agent" if len(names) == 1 else "agents"
    has = "has" if len(names) == 1 else "have"
    listed = ", ".join(f"'{name}'" for name in names)
    return NoAnswer(
        f"{agents} {listed} {has} not answered in {_TRIES} tries; lower loss and delay_rounds of "
        "the messages, or let no party be silent so early",
        names[0],
    )


class _Talk:
    """The leader's side: what it has heard, what it announces next, and how far it has come."""

    def __init__(self, game: Game, gap: float, limits: TalkLimits) -> None:
        self.game, self.gap, self._limits = game, gap, limits
        self.signals = Signals(game)
        self.heard: dict[str, list[Answer]] = {agent.name: [] for agent in game.followers}
        self.announced: dict[str, FloatArray] = {}
        self.rounds: list[Mapping[str, Any]] = []
        self.settled = False
        self._sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
        self._planned: float | None = None
        self._best: tuple[float, AnswerProgram, FloatArray] | None = None
        self._refused: AnswerProgram | None = None  # the last announcement that led nowhere

    def propose(self) -> None:
        """Choose the next signals: first a few probes, then the best against all answers."""
        if len(self.rounds) < len(_PROBES):
            self._planned = None
            self.announced = _probe(self.game, self.signals, _PROBES[len(self.rounds)])
            return
        program = AnswerProgram(self.game, self.heard)
        try:
            solution = program.solve(self.gap, limits=self._limits)
        except NoAnswer as error:
            raise self._no_decision(program) or error from error
        self._planned = solution.objective
        self.announced = program.announced(solution.columns)

    def signal(self, follower: str, stage: str, number: int) -> Signal:
        """Return what the leader asks a follower in this round."""
        leader = str(self.game.leader)
        names = said_to(self.game, leader, self.game.agent(follower))
        signals = {name: self.announced[f"{leader}.{name}"] for name in names}
        return Signal(sender=leader, receiver=follower, stage=stage, round=number, values=signals)

    def take(self, responses: Mapping[str, Response]) -> None:
        """Remember new answers; without one, the talk is over."""
        answers = {name: _answer(response) for name, response in responses.items()}
        fresh = [name for name in self.heard if self._is_new(name, answers[name])]
        for name in fresh:
            self.heard[name].append(answers[name])
        self.settled = self._planned is not None and not fresh
        realised = self._realise(answers)
        self.rounds.append(
            {
                "round": len(self.rounds) + 1,
                "announced": dict(self.announced),
                "planned": None if self._planned is None else self._sign * self._planned,
                "realised": None if realised is None else self._sign * realised,
                "new_answers": len(fresh),
            }
        )
        self._limits.tell(len(self.rounds), self._open(), self.gap)

    def _open(self) -> float:
        """Return by how much, relative, the best so far falls short of what was planned."""
        if self._planned is None or self._best is None:
            return np.nan
        best = self._best[0]
        size = max(abs(self._planned), abs(best))
        return max(0.0, best - self._planned) / size if size else 0.0

    def _is_new(self, name: str, answer: Answer) -> bool:
        """Whether an answer is cheaper for its follower than all it has given before."""
        form = self.game.forms[name]
        known = [*self.heard[name], answer]
        paid = [follower_cost(self.signals, form, a, self.announced) for a in known]
        costs = [a.own_cost + p for a, p in zip(known, paid, strict=True)]
        # Constants cost nothing that an answer could save.
        moved = abs(answer.own_cost - form.offset) + abs(paid[-1])
        return costs[-1] < min(costs[:-1], default=np.inf) - _NEW * moved

    def _realise(self, answers: Mapping[str, Answer]) -> float | None:
        """Value of what was announced and truly answered; the best one is kept.

        In the settled round the leader's own choice among equally cheap answers stands.
        """
        chosen = self.heard if self.settled else {n: [a] for n, a in answers.items()}
        program = AnswerProgram(self.game, chosen, announced=self.announced)
        try:
            solution = program.solve(self.gap, polish=True)
        except SolverFailed:
            raise
        except NoAnswer:
            self._refused = program
            return None
        if self.settled or self._best is None or solution.objective < self._best[0]:
            self._best = (solution.objective, program, solution.columns)
        return solution.objective

    def outcome(self) -> tuple[dict[str, FloatArray], float]:
        """Return everything said at the best announcement, and the leader's own value of it."""
        if self._best is None:
            if self._limits.ended_by:
                raise LimitMet
            said = self._no_decision(self._refused) if self._refused is not None else None
            raise said or NoAnswer(
                f"leader '{self.game.leader}' found no decision that the answers it heard allow; "
                "relax its constraints",
                str(self.game.leader),
            )
        value, program, columns = self._best
        return program.values(columns), self._sign * value

    def _no_decision(self, program: AnswerProgram) -> NoAnswer | None:
        """Name the limit and hour that the answers heard leave no room for, if there is one."""
        leader, limit = str(self.game.leader), broken_limit(program)
        if not limit:
            return None
        return NoAnswer(
            f"leader '{leader}' has no decision that the answers it heard allow, rounds played: "
            f"{max(1, len(self.rounds))}; {limit}; relax that limit, or the bounds of what it "
            "holds for",
            leader,
        )


# Fractions of the leader's signal range that open the talk.
_PROBES = (0.5, 1.0, 0.0)


def _probe(game: Game, signals: Signals, fraction: float) -> dict[str, FloatArray]:
    """Signals at a fraction of their range; where nothing bounds them, 0."""
    form = game.forms[str(game.leader)]
    by_name = {}
    for name in dict.fromkeys(
        n for a in game.followers for n in said_to(game, str(game.leader), a)
    ):
        said = form.said[name]
        low, high = interval(said, form.lower, form.upper)
        low, high = (np.where(np.isfinite(end), end, 0.0) for end in (low, high))
        flat = low + fraction * (high - low)
        by_name[f"{game.leader}.{name}"] = np.reshape(flat, said.shape, order="F")
    return by_name
