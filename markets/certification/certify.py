"""Checking an answer: every agent is asked again, alone, at what the others said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from equigrid.markets.certification.asked_again import (
    FollowerCheck,
    check_follower,
    leader_objective,
)
from equigrid.markets.certification.certificate import BOUND, Certificate
from equigrid.markets.certification.charges import (
    balance_residual,
    paid_by_balances,
)
from equigrid.markets.certification.fleet_check import FleetPoint, check_fleet
from equigrid.markets.certification.optimality_residuals import (
    Point,
    complementarity_residual,
    distance_of_point,
    stationarity_residual,
)
from equigrid.markets.certification.several_leaders import leaders_regret
from equigrid.markets.certification.worst_tie import worst_tie
from equigrid.markets.findings import SolverFailed, UnusableGame, WrongMethod
from equigrid.markets.fleet import Fleet
from equigrid.markets.game import Game
from equigrid.markets.settlement import heard_values, received

Vector = NDArray[np.float64]


def certify(
    game: Game,
    values: Mapping[str, Vector],
    *,
    bound: float | None = None,
    bounds: Mapping[str, float] | None = None,
    claimed: float | None = None,
    points: Mapping[str, Point] | None = None,
    fleets: Mapping[str, FleetPoint] | None = None,
    ties: bool = True,
) -> tuple[Certificate, float | None]:
    """Check an answer, wherever it was found.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said at the answer, by ``"agent.quantity"``, and duals that are linked or paid
        at, by their text.
    bound : float, optional
        Proven bound on the leader's objective, in its own sense; or on the total cost of
        balances, which agents asked alone bound as well.
    bounds : Mapping of str to float, optional
        Where several lead: proven bound on each leader's objective, in its own sense, when the
        other leaders say what they do. Without it a leader's regret is not known.
    claimed : float, optional
        The leader's objective as the method's solver has it, in its own sense.
    points : Mapping of str to Point, optional
        Followers' answers with their multipliers, each in its own standard form, by name.
    fleets : Mapping of str to FleetPoint, optional
        What members of fleets do in balances, with multipliers; a fleet without is asked again
        as one agent, which takes long where it is large.
    ties : bool
        Whether to look for the worst tie, where there are a leader and followers.

    Returns
    -------
    certificate : Certificate
    leader_objective : float or None
        Recomputed from price × quantity, in the leader's own sense.

    Raises
    ------
    NoAnswer
        When an agent has no best answer to what the others said.
    """
    known = fleets or {}
    checks = {
        agent.name: check_fleet(game, values, agent, known[agent.name])
        if isinstance(agent, Fleet) and agent.name in known
        else check_follower(game, values, agent)
        for agent in game.followers
    }
    residual, objective = leader_objective(game, values)
    certificate = Certificate(
        regret={name: check.regret for name, check in checks.items()},
        optimality_gap=_gap(game, objective, bound),
        primal_residual=max([residual, *(check.primal for check in checks.values())]),
        dual_residual=_greatest([check.dual for check in checks.values()]),
        settlement_residual=_settlement_residual(objective, claimed),
        leader_objective=objective,
        leader_bound=bound,
        worst_tie_objective=_worst_tie(game, values) if ties else None,
    )
    if len(game.leaders) > 1:
        regret, residual = leaders_regret(game, values, bounds or {})
        certificate = replace(
            certificate,
            regret={**regret, **certificate.regret},
            primal_residual=_greatest([certificate.primal_residual, residual]),
        )
    if game.balances:
        certificate = _with_balances(certificate, game, values, checks, bound)
    if points is not None:
        certificate = _with_points(certificate, game, values, points)
    return certificate, objective


def _with_balances(
    certificate: Certificate,
    game: Game,
    values: Mapping[str, Vector],
    checks: Mapping[str, FollowerCheck],
    bound: float | None,
) -> Certificate:
    """Add what all bear together, the bound that their best answers prove, and the imbalance."""
    paid = sum(received(game, values, name) for name in checks)
    cost = sum(check.cost for check in checks.values()) + paid
    # Parties without a problem sell what they announce, whatever the price.
    announced = sum(received(game, values, a.name) for a in game.agents if not a.decides)
    owed = paid_by_balances(game, values) - announced
    # What is missing or too much is priced as well: the bound is one for what really adds up.
    short = sum(check.cost - check.best for check in checks.values()) + abs(paid - owed)
    least = sum(check.best for check in checks.values()) + owed
    if bound is not None and bound > least:
        least, short = bound, cost - bound + abs(paid - owed)
    return replace(
        certificate,
        total_cost=cost,
        total_bound=least,
        optimality_gap=max(0.0, short, abs(cost - least)) / max(1.0, abs(cost)),
        leader_bound=None,
        balance_residual=balance_residual(game, values),
        settlement_residual=abs(paid - owed),
    )


def _gap(game: Game, objective: float | None, bound: float | None) -> float | None:
    """Return how far the objective is from its bound; last digits do not make it negative."""
    if objective is None or bound is None:
        return None
    sense = -1.0 if game.agent(str(game.leader)).maximises else 1.0
    gap = sense * (objective - bound) / max(1.0, abs(objective))
    return gap if gap < -BOUND else abs(gap)


def _settlement_residual(objective: float | None, claimed: float | None) -> float:
    if objective is None or claimed is None:
        return 0.0
    return abs(objective - claimed)


def _with_points(
    certificate: Certificate,
    game: Game,
    values: Mapping[str, Vector],
    points: Mapping[str, Point],
) -> Certificate:
    """Add how far the followers' optimality conditions are from satisfied at the points."""
    forms = {name: game.forms[name] for name in points}
    distances = [
        distance_of_point(
            forms[name],
            point,
            heard_values(game, values, name),
            {said: values[f"{name}.{said}"] for said in forms[name].said},
        )
        for name, point in points.items()
    ]
    return replace(
        certificate,
        primal_residual=_greatest([certificate.primal_residual, *distances]),
        stationarity_residual=_greatest(
            [stationarity_residual(forms[name], point) for name, point in points.items()]
        ),
        complementarity_residual=_greatest(
            [complementarity_residual(forms[name], point) for name, point in points.items()]
        ),
    )


def _greatest(residuals: Sequence[float | None]) -> float | None:
    return max((residual for residual in residuals if residual is not None), default=None)


def _worst_tie(game: Game, values: Mapping[str, Vector]) -> float | None:
    """Return the leader's value at the worst tie; None where that is no convex problem."""
    if not isinstance(game.leader, str) or not game.followers:
        return None
    try:
        return worst_tie(game, values)
    except (WrongMethod, UnusableGame, SolverFailed, cp.SolverError):
        return None
