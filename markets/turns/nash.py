"""Games that nobody leads and in which agents hear each other in a circle: Nash games."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from equigrid.markets.answers import said_values
from equigrid.markets.certification.certify import certify
from equigrid.markets.coupling import announced
from equigrid.markets.equilibrium.method import Equilibrium
from equigrid.markets.game import Game
from equigrid.markets.mailroom import Mailroom
from equigrid.markets.messages import FlexOffer
from equigrid.markets.sources import speaker
from equigrid.markets.turns.opening import opening
from equigrid.markets.turns.outcome import concluded
from equigrid.markets.turns.party import Party, Word
from equigrid.markets.turns.player import AgentPlayer
from equigrid.markets.turns.refusals import refuse_duals, refuse_mixing, refuse_own_words
from equigrid.markets.turns.rounds import Rules, talk
from equigrid.markets.turns.word_units import word_units

Vector = NDArray[np.float64]


def play_nash(
    game: Game,
    rules: Rules,
    mailroom: Mailroom,
    stage: str = "",
    start: Mapping[str, ArrayLike] | None = None,
) -> Generator[Any, Any, Equilibrium]:
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
    """
    names = [agent.name for agent in game.deciders]
    refuse_duals(game)
    refuse_own_words(game, names)
    refuse_mixing(game, names, rules.damping)
    first = opening(game, names, start or {})
    rules = replace(rules, units=word_units(game, names))
    players = [AgentPlayer(game, name, rules.damping, first, rules.units) for name in names]
    known = {**announced(game), **first}
    parties = [
        Party(
            player,
            _tells(game, player.name),
            known,
            _offers(player.name, stage),
            simultaneous=rules.order == "jacobi",
        )
        for player in players
    ]
    heard = yield from talk(parties, mailroom, rules)
    final = {**known, **heard.said}
    done = {p.name: p.outcome(final, settled=heard.settled) for p in players}
    values = said_values(game, done)
    certificate, _ = certify(game, values, ties=False)
    return concluded(game, heard, values, certificate, rules, mailroom, stage)


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


def _offers(name: str, stage: str) -> Word:
    """Return how an agent's words become messages."""

    def offer(hearer: str, number: int, said: Mapping[str, Vector], own_cost: float) -> FlexOffer:
        return FlexOffer(
            sender=name, receiver=hearer, stage=stage, round=number, values=said, own_cost=own_cost
        )

    return offer
