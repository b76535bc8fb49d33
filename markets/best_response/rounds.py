"""Best-response rounds until nobody moves, or a cycle is found."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.best_response.party import Party, distance
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.talk_limits import LimitMet, TalkLimits

Order = Literal["gauss-seidel", "jacobi"]
# A profile has come back when it is that near an earlier one, relative, ...
_NEAR = 1e-7
# ... and what lies between is further away than that by this factor: slow is no cycle.
_APART = 1e3
# Rounds in which nothing of a party arrives before it is taken for silent, as in a negotiation.
# When one message in five is lost, 31 in a row are lost once in 10^21.
_PATIENCE = 30


@dataclass(frozen=True)
class Rules:
    """How rounds are played.

    Attributes
    ----------
    rounds : int
        Limit.
    order : str
        ``gauss-seidel``, each hears those before it in the same round, or ``jacobi``, all decide
        at once upon what was said in the round before.
    damping : float
        Share of a new answer in what is said, in (0, 1].
    tolerance : float
        By how much, relative, best answers may differ from what was said when rounds end.
    gap : float
        Regret, relative, with which it may end.
    near : float
        How near, relative, words have to come to earlier ones to count as the same.
    units : Mapping of str to float
        Unit of each word, by path: what is less is compared with it.
    limits : TalkLimits
        In work and by the clock, which end the rounds as well.
    """

    rounds: int = 60
    order: Order = "gauss-seidel"
    damping: float = 1.0
    tolerance: float = 1e-6
    gap: float = 1e-6
    near: float = _NEAR
    units: Mapping[str, float] = field(default_factory=dict)
    limits: TalkLimits = field(default_factory=TalkLimits)


@dataclass
class Transcript:
    """What was said, round by round.

    Attributes
    ----------
    rounds : list of Mapping
        ``round``, ``said`` by path, and ``moved``: the greatest distance of anybody's best answer
        from what it had said.
    settled : bool
        Whether nobody moved at what all others say now.
    ended_by : Mapping of str to float
        What ended the rounds before their own end or their number did, as a statistic.
    cycle : int
        After how many rounds all came back to what was said before; 0 if it did not.
    disagreement : float
        How far apart, relative, the answers are that several leaders count on.
    """

    rounds: list[Mapping[str, Any]] = field(default_factory=list)
    settled: bool = False
    ended_by: Mapping[str, float] = field(default_factory=dict)
    cycle: int = 0
    disagreement: float = 0.0

    @property
    def said(self) -> dict[str, FloatArray]:
        """The last words, by path."""
        return dict(self.rounds[-1]["said"])

    @property
    def statistics(self) -> dict[str, float]:
        """The number of rounds, a limit, and what there is of a cycle and of disagreement."""
        statistics = {
            "rounds": float(len(self.rounds)),
            "cycle": float(self.cycle),
            "disagreement": self.disagreement,
        }
        return {name: value for name, value in statistics.items() if value} | dict(self.ended_by)

    def outcome(
        self, values: Mapping[str, FloatArray], bounds: Mapping[str, float] | None = None
    ) -> Outcome:
        """Return what it has led to, with everything said at the end, by path."""
        return Outcome(
            values,
            bounds=bounds or {},
            settled=self.settled,
            statistics=self.statistics,
            rounds=tuple(self.rounds),
        )

    def note(self, parties: Sequence[Party], rules: Rules, *, faithful: bool) -> None:
        """Write down a round, and see whether it was the last one.

        Parameters
        ----------
        parties : sequence of Party
        rules : Rules
        faithful : bool
            Whether all mail arrives at once; else what came back may go on differently.
        """
        said = {path: value for party in parties for path, value in party.player.said.items()}
        moved = max(party.moved for party in parties)
        self.rounds.append({"round": len(self.rounds) + 1, "said": said, "moved": moved})
        up_to_date = all(_knows(party, said, rules) for party in parties)
        self.settled = moved <= rules.tolerance and up_to_date
        if faithful and not self.settled:
            words = [record["said"] for record in self.rounds]
            self.cycle = cycle_length(words, rules.near, rules.units)
        rules.limits.tell(len(self.rounds), moved, rules.tolerance)


def _knows(party: Party, said: Mapping[str, FloatArray], rules: Rules) -> bool:
    """Whether what a party decided upon is what the others say now."""
    own = party.player.said
    others = {p: v for p, v in said.items() if p in party.heard and p not in own}
    return distance(others, party.heard, rules.units) <= rules.tolerance


def cycle_length(
    said: Sequence[Mapping[str, FloatArray]],
    near: float = _NEAR,
    units: Mapping[str, float] = MappingProxyType({}),
) -> int:
    """Return after how many rounds the last words are those of an earlier round; 0 if they never.

    Examples
    --------
    >>> import numpy as np
    >>> words = [{"a.x": np.array([value])} for value in (0.5, 1.0, 0.0, 1.0)]
    >>> cycle_length(words)
    2
    """
    last, furthest = said[-1], 0.0
    for length, earlier in enumerate(reversed(said[:-1]), start=1):
        off = distance(last, earlier, units)
        if length > 1 and off <= near and furthest > _APART * near:
            return length
        furthest = max(furthest, off)
    return 0


def play_rounds(
    parties: Sequence[Party], mailroom: Mailroom, rules: Rules
) -> Generator[Any, Any, Transcript]:
    """Let parties answer each other through the mailroom, each in a process of its own.

    Parameters
    ----------
    parties : sequence of Party
        In the order in which they speak.
    mailroom : Mailroom
    rules : Rules

    Raises
    ------
    NoAnswer
        Naming who has no answer, or fell silent.
    LimitMet
        When a limit, or Ctrl-C, ended the talk before its first round was over.
    """
    result, begin, limits = Transcript(), mailroom.struck, rules.limits
    acts = {party.player.name: party.act for party in parties}
    try:
        with limits.ending():
            while _goes_on(result, rules) and not limits.over:
                mailroom.next_round()
                yield mailroom.together(acts)
                result.note(parties, rules, faithful=mailroom.struck == begin)
                if not result.settled:
                    _refuse_silence(parties, len(result.rounds))
    finally:
        mailroom.end_bargaining()
    if not result.rounds:
        raise LimitMet
    if limits.ended_by:
        result.settled, result.ended_by = False, limits.statistics
    return result


def _goes_on(result: Transcript, rules: Rules) -> bool:
    return len(result.rounds) < rules.rounds and not result.settled and not result.cycle


def _refuse_silence(parties: Sequence[Party], number: int) -> None:
    """Name who has not been heard for long by one that it tells something in every round."""
    hearers = {party.player.name: party for party in parties}
    for party in parties:
        name = party.player.name
        heard = min((hearers[other].heard_in(name) for other in party.tells), default=number)
        if number - heard > _PATIENCE:
            raise NoAnswer(_fell_silent(name, heard, number), name)


def _fell_silent(party: str, heard: int, number: int) -> str:
    if not heard:
        return f"agent '{party}' was not heard once in {number} rounds; mend its messages"
    return (
        f"agent '{party}' fell silent: it was heard last in round {heard} of {number}; lower loss "
        "and delay_rounds of the messages, or let no party be silent so early"
    )
