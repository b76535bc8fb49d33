"""Nash games by best response, simultaneous (Jacobi) or in turn (Gauss-Seidel)."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.markets.best_response.initial_values import initial_values
from equigrid.markets.best_response.party import Party, Word
from equigrid.markets.best_response.player import AgentPlayer
from equigrid.markets.best_response.quantity_units import quantity_units
from equigrid.markets.best_response.refusals import (
    refuse_duals,
    refuse_hearing_oneself,
    refuse_mixing,
)
from equigrid.markets.best_response.rounds import Rules, play_rounds
from equigrid.markets.games.balance_shares import announced_values
from equigrid.markets.games.game import Game
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response
from equigrid.markets.messaging.posting import said_values
from equigrid.markets.model.sources import speaker


def play_nash(
    game: Game,
    rules: Rules,
    mailroom: Mailroom,
    stage: str = "",
    start: Mapping[str, ArrayLike] | None = None,
) -> Generator[Any, Any, Outcome]:
    """Let everybody answer what it has heard of the others, until nobody moves.

    Parameters
    ----------
    game : Game
        Of ``Kind.NASH``.
    rules : Rules
    mailroom : Mailroom
    stage : str
        Of the study's timetable.
    start : Mapping of str to array, optional
        What is taken to have been said at first, by path.

    Raises
    ------
    WrongMethod
        When a dual is heard, when an agent hears itself, or when whole numbers would be mixed.
    NoAnswer
        When an agent has no answer to what it hears, or falls silent.
    LimitMet
        When a limit, or Ctrl-C, ended the talk before its first round was over.
    """
    names = [agent.name for agent in game.deciders]
    refuse_duals(game)
    refuse_hearing_oneself(game, names)
    refuse_mixing(game, names, rules.damping)
    first = initial_values(game, names, start or {})
    rules = replace(rules, units=quantity_units(game, names))
    players = [
        AgentPlayer(game, name, rules.damping, first, rules.units, rules.limits) for name in names
    ]
    known = {**announced_values(game), **first}
    parties = [
        Party(
            player,
            _tells(game, player.name),
            known,
            _responses(player.name, stage),
            simultaneous=rules.order == "jacobi",
        )
        for player in players
    ]
    heard = yield from play_rounds(parties, mailroom, rules)
    # Of a round that was cut short, those who have spoken stand by what they said.
    said = {path: value for player in players for path, value in player.said.items()}
    final = {**known, **said}
    done = {p.name: p.outcome(final, settled=heard.settled) for p in players}
    return heard.outcome(said_values(game, done))


def _tells(game: Game, name: str) -> dict[str, list[str]]:
    """Return what an agent tells to whom: what they hear, and what amounts they hear rest on."""
    told: dict[str, list[str]] = {}
    for link in game.links:
        payment = game.payment(link.source)
        sources = [link.source] if payment is None else [payment.price, payment.quantity]
        for source in sources:
            if isinstance(source, str) and speaker(source) == name != link.hearer:
                told.setdefault(link.hearer, []).append(source)
    deciders = {agent.name for agent in game.deciders}
    return {hearer: list(dict.fromkeys(s)) for hearer, s in told.items() if hearer in deciders}


def _responses(name: str, stage: str) -> Word:
    """Return how an agent's words become messages."""

    def response(hearer: str, number: int, said: Mapping[str, FloatArray]) -> Response:
        return Response(sender=name, receiver=hearer, stage=stage, round=number, values=said)

    return response
