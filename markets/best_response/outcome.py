"""What a talk has led to, posted to the parties and returned."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.best_response.rounds import Rules, Talk
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome

Vector = NDArray[np.float64]


def concluded(
    game: Game,
    heard: Talk,
    values: Mapping[str, Vector],
    certificate: Certificate,
    rules: Rules,
    mailroom: Mailroom,
    stage: str,
) -> Equilibrium:
    """Post the outcome of a talk and return it; settled is what nobody regrets.

    Parameters
    ----------
    game : Game
    heard : Talk
    values : Mapping of str to array
        Everything said at the end, by path.
    certificate : Certificate
    rules : Rules
    mailroom : Mailroom
    stage : str
        Of the study's timetable.
    """
    announce_outcome(game, values, mailroom, stage, rounds=len(heard.rounds))
    content = all(regret <= rules.gap for regret in certificate.regret.values())
    return Equilibrium(
        game,
        "best-response",
        values,
        None,
        certificate,
        settled=heard.settled and content,
        statistics=heard.statistics,
        rounds=tuple(heard.rounds),
    )
