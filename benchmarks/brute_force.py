"""The best point of a small bilevel program by trying every complementarity pattern.

Shares nothing with equigrid: it reads the plain matrices of a drawn game, states the followers'
optimality conditions by itself, and decides for every inequality of a follower whether its slack
or its multiplier is 0. A branch is left only when a linear program proves that nothing feasible
is in it; there are no bounds on multipliers, no binaries and no bounding by value. Integers of
the leader are tried one by one.

A piece is a linear or a convex quadratic program, since what a follower pays is, wherever its
optimality conditions hold, minus everything else in y'(stationarity) = 0. What is found is
checked by multiplying prices with quantities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from convex_pieces import DoubtError, Piece, Program, minimise
from drawn_games import DrawnGame, Follower, Paid

from equigrid.arrays import BoolArray, FloatArray

# Two ways to compute the money of one point may differ by this much, relatively.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Best:
    """What brute force found: ``solved``, ``infeasible`` or ``unbounded``; the value minimised."""

    status: str
    value: float = np.inf
    x: FloatArray | None = None
    answers: tuple[FloatArray, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Columns of one follower in the big program."""

    y: slice
    rows: slice
    upper: slice
    lower: slice
    slacks: tuple[slice, slice, slice]


class _Pieces:
    """Equalities K v = k with bounds on v, the objective, and the pairs of which one is 0.

    Columns are the leader's x, then for each follower y, multipliers μ of its rows, of its upper
    and of its lower bounds, and the slacks of those three.
    """

    def __init__(self, game: DrawnGame) -> None:
        self.game = game
        self.places: list[_Place] = []
        self.pairs: list[tuple[int, int]] = []
        self.size = n_x = len(game.cost)
        for follower in game.followers:
            self._place(follower)
        slack = self._take(len(game.rhs))
        capped = [self._take(_capped(follower)) for follower in game.followers]
        self.lower, self.upper = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        self.lower[:n_x], self.upper[:n_x] = game.lower, game.upper
        self.lower[slack] = 0.0
        self.upper[slack] = np.where(game.equal, 0.0, np.inf)
        self.blocks: list[FloatArray] = []
        self.rhs: list[FloatArray] = []
        for number, follower in enumerate(game.followers):
            self._add_conditions(number, follower)
        own = [(slice(0, n_x), game.matrix), (slack, np.eye(len(game.rhs)))]
        leader = self._add_rows(game.rhs, own)
        for place, part in zip(self.places, game.matrix_of_answers, strict=True):
            leader[:, place.y] = part
        for place, caps, follower in zip(self.places, capped, game.followers, strict=True):
            self._cap(place, caps, follower)
        self.matrix, self.right = np.vstack(self.blocks), np.concatenate(self.rhs)
        self.curvature, self.cost = self._objective()

    def _take(self, count: int) -> slice:
        self.size += count
        return slice(self.size - count, self.size)

    def _place(self, follower: Follower) -> None:
        n, m = len(follower.cost), len(follower.rhs)
        y, rows, upper, lower = (self._take(k) for k in (n, m, n, n))
        slacks = (self._take(m), self._take(n), self._take(n))
        self.places.append(_Place(y, rows, upper, lower, slacks))

    def _add_rows(self, right: FloatArray, parts: list[tuple[slice, FloatArray]]) -> FloatArray:
        block = np.zeros((len(right), self.size))
        for where, part in parts:
            block[:, where] = part
        self.blocks.append(block)
        self.rhs.append(right)
        return block

    def _add_conditions(self, number: int, follower: Follower) -> None:
        """State stationarity, primal feasibility and signs of one follower."""
        place, n, m = self.places[number], len(follower.cost), len(follower.rhs)
        x = slice(0, len(self.game.cost))
        stationarity = [(place.y, follower.curvature), (x, follower.cost_of_x)]
        stationarity += [(place.upper, np.eye(n)), (place.lower, -np.eye(n))]
        stationarity.append((place.rows, follower.matrix.T))
        rows = [(place.y, follower.matrix), (x, -follower.rhs_of_x), (place.slacks[0], np.eye(m))]
        if follower.cost_of_z.shape[1]:
            before = self.places[number - 1].y
            stationarity.append((before, follower.cost_of_z))
            rows.append((before, -follower.rhs_of_z))
        self._add_rows(-follower.cost, stationarity)
        self._add_rows(follower.rhs, rows)
        self._close(place.rows, place.slacks[0], np.ones(m, dtype=bool), follower.equal)
        for side, slack, end, sign in (
            (place.upper, place.slacks[1], follower.upper, 1.0),
            (place.lower, place.slacks[2], follower.lower, -1.0),
        ):
            there = np.isfinite(end)
            right = np.where(there, sign * end, 0.0)
            self._add_rows(right, [(place.y, np.diag(sign * there)), (slack, np.diag(1.0 * there))])
            self._close(side, slack, there, np.zeros(n, dtype=bool))

    def _close(self, multiplier: slice, slack: slice, there: BoolArray, equal: BoolArray) -> None:
        """Bound multipliers and slacks; what is not there is 0, an equality has no sign."""
        self.lower[multiplier] = np.where(equal, -np.inf, 0.0)
        self.upper[multiplier] = np.where(there, np.inf, 0.0)
        self.lower[slack] = 0.0
        self.upper[slack] = np.where(there & ~equal, np.inf, 0.0)
        at = np.flatnonzero(there & ~equal)
        self.pairs += [(int(slack.start + k), int(multiplier.start + k)) for k in at]

    def _cap(self, place: _Place, caps: slice, follower: Follower) -> None:
        """State that what the leader says costs the follower no more than the cap, a unit."""
        paid, count = follower.paid, caps.stop - caps.start
        if paid is not None and count:
            worth = (place.rows, -follower.rhs_of_x[:, paid.prices].T)
            self._add_rows(np.zeros(count), [worth, (caps, -np.eye(count))])
            self.lower[caps], self.upper[caps] = -paid.cap, paid.cap

    def _objective(self) -> tuple[FloatArray, FloatArray]:
        curvature, cost = np.zeros((self.size, self.size)), np.zeros(self.size)
        n_x = len(self.game.cost)
        curvature[:n_x, :n_x], cost[:n_x] = self.game.curvature, self.game.cost
        for place, follower, own in zip(
            self.places, self.game.followers, self.game.cost_of_answers, strict=True
        ):
            cost[place.y] += own
            if follower.paid is None:
                continue
            # y'(stationarity) = 0: what is heard of x, times y or μ, is minus all of this.
            weight = follower.paid.sign * follower.paid.hours if follower.paid.at_dual else 1.0
            curvature[place.y, place.y] += 2 * weight * follower.curvature
            cost[place.y] += weight * follower.cost
            cost[place.rows] += weight * follower.rhs
            cost[place.upper] += weight * np.where(np.isfinite(follower.upper), follower.upper, 0)
            cost[place.lower] -= weight * np.where(np.isfinite(follower.lower), follower.lower, 0)
        return curvature, cost


def best(game: DrawnGame) -> Best:
    """Return the best point over all patterns and all integers of the leader.

    Raises
    ------
    DoubtError
        When a piece cannot be solved to the accuracy that is needed.
    """
    pieces, found = _Pieces(game), Best("infeasible")
    for fixed in _integers(game):
        for lower, upper in _feasible_patterns(pieces, fixed):
            status, point = minimise(
                Piece(pieces.matrix, pieces.right, lower, upper, pieces.curvature, pieces.cost)
            )
            if status == "unbounded":
                return Best("unbounded")
            if point is None:
                continue
            value = float(pieces.cost @ point + 0.5 * point @ pieces.curvature @ point)
            if value < found.value:
                answers = tuple(point[place.y] for place in pieces.places)
                _check_money(pieces, point, value)
                found = Best("solved", value, point[: len(game.cost)], answers)
    return found


def _capped(follower: Follower) -> int:
    """Number of duals that the leader has to keep within a cap."""
    paid = follower.paid
    return 0 if paid is None or np.isinf(paid.cap) else len(paid.prices)


def _integers(game: DrawnGame) -> Iterator[dict[int, float]]:
    at = np.flatnonzero(game.integer)
    ranges = [np.arange(game.lower[k], game.upper[k] + 1) for k in at]
    for values in product(*ranges):
        yield dict(zip(at.tolist(), map(float, values), strict=True))


def _feasible_patterns(
    pieces: _Pieces, fixed: dict[int, float]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the bounds of every pattern that has a point."""
    lower, upper = pieces.lower.copy(), pieces.upper.copy()
    for column, value in fixed.items():
        lower[column] = upper[column] = value
    program = Program(pieces.matrix, pieces.right, lower, upper)

    def descend(depth: int) -> Iterator[tuple[FloatArray, FloatArray]]:
        if program.solve() == "infeasible":
            return
        if depth == len(pieces.pairs):
            yield lower.copy(), upper.copy()
            return
        for column in pieces.pairs[depth]:
            upper[column] = 0.0
            program.bound(column, 0.0, 0.0)
            yield from descend(depth + 1)
            upper[column] = np.inf
            program.bound(column, 0.0, np.inf)

    yield from descend(0)


def _check_money(pieces: _Pieces, point: FloatArray, value: float) -> None:
    """Compare the value with prices times quantities."""
    game, x = pieces.game, point[: len(pieces.game.cost)]
    direct = game.cost @ x + 0.5 * x @ game.curvature @ x
    for place, follower, own in zip(
        pieces.places, game.followers, game.cost_of_answers, strict=True
    ):
        direct += own @ point[place.y]
        if follower.paid is not None:
            direct += _money(follower, follower.paid, x, point[place.y], point[place.rows])
    if abs(direct - value) > AGREEMENT * max(1.0, abs(value)):
        raise DoubtError(f"money by duality gives {value}, by multiplication {direct}")


def _money(
    follower: Follower, paid: Paid, x: FloatArray, y: FloatArray, multipliers: FloatArray
) -> float:
    """Return what the leader pays: a negative number where it is paid."""
    if paid.at_dual:
        worth = -follower.rhs_of_x.T @ multipliers
        return float(paid.sign * paid.hours * worth[paid.prices] @ x[paid.prices])
    return float(-paid.sign * paid.hours * x[paid.prices] @ y[paid.quantities])


def money(game: DrawnGame, x: FloatArray, answers: Sequence[FloatArray]) -> float:
    """Return the money that moves for the leader: the sizes of its own terms and of payments."""
    total = float(np.abs(game.cost) @ np.abs(x) + np.sum((game.factor @ x) ** 2) / 2)
    for follower, own, y in zip(game.followers, game.cost_of_answers, answers, strict=True):
        total += float(np.abs(own) @ np.abs(y))
        paid = follower.paid
        if paid is not None and not paid.at_dual:
            total += paid.hours * float(np.abs(x[paid.prices]) @ np.abs(y[paid.quantities]))
    return total


def regret(game: DrawnGame, x: FloatArray, answers: Sequence[FloatArray]) -> float:
    """Return the most that a follower could still gain at x, relative, by its matrices alone.

    Infinite where an answer is off its constraints by more than 1e-5.
    """
    worst, before = 0.0, np.zeros(0)
    for follower, answer in zip(game.followers, answers, strict=True):
        heard = before if follower.cost_of_z.shape[1] else np.zeros(0)
        cost = follower.cost + follower.cost_of_x @ x + follower.cost_of_z @ heard
        right = follower.rhs + follower.rhs_of_x @ x + follower.rhs_of_z @ heard
        over = follower.matrix @ answer - right
        off = [np.where(follower.equal, np.abs(over), over)]
        off += [answer - follower.upper, follower.lower - answer]
        if np.concatenate(off).max() > 1e-5:
            return np.inf
        own = cost @ answer + 0.5 * answer @ follower.curvature @ answer
        least = _least(follower, cost, right)
        worst, before = max(worst, (own - least) / max(1.0, abs(least))), answer
    return worst


def _least(follower: Follower, cost: FloatArray, right: FloatArray) -> float:
    """Return a follower's own best cost at a cost and a right-hand side."""
    n, m = len(cost), len(right)
    curvature = np.zeros((n + m, n + m))
    curvature[:n, :n] = follower.curvature
    piece = Piece(
        np.hstack([follower.matrix, np.eye(m)]),
        right,
        np.concatenate([follower.lower, np.zeros(m)]),
        np.concatenate([follower.upper, np.where(follower.equal, 0.0, np.inf)]),
        curvature,
        np.concatenate([cost, np.zeros(m)]),
    )
    _, point = minimise(piece)
    return -np.inf if point is None else piece.value(point)
