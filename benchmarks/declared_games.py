"""A drawn game as cvxpy problems, links and payments of equigrid."""

import cvxpy as cp
import numpy as np
from drawn_games import DrawnGame, Follower

import equigrid as eg
from equigrid.arrays import FloatArray

Heard = dict[str, cp.Parameter]


def declare(game: DrawnGame) -> eg.Game:
    """State a drawn game with the leader ``leader`` and the followers ``f0``, ``f1``."""
    followers = [_follower(number, follower) for number, follower in enumerate(game.followers)]
    payments = [
        _payment(number, follower)
        for number, follower in enumerate(game.followers)
        if follower.paid is not None
    ]
    others = (
        [eg.Agent("operator")] if any("operator" in (p.payer, p.payee) for p in payments) else []
    )
    leader = _leader(game)
    return eg.Game(
        [leader, *followers, *others],
        leader="leader",
        links=[*_links(game, leader), *[link for f in followers for link in _heard_links(f)]],
        payments=payments,
    )


def _leader(game: DrawnGame) -> eg.Agent:
    hears: Heard = {}
    x = _leader_variable(game)
    cost = game.cost @ x + _curved(game.factor, x)
    used = game.matrix @ x
    for number, (of_cost, of_rows) in enumerate(
        zip(game.cost_of_answers, game.matrix_of_answers, strict=True)
    ):
        if of_cost.any() or of_rows.any():
            hears[f"y{number}"] = answer = cp.Parameter(len(of_cost), name=f"y{number}")
            cost += of_cost @ answer
            used += of_rows @ answer
    for number, follower in enumerate(game.followers):
        if follower.paid is not None:
            hears[f"money{number}"] = money = cp.Parameter(name=f"money{number}")
            cost += _pays(follower) * money
    rows = _capped(game, hears)
    rows += [
        used[k] == game.rhs[k] if game.equal[k] else used[k] <= game.rhs[k]
        for k in range(len(game.rhs))
    ]
    says = {"x": x} | {
        f"x{number}": x[follower.paid.prices]
        for number, follower in enumerate(game.followers)
        if follower.paid is not None
    }
    return eg.Agent("leader", _problem(cost, rows, game.maximises), hears, says)


def _capped(game: DrawnGame, hears: Heard) -> list[cp.Constraint]:
    """Keep duals within caps; what is heard for that is added to ``hears``."""
    rows: list[cp.Constraint] = []
    for number, follower in enumerate(game.followers):
        paid = follower.paid
        if paid is not None and np.isfinite(paid.cap):
            hears[f"dual{number}"] = dual = cp.Parameter(len(paid.prices), name=f"dual{number}")
            rows += [dual <= paid.cap, dual >= -paid.cap]
    return rows


def _pays(follower: Follower) -> float:
    """+1 where the leader pays, -1 where it is paid."""
    assert follower.paid is not None
    return follower.paid.sign if follower.paid.at_dual else -follower.paid.sign


def _leader_variable(game: DrawnGame) -> cp.Expression:
    """Whole and other entries are two variables; those from 0 to 1 may be called boolean."""
    parts = []
    for chosen in (game.integer, ~game.integer):
        at = np.flatnonzero(chosen)
        if at.size:
            bounds = [game.lower[at], game.upper[at]]
            binary = chosen is game.integer and set(bounds[0]) == {0.0} and set(bounds[1]) == {1.0}
            variable = (
                cp.Variable(at.size, boolean=True)
                if binary
                else cp.Variable(at.size, integer=chosen is game.integer, bounds=bounds)
            )
            if at.size == len(chosen):
                return variable
            parts.append(np.eye(len(chosen))[:, at] @ variable)
    return sum(parts)


def _curved(factor: FloatArray, variable: cp.Expression) -> cp.Expression | float:
    """½ |Fv|², stated as a sum of squares or with its matrix."""
    if not factor.any():
        return 0.0
    if len(factor) < factor.shape[1]:
        return 0.5 * cp.sum_squares(factor @ variable)
    return 0.5 * cp.quad_form(variable, cp.psd_wrap(factor.T @ factor))


def _follower(number: int, follower: Follower) -> eg.Agent:
    n, m = len(follower.cost), len(follower.rhs)
    y = cp.Variable(n, bounds=[follower.lower, follower.upper], name="y")
    cost = follower.cost @ y + _curved(follower.factor, y)
    right, hears = follower.rhs, Heard()
    for name, of_cost, of_rhs in _hearing(number, follower):
        if follower.paid is not None or of_cost.any() or of_rhs.any():
            hears[name] = heard = cp.Parameter(of_cost.shape[1], name=name)
            cost += (of_cost @ heard) @ y if of_cost.any() else 0.0
            right = right + of_rhs @ heard
    used = follower.matrix @ y
    rows = [used[k] == right[k] if follower.equal[k] else used[k] <= right[k] for k in range(m)]
    says = {"y": y}
    if follower.paid is not None and not follower.paid.at_dual:
        says["q"] = y[follower.paid.quantities]
    return eg.Agent(f"f{number}", _problem(cost, rows, follower.maximises), hears, says)


def _hearing(number: int, follower: Follower) -> list[tuple[str, FloatArray, FloatArray]]:
    """Name, C and B of everything a follower may hear; what is paid for is heard by itself."""
    if follower.paid is None:
        return [
            ("x", follower.cost_of_x, follower.rhs_of_x),
            (f"y{number - 1}", follower.cost_of_z, follower.rhs_of_z),
        ]
    at = follower.paid.prices
    return [(f"x{number}", follower.cost_of_x[:, at], follower.rhs_of_x[:, at])]


def _heard_links(agent: eg.Agent) -> list[eg.Link]:
    """Followers hear the leader's x, or the y of a follower by its number."""
    return [
        eg.Link(
            f"leader.{name}" if name.startswith("x") else f"f{name[1:]}.y", f"{agent.name}.{name}"
        )
        for name in agent.hears
    ]


def _links(game: DrawnGame, leader: eg.Agent) -> list[eg.Link]:
    sources = {f"y{k}": f"f{k}.y" for k in range(len(game.followers))}
    sources |= {f"dual{k}": eg.Dual(f"f{k}.x{k}") for k in range(len(game.followers))}
    return [eg.Link(sources.get(name, name), f"leader.{name}") for name in leader.hears]


def _payment(number: int, follower: Follower) -> eg.Payment:
    paid = follower.paid
    assert paid is not None
    other = "operator" if paid.at_dual else f"f{number}"
    ends = ("leader", other) if _pays(follower) > 0 else (other, "leader")
    if paid.at_dual:
        price, quantity = eg.Dual(f"f{number}.x{number}"), f"leader.x{number}"
    else:
        price, quantity = f"leader.x{number}", f"f{number}.q"
    return eg.Payment(f"money{number}", *ends, price, quantity, paid.hours)


def _problem(cost: cp.Expression, rows: list[cp.Constraint], maximises: bool) -> cp.Problem:
    objective = cp.Maximize(-cost) if maximises else cp.Minimize(cost)
    return cp.Problem(objective, rows)
