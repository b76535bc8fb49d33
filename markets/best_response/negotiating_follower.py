"""A follower in a negotiation: it answers the newest signal with its own optimum."""

from collections.abc import Mapping

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.best_response.master_program import Answer, follower_cost
from equigrid.markets.bilevel.signals import Signals
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.messages import Message, Response, Signal
from equigrid.markets.messaging.talk_limits import TalkLimits


class Follower:
    """The follower's side: its own problem, and nothing of the others'.

    Parameters
    ----------
    game : Game
    name : str
    limits : TalkLimits
        Of the talk, which counts its answers.
    """

    def __init__(self, game: Game, name: str, limits: TalkLimits) -> None:
        self.game, self.name, self._limits = game, name, limits
        self.form, self.signals = game.forms[name], Signals(game)
        self.solver = AgentSolver(self.form)
        self.response: Response | None = None
        self._answers: list[tuple[dict[str, FloatArray], FloatArray, FloatArray]] = []

    def decided(self, values: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray] | None:
        """Return columns and heard values of the last answer in which it said this."""
        for said, columns, heard in reversed(self._answers):
            if all(np.array_equal(values[f"{self.name}.{k}"], v) for k, v in said.items()):
                return columns, heard
        return None

    def act(self, mail: list[Message]) -> list[Response]:
        """Answer the newest signal, however many came; what is no news gets the same response."""
        signals = [message for message in mail if isinstance(message, Signal)]
        if not signals:
            return []
        newest = max(signals, key=lambda signal: signal.round)
        if self.response is None or newest.round > self.response.round:
            self.response = self._answer(newest)
        return [self.response]

    def _answer(self, signal: Signal) -> Response:
        """Return the follower's own best response to a signal."""
        announced = {
            f"{signal.sender}.{said}": np.asarray(value) for said, value in signal.values.items()
        }
        heard = self.signals.heard_vector(self.form, announced)
        columns = self._limits.answered(self.solver, heard)
        said = {path: affine.value(columns, heard) for path, affine in self.form.said.items()}
        self._answers.append((said, columns, heard))
        paid = follower_cost(self.signals, self.form, Answer(said, 0.0), announced)
        return Response(
            sender=self.name,
            receiver=signal.sender,
            stage=signal.stage,
            round=signal.round,
            values=said,
            own_cost=self.form.objective_at(columns, heard) - paid,
        )


def decided(
    followers: Mapping[str, Follower], values: Mapping[str, FloatArray]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return each follower's own decision behind what it is taken to say.

    Parameters
    ----------
    followers : Mapping of str to Follower
    values : Mapping of str to array
        Everything said, by path.

    Returns
    -------
    dict of str to tuple
        Columns and what was heard, of those that said just that once.
    """
    by_name = {name: party.decided(values) for name, party in followers.items()}
    return {name: decision for name, decision in by_name.items() if decision is not None}
