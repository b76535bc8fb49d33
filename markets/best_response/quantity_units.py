"""Scaling of best-response rounds: one unit of each quantity, from the figures of its sender."""

from collections.abc import Iterable

from equigrid.markets.forms.scaling import Figures, ends
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.game import Game

_FLOOR = 1e-3


def quantity_units(game: Game, names: Iterable[str]) -> dict[str, float]:
    """Return the least size that everything which some agents say is compared with, by path.

    Words are compared with their own size; where that is next to nothing beside their unit, with a
    thousandth of it, so that what comes to rest at 0 does so in all units of a game.

    Parameters
    ----------
    game : Game
    names : iterable of str
        Of agents with a problem.
    """
    return {
        f"{name}.{said}": unit
        for name in names
        for said, unit in _units_of(game.forms[name]).items()
    }


def _units_of(form: StandardForm) -> dict[str, float]:
    figures = Figures(form.matrix, ~form.integer)
    figures.add_rows([form.rhs])
    figures.add_columns(ends(form.lower, form.upper))
    figures.add_costs([form.cost])
    figures.add_curvature(form.quadratic)
    columns = figures.units().columns
    return {
        name: _FLOOR * float((abs(said.of_columns) @ columns).max(initial=0.0))
        for name, said in form.said.items()
    }
