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
from equigrid.markets.linear_program import HighsModel, Solution
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
            program.offset, mip_rel_gap=self.gap, mip_max_nodes=self.node_limit
        )
        found = model.solve()
        if not found.found:
            raise _no_answer(game, found)
        exact = _polished(model, program, found)
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
            game, "exact", values, objective, certificate,
            settled=found.status == "optimal",
            statistics={
                "bound": sign * found.bound,
                "nodes": found.nodes,
                "binaries": sum(len(z) for z, _, _ in program.pair_columns),
            },
        )


def _polished(model: HighsModel, program: StackelbergProgram, found: Solution) -> Solution:
    """Fix which side of each pair is zero and solve the linear program that is left.

    Branch and bound lets a binary be off by its tolerance, which a multiplier bound magnifies;
    with binaries at whole numbers, money balances to the last digits.
    """
    integer = program.program.integer_columns()
    whole = np.round(found.columns[integer])
    model.set_bounds(integer, whole, whole)
    model.relax()
    model.set_options(
        primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10, presolve="off"
    )
    exact = model.solve()
    return exact if exact.status == "optimal" else found


def _no_answer(game: Game, found: Solution) -> NoAnswer:
    if found.status == "infeasible":
        return NoAnswer(
            f"leader '{game.leader}' has no decision that its followers' best answers allow; "
            "relax its constraints",
            str(game.leader),
        )
    return NoAnswer(
        f"no answer was found ({found.status}); raise the node limit of Exact or bound the "
        f"variables of leader '{game.leader}'"
    )
