"""The answer of a Stackelberg game as a search leaves it, certified on demand."""

from dataclasses import dataclass
from functools import cached_property

from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.follower_points import points
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.posting import said_values
from equigrid.markets.methods.certified import certified


@dataclass(frozen=True, eq=False)
class StackelbergAnswer:
    """An answer that nobody has checked yet.

    Attributes
    ----------
    program : KktProgram
        Of the game.
    columns : array
        Of the program.
    objective, bound : float
        As the solver has them, in the leader's own sense.
    nodes, pairs : int
        Of the search, and the complementarity pairs that it had to decide.
    settled : bool
        Whether the gap was reached.
    iterations : int
        Of the simplex method.
    stopped_by : str
        What ended the search before: ``nodes``, ``work``, ``clock`` or ``interrupt``; else empty.
    """

    program: KktProgram
    columns: FloatArray
    objective: float
    bound: float
    nodes: int
    pairs: int
    settled: bool
    iterations: int = 0
    stopped_by: str = ""

    @property
    def game(self) -> Game:
        """The game that is answered."""
        return self.program.game

    @cached_property
    def values(self) -> dict[str, FloatArray]:
        """Everything said, by ``"agent.quantity"``, and duals that are linked or paid at."""
        answers = {a.name: self.program.answer(self.columns, a.name) for a in self.game.deciders}
        return said_values(self.game, answers) | self.program.duals(self.columns)

    def certified(self, *, ties: bool) -> Equilibrium:
        """Have every agent asked again, alone; with the worst tie if it is wanted."""
        outcome = Outcome(
            self.values,
            claimed=self.objective,
            bound=self.bound,
            points=points(self.program, self.columns),
            settled=self.settled,
            statistics=self._statistics(),
        )
        return certified(self.game, "exact", outcome, ties=ties)

    def _statistics(self) -> dict[str, float]:
        statistics = {"bound": self.bound, "nodes": self.nodes, "pairs": self.pairs}
        statistics |= {"iterations": self.iterations, "money": self.program.money(self.columns)}
        return statistics | ({f"stopped_by_{self.stopped_by}": 1.0} if self.stopped_by else {})


def sense(game: Game) -> float:
    """Return -1 where the leader maximises, else 1."""
    return -1.0 if game.agent(str(game.leader)).maximises else 1.0
