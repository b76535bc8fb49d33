"""Agents and games that tests share: a company that sets a price, a site that pays it, answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from equigrid.markets.bilevel.big_m.column_ranges import NoBoundError
from equigrid.markets.bilevel.big_m.milp import BigMMilp
from equigrid.markets.bilevel.big_m.pair_bounds import pair_bounds
from equigrid.markets.bilevel.branching.search import Branching
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import mpcc_of
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

CAP, WHOLESALE = 10.0, 3.0
NODES = 100_000


def _ramping_site(name: str, rng: np.random.Generator, steps: int) -> Agent:
    price, bought = cp.Parameter(steps), cp.Variable(steps, bounds=[0, 9])
    own, idle = cp.Variable(steps, bounds=[0, 3]), cp.Variable(steps, bounds=[0, 9])
    rows = [
        bought + own + idle >= rng.uniform(2, 7, steps),
        cp.sum(own) <= 5,
        cp.abs(cp.diff(own)) <= 1.5,
    ]
    cost = rng.uniform(2, 9, steps) @ own + 14 * cp.sum(idle)
    problem = cp.Problem(cp.Minimize(price @ bought + cost), rows)
    return Agent(name, problem, {"p": price}, {"bought": bought})


def disco(
    said: Mapping[str, cp.Expression] | None = None,
    cost: cp.Expression | float = 0.0,
    heard: Mapping[str, cp.Parameter] | None = None,
    offer: cp.Variable | None = None,
    rows: Sequence[cp.Constraint] = (),
) -> Agent:
    """Buy at 3, and sell at a price of one's own of up to 10."""
    offer = cp.Variable(1, bounds=[0, CAP]) if offer is None else offer
    sold, income = cp.Parameter(1), cp.Parameter(name="income")
    objective = cp.Minimize(WHOLESALE * cp.sum(sold) - income + cost)
    hears = {"sold": sold, "income": income, **(heard or {})}
    problem = cp.Problem(objective, list(rows))
    return Agent("disco", problem, hears, {"price": offer, **(said or {})})


def site(
    price: cp.Parameter | None = None,
    heard: Mapping[str, cp.Parameter] | None = None,
    *,
    rows: Sequence[cp.Constraint] = (),
    cost: cp.Expression | float = 0.0,
    bought: cp.Variable | None = None,
    load: float = 4.0,
) -> Agent:
    """Cover a load from outside, or with 2 MW of its own at 5."""
    price = cp.Parameter(1, name="price") if price is None else price
    bought = cp.Variable(1, bounds=[0, 9], name="bought") if bought is None else bought
    own = cp.Variable(1, bounds=[0, 2], name="own")
    problem = cp.Problem(
        cp.Minimize(price @ bought + 5 * cp.sum(own) + cost), [bought + own == load, *rows]
    )
    return Agent("site", problem, {"price": price, **(heard or {})}, {"bought": bought, "own": own})


def game(
    leader: Agent,
    site: Agent,
    links: Sequence[Link] = (),
    payments: Sequence[Payment] = (),
    others: Sequence[Agent] = (),
    **options: Any,
) -> Game:
    """Let the site pay the leader's price for what it buys, and the leader hear both."""
    return Game(
        [leader, site, *others],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought"), *payments],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
            *links,
        ],
        **options,
    )


def two_sites(seed: int, *, most: float = 9.0, maximise: bool = True) -> Game:
    """One price for two sites with ramps and a budget of energy of their own: many nodes."""
    rng, steps = np.random.default_rng(seed), 4
    offer, income = cp.Variable(steps, bounds=[0, 12]), cp.Parameter()
    sold = [cp.Parameter(steps), cp.Parameter(steps)]
    total = sold[0] + sold[1]
    profit = income - rng.uniform(1, 6, steps) @ total
    goal = cp.Maximize(profit) if maximise else cp.Minimize(-profit)
    hears = {"income": income, "sold0": sold[0], "sold1": sold[1]}
    leader = Agent("disco", cp.Problem(goal, [total <= most]), hears, {"price": offer})
    agents, links, payments = [leader], [], []
    for k in range(2):
        agents.append(_ramping_site(f"s{k}", rng, steps))
        links += [Link("disco.price", f"s{k}.p"), Link(f"s{k}.bought", f"disco.sold{k}")]
        links.append(Link(f"bill{k}", "disco.income"))
        payments.append(Payment(f"bill{k}", f"s{k}", "disco", "disco.price", f"s{k}.bought"))
    return Game(agents, "disco", links, payments)


def certified(game: Game, method: Exact | None = None) -> Equilibrium:
    """Solve to the end, with a certificate that is clean."""
    found = (method or Exact()).solve(game)
    certificate = found.certificate
    assert max(certificate.regret.values(), default=0.0) <= 1e-6
    assert certificate.optimality_gap is not None
    assert certificate.optimality_gap <= 1e-4
    assert certificate.settlement_residual <= 1e-6
    assert certificate.primal_residual is not None
    assert certificate.primal_residual <= 1e-6
    assert found.settled
    assert found.leader_objective is not None
    return found


def searched(game: Game, route: str = "branching", gap: float = 1e-7) -> float:
    """Return the leader's objective as a route finds it, without the dearer certificate."""
    program = KktProgram(game)
    stated = mpcc_of(program)
    if route == "branching":
        found = Branching(stated, gap).run(NODES)
    else:
        found = BigMMilp(stated, pair_bounds(program, stated), gap).run(NODES)
    assert found.status == "optimal"
    assert found.best is not None
    sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
    return sign * (found.best.value + stated.program.offset)


def by_both_routes(game: Game, gap: float = 1e-7, *, milp_may_refuse: bool = False) -> Equilibrium:
    """Solve by the branching and by the milp, which share no search, and compare.

    The milp may refuse for want of a bound where that is said, but never be wrong.
    """
    branching = certified(game, Exact(gap=gap, route="branching"))
    try:
        milp = searched(game, "milp", gap)
    except NoBoundError:
        assert milp_may_refuse
        return branching
    near = max(1e-6, 2 * gap)
    assert milp == pytest.approx(branching.leader_objective, rel=near, abs=near)
    return branching
