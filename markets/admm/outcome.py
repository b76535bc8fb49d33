"""From columns and prices to an equilibrium, whatever method found them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equigrid.markets.certification.certify import certify
from equigrid.markets.certification.fleet_check import FleetPoint
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.balance_shares import announced, heard_vector
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome, said_values

Vector = NDArray[np.float64]


def exchange_values(
    game: Game, columns: Mapping[str, Vector], prices: Mapping[str, Vector]
) -> dict[str, Vector]:
    """Return everything said at an answer, by path, and each balance's price by its name.

    Parameters
    ----------
    game : Game
    columns : Mapping of str to array
        Of each decider, in its own standard form.
    prices : Mapping of str to array
        Of each balance, in its shape.
    """
    known = {**announced(game), **prices}
    answers = {name: (own, heard_vector(game, name, known)) for name, own in columns.items()}
    return said_values(game, answers) | dict(prices)


def exchange_outcome(
    game: Game,
    method: str,
    values: Mapping[str, Vector],
    mailroom: Mailroom,
    stage: str = "",
    bound: float | None = None,
    fleets: Mapping[str, FleetPoint] | None = None,
    **found: Any,
) -> Equilibrium:
    """Certify an answer, post what the parties have to know of it, and return it.

    Parameters
    ----------
    game : Game
    method : str
        Name of the method that found it.
    values : Mapping of str to array
        Everything said, prices of balances among it.
    mailroom : Mailroom
    stage : str
    bound : float, optional
        On the total cost, where the method has proven one.
    fleets : Mapping of str to FleetPoint, optional
        What members of fleets do, for the certificate.
    **found
        What else there is to tell: settled, statistics, rounds.
    """
    certificate, objective = certify(game, values, bound=bound, fleets=fleets)
    announce_outcome(game, values, mailroom, stage, rounds=len(found.get("rounds", ())))
    return Equilibrium(game, method, values, objective, certificate, **found)
