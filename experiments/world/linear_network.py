"""Fitting the linear network to AC power flow: play, compare, expand anew, play again."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

from equigrid.errors import Interrupted
from equigrid.experiments.world.stage import LinearRound, Stage
from equigrid.markets.certification.check import Check
from equigrid.markets.equilibrium import Equilibrium, Method
from equigrid.markets.games.game import Game
from equigrid.markets.games.game_kinds import Kind, kind_of
from equigrid.markets.methods.exact import Exact
from equigrid.markets.methods.stackelberg_answer import StackelbergAnswer

Answer = StackelbergAnswer | Equilibrium
Renew = Callable[[Any], tuple[Game | None, float]]
"""Of an answer, with its `values` and its `game`: the game on a linear network expanded there, or
None where the linear network is to be kept; and how far AC is from the one that the answer was
found on, in p.u."""


@dataclass(frozen=True)
class Fitting:
    """How often, and how well, a linear network is fitted.

    Attributes
    ----------
    rounds : int
    tolerance_pu : float
    seconds : float or None
        For all rounds together.
    tell : callable
        Told a sentence whenever a round begins.
    """

    rounds: int
    tolerance_pu: float
    seconds: float | None
    tell: Callable[[str], None]


def fitted(
    stage: Stage, game: Game, method: Method, renew: Renew, fitting: Fitting
) -> Generator[Any, Any, Answer]:
    """Answer on ever better linear networks until AC agrees, a limit is met or somebody stops.

    Only the last answer is certified and told to the parties, where the method leaves that to
    others, as Exact does.

    Raises
    ------
    Interrupted
        With the last answer, where somebody stopped it.
    """
    began, stopped = time.monotonic(), False
    answer: Any = None
    for number in range(1, fitting.rounds + 1):
        left = None if fitting.seconds is None else began + fitting.seconds - time.monotonic()
        if answer is not None and left is not None and left <= 0:
            stage.own_checks.append(_by_the_clock(fitting.seconds or 0.0))
            break
        fitting.tell(f"{stage.name}, round {number} of the linear network")
        try:
            # The first round has all the time there is, however little.
            found = _searched(_within(method, fitting.seconds if answer is None else left), game)
        except Interrupted as stop:
            if stop.equilibrium is None and answer is None:
                raise
            stopped = True
            if stop.equilibrium is None:
                break  # the answer of the round before stands
            found = stop.equilibrium
        answer = found
        renewed, error = renew(answer)
        stage.linear_rounds.append(LinearRound(number, float(error)))
        # Blocks that are settled one by one may together miss the gap: no limit, rounds go on.
        near = error <= fitting.tolerance_pu
        if stopped or near or renewed is None or _met_a_limit(answer):
            break
        game = renewed
    assert answer is not None
    stage.own_checks.append(_fit_check(stage.linear_rounds[-1], fitting.tolerance_pu))
    if stopped:
        raise Interrupted(_certified(answer, ties=False))
    yield from ()  # a process of SimPy is a generator
    last: Answer = answer
    return last


def certified(answer: Answer, method: Method) -> Equilibrium:
    """Return an answer with its certificate."""
    return _certified(answer, ties=getattr(method, "ties", True))


def _certified(answer: Answer, *, ties: bool) -> Equilibrium:
    return answer if isinstance(answer, Equilibrium) else answer.certified(ties=ties)


def _searched(method: Method, game: Game) -> Answer:
    if isinstance(method, Exact) and kind_of(game) is Kind.LED:
        return method.search(game)
    return method.solve(game)


def _within(method: Method, seconds: float | None) -> Method:
    """Return the method with what the clock leaves."""
    if seconds is None or not hasattr(method, "seconds"):
        return method
    result: Method = replace(method, seconds=seconds)  # type: ignore[type-var]
    return result


def _met_a_limit(answer: Answer) -> bool:
    """Whether a search was ended before its end."""
    if isinstance(answer, Equilibrium):
        stopped = any(name.startswith("stopped_by_") for name in answer.statistics)
    else:
        stopped = bool(answer.stopped_by)
    return stopped and not answer.settled


def _fit_check(last: LinearRound, tolerance_pu: float) -> Check:
    return Check.asked(
        "Linear network and AC power flow differ by, in its last round",
        last.error_pu,
        tolerance_pu,
        unit="p.u.",
        part="The wires",
        how="voltages of nominal, and flows of their limits, where the answer lies",
        shortfall=f"after round {last.number} the linear network still differs from AC power flow "
        f"by {last.error_pu:.2g}, where {tolerance_pu:.2g} p.u. is asked for",
    )


def _by_the_clock(seconds: float) -> Check:
    return Check(
        "Whether the rounds of the linear network came to their own end",
        None,
        holds=False,
        part="The search",
        shortfall=f"the clock ended the rounds of the linear network after {seconds:g} seconds "
        "(--seconds); on another machine, or another day, there may be more of them",
        words=("ended by the clock", "their own end"),
    )
