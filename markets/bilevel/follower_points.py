"""Followers' answers with their KKT multipliers, in their own standard forms."""

from collections.abc import Mapping

from equigrid.arrays import FloatArray
from equigrid.markets.bilevel.follower_presolve import Multipliers
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.forms.points import Point


def points(program: KktProgram, columns: FloatArray) -> Mapping[str, Point]:
    """Return what a certificate checks of each follower's optimality conditions, by name.

    Parameters
    ----------
    program : KktProgram
    columns : array
        All columns of the program at the answer.
    """
    by_name = {}
    for name, follower in program.followers.items():
        answer, heard = program.answer(columns, name)
        small = Multipliers(
            columns[follower.rows], columns[follower.lower], columns[follower.upper]
        )
        full = follower.reduced.restored_multipliers(columns[follower.primal], heard, small)
        by_name[name] = Point(answer, heard, full.rows, full.lower, full.upper)
    return by_name
