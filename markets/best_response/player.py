"""A player: the best response of one agent to what it hears."""

from collections.abc import Mapping

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.price_setter_income import heard_without_own_income, with_own_income
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.best_response.party import distance
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.talk_limits import TalkLimits

# A linear problem may have many best answers: the last one is kept while it is one of them.
_TIE = 1e-9


class AgentPlayer:
    """An agent of a game that nobody leads.

    Parameters
    ----------
    game : Game
    name : str
    damping : float
        Share of a new answer in what is done; the rest is what was done before.
    first : Mapping of str to array
        What everybody is taken to have said at first, by path.
    units : Mapping of str to float
        Unit of each word, by path.
    limits : TalkLimits
        Of the talk, which counts its answers.

    Attributes
    ----------
    said : dict of str to array
        Its present word, by path.
    """

    def __init__(
        self,
        game: Game,
        name: str,
        damping: float,
        first: Mapping[str, FloatArray],
        units: Mapping[str, float],
        limits: TalkLimits,
    ) -> None:
        self._units, self._limits = units, limits
        self.game, self.name = game, name
        self._form = _stated(game, name)
        self._solver, self._damping = AgentSolver(self._form), damping
        self.said = {f"{name}.{key}": first[f"{name}.{key}"] for key in self._form.said}
        self._columns: FloatArray | None = None
        self._answer = np.zeros(0)

    def turn(self, values: Mapping[str, FloatArray]) -> float:
        """Answer what is heard, and mix the answer with what was done before.

        Returns
        -------
        float
            How far, relative, the best answer is from what was said.
        """
        heard = self._form.heard_vector(heard_without_own_income(self.game, values, self.name))
        best = self._best(heard)
        moved = distance(self._words(best, heard), self.said, self._units)
        last = best if self._columns is None else self._columns
        mixed = last + self._damping * (best - last)
        words = self._words(mixed, heard)
        # At once, so that Ctrl-C finds no word without its decision.
        self._answer, self._columns, self.said = best, mixed, words
        return moved

    def outcome(
        self, values: Mapping[str, FloatArray], *, settled: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return what it does and hears, in the standard form of the game.

        Parameters
        ----------
        values : Mapping of str to array
            Everything said at last, by path.
        settled : bool
            Whether its last answer is what it says, to the tolerance: then it does just that.
        """
        form = self.game.forms[self.name]
        heard = form.heard_vector(heard_values(self.game, values, self.name))
        done = self._answer if settled or self._columns is None else self._columns
        if form is self._form:
            return done, heard
        columns = np.zeros(form.columns)
        for variable in form.agent.variables():
            own = done[self._form.variable_columns[variable.id]]
            columns[form.variable_columns[variable.id]] = own
        return columns, heard

    def _words(self, columns: FloatArray, heard: FloatArray) -> dict[str, FloatArray]:
        said = self._form.said.items()
        return {f"{self.name}.{key}": affine.value(columns, heard) for key, affine in said}

    def _best(self, heard: FloatArray) -> FloatArray:
        """Return the best answer; in a linear problem, the last one if nothing is better."""
        best, last, form = self._limits.answered(self._solver, heard), self._columns, self._form
        if last is None or form.is_quadratic or _breach(form, last, heard) > _TIE:
            return best
        slope = form.cost_at(heard)
        moved = max(float(np.abs(slope) @ np.abs(columns)) for columns in (last, best))
        return last if slope @ last <= slope @ best + _TIE * moved else best


def _stated(game: Game, name: str) -> StandardForm:
    """Return the form of an agent that foresees the amounts which its own decision moves."""
    agent, form = game.agent(name), game.forms[name]
    foreseeing = with_own_income(game, agent)
    return form if foreseeing is agent else compile_agent(foreseeing, form.said)


def _breach(form: StandardForm, columns: FloatArray, heard: FloatArray) -> float:
    """By how much columns miss the rows at what is heard now, relative to their terms."""
    rhs = form.rhs_at(heard)
    off = form.matrix @ columns - rhs
    off[: form.equal_rows] = np.abs(off[: form.equal_rows])
    terms = np.abs(rhs) + abs(form.matrix) @ np.abs(columns)
    return float((off / np.where(terms > 0, terms, 1.0)).max(initial=0.0))
