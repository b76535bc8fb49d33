"""Scales of quantities: what errors in them are measured against."""

from collections.abc import Iterable, Mapping

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent


def greatest(values: object) -> float:
    """Return the greatest size in an array, 0 if it is empty."""
    return float(np.abs(np.asarray(values, dtype=float)).max(initial=0.0))


def sizes_of(
    game: Game, values: Mapping[str, FloatArray], agent: Agent, names: Iterable[str]
) -> dict[str, float]:
    """Return what each thing that an agent says counts as a whole, above 0.

    It is the greatest figure of that name that anybody says; where all of them are 0, the most that
    the agent could say, or 1 where nothing bounds that.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said, by path.
    agent : Agent
    names : iterable of str
        Of what it says.
    """
    form = game.forms.get(agent.name)
    return {name: _largest_said(game, values, name) or _reach(form, name) for name in names}


def _largest_said(game: Game, values: Mapping[str, FloatArray], name: str) -> float:
    paths = [f"{agent.name}.{name}" for agent in game.agents if name in agent.says]
    return max((greatest(values[path]) for path in paths if path in values), default=0.0)


def _reach(form: StandardForm | None, name: str) -> float:
    if form is None or name not in form.said:
        return 1.0
    reach = _most(form.said[name], np.maximum(np.abs(form.lower), np.abs(form.upper)))
    return reach if np.isfinite(reach) and reach > 0 else 1.0


def _most(said: Affine, columns: FloatArray) -> float:
    used = np.unique(said.of_columns.indices)
    if not np.isfinite(columns[used]).all():
        return np.inf
    return greatest(abs(said.of_columns) @ np.where(np.isfinite(columns), columns, 0.0))
