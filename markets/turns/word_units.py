"""What one unit of each word is, found from the figures of who says it."""

from collections.abc import Iterable

from equigrid.markets.game import Game
from equigrid.markets.scaling import Figures, ends
from equigrid.markets.standard_form import StandardForm


def word_units(game: Game, names: Iterable[str]) -> dict[str, float]:
    """Return the unit of everything that some agents say, by path.

    Differences below a share of it are last digits, whatever units a game is stated in.

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
        name: float((abs(said.of_columns) @ columns).max(initial=0.0))
        for name, said in form.said.items()
    }
