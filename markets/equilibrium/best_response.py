"""Best responses by turns: a leader negotiates with its followers."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from equigrid.markets.bilevel.negotiation import negotiate
from equigrid.markets.equilibrium.method import Equilibrium, require_leader
from equigrid.markets.game import Game
from equigrid.markets.mailroom import Mailroom


@dataclass(frozen=True)
class BestResponse:
    """Negotiate in rounds of announced signals and answers.

    Parameters
    ----------
    rounds : int
        Limit; the talk that has not ended by then is reported as not settled.
    gap : float
        Relative gap to which the leader solves its own problem in each round.
    """

    rounds: int = 60
    gap: float = 1e-6

    def solve(self, game: Game) -> Equilibrium:
        """Negotiate on a private clock.

        Raises
        ------
        WrongMethod
            When the game is not of this kind; says which method is.
        NoAnswer
            When an agent has no feasible answer.
        """
        mailroom = Mailroom()
        return mailroom.run(self.play(game, mailroom))

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Negotiate through the mailroom; every follower answers in a process of its own."""
        require_leader(game, "BestResponse")
        return (yield from negotiate(game, self.rounds, self.gap, mailroom, stage))
