"""Games that nobody leads and in which nobody waits for another in a circle: one pass in order."""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.best_response.refusals import refuse_duals
from equigrid.markets.certification.certify import certify
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.games.balance_shares import announced
from equigrid.markets.games.game import Game
from equigrid.markets.games.kinds import Kind, order_of, require_kind
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome, said_values

Vector = NDArray[np.float64]


def one_pass(
    game: Game, mailroom: Mailroom, stage: str = "", method: str = "one-pass"
) -> Generator[Any, Any, Equilibrium]:
    """Let each agent decide once, after all that it hears; whole numbers are allowed.

    Parameters
    ----------
    game : Game
        Of ``Kind.ORDER``.
    mailroom : Mailroom
        Where the outcome is posted.
    stage : str
        Of the study's timetable.
    method : str
        Name that the answer says it was found by.

    Raises
    ------
    WrongMethod
        When the game is not of this kind, or when something heard or paid at is a dual.
    NoAnswer
        When an agent has no feasible answer.
    """
    require_kind(game, "one pass", [Kind.ORDER])
    refuse_duals(game)
    said, answers = announced(game), dict[str, tuple[Vector, Vector]]()
    for name in order_of(game) or []:
        form = game.forms[name]
        heard = form.heard_vector(heard_values(game, said, name))
        columns = AgentSolver(form).solve(heard)
        answers[name] = (columns, heard)
        said |= {f"{name}.{key}": a.value(columns, heard) for key, a in form.said.items()}
    values = said_values(game, answers)
    certificate, _ = certify(game, values, ties=False)
    announce_outcome(game, values, mailroom, stage)
    yield mailroom.clock.timeout(0)
    return Equilibrium(game, method, values, None, certificate)
