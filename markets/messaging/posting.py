"""Messages of an answer: what agents say at given columns, and who is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import transfers
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Announcement, FinalSignal, Schedule, Settlement
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.sources import Dual, speaker, split


def said_values(
    game: Game, answers: Mapping[str, tuple[FloatArray, FloatArray]]
) -> dict[str, FloatArray]:
    """Return everything said, by path, from each decider's columns and heard values.

    Parameters
    ----------
    game : Game
    answers : Mapping of str to (columns, heard)
        As in the agent's own standard form; nothing is said of a decider without.
    """
    values: dict[str, FloatArray] = {}
    for agent in game.agents:
        with _untouched(agent):
            if isinstance(agent, Fleet) and agent.name in answers:
                said_now = agent.said_at(*answers[agent.name])
                values |= {f"{agent.name}.{name}": value for name, value in said_now.items()}
                continue
            if agent.name in answers:
                game.forms[agent.name].assign(*answers[agent.name])
            elif agent.decides:
                continue  # its variables hold what was last decided elsewhere
            for name, said in agent.says.items():
                values[f"{agent.name}.{name}"] = np.asarray(said.value, dtype=float)
    return values


@contextmanager
def _untouched(agent: Agent) -> Iterator[None]:
    """Leave the agent's Parameters as they were."""
    before = {name: parameter.value for name, parameter in agent.hears.items()}
    try:
        yield
    finally:
        for name, parameter in agent.hears.items():
            parameter.value = before[name]


def announce_constants(game: Game, mailroom: Mailroom, stage: str) -> None:
    """Post what parties without a problem publish to those who hear it."""
    for agent in game.agents:
        if not agent.decides:
            for hearer, said in _heard_from(game, agent).items():
                names = [_name_of(source) for source in said]
                values = {name: agent.says[name].value for name in names}
                mailroom.post(
                    Announcement(sender=agent.name, receiver=hearer, stage=stage, values=values)
                )


def announce_outcome(
    game: Game, values: Mapping[str, FloatArray], mailroom: Mailroom, stage: str, rounds: int = 0
) -> None:
    """Post final signals, schedules and settlement, whatever the method that found them."""
    for agent in game.deciders:
        kind = FinalSignal if agent.name in game.leaders else Schedule
        for hearer, said in _heard_from(game, agent).items():
            sources = {_name_of(source): values[source] for source in said}
            follows = any(hearer == follower.name for follower in game.followers)
            post = kind if follows else Schedule
            mailroom.post(
                post(sender=agent.name, receiver=hearer, stage=stage, round=rounds, values=sources)
            )
    _announce_balances(game, values, mailroom, stage, rounds)
    for name, payer, payee, amount in transfers(game, values):
        mailroom.post(
            Settlement(
                sender=payer,
                receiver=payee,
                stage=stage,
                round=rounds,
                payment=name,
                amount=amount,
            )
        )


def _announce_balances(
    game: Game, values: Mapping[str, FloatArray], mailroom: Mailroom, stage: str, rounds: int
) -> None:
    """Post each balance's final price to its parties, and to it what they will do."""
    for balance in game.balances:
        for name in dict.fromkeys(term.agent for term in balance.signed):
            price = {"price": values[balance.name]}
            final = FinalSignal(sender=balance.name, receiver=name, values=price)
            said = {t.said: values[t.source] for t in balance.signed if t.agent == name}
            schedule = Schedule(sender=name, receiver=balance.name, values=said)
            for message in (final, schedule):
                mailroom.post(replace(message, stage=stage, round=rounds))


def _heard_from(game: Game, agent: Agent) -> dict[str, list[str]]:
    """Sources that an agent says to whom, its duals among them, in the order of the links."""
    hearers: dict[str, list[str]] = {}
    for link in game.links:
        if speaker(link.source) == agent.name and link.source not in hearers.get(link.hearer, []):
            hearers.setdefault(link.hearer, []).append(link.source)
    return hearers


def _name_of(source: str) -> str:
    """What a message calls a source of its sender."""
    return source if isinstance(source, Dual) else split(source)[1]


def said_to(game: Game, name: str, hearer: Agent) -> list[str]:
    """Return the names of what one agent says to another, in the order of the links."""
    sources = _heard_from(game, game.agent(name)).get(hearer.name, [])
    return [_name_of(source) for source in sources]
