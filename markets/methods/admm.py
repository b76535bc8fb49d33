"""ADMM, the alternating direction method of multipliers, for games with balances."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from equigrid.errors import NoAnswer, SolverFailed, UnusableGame
from equigrid.markets.admm.balance_terms import balance_terms_of, batch_of
from equigrid.markets.admm.central_program import CentralAnswer, CentralProgram
from equigrid.markets.admm.exchange_values import exchange_values
from equigrid.markets.admm.infeasibility import why_no_exchange
from equigrid.markets.admm.participant import Participant
from equigrid.markets.admm.proximal import Proximal
from equigrid.markets.admm.rounds import AdmmRounds, refuse_silenced_balances
from equigrid.markets.admm.settings import AdmmSettings
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, require_kind
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.talk_limits import TalkLimits
from equigrid.markets.methods.certified import certified, posted
from equigrid.threads import one_blas_thread

# Columns up to which the central problem is asked who is to blame when nothing settles.
_BLAMED_UP_TO = 200_000
# Rounds that are left to settle again when an agent's whole numbers have been fixed.
_AFTER_FIXING = 300
_ENDLESS = 1_000_000_000  # nodes for the central problem, where nothing is limited


@dataclass(frozen=True)
class Admm(AdmmSettings):
    """Settle balances by rounds of prices and responses; nobody sees another's problem.

    Agents with whole numbers are a heuristic: once all has settled with them relaxed, each in turn
    fixes them near what it had settled on, and the others settle again; a second try lets nobody
    go beyond that. The certificate's gap says what that may have cost. Where a talk ends before,
    each fixes them near its last answer, and the balances are off by as much.

    Parameters
    ----------
    rounds : int
        Limit; what has not settled by then is reported so.
    tolerance : float
        Greatest imbalance as a share of the greatest quantity told, or of a thousandth of the
        balance's own unit of quantity, which is found from the parties' figures.
    dual_tolerance : float
        Norm of what all responses are off their aims, by which aims and price still move, × rho, as
        a share of the norm of the prices seen. An exchange is settled when both hold in every
        balance, twice running.
    rho : float, optional
        Weight of the pull towards agreement at the beginning, price per unit of quantity; without
        it, one of the balance's own unit of price per own unit of quantity, so that the same
        exchange in other units goes the same way.
    adapt : bool
        Whether each balance moves its rho now and then so that what is off the balance and what
        aims still move, each as a share of its scale, fall alike.
    relaxation : float
        From 1 to below 2; above 1 every step goes a little further.
    memory : int
        Rounds that acceleration mixes, 0 for plain rounds.
    patience : int
        Rounds without a response that counts, after which a party is taken for silent.
    silent : str
        ``stop`` when a party falls silent, naming it, or ``go on`` without it, at what it said
        last.
    compare_up_to : int
        Columns of all agents together up to which the central problem is solved as well, its cost
        told as the statistic ``central_cost``; 0 never to look at it. Limits hold for it as well:
        where one ends the talk it is not solved.
    work_limit : float, optional
        Work after which the talk ends with its last answer, certified and not settled, the same on
        every machine: that of `Exact`, where every answer of an agent, or of a fleet's member,
        counts as one node of a program of its size. Without it, only rounds are limited.
    seconds : float, optional
        The same by the clock; the answer then depends on the machine. Both are looked at after
        every round. ``statistics`` of an equilibrium says what ended a talk: ``stopped_by_work``,
        ``stopped_by_clock``.
    progress : callable, optional
        Told after every round: its number, what is off, and what is allowed, of imbalance and
        ``tolerance``, or of what aims and price still move and ``dual_tolerance``, whichever is
        further off. A second try for whole numbers begins with round 1 again.
    """

    @one_blas_thread()
    def solve(self, game: Game, faults: Faults | None = None) -> Equilibrium:
        """Settle on a private clock.

        Parameters
        ----------
        game : Game
            With balances, and without a leader.
        faults : Faults, optional
            What may happen to messages on the way.

        Raises
        ------
        WrongMethod
            When the game is not of this kind; says which method is.
        NoAnswer
            Naming an agent that has no answer or falls silent, or a balance that cannot hold; or
            where a limit was met before the first round was over.
        Interrupted
            On Ctrl-C, with the last answer, if there is one.
        ValueError
            When the faults silence a balance; says who can fall silent.
        """
        mailroom = Mailroom(faults=faults)
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Settle through the mailroom; every agent answers in a process of its own."""
        require_kind(game, "Admm", [Kind.BALANCES])
        refuse_silenced_balances(game, mailroom.faults)
        limits = TalkLimits("Admm", self.work_limit, self.seconds, self.progress)
        talks: list[AdmmRounds] = []
        try:
            with limits.ending():
                yield from self._talk(game, mailroom, stage, talks, limits)
        finally:
            mailroom.end_bargaining()
        played = [talk for talk in talks if talk.records]
        if not played:
            raise limits.without_answer()
        outcome = self._outcome(game, played[-1], limits)
        ties = limits.ended_by != "interrupt"
        return posted(limits.hand(certified(game, "admm", outcome, ties=ties)), mailroom, stage)

    def _outcome(self, game: Game, talk: AdmmRounds, limits: TalkLimits) -> Outcome:
        """Return what came of a talk, beside the central problem unless a limit was met."""
        if limits.ended_by or not talk.settled:
            _make_whole(talk, limits)
        central = None
        if not limits.ended_by:
            if not talk.settled:
                self._refuse_impossible(game, limits)
            central = self._central(game, self.compare_up_to, limits)
        columns = {name: answer.ravel() for name, answer in talk.columns().items()}
        return Outcome(
            exchange_values(game, columns, talk.prices()),
            bound=None if central is None or central.status != "optimal" else central.bound,
            fleets=talk.fleet_points(),
            settled=talk.settled and not limits.ended_by,
            statistics={"rounds": len(talk.records)} | _compared(central) | limits.statistics,
            rounds=tuple(talk.records),
            silent=dict(talk.silent),
        )

    def _talk(
        self,
        game: Game,
        mailroom: Mailroom,
        stage: str,
        talks: list[AdmmRounds],
        limits: TalkLimits,
    ) -> Generator[Any, Any, None]:
        """Settle with whole numbers relaxed, then fix them agent by agent and settle again.

        All attempts are put into the list of talks; the last one counts.
        """
        for beyond in (True, False):
            parties = {a.name: self._party(game, a.name, limits) for a in game.deciders}
            talk = AdmmRounds(game, parties, self, limits)
            talks.append(talk)
            try:
                yield from talk.play(mailroom, stage)
            except NoAnswer:
                # Prices without end make solvers see reasons that are none.
                self._refuse_impossible(game, limits)
                raise
            whole = [party for party in talk.parties.values() if party.stakes.has_whole]
            if not whole or not talk.settled:
                return
            if (yield from _fix_whole(talk, whole, mailroom, stage, beyond=beyond)):
                return
            if limits.ended_by:
                return
            mailroom.end_bargaining()  # the next one begins with round 1 again
        raise NoAnswer(
            f"Admm settles with the whole numbers of '{whole[0].name}' relaxed, and finds none "
            "with which the balances hold; use Exact, which solves the central problem",
            whole[0].name,
        )

    def _party(self, game: Game, name: str, limits: TalkLimits) -> Participant:
        stakes = balance_terms_of(game, name)
        if stakes.size > 1 and stakes.has_whole:
            raise UnusableGame(
                [
                    f"fleet '{name}' has whole numbers, which Admm takes of single agents only; "
                    "state its members one by one, or use Exact"
                ]
            )
        step = Proximal(stakes) if stakes.takes_interior_point else batch_of(stakes)
        keeps = self.silent == "go on"
        return Participant(name, stakes, step, self.relaxation, keeps_answers=keeps, limits=limits)

    def _central(self, game: Game, limit: int, limits: TalkLimits) -> CentralAnswer | None:
        """Solve the central problem where it is small enough to compare with."""
        stakes = [balance_terms_of(game, agent.name) for agent in game.deciders]
        size = sum(stake.size * stake.form.columns for stake in stakes)
        if size > limit:
            return None
        try:
            return CentralProgram(game).solve(effort=limits.rest(_ENDLESS))
        except UnusableGame:
            return None  # whole numbers beside a quadratic cost: no solver here takes both

    def _refuse_impossible(self, game: Game, limits: TalkLimits) -> None:
        central = self._central(game, _BLAMED_UP_TO, limits)
        if central is not None and central.status == "infeasible":
            raise why_no_exchange(CentralProgram(game), central.status)


def _make_whole(talk: AdmmRounds, limits: TalkLimits) -> None:
    """Give whole numbers to those that a talk left without them; others do not answer that."""
    try:
        for party in talk.parties.values():
            party.make_whole()
    except NoAnswer as error:
        raise (limits.without_answer() if limits.ended_by else error) from error


def _fix_whole(
    talk: AdmmRounds, whole: Sequence[Participant], mailroom: Mailroom, stage: str, *, beyond: bool
) -> Generator[Any, Any, bool]:
    """Fix whole numbers agent by agent; whether the others could settle around them."""
    try:
        for party in whole:
            party.fix_whole(beyond=beyond)
            yield from talk.play(mailroom, stage, _AFTER_FIXING)
            if talk.limits.ended_by:
                return False
    except SolverFailed:
        raise
    except NoAnswer:
        return False
    return talk.settled


def _compared(central: CentralAnswer | None) -> dict[str, float]:
    if central is None or central.status != "optimal" or not central.settled:
        return {}
    return {"central_cost": central.cost}
