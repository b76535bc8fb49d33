"""From the outcome of an engine to a certified equilibrium."""

from equigrid.markets.certification.certify import certify
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome
from equigrid.markets.model.said_values import SaidValues


def certified(game: Game, method: str, outcome: Outcome, *, ties: bool = True) -> Equilibrium:
    """Have every agent asked again, alone.

    Parameters
    ----------
    game : Game
    method : str
        Name that the answer says it was found by.
    outcome : Outcome
    ties : bool
        Whether to look for the worst tie, where there is one leader.
    """
    certificate, objective = certify(
        game,
        outcome.values,
        bound=outcome.bound,
        bounds=outcome.bounds,
        claimed=outcome.claimed,
        points=outcome.points,
        fleets=outcome.fleets,
        ties=ties,
    )
    return Equilibrium(
        game,
        method,
        SaidValues(outcome.values),
        objective,
        certificate,
        settled=outcome.settled,
        statistics=outcome.statistics,
        rounds=outcome.rounds,
        silent=outcome.silent,
        points=outcome.points or {},
    )


def posted(equilibrium: Equilibrium, mailroom: Mailroom, stage: str) -> Equilibrium:
    """Post what the parties have to know of an answer, and return it."""
    rounds = len(equilibrium.rounds)
    announce_outcome(equilibrium.game, equilibrium.values, mailroom, stage, rounds=rounds)
    return equilibrium
