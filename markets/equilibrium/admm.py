"""Agents settle balances by talking: the alternating direction method of multipliers."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from equigrid.markets.equilibrium.method import Equilibrium
from equigrid.markets.exchange.outcome import exchange_outcome, exchange_values
from equigrid.markets.exchange.participant import Participant
from equigrid.markets.exchange.proximal import Proximal
from equigrid.markets.exchange.stakes import batch_of, stakes_of
from equigrid.markets.exchange.talk import Talk
from equigrid.markets.faults import Faults
from equigrid.markets.game import Game
from equigrid.markets.kinds import Kind, require_kind
from equigrid.markets.mailroom import Mailroom


@dataclass(frozen=True)
class Admm:
    """Settle balances by rounds of prices and offers; nobody sees another's problem.

    Parameters
    ----------
    rounds : int
        Limit; what has not settled by then is reported so.
    tolerance : float
        Greatest imbalance as a share of the greatest offer, or of 1.
    dual_tolerance : float
        Change of the agents' aims from round to round, × rho, as a share of the prices they see.
    rho : float
        Weight of the pull towards agreement at the beginning, price per unit of quantity.
    adapt : bool
        Whether each balance moves its rho so that both residuals fall alike.
    relaxation : float
        From 1 to below 2; above 1 every step goes a little further.
    memory : int
        Rounds that acceleration mixes, 0 for plain rounds.
    patience : int
        Rounds without an offer that counts, after which a party is taken for silent.
    silent : str
        ``stop`` when a party falls silent, naming it, or ``go on`` without it, at what it said
        last.
    """

    rounds: int = 2000
    tolerance: float = 1e-6
    dual_tolerance: float = 1e-5
    rho: float = 1.0
    adapt: bool = True
    relaxation: float = 1.6
    memory: int = 10
    patience: int = 40
    silent: Literal["stop", "go on"] = "stop"

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
            Naming an agent that has no answer or falls silent, or a balance that cannot hold.
        """
        mailroom = Mailroom(faults=faults)
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Settle through the mailroom; every agent answers in a process of its own."""
        require_kind(game, "Admm", [Kind.BALANCES])
        parties = {agent.name: self._party(game, agent.name) for agent in game.deciders}
        talk = Talk(game, parties, self)
        try:
            yield from talk.play(mailroom, stage)
        finally:
            mailroom.end_bargaining()
        columns = {name: answer.ravel() for name, answer in talk.columns().items()}
        values = exchange_values(game, columns, talk.prices())
        return exchange_outcome(
            game,
            "admm",
            values,
            mailroom,
            stage,
            fleets=talk.fleet_points(),
            settled=talk.settled,
            statistics={"rounds": len(talk.records)},
            rounds=tuple(talk.records),
        )

    def _party(self, game: Game, name: str) -> Participant:
        stakes = stakes_of(game, name)
        step = Proximal(stakes) if stakes.is_small else batch_of(stakes)
        keeps = self.silent == "go on"
        return Participant(name, stakes, step, self.relaxation, keeps_answers=keeps)
