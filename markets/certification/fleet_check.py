"""Fleet check: the answer of all members against a bound by weak duality.

Asking each of many members again would take longer than finding the answer did. By weak duality any
multipliers prove what a member costs at least; whether they are the best ones shows in the bound.
"""

from collections.abc import Mapping

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.certification.balance_payments import hears_price, weight_of
from equigrid.markets.certification.best_response_check import FollowerCheck
from equigrid.markets.certification.fleet_bound import lower_bounds, with_derived_bounds
from equigrid.markets.certification.fleet_rows import Rows, members_rows
from equigrid.markets.certification.quantity_scales import greatest, sizes_of
from equigrid.markets.forms.points import FleetPoint
from equigrid.markets.games.balance_shares import heard_vector
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.fleet_members import Members
from equigrid.markets.games.game import Game


def check_fleet(
    game: Game, values: Mapping[str, FloatArray], fleet: Fleet, point: FleetPoint
) -> FollowerCheck:
    """Compare what a fleet's members do with the least that they could bear at the prices."""
    members = fleet.members(heard_vector(game, fleet.name, values))
    rows = members_rows(members.form, members.rhs)
    weights = _weights(game, values, fleet)
    cost = float(members.costs(point.columns).sum())
    cost -= sum(float(np.sum(w * values[f"{fleet.name}.{name}"])) for name, w in weights.items())
    best = _least(fleet, members, weights, rows, point)
    return FollowerCheck(
        primal=max(_missed(rows, point), _misquoted(game, fleet, members, values, point)),
        dual=None,
        cost=cost,
        best=best,
        money=_money(members, point) + _paid(fleet, values, weights),
    )


def _weights(game: Game, values: Mapping[str, FloatArray], fleet: Fleet) -> dict[str, FloatArray]:
    """What each thing said is paid, in its shape, where members do not state that themselves."""
    by_name: dict[str, FloatArray] = {}
    for balance in game.balances:
        if hears_price(game, balance, fleet.name):
            continue
        for term in balance.signed:
            if term.agent == fleet.name:
                weight = weight_of(game, balance, values[balance.name], term)
                by_name[term.said] = by_name.get(term.said, 0.0) + weight
    return by_name


def _least(
    fleet: Fleet, members: Members, weights: Mapping[str, FloatArray], rows: Rows, point: FleetPoint
) -> float:
    slopes, constant = members.cost, float(members.offset.sum())
    for name, weight in weights.items():
        said = members.form.said[name]
        paid = fleet.spread(weight)
        slopes = slopes - (said.of_columns.T @ paid.T).T
        constant -= float(np.sum(paid * members.said_constant[name]))
    closed = with_derived_bounds(rows)
    least = lower_bounds(members.form.quadratic, slopes, point.columns, point.rows, closed)
    return float(least.sum()) + constant


def _money(members: Members, point: FleetPoint) -> float:
    """What members' own costs move, column by column."""
    bent = (members.form.quadratic @ point.columns.T).T * point.columns / 2
    return float(np.abs(members.cost * point.columns).sum() + np.abs(bent).sum())


def _paid(
    fleet: Fleet, values: Mapping[str, FloatArray], weights: Mapping[str, FloatArray]
) -> float:
    return sum(float(np.abs(w * values[f"{fleet.name}.{n}"]).sum()) for n, w in weights.items())


def _missed(rows: Rows, point: FleetPoint) -> float:
    """Greatest distance of a member's columns from its rows and bounds, as a share of the greatest.

    Bounds and right-hand sides are what columns are made of, so one size fits all of them.
    """
    excess = (rows.matrix @ point.columns.T).T - rows.rhs
    off = [np.abs(excess[:, : rows.equal]), excess[:, rows.equal :]]
    off += [point.columns - rows.upper, rows.lower - point.columns]
    ends = [end[np.isfinite(end)] for end in (rows.lower, rows.upper)]
    size = max(greatest(part) for part in (point.columns, rows.rhs, *ends)) or 1.0
    return max(float(part.max(initial=0.0)) for part in off) / size


def _misquoted(
    game: Game, fleet: Fleet, members: Members, values: Mapping[str, FloatArray], point: FleetPoint
) -> float:
    """Greatest distance of what the fleet is said to say from what its members add up to."""
    sizes = sizes_of(game, values, fleet, members.form.said)
    return max(
        greatest(fleet.summed(members.said(name, point.columns)) - values[path]) / sizes[name]
        for name, path in ((name, f"{fleet.name}.{name}") for name in members.form.said)
        if path in values
    )
