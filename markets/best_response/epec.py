"""EPEC by diagonalisation: several leaders solve their Stackelberg games in turn."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.markets.best_response.epec_leader import LeaderPlayer, OwnOptimum, Solve
from equigrid.markets.best_response.initial_values import initial_values
from equigrid.markets.best_response.party import Party, Word, distance
from equigrid.markets.best_response.quantity_units import quantity_units
from equigrid.markets.best_response.refusals import refuse_mixing
from equigrid.markets.best_response.rounds import Rules, play_rounds
from equigrid.markets.games.balance_shares import announced_values
from equigrid.markets.games.game import Game
from equigrid.markets.games.outcome import Outcome
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Signal
from equigrid.markets.messaging.talk_limits import LimitMet
from equigrid.markets.model.sources import split

Values = Mapping[str, FloatArray]
# A leader moves when that gains it more than this share of the gap.
_WORTH = 1e-3


def play_leaders(
    game: Game,
    solve: Solve,
    hold: Solve,
    rules: Rules,
    mailroom: Mailroom,
    stage: str = "",
    start: Mapping[str, ArrayLike] | None = None,
) -> Generator[Any, Any, list[Outcome]]:
    """Let each leader solve its own Stackelberg game at the others' words, until nobody gains.

    Each leader counts on those of the followers' best answers that suit it. Where they differ,
    there is an outcome for each.

    Parameters
    ----------
    game : Game
        Of ``Kind.SEVERAL_LEAD``.
    solve : callable
        How a leader's own game is solved, to half the gap of the rules.
    hold : callable
        How it is solved with little effort where all leaders keep to their words.
    rules : Rules
    mailroom : Mailroom
    stage : str
        Of the study's timetable.
    start : Mapping of str to array, optional
        What leaders are taken to have said at first, by path.

    Raises
    ------
    WrongMethod
        When a leader's own game is none for Exact, or when whole numbers would be mixed.
    NoAnswer
        When an agent has no answer, or a leader falls silent.
    LimitMet
        When a limit, or Ctrl-C, ended the talk before its first round was over.
    """
    refuse_mixing(game, game.leaders, rules.damping)
    first = initial_values(game, game.leaders, start or {})
    worth = _WORTH * rules.gap
    # Decisions of a smooth problem are known to the root of what its objective is known to.
    rules = replace(rules, near=float(np.sqrt(worth)), units=quantity_units(game, game.leaders))
    players = [
        LeaderPlayer(game, name, solve, worth, rules.damping, first, rules.units)
        for name in game.leaders
    ]
    parties = [
        Party(
            player,
            {other: list(player.said) for other in game.leaders if other != player.name},
            first,
            _signals(player.name, stage),
            simultaneous=rules.order == "jacobi",
        )
        for player in players
    ]
    heard = yield from play_rounds(parties, mailroom, rules)
    if heard.ended_by:
        return [heard.outcome(_cut_short(game, heard.said, players, hold))]
    prospects = {player.name: player.prospect(heard.said) for player in players}
    own = {name: prospect.kept or prospect.best for name, prospect in prospects.items()}
    answers = [_answers(game, heard.said, own, name) for name in game.leaders]
    units = quantity_units(game, [agent.name for agent in game.deciders])
    heard.disagreement = max(distance(other, answers[0], units) for other in answers)
    apart = [a for a in answers[1:] if distance(a, answers[0], units) > rules.near]
    bounds = {name: prospect.best.bound for name, prospect in prospects.items()}
    return [heard.outcome(values, bounds) for values in (answers[0], *apart)]


def _signals(name: str, stage: str) -> Word:
    """Return how a leader's words become messages."""

    def signal(hearer: str, number: int, said: Values) -> Signal:
        return Signal(sender=name, receiver=hearer, stage=stage, round=number, values=said)

    return signal


def _cut_short(
    game: Game, said: Values, players: Sequence[LeaderPlayer], hold: Solve
) -> dict[str, FloatArray]:
    """Return everything said at the last words of a talk that was ended, without any bound."""
    held = {player.name: player.kept(said, hold) for player in players}
    own = {name: optimum for name, optimum in held.items() if optimum is not None}
    if len(own) < len(held):
        raise LimitMet
    return _answers(game, said, own, game.leaders[0])


def _answers(
    game: Game, said: Values, own: Mapping[str, OwnOptimum], leader: str
) -> dict[str, FloatArray]:
    """Return everything said, where the followers answer as one leader counts on."""
    values = dict(announced_values(game))
    for name, by_name in own.items():
        values |= {p: v for p, v in by_name.values.items() if split(p)[0] == name}
    others = {p: v for p, v in own[leader].values.items() if split(p)[0] not in own}
    return {**values, **others, **said}
