"""The MPCC (mathematical program with complementarity constraints, an MPEC) of a led game.

It has as few columns as there are decisions. What is heard and what is paid are put in, so that
parts of the game that share no decision come apart: where a leader sets prices, the followers'
duals with the prices, and everybody's quantities. Only the pairs tie them together.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.errors import UnusableGame, WrongMethod
from equigrid.markets.bilevel.complementarity_pairs import Pairs, pairs_of
from equigrid.markets.bilevel.kkt import KktProgram, PaymentRow
from equigrid.markets.bilevel.leader_objective import SHARE, Money, money_of
from equigrid.markets.bilevel.quadratic_cuts import Squares
from equigrid.markets.bilevel.substitution import (
    CircleError,
    Substituted,
    substitute,
    without_fixed,
)
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.forms.scaling import Figures, Units, ends

# Of money in units of the program's own: what a linear program's last digits may make of 0.
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Mpcc:
    """A linear program with pairs and squares.

    Attributes
    ----------
    program : Assembled
        Without the pairs and squares.
    pairs : Pairs
    squares : Squares
    limits : indices
        Rows that belong to followers alone.
    whole : Substituted
        The way back to the columns of the game's program.
    money : Money, optional
        What the objective is made of; without it, costs × columns.
    units : Units, optional
        In which all of this is measured, where it is not in those of the declaration.
    """

    program: Assembled
    pairs: Pairs
    squares: Squares
    limits: IntArray
    whole: Substituted
    money: Money | None = None
    units: Units | None = None

    def restored(self, columns: FloatArray) -> FloatArray:
        """Return all columns of the game's program."""
        return np.asarray(self.whole.restore @ columns + self.whole.shift)

    @property
    def moving_offset(self) -> float:
        """The part of the objective's offset that is no constant of the game."""
        return self.program.offset - (0.0 if self.money is None else self.money.constant)

    def allowed(self, columns: FloatArray, value: float, gap: float) -> float:
        """Return by how much a bound may lie below an answer that is proven to a relative gap.

        It is relative to the objective without constants, so a fixed revenue hides nothing; or,
        where costs and revenue all but cancel, to a hundredth of what moves.

        Parameters
        ----------
        columns : array of shape (n,)
            The answer.
        value : float
            Its value, without the offset.
        gap : float
        """
        if self.money is None:
            moved = float(np.abs(self.program.cost * columns).sum())
        else:
            moved = self.money.moved(columns)
        least = _LEAST * (1.0 if self.units is not None else _size(self.program.cost))
        return max(gap * max(SHARE * moved, abs(value + self.moving_offset)), least)

    def in_own_units(self) -> "Mpcc":
        """Return the same program in units of its own, in which tolerances mean what they say."""
        program, squares = self.program, self.squares
        units = self._own_units()
        root = np.sqrt(units.columns[squares.epigraph])
        factor = sparse.diags_array(1.0 / root) @ squares.factor @ sparse.diags_array(units.columns)
        restore = self.whole.restore @ sparse.diags_array(units.columns)
        return replace(
            self,
            program=program.measured(units),
            squares=replace(
                squares, factor=sparse.csr_array(factor), constant=squares.constant / root
            ),
            whole=replace(self.whole, restore=sparse.csr_array(restore)),
            money=None if self.money is None else self.money.measured(units),
            units=units,
        )

    def _own_units(self) -> Units:
        program, squares = self.program, self.squares
        figures = Figures(program.matrix, ~program.integer)
        figures.add_rows(ends(program.row_lower, program.row_upper))
        figures.add_columns(ends(program.lower, program.upper))
        figures.add_costs([program.cost])
        figures.add_roots(squares.epigraph, squares.factor, squares.constant)
        return figures.units(fourths=squares.epigraph)


def _size(values: FloatArray) -> float:
    return float(np.abs(values).max(initial=0.0)) or 1.0


def mpcc_of(game: KktProgram) -> Mpcc:
    """Put in what is heard and paid, and keep the pairs aside.

    Raises
    ------
    WrongMethod
        When payments are heard in a way that is not linear, or not convex.
    """
    assembled = game.program.assembled(game.leader_form.offset)
    smaller = without_fixed(assembled)
    columns, rows = _definitions(game, smaller)
    try:
        smaller = smaller.then(substitute(smaller.program, columns, rows))
    except CircleError as error:
        raise UnusableGame([_circle(game, smaller, error.columns)]) from error
    smaller = _without_bills(game, smaller)
    squares = _squares(game, smaller)
    _refuse_concave(smaller.program, squares.epigraph)
    limits = [smaller.row[follower.limits] for follower in game.followers.values()]
    return Mpcc(
        smaller.program,
        pairs_of(game, smaller),
        squares,
        _joined(limits),
        smaller,
        money_of(assembled, smaller),
    )


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=int), *parts])


def _circle(game: KktProgram, smaller: Substituted, columns: IntArray) -> str:
    heard = [
        f"'{agent}.{name}'"
        for agent, at in game.heard.items()
        for name, where in game.game.forms[agent].heard.items()
        if np.isin(smaller.column[at[where]], columns).any()
    ]
    return (
        f"{' and '.join(heard)} are said again in a circle in which nobody decides; cut one of "
        "their links"
    )


def _definitions(game: KktProgram, smaller: Substituted) -> tuple[IntArray, IntArray]:
    columns = _joined([at for at, _ in game.defined])
    rows = _joined([rows for _, rows in game.defined])
    return smaller.column[columns], smaller.row[rows]


def _without_bills(game: KktProgram, smaller: Substituted) -> Substituted:
    """Put in the amounts that strong duality gives, one for each bill."""
    columns, rows = [], []
    for bill in game.bill_rows:
        open_ = smaller.column[bill.amounts]
        free = [c for c in open_.tolist() if c >= 0 and c not in columns]
        if free:
            _refuse_separate_hearing(game, smaller, bill)
            columns.append(free[0])
            rows.append(int(smaller.row[bill.row]))
    if not columns:
        return smaller
    return smaller.then(substitute(smaller.program, np.array(columns), np.array(rows)))


def _refuse_separate_hearing(game: KktProgram, smaller: Substituted, bill: PaymentRow) -> None:
    """Only the sum of a bill is linear: elsewhere its amounts must stand in the same ratio."""
    at = smaller.column[bill.amounts]
    kept = at >= 0
    if kept.sum() < 2:
        return
    program, row = smaller.program, int(smaller.row[bill.row])
    table = np.vstack([program.matrix[:, at[kept]].toarray(), program.cost[at[kept]]])
    table = np.delete(table, row, axis=0) / bill.weights[kept]
    if (np.abs(table - table[:, [0]]) > 1e-9 * np.abs(table).max(axis=1, keepdims=True)).any():
        names = [p.name for p in game.moving if np.isin(game.amounts[p.name], bill.amounts).any()]
        raise WrongMethod(
            f"payments {', '.join(repr(n) for n in names)} of one follower are paid at several "
            "decided prices and only their sum is linear; let the leader hear them all in one value"
        )


def _squares(game: KktProgram, smaller: Substituted) -> Squares:
    n = smaller.program.matrix.shape[1]
    factors = [curve.factor @ smaller.restore[curve.columns] for curve in game.curves]
    constants = [curve.factor @ smaller.shift[curve.columns] for curve in game.curves]
    return Squares(
        smaller.column[_joined([curve.epigraph for curve in game.curves])],
        sparse.csr_array(sparse.vstack([sparse.csr_array((0, n)), *factors])),
        np.concatenate([np.zeros(0), *constants]),
    )


def _refuse_concave(program: Assembled, epigraph: IntArray) -> None:
    """An epigraph column may only be pushed down, else the relaxation is no answer."""
    entries = sparse.coo_array(program.matrix[:, epigraph])
    up = np.isfinite(program.row_lower[entries.row]) & (entries.data > 0)
    down = np.isfinite(program.row_upper[entries.row]) & (entries.data < 0)
    if (program.cost[epigraph] < -1e-12 * _size(program.cost)).any() or up.any() or down.any():
        raise WrongMethod(
            "the payment of a quadratic follower enters the leader's problem with the wrong sign "
            "to be convex; let the leader count it as its own income or cost only"
        )
