"""The exact Stackelberg equilibrium: one mixed-integer linear program, solved to proof."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.answers import announce_outcome, said_values
from equigrid.markets.certificate import certify
from equigrid.markets.equilibrium.method import Equilibrium, require_leader
from equigrid.markets.findings import NoAnswer
from equigrid.markets.game import Game
from equigrid.markets.kkt import StackelbergProgram
from equigrid.markets.linear_program import Solution
from equigrid.markets.mailroom import Mailroom

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Exact:
    """Embed the followers by their optimality conditions and solve to a proven gap.

    Ties among a follower's equally good answers are resolved in the leader's favour.

    Parameters
    ----------
    gap : float
        Relative optimality gap at which to stop.
    node_limit : int
        Branch-and-bound nodes after which the best answer so far is returned with its gap.
    """

    gap: float = 5e-5
    node_limit: int = 1_000_000

    def solve(self, game: Game) -> Equilibrium:
        """Solve a game that one agent leads.

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
        require_leader(game, "Exact")
        program = StackelbergProgram(game)
        model = program.program.model(
            program.leader_form.offset,
            mip_rel_gap=self.gap,
            mip_max_nodes=self.node_limit,
            # Restarts of the root repeat heuristics that found all they could: twice the time.
            mip_allow_restart=False,
        )
        found = model.solve()
        if not found.found or found.status not in ("optimal", "limit"):
            raise _no_answer(game, found)
        exact = model.fixed_at(found, program.program.integer_columns())
        values = said_values(
            game, {a.name: program.answer(exact.columns, a.name) for a in game.deciders}
        )
        sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
        certificate, objective = certify(
            game, values, bound=sign * found.bound, claimed=sign * exact.objective
        )
        announce_outcome(game, values, mailroom, stage)
        yield mailroom.clock.timeout(0)
        return Equilibrium(
            game,
            "exact",
            values,
            objective,
            certificate,
            settled=found.status == "optimal",
            statistics={
                "bound": sign * found.bound,
                "nodes": found.nodes,
                "binaries": sum(len(z) for z in program.binaries),
            },
        )


def _no_answer(game: Game, found: Solution) -> NoAnswer:
    if found.status == "infeasible":
        return NoAnswer(
            f"leader '{game.leader}' has no decision that its followers' best answers allow; "
            "relax its constraints",
            str(game.leader),
        )
    if found.status == "unbounded":
        return NoAnswer(
            f"nothing bounds the objective of leader '{game.leader}'; bound its variables",
            str(game.leader),
        )
    return NoAnswer(f"no answer was found ({found.status}); raise the node limit of Exact")
