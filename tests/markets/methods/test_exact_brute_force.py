"""Exact against a grid of prices: every follower is solved again, from data, by another solver.

Nothing of the compiled forms is used: the followers' matrices are written down here and solved
with scipy, at every price of a grid, and ties are resolved in the leader's favour by solving the
leader's problem over the followers' optimal faces. Without ramps the grid holds every price at
which an answer changes, so that its best point is the optimum; with ramps it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog
from tests.support import led_games as build

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.games.game import Game
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

PENALTY = 1e4


def _block_diagonal(blocks: Iterable[Any], format: str = "coo") -> Any:  # noqa: A002
    """Put blocks along the diagonal of a sparse array."""
    return sparse.block_diag([sparse.coo_array(block) for block in blocks], format=format)


@dataclass(frozen=True)
class Site:
    """A follower: load, a generator with a bid of two steps, an import with or without limits."""

    load: tuple[int, ...]
    cost: tuple[int, int]
    size: tuple[int, int]
    import_max: int | None
    ramp: int | None


@dataclass(frozen=True)
class Market:
    sites: tuple[Site, ...]
    wholesale: tuple[int, ...]
    cap: int
    hours: float
    total_max: int | None

    @property
    def steps(self) -> int:
        return len(self.wholesale)


@st.composite
def markets(draw: st.DrawFn, *, ramps: bool) -> Market:
    steps = draw(st.integers(1, 3))
    small = st.integers(1, 4)
    load = st.tuples(*[st.integers(1, 8)] * steps)
    sites = st.builds(
        Site,
        load=load,
        cost=st.tuples(st.integers(2, 6), st.integers(7, 12)),
        size=st.tuples(small, small),
        import_max=st.none() | st.integers(8, 10),
        ramp=st.integers(1, 3) if ramps else st.none(),
    )
    return Market(
        sites=tuple(draw(st.lists(sites, min_size=1, max_size=2))),
        wholesale=draw(st.tuples(*[st.integers(0, 8)] * steps)),
        cap=draw(st.integers(6, 14)),
        hours=draw(st.sampled_from([1.0, 0.5])),
        total_max=draw(st.none() | st.integers(2, 12)),
    )


def _follower(number: int, site: Site, hours: float) -> Agent:
    steps = len(site.load)
    limit = np.inf if site.import_max is None else site.import_max
    price = cp.Parameter(steps, name="price")
    bounds = None if site.import_max is None else [-limit, limit]
    bought = cp.Variable(steps, bounds=bounds, name="import")
    power = [cp.Variable(steps, bounds=[0, size], name="power") for size in site.size]
    cost = sum(c * hours * cp.sum(p) for c, p in zip(site.cost, power, strict=True))
    limits = [bought + power[0] + power[1] == np.array(site.load)]
    if site.ramp is not None:
        limits += [cp.abs(cp.diff(bought)) <= site.ramp] if steps > 1 else []
    return Agent(
        f"site{number}",
        cp.Problem(cp.Minimize(hours * price @ bought + cost), limits),
        hears={"price": price},
        says={"import_mw": bought},
    )


def _game(market: Market, *, gain: bool) -> Game:
    """One price for all sites; the leader states its profit as a gain or as a cost."""
    steps, names = market.steps, [f"site{k}" for k in range(len(market.sites))]
    price = cp.Variable(steps, bounds=[0, market.cap])
    sold = {name: cp.Parameter(steps) for name in names}
    income = cp.Parameter()
    total = sum(sold.values())
    profit = income - market.hours * np.array(market.wholesale) @ total
    limits = [] if market.total_max is None else [cp.sum(total) <= market.total_max]
    objective = cp.Maximize(profit) if gain else cp.Minimize(-profit)
    leader = Agent(
        "disco",
        cp.Problem(objective, limits),
        hears={**sold, "income": income},
        says={"price": price},
    )
    followers = [_follower(k, site, market.hours) for k, site in enumerate(market.sites)]
    return Game(
        [leader, *followers],
        leader="disco",
        payments=[
            Payment(f"bill {n}", n, "disco", "disco.price", f"{n}.import_mw", market.hours)
            for n in names
        ],
        links=[
            *[Link("disco.price", f"{n}.price") for n in names],
            *[Link(f"{n}.import_mw", f"disco.{n}") for n in names],
            *[Link(f"bill {n}", "disco.income") for n in names],
        ],
    )


def _matrices(market: Market) -> tuple[Any, FloatArray, Any, FloatArray, list[tuple[float, float]]]:
    """Rows and bounds of all sites side by side; columns of a site: imports, then two powers."""
    t = market.steps
    below, most, equal, rhs, bounds = [], [], [], [], []
    for site in market.sites:
        limit = np.inf if site.import_max is None else float(site.import_max)
        bounds += [(-limit, limit)] * t
        bounds += [(0.0, float(site.size[0]))] * t + [(0.0, float(site.size[1]))] * t
        equal.append(np.hstack([np.eye(t)] * 3))
        rhs += list(site.load)
        rise = np.diff(np.eye(t), axis=0)
        both = np.hstack([np.vstack([rise, -rise]), np.zeros((2 * (t - 1), 2 * t))])
        below.append(both if site.ramp is not None else np.zeros((0, 3 * t)))
        most += [float(site.ramp)] * len(below[-1]) if site.ramp is not None else []
    return (
        _block_diagonal(below),
        np.array(most),
        _block_diagonal(equal),
        np.array(rhs, dtype=float),
        bounds,
    )


def _cost(market: Market, price: FloatArray) -> FloatArray:
    """Cost of all sites' columns at a price."""
    parts = [
        np.concatenate([price, *(np.full(market.steps, float(c)) for c in site.cost)])
        for site in market.sites
    ]
    return market.hours * np.concatenate(parts)


def _linprog(cost: FloatArray, *args: Any, **named: Any) -> Any:
    solved = linprog(cost, *args, **named, method="highs")
    assert solved.status == 0, solved.message
    return solved


def _grid_profits(market: Market, prices: list[FloatArray]) -> FloatArray:
    """The leader's best profit at each price, -inf where its constraint cannot be met."""
    below, most, equal, rhs, bounds = _matrices(market)
    count, t = len(prices), market.steps
    costs = np.array([_cost(market, price) for price in prices])
    all_below, all_equal = (
        _block_diagonal([matrix] * count, format="csr") for matrix in (below, equal)
    )
    every = {"A_eq": all_equal, "b_eq": np.tile(rhs, count)}
    alone = _linprog(costs.ravel(), all_below, np.tile(most, count), bounds=bounds * count, **every)
    answers = alone.x.reshape(count, len(market.sites), 3 * t)
    least = (costs.reshape(answers.shape) * answers).sum(axis=2)
    # A row a site holds it to its optimum; a column a price lets the leader's limit be broken.
    faces = _block_diagonal([part[None, :] for row in costs for part in row.reshape(-1, 3 * t)])
    sold = np.concatenate([np.ones(t), np.zeros(2 * t)])
    sold = np.tile(sold, len(market.sites))
    total = _block_diagonal([sold[None, :]] * count)
    limit = np.inf if market.total_max is None else float(market.total_max)
    margin = [np.array(market.wholesale) - price for price in prices]
    gain = np.concatenate(
        [
            np.tile(np.concatenate([m * market.hours, np.zeros(2 * t)]), len(market.sites))
            for m in margin
        ]
    )
    padding = sparse.csr_array((all_below.shape[0] + faces.shape[0], count))
    rows = sparse.vstack(
        [
            sparse.hstack([sparse.vstack([all_below, faces]), padding]),
            sparse.hstack([total, -sparse.eye_array(count)]),
        ]
    )
    upper = [np.tile(most, count), least.ravel() + 1e-9, np.full(count, min(limit, 1e6))]
    joint = _linprog(
        np.concatenate([gain, np.full(count, PENALTY)]),
        rows,
        np.concatenate(upper),
        sparse.hstack([all_equal, sparse.csr_array((all_equal.shape[0], count))]),
        np.tile(rhs, count),
        bounds=bounds * count + [(0, None)] * count,
    )
    broken = joint.x[-count:] > 1e-7
    profit = -(gain.reshape(count, -1) * joint.x[:-count].reshape(count, -1)).sum(axis=1)
    return np.where(broken, -np.inf, profit)


def _prices(market: Market) -> list[FloatArray]:
    kinks = {0, market.cap} | {c for site in market.sites for c in site.cost if c <= market.cap}
    return [np.array(price, dtype=float) for price in product(sorted(kinks), repeat=market.steps)]


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(market=markets(ramps=False), gain=st.booleans())
def test_exact_is_the_best_point_of_a_complete_grid(market: Market, gain: bool) -> None:
    best = float(_grid_profits(market, _prices(market)).max())
    if not np.isfinite(best):
        with pytest.raises(NoAnswer, match="disco"):
            Exact().solve(_game(market, gain=gain))
        return
    for route in ("branching", "milp"):
        found = build.searched(_game(market, gain=gain), route)
        assert found * (1 if gain else -1) == pytest.approx(best, rel=1e-5, abs=1e-5)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(market=markets(ramps=False), gain=st.booleans())
def test_the_best_point_of_a_grid_has_a_clean_certificate(market: Market, gain: bool) -> None:
    best = float(_grid_profits(market, _prices(market)).max())
    assume(np.isfinite(best))
    found = build.certified(_game(market, gain=gain))
    assert found.certificate.regret.keys() == {f"site{k}" for k in range(len(market.sites))}
    assert found.leader_objective == pytest.approx(best if gain else -best, rel=1e-4, abs=1e-4)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(market=markets(ramps=True))
def test_exact_is_no_worse_than_a_grid_when_ramps_couple_the_hours(market: Market) -> None:
    try:
        best = float(_grid_profits(market, _prices(market)).max())
    except AssertionError:
        # A ramp that no generator can follow: the site has no answer at any price.
        with pytest.raises(NoAnswer, match="site"):
            Exact().solve(_game(market, gain=True))
        return
    if np.isfinite(best):
        found = build.searched(_game(market, gain=True))
        assert found >= best - 1e-5 * max(1.0, abs(best))
        milp = build.searched(_game(market, gain=True), "milp")
        assert milp == pytest.approx(found, rel=1e-5, abs=1e-5)


def test_the_negotiation_agrees_where_it_settles() -> None:
    market = Market(
        sites=(Site((5, 7), (4, 9), (2, 3), 9, None), Site((3, 6), (5, 8), (1, 4), None, 2)),
        wholesale=(3, 6),
        cap=12,
        hours=0.5,
        total_max=None,
    )
    exact = build.certified(_game(market, gain=True))
    talked = BestResponse().solve(_game(market, gain=True))
    assert talked.settled
    assert talked.leader_objective == pytest.approx(exact.leader_objective, rel=1e-4)
