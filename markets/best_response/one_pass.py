"""Games in which nobody waits for another in a circle: best responses once, in order."""

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.best_response.refusals import refuse_duals
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.games.balance_shares import announced_values
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, order_of, require_kind
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.posting import said_values
from equigrid.markets.messaging.talk_limits import LimitMet, TalkLimits


def one_pass(game: Game, limits: TalkLimits | None = None) -> Outcome:
    """Let each agent decide once, after all that it hears; whole numbers are allowed.

    Parameters
    ----------
    game : Game
        Of ``Kind.ORDER``.
    limits : TalkLimits, optional
        Of all answers together.

    Raises
    ------
    WrongMethod
        When the game is not of this kind, or when something heard or paid at is a dual.
    NoAnswer
        When an agent has no feasible answer.
    LimitMet
        When a limit is met before everybody has decided.
    """
    require_kind(game, "one pass", [Kind.ORDER])
    refuse_duals(game)
    limits = limits or TalkLimits()
    said, answers = announced_values(game), dict[str, tuple[FloatArray, FloatArray]]()
    for name in order_of(game) or []:
        form = game.forms[name]
        heard = form.heard_vector(heard_values(game, said, name))
        if limits.over:
            raise LimitMet
        columns = limits.answered(AgentSolver(form), heard)
        answers[name] = (columns, heard)
        said |= {f"{name}.{key}": a.value(columns, heard) for key, a in form.said.items()}
    limits.tell(1, np.nan, np.nan)  # nobody is asked twice, so nothing can be off
    return Outcome(said_values(game, answers))
