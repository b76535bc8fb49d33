"""Certification: every agent is solved again, alone, at what the others said."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import SolverFailed, UnusableGame, WrongMethod
from equigrid.markets.accounts.settlement import heard_values, received
from equigrid.markets.certification.balance_payments import (
    balance_residual,
    paid_by_balances,
)
from equigrid.markets.certification.best_response_check import (
    FollowerCheck,
    check_follower,
)
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certificate_checks import BOUND
from equigrid.markets.certification.epec_regret import leaders_regret
from equigrid.markets.certification.fleet_check import check_fleet
from equigrid.markets.certification.kkt_residuals import (
    complementarity_residual,
    distance_of_point,
    stationarity_residual,
)
from equigrid.markets.certification.leader_check import LeaderCheck, check_leader
from equigrid.markets.certification.money_moved import SHARE, MoneyScale, payments_size
from equigrid.markets.certification.quantity_scales import greatest, sizes_of
from equigrid.markets.certification.standalone import hearing
from equigrid.markets.certification.value_checks import (
    check_proofs,
    checked_values,
    not_finite,
    not_numbers,
    off_announced,
    unchecked,
)
from equigrid.markets.certification.worst_tie import worst_tie
from equigrid.markets.forms.points import FleetPoint, Point
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.game import Game
from equigrid.threads import one_blas_thread


@one_blas_thread()
def certify(
    game: Game,
    values: Mapping[str, FloatArray],
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
        Everything said at the answer, by ``"agent.quantity"``, duals that are linked or paid at,
        by their text, and prices of balances by their names. All that agents with a problem say
        is checked, heard or not; an entry that is no finite number is a shortcoming.
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
    ValueError
        When values are missing, said by nobody, of another shape or no numbers; also for points,
        fleets and bounds of agents that have none. It names each, a line for each.
    """
    values = checked_values(game, values)
    check_proofs(game, points or {}, fleets or {}, bounds or {})
    if odd := not_finite(values):
        return _of_nothing(game, odd), None
    known, scale = fleets or {}, MoneyScale(game, values)
    checks = _follower_checks(game, values, points or {}, known)
    leaders = {name: check_leader(game, values, game.agent(name), scale) for name in game.leaders}
    each = [0.0, *(one.money for one in leaders.values())]
    each += [check.money for check in checks.values()]
    # Who pays and who is paid both count a payment; all together move it once.
    money = max(*each, sum(each) - payments_size(game, values))
    numbers = {"bound": bound, "claimed": claimed}
    numbers |= {f"bounds['{name}']": value for name, value in (bounds or {}).items()}
    certificate = Certificate(
        regret={
            n: scale.share(c.missed, max(c.money, SHARE * money), n, c.money)
            for n, c in checks.items()
        },
        primal_residual=_greatest(
            [
                off_announced(game, values),
                *(check.primal for check in checks.values()),
                *(one.residual for one in leaders.values()),
            ]
        ),
        dual_residual=_greatest([check.dual for check in checks.values()]),
        worst_tie_objective=_worst_tie(game, values) if ties else None,
        leader_regret=_greatest([one.regret for one in leaders.values()]),
        not_numbers=not_numbers(points or {}, known, numbers),
        unchecked=unchecked(game, values),
        money_moved=money,
    )
    if len(leaders) > 1:
        regret = leaders_regret(game, leaders, bounds or {}, money, scale)
        certificate = replace(certificate, regret={**regret, **certificate.regret})
    elif leaders:
        certificate = _with_leader(
            certificate, game, leaders[str(game.leader)], bound, claimed, scale
        )
    if game.balances:
        certificate = _with_balances(certificate, game, values, checks, bound, scale)
    if points is not None:
        certificate = _with_points(certificate, game, values, points)
    return certificate, certificate.leader_objective


def _follower_checks(
    game: Game,
    values: Mapping[str, FloatArray],
    points: Mapping[str, Point],
    fleets: Mapping[str, FleetPoint],
) -> dict[str, FollowerCheck]:
    """Ask every follower again; of fleets with multipliers, all members at once."""
    return {
        agent.name: check_fleet(game, values, agent, fleets[agent.name])
        if isinstance(agent, Fleet) and agent.name in fleets
        # What a point proves need not be asked for: it is held to all that is said.
        else check_follower(game, values, agent, commitments_only=agent.name in points)
        for agent in game.followers
    }


def _with_leader(
    certificate: Certificate,
    game: Game,
    led: LeaderCheck,
    bound: float | None,
    claimed: float | None,
    scale: MoneyScale,
) -> Certificate:
    """Add the leader's objective, how far it is from its bound and from what a method claims."""
    sign = -1.0 if game.agent(str(game.leader)).maximises else 1.0
    objective, gap = sign * led.cost, None
    against = max(led.money, SHARE * (certificate.money_moved or 0.0))
    if bound is not None:
        gap = scale.share(sign * (objective - bound), against)
        # Last digits do not make it negative.
        gap = gap if gap < -BOUND else abs(gap)
    return replace(
        certificate,
        leader_objective=objective,
        leader_bound=bound,
        optimality_gap=gap,
        optimality_gap_money=None if bound is None else abs(objective - bound),
        settlement_residual=0.0
        if claimed is None
        else scale.share(abs(objective - claimed), against),
    )


def _of_nothing(game: Game, odd: tuple[str, ...]) -> Certificate:
    """Return the certificate of an answer that is no answer: nothing is known of it."""
    several = game.leaders if len(game.leaders) > 1 else ()
    judged = [*several, *(agent.name for agent in game.followers)]
    return Certificate(
        regret=dict.fromkeys(judged, math.nan),
        primal_residual=math.inf,
        not_numbers=tuple(f"the value of '{path}'" for path in odd),
    )


def _with_balances(
    certificate: Certificate,
    game: Game,
    values: Mapping[str, FloatArray],
    checks: Mapping[str, FollowerCheck],
    bound: float | None,
    scale: MoneyScale,
) -> Certificate:
    """Add what all bear together, the bound that their best answers prove, and the imbalance."""
    money = certificate.money_moved or 0.0
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
    short = max(0.0, short, abs(cost - least))
    return replace(
        certificate,
        total_cost=cost,
        total_bound=least,
        optimality_gap=scale.share(short, money),
        optimality_gap_money=short,
        balance_residual=balance_residual(game, values),
        settlement_residual=scale.share(abs(paid - owed), money),
    )


def _with_points(
    certificate: Certificate,
    game: Game,
    values: Mapping[str, FloatArray],
    points: Mapping[str, Point],
) -> Certificate:
    """Add how far the followers' optimality conditions are from satisfied at the points."""
    forms = {name: game.forms[name] for name in points}
    distances = [_distance(game, values, name, point) for name, point in points.items()]
    distances += [_off_point(game, values, name, point) for name, point in points.items()]
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


def _distance(game: Game, values: Mapping[str, FloatArray], name: str, point: Point) -> float:
    """Return how far a point is from what its agent hears and says, in shares of the sizes."""
    form, heard = game.forms[name], heard_values(game, values, name)
    said = {what: values[f"{name}.{what}"] for what in form.said}
    sizes = sizes_of(game, values, game.agent(name), said)
    sizes |= {what: greatest(value) or 1.0 for what, value in heard.items()}
    return distance_of_point(form, point, heard, said, sizes)


def _off_point(game: Game, values: Mapping[str, FloatArray], name: str, point: Point) -> float:
    """Return how far all that an agent is said to say is from what it says at its point."""
    agent, form = game.agent(name), game.forms[name]
    sizes = sizes_of(game, values, agent, agent.says)
    with hearing(agent, {heard: told.value for heard, told in agent.hears.items()}):
        try:
            form.assign(point.columns, point.heard)
        except ValueError:  # a value that its Variable does not take: no number, or out of bounds
            return math.inf
        off = [
            greatest(said.value - values[f"{name}.{key}"]) / sizes[key]
            for key, said in agent.says.items()
            if f"{name}.{key}" in values and said.is_affine()
        ]
    return max(off, default=0.0)


def _greatest(residuals: Sequence[float | None]) -> float | None:
    """Return the greatest that there is; NaN, which a plain maximum may pass over, is none."""
    known = [residual for residual in residuals if residual is not None]
    return float(np.max(known)) if known else None


def _worst_tie(game: Game, values: Mapping[str, FloatArray]) -> float | None:
    """Return the leader's value at the worst tie; None where that is no convex problem."""
    if not isinstance(game.leader, str) or not game.followers:
        return None
    try:
        return worst_tie(game, values)
    except (WrongMethod, UnusableGame, SolverFailed, cp.SolverError):
        return None
