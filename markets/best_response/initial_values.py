"""Initial values of best-response rounds, from the bounds of variables."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame, did_you_mean
from equigrid.markets.bilevel.signals import interval
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.games.game import Game


def initial_values(
    game: Game, names: Iterable[str], start: Mapping[str, ArrayLike]
) -> dict[str, FloatArray]:
    """Return what agents are taken to have said at first, by path.

    Where it is not given, it is the middle of what the bounds of the agent's variables allow when
    it hears zeros; the finite end where only one end is, and 0 where none is.

    Parameters
    ----------
    game : Game
    names : iterable of str
        Whose words others wait for.
    start : Mapping of str to array
        By path, as far as they are given.

    Raises
    ------
    UnusableGame
        When a path of the start is nobody's word, or has another shape.
    """
    values = {
        f"{name}.{said}": _middle(game.forms[name], affine)
        for name in names
        for said, affine in game.forms[name].said.items()
    }
    given = {path: np.asarray(value, dtype=float) for path, value in start.items()}
    UnusableGame.raise_if(_findings(values, given))
    return {**values, **given}


def _findings(known: Mapping[str, FloatArray], given: Mapping[str, FloatArray]) -> list[str]:
    findings = []
    for path, value in given.items():
        if path not in known:
            findings.append(f"start: nobody waits for '{path}'" + did_you_mean(path, known))
        elif value.shape != known[path].shape:
            findings.append(f"start: '{path}' has shape {known[path].shape}, not {value.shape}")
        elif not np.isfinite(value).all():
            findings.append(f"start: '{path}' must be finite")
    return findings


def _middle(form: StandardForm, said: Affine) -> FloatArray:
    low, high = interval(said, form.lower, form.upper)
    low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
    high = np.where(np.isfinite(high), high, low)
    return np.reshape((low + high) / 2, said.shape, order="F")
