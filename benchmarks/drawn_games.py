"""Small random bilevel programs as plain matrices, and the same matrices as a game in cvxpy.

Everything that a game is stands in the matrices of ``DrawnGame``: brute force reads nothing else,
and the declaration is made from nothing else. Numbers are small integers, so ties, degenerate
vertices and followers with several best answers are the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.scenarios.seeds import stream

KINDS = ("linear", "two", "chain", "price", "dual", "quadratic", "quadratic leader")
KINDS += ("integer", "coupling", "open", "large")
# Pairs of a slack and a multiplier in all followers together: brute force tries 2 to this power.
PAIRS_MAX = 12
EXTRA = 0.15
# The share of followers that have an answer to whatever they hear, with room to spare.
ROOMY = 0.6


@dataclass(frozen=True)
class Paid:
    """What passes between the leader and one follower: price × quantity × hours.

    At the leader's price, ``x[prices] × y[quantities]`` enters the follower's cost with the sign
    (+1: the follower pays the leader). At the follower's dual, ``x[prices] × what one more unit
    of them costs the follower`` is paid by the leader (+1) or to it (-1); ``quantities`` is empty.
    The leader may have to keep that dual within ± ``cap``.
    """

    sign: float
    hours: float
    prices: IntArray
    quantities: IntArray
    cap: float = np.inf

    @property
    def at_dual(self) -> bool:
        """Whether the price is a multiplier of the follower."""
        return len(self.quantities) == 0


@dataclass(frozen=True)
class Follower:
    """Minimise ½y'Py + (c + Cx + Dz)'y subject to Ay {=, ≤} b + Bx + Ez, l ≤ y ≤ u.

    x is the leader's, z the answer of the follower before. What is paid at the leader's price
    stands in C; what is paid for at the follower's dual stands in B.
    """

    factor: FloatArray  # P = factor' factor
    cost: FloatArray
    cost_of_x: FloatArray
    cost_of_z: FloatArray
    matrix: FloatArray
    equal: BoolArray
    rhs: FloatArray
    rhs_of_x: FloatArray
    rhs_of_z: FloatArray
    lower: FloatArray
    upper: FloatArray
    paid: Paid | None
    maximises: bool

    @property
    def curvature(self) -> FloatArray:
        """P."""
        return self.factor.T @ self.factor

    @property
    def pairs(self) -> int:
        """Number of inequalities that may or may not bind."""
        return int(
            (~self.equal).sum() + np.isfinite(self.lower).sum() + np.isfinite(self.upper).sum()
        )


@dataclass(frozen=True)
class DrawnGame:
    """Minimise ½x'Qx + d'x + Σ e_k'y_k + payments subject to Gx + Σ H_k y_k {=, ≤} g and bounds."""

    kind: str
    factor: FloatArray  # Q = factor' factor
    cost: FloatArray
    cost_of_answers: Sequence[FloatArray]
    matrix: FloatArray
    matrix_of_answers: Sequence[FloatArray]
    equal: BoolArray
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    followers: Sequence[Follower]
    maximises: bool

    @property
    def curvature(self) -> FloatArray:
        """Q."""
        return self.factor.T @ self.factor


def in_money(game: DrawnGame, unit: float) -> DrawnGame:
    """Return the same game with all money multiplied; what is decided stays as it is.

    Where the leader's price is a number of its own, it is the payment that is multiplied.
    """
    root = np.sqrt(unit)
    return replace(
        game,
        factor=game.factor * root,
        cost=game.cost * unit,
        cost_of_answers=[cost * unit for cost in game.cost_of_answers],
        followers=tuple(_follower_in_money(f, unit) for f in game.followers),
    )


def _follower_in_money(follower: Follower, unit: float) -> Follower:
    paid = follower.paid
    if paid is not None:
        dual = paid.at_dual
        paid = (
            replace(paid, cap=paid.cap * unit) if dual else replace(paid, hours=paid.hours * unit)
        )
    return replace(
        follower,
        factor=follower.factor * np.sqrt(unit),
        cost=follower.cost * unit,
        cost_of_x=follower.cost_of_x * unit,
        cost_of_z=follower.cost_of_z * unit,
        paid=paid,
    )


def draw(kind: str, seed: int, number: int) -> DrawnGame:
    """Return the game of that kind, seed and number, always the same."""
    rng = stream(seed, f"random games/{kind}/{number}")
    while True:
        game = _draw(kind, rng)
        if sum(follower.pairs for follower in game.followers) <= PAIRS_MAX:
            return game


def _whole(
    rng: np.random.Generator, low: int, high: int, *shape: int, dense: float = 1.0
) -> FloatArray:
    """Draw integers from low to high, of which a share is put to 0."""
    drawn = rng.integers(low, high + 1, shape) * (rng.random(shape) < dense)
    return np.asarray(drawn, dtype=float)


def _draw(kind: str, rng: np.random.Generator) -> DrawnGame:
    traits = {kind} | {other for other in KINDS if rng.random() < EXTRA}
    n_x = int(rng.integers(1, 4))
    lower = _whole(rng, -2, 0, n_x, dense=0.4)
    integer = rng.random(n_x) < 0.6 if "integer" in traits else np.zeros(n_x, dtype=bool)
    width = np.where(integer, _whole(rng, 1, 3, n_x), _whole(rng, 1, 6, n_x))
    inside = lower + np.floor(rng.random(n_x) * (width + 1))
    followers: list[Follower] = []
    answers: list[FloatArray] = []
    for _ in range(2 if traits & {"two", "chain"} else 1):
        before = answers[-1] if followers and "chain" in traits else np.zeros(0)
        follower, answer = _draw_follower(rng, traits, inside, width, before)
        followers.append(follower)
        answers.append(answer)
    game = _draw_leader(kind, rng, traits, inside, answers)
    game = replace(
        game, lower=lower, upper=lower + width, integer=integer, followers=tuple(followers)
    )
    return _enlarged(game, rng) if "large" in traits else game


def _draw_follower(
    rng: np.random.Generator,
    traits: set[str],
    inside: FloatArray,
    width: FloatArray,
    before: FloatArray,
) -> tuple[Follower, FloatArray]:
    """Draw a follower that can answer y to the leader's x, mostly."""
    n, m, n_x, n_z = int(rng.integers(1, 4)), int(rng.integers(1, 4)), len(inside), len(before)
    lower, upper, answer = _draw_bounds(rng, traits, n)
    matrix = _whole(rng, -2, 3, m, n, dense=0.8)
    equal = (np.arange(m) < 1) & (rng.random() < 0.4)
    paid = _draw_paid(rng, traits, n, n_x)
    heard = _draw_hearing(rng, traits, paid, (n, m, n_x, n_z), equal)
    slack = np.where(equal, 0.0, _whole(rng, -1 if rng.random() < 0.2 else 0, 3, m))
    if rng.random() < ROOMY:
        slack += ~equal * (1 + np.abs(heard["rhs_of_x"]) @ width)
    rhs = matrix @ answer - heard["rhs_of_x"] @ inside - heard["rhs_of_z"] @ before + slack
    follower = Follower(
        factor=_draw_factor(rng, n) if "quadratic" in traits else np.zeros((1, n)),
        cost=_whole(rng, -5, 5, n),
        **heard,
        matrix=matrix,
        equal=equal,
        rhs=rhs,
        lower=lower,
        upper=upper,
        paid=paid,
        maximises=bool(rng.random() < 0.3),
    )
    return follower, answer


def _draw_bounds(
    rng: np.random.Generator, traits: set[str], n: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw bounds, of which some may be open, and an answer between them."""
    lower = _whole(rng, -2, 0, n, dense=0.4)
    upper = lower + _whole(rng, 1, 5, n)
    answer = lower + np.floor(rng.random(n) * (upper - lower + 1))
    if "open" in traits:
        lower = np.where(rng.random(n) < 0.4, -np.inf, lower)
        upper = np.where(rng.random(n) < 0.4, np.inf, upper)
    return lower, upper, answer


def _draw_factor(rng: np.random.Generator, n: int) -> FloatArray:
    """Draw F of F'F: diagonal, full, or of less than full rank."""
    scale = float(rng.choice([0.5, 1.0, 2.0]))
    if rng.random() < 0.4:
        return scale * np.diag(_whole(rng, 1, 2, n, dense=0.7))
    return scale * _whole(rng, -1, 2, int(rng.integers(1, n + 1)), n)


def _draw_paid(rng: np.random.Generator, traits: set[str], n: int, n_x: int) -> Paid | None:
    """Draw a payment at the leader's price or at the follower's dual, where the kind has one."""
    how = [kind for kind in ("price", "dual") if kind in traits]
    if not how:
        return None
    at_dual = rng.choice(how) == "dual"
    count = int(rng.integers(1, min(n, n_x) + 1))
    # With a curved follower, income at its dual would not be a convex program even in one piece.
    sign = 1.0 if at_dual and "quadratic" in traits else float(rng.choice([-1.0, 1.0]))
    return Paid(
        sign=sign,
        hours=float(rng.choice([1.0, 0.5])),
        prices=rng.permutation(n_x)[:count],
        quantities=rng.permutation(n)[: 0 if at_dual else count],
        cap=float(rng.choice([1.0, 5.0, np.inf])) if at_dual else np.inf,
    )


def _draw_hearing(
    rng: np.random.Generator,
    traits: set[str],
    paid: Paid | None,
    shape: tuple[int, int, int, int],
    equal: BoolArray,
) -> dict[str, FloatArray]:
    """Draw C, B, D, E; a follower that pays hears nothing else that is decided."""
    n, m, n_x, n_z = shape
    cost_of_x, rhs_of_x = np.zeros((n, n_x)), np.zeros((m, n_x))
    cost_of_z, rhs_of_z = np.zeros((n, n_z)), np.zeros((m, n_z))
    if paid is None:
        where = rng.choice(["cost", "rhs", "both"])
        cost_of_x += _whole(rng, -2, 2, n, n_x, dense=0.6) * (where != "rhs")
        rhs_of_x += _whole(rng, -2, 2, m, n_x, dense=0.6) * (where != "cost")
        cost_of_z += _whole(rng, -2, 2, n, n_z, dense=0.6)
        rhs_of_z += _whole(rng, -1, 1, m, n_z, dense=0.4)
        still = equal & ("open" not in traits)
        rhs_of_x[still], rhs_of_z[still] = 0.0, 0.0
    elif paid.at_dual:
        rhs_of_x[:, paid.prices] = _whole(rng, -2, 2, m, len(paid.prices), dense=0.7)
    else:
        cost_of_x[paid.quantities, paid.prices] = paid.sign * paid.hours
    return {
        "cost_of_x": cost_of_x,
        "rhs_of_x": rhs_of_x,
        "cost_of_z": cost_of_z,
        "rhs_of_z": rhs_of_z,
    }


def _draw_leader(
    kind: str,
    rng: np.random.Generator,
    traits: set[str],
    inside: FloatArray,
    answers: Sequence[FloatArray],
) -> DrawnGame:
    """Draw costs and rows of the leader; bounds and followers are filled in by the caller."""
    n_x, coupled = len(inside), "coupling" in traits
    rows = int(rng.integers(1, 3)) if coupled else int(rng.integers(0, 2))
    matrix = _whole(rng, -2, 2, rows, n_x, dense=0.7)
    of_answers = [_whole(rng, -2, 2, rows, len(y), dense=0.7 * coupled) for y in answers]
    equal = (rng.random(rows) < 0.15) & coupled
    used = matrix @ inside + sum(part @ y for part, y in zip(of_answers, answers, strict=True))
    return DrawnGame(
        kind=kind,
        factor=_draw_factor(rng, n_x) if "quadratic leader" in traits else np.zeros((1, n_x)),
        cost=_whole(rng, -4, 4, n_x),
        cost_of_answers=[_whole(rng, -4, 4, len(y), dense=0.8) for y in answers],
        matrix=matrix,
        matrix_of_answers=of_answers,
        equal=equal,
        rhs=used + np.where(equal, 0.0, _whole(rng, 0, 3, rows)),
        lower=inside,
        upper=inside,
        integer=np.zeros(n_x, dtype=bool),
        followers=(),
        maximises=bool(rng.random() < 0.5),
    )


def _enlarged(game: DrawnGame, rng: np.random.Generator) -> DrawnGame:
    """Make multipliers large: costs of a follower up to 1e5, or a row of it as small as 1e-5."""
    return replace(game, followers=tuple(_enlarge(f, rng) for f in game.followers))


def _enlarge(follower: Follower, rng: np.random.Generator) -> Follower:
    if follower.paid is None and rng.random() < 0.5:
        scale = float(rng.choice([1e3, 1e4, 1e5]))
        return replace(
            follower,
            factor=follower.factor * np.sqrt(scale),
            cost=follower.cost * scale,
            cost_of_x=follower.cost_of_x * scale,
            cost_of_z=follower.cost_of_z * scale,
        )
    slope = np.ones(follower.matrix.shape)
    slope[rng.integers(len(slope)), rng.integers(slope.shape[1])] = float(
        rng.choice([1e-3, 1e-4, 1e-5])
    )
    return replace(follower, matrix=follower.matrix * slope)
