"""An equilibrium with its certificate, and the protocol of the methods that return it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame
from equigrid.markets.accounts.dlmp_decomposition import dual_parts
from equigrid.markets.accounts.settlement import amounts, settlement_table
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.check import Check
from equigrid.markets.certification.claim import Claim, claim_of
from equigrid.markets.forms.points import Point
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import kind_of
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.model.sources import Dual, split

_LIMITS = {
    "stopped_by_work": "its limit in work",
    "stopped_by_clock": "the seconds that it was given",
    "stopped_by_interrupt": "the time until it was interrupted",
}


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """An answer to a game, with the proof that it is one.

    Attributes
    ----------
    game : Game
    method : str
        Name of the method that found it.
    values : Mapping of str to array
        Everything said at the answer, by ``"agent.quantity"``.
    leader_objective : float or None
        The leader's objective in its own sense, recomputed from price × quantity.
    certificate : Certificate
        Computed by code that shares nothing with the method.
    settled : bool
        Whether the method came to its own end, not to a limit.
    statistics : Mapping of str to float
        Nodes, rounds, binaries: what the method has to tell of its work.
    rounds : tuple of Mapping
        One record a round for a talk, empty otherwise.
    silent : Mapping of str to int
        Parties without which the others went on, with the round in which each was heard last.
    points : Mapping of str to Point
        Followers' answers with their multipliers, where the method has them.
    """

    game: Game
    method: str
    values: Mapping[str, FloatArray]
    leader_objective: float | None
    certificate: Certificate
    settled: bool = True
    statistics: Mapping[str, float] = field(default_factory=dict)
    rounds: tuple[Mapping[str, Any], ...] = ()
    silent: Mapping[str, int] = field(default_factory=dict)
    points: Mapping[str, Point] = field(default_factory=dict, repr=False)

    @property
    def claim(self) -> Claim:
        """What the answer says that it is, from which follows what is asked of it."""
        return claim_of(kind_of(self.game), self.method)

    def checks(self, tolerance: Mapping[str, float]) -> tuple[Check, ...]:
        """Return what is asked of the answer, and whether it holds.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``regret, gap, settlement, ac_voltage_pu, ac_loading_percent``.
        """
        asked = self.certificate.checks(tolerance, self.claim)
        if self.settled or self.claim is not Claim.BEST_RESPONSES:
            return asked
        talk = "negotiation" if self.game.leaders else "talk"
        limit = next((words for by, words in _LIMITS.items() if by in self.statistics), "")
        shortfall = f"the {talk} did not settle within {limit or 'its round limit'}"
        words = ("did not settle", "settled")
        return (
            *asked,
            Check(
                f"Whether the {talk} settled",
                None,
                holds=False,
                part="The search",
                shortfall=shortfall,
                words=words,
            ),
        )

    @property
    def prices(self) -> Mapping[str, FloatArray]:
        """Price of every balance: by how much its right-hand side moves total cost, an hour."""
        return MappingProxyType({b.name: self.values[b.name] for b in self.game.balances})

    @property
    def cycle(self) -> tuple[Mapping[str, Any], ...]:
        """The rounds that a talk repeats without end, one record each; empty if it does not."""
        length = int(self.statistics.get("cycle", 0))
        return self.rounds[-length:] if length else ()

    @property
    def payments(self) -> Mapping[str, float]:
        """Amount of every payment, price × quantity × hours."""
        return MappingProxyType(amounts(self.game, self.values))

    def parts(self, dual: Dual) -> Mapping[str, FloatArray]:
        """Return what a dual is made of, by the labels of the constraints behind it.

        Parameters
        ----------
        dual : Dual
            Of anything that a follower hears, linked or given.

        Raises
        ------
        UnusableGame
            When the method has no multipliers of that agent, or its constraints cannot be told
            apart row by row.
        """
        agent, heard = split(dual.heard)
        form = self.game.forms.get(agent)
        if agent not in self.points or form is None or heard not in form.heard:
            raise UnusableGame(
                [f"no multipliers of '{dual.heard}' are known: it is heard by no follower of Exact"]
            )
        return dual_parts(form, self.points[agent], heard, self.game.step_length_h)

    @property
    def settlement(self) -> pd.DataFrame:
        """Who pays whom: payment, payer, payee, amount."""
        return settlement_table(self.game, self.values)


class Method(Protocol):
    """A way to an equilibrium: a small frozen dataclass in a file of its own."""

    def solve(self, game: Game) -> Equilibrium:
        """Solve on a private clock."""
        ...

    def play(
        self, game: Game, mailroom: Mailroom, stage: str = ""
    ) -> Generator[Any, Any, Equilibrium]:
        """Solve as a process on the mailroom's clock; what parties exchange is posted."""
        ...
