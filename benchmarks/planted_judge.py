"""Whether a changed answer does harm, by SciPy from the agents' matrices.

Agents that say all of their variables leave nothing to fill in: an answer is a point, whose cost
and feasibility are sums. Only the best that each could do is solved for.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from planted_games import Planted
from scipy.optimize import Bounds, LinearConstraint, milp, minimize

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm

# An error does harm where a party loses this share of the money that it moves, or where a figure is
# this share of itself away from what is possible: five times what certificates let pass.
_LOSS, _OFF = 5e-4, 1e-4
# Who moves less than this share of all money in the game is measured against that share.
_SHARE = 1e-3
_REACH = 10.0
_HELD = 1e4


class Judge:
    """Judges answers to one game."""

    def __init__(self, planted: Planted) -> None:
        self._planted, self._game = planted, planted.game
        self._forms = {a.name: _whole_form(a) for a in planted.game.deciders}
        self._true = self._moved(planted.values)

    def harm(self, values: Mapping[str, Any]) -> float:
        """Return the greatest harm, 1 being what has to be found; infinite for no values."""
        true = self._planted.values
        for path, figure in true.items():
            there = values.get(path)
            if not isinstance(there, np.ndarray) or np.iscomplexobj(there):
                return np.inf
            if there.shape != figure.shape or not np.isfinite(there).all():
                return np.inf
        return max(self._announced(values), self._imbalance(values), *self._of_agents(values))

    def _of_agents(self, values: Mapping[str, FloatArray]) -> list[float]:
        found, moved = [], self._moved(values)
        least = _SHARE * self._all_money(moved, values)
        for name, form in self._forms.items():
            columns, theta, off = self._point(name, values)
            found.append(off / _OFF)
            if off > _OFF:
                continue
            cost = form.objective_at(columns, theta) - _paid(self._game, values, name)
            if name in self._game.leaders:
                money = max(moved[name], self._true[name], least)
                found.append(abs(cost - self._planted.objectives[name]) / money / _LOSS)
                continue
            best, at, kinks = self._best(form, theta, values, name)
            money = max(moved[name], self._money(name, at, theta, values), least)
            found += [(cost - best) / money / _LOSS, kinks / money / _LOSS]
        return found

    def _moved(self, values: Mapping[str, FloatArray]) -> dict[str, float]:
        """Return the money that each party moves by what it is said to do."""
        return {n: self._money(n, *self._point(n, values)[:2], values) for n in self._forms}

    def _money(
        self, name: str, columns: FloatArray, theta: FloatArray, values: Mapping[str, FloatArray]
    ) -> float:
        """Return the sizes of all variable costs and payments of a party, its balances' included.

        Constants are none of it: they are neither decided nor heard.
        """
        form = self._forms[name]
        costs = np.abs(form.cost_at(theta)) @ np.abs(columns)
        costs += np.abs(form.offset_of_heard) @ np.abs(theta)
        costs += columns @ form.quadratic @ columns / 2
        for balance in self._game.balances:
            price = np.ravel(values[balance.name], order="F")
            for said in (form.said[t.said] for t in balance.signed if t.agent == name):
                amount = said.of_columns @ columns + said.of_heard @ theta + said.constant
                costs += np.abs(price * amount).sum()
        return float(costs)

    def _all_money(self, moved: Mapping[str, float], values: Mapping[str, FloatArray]) -> float:
        """Return all money that moves: who pays and who is paid both count a payment."""
        twice = sum(
            float(np.abs(values[balance.name] * values[term.source]).sum()) / 2
            for balance in self._game.balances
            for term in balance.signed
        )
        for payment in self._game.payments:
            price, quantity = values[payment.price], values[payment.quantity]
            twice += float(np.abs(price * quantity * payment.length_h).sum())
        return max(*moved.values(), sum(moved.values()) - twice)

    def _point(
        self, name: str, values: Mapping[str, FloatArray]
    ) -> tuple[FloatArray, FloatArray, float]:
        """Return columns, θ, and how far what is said is from possible, of its size."""
        form = self._forms[name]
        theta = form.heard_vector(heard_values(self._game, values, name))
        rows = [said.of_columns.toarray() for said in form.said.values()]
        told = [
            np.ravel(values[f"{name}.{key}"], order="F") - said.of_heard @ theta - said.constant
            for key, said in form.said.items()
        ]
        matrix, wanted = np.vstack(rows), np.concatenate(told)
        # What is said stands; equalities say what cvxpy's own columns are, where there are some.
        held = np.vstack([_HELD * matrix, form.matrix[: form.equal_rows].toarray()])
        ends = np.concatenate([_HELD * wanted, form.rhs_at(theta)[: form.equal_rows]])
        columns = np.linalg.lstsq(held, ends, rcond=None)[0]
        size = max(
            1.0, float(np.abs(wanted).max()), float(np.abs(form.rhs_at(theta)).max(initial=0))
        )
        missed = form.matrix @ columns - form.rhs_at(theta)
        equal = form.equal_rows
        off = [np.abs(matrix @ columns - wanted), np.abs(missed[:equal]), missed[equal:]]
        off += [form.lower - columns, columns - form.upper]
        off.append(np.abs(columns - np.round(columns))[form.integer])
        return columns, theta, max(float(part.max(initial=0.0)) for part in off) / size

    def _best(
        self, form: StandardForm, theta: FloatArray, values: Mapping[str, FloatArray], name: str
    ) -> tuple[float, FloatArray, float]:
        """Return the least cost, where, and by how much a used dual fails to be a slope of it."""
        income = np.zeros(form.columns)
        for balance in self._game.balances:
            price = np.ravel(values[balance.name], order="F")
            for term in balance.signed:
                if term.agent == name:
                    income += term.sign * (form.said[term.said].of_columns.T @ price)
        constant = form.offset + form.offset_of_heard @ theta
        cost = form.cost_at(theta) - income
        least, at = _least(form, cost, form.rhs_at(theta))
        best = least + constant
        used = {payment.price for payment in self._game.payments}
        duals = [n for n in form.heard if eg.Dual(f"{name}.{n}") in used]
        kinks = [self._kink(form, theta, values, name, heard, best) for heard in duals]
        return best, at, max(kinks, default=0.0)

    def _kink(
        self,
        form: StandardForm,
        theta: FloatArray,
        values: Mapping[str, FloatArray],
        name: str,
        heard: str,
        best: float,
    ) -> float:
        """Return v(θ) - λθ less its least over all θ within reach, in one linear program."""
        where, price = form.heard[heard], values[eg.Dual(f"{name}.{heard}")]
        moved = form.rhs_of_heard[:, where].toarray()
        matrix = np.hstack([form.matrix.toarray(), -moved])
        fixed = theta.copy()
        fixed[where] = 0.0
        reach = _REACH * np.maximum(1, np.abs(theta[where]))
        lower = np.concatenate([form.lower, theta[where] - reach])
        upper = np.concatenate([form.upper, theta[where] + reach])
        cost = np.concatenate([form.cost_at(theta), form.offset_of_heard[where] - price])
        rhs = form.rhs_at(fixed)
        bottom = np.where(np.arange(len(rhs)) < form.equal_rows, rhs, -np.inf)
        found = milp(
            cost,
            constraints=LinearConstraint(matrix, bottom, rhs),
            bounds=Bounds(lower, upper),
        )
        return best - float(price @ theta[where]) - (found.fun + form.offset)

    def _announced(self, values: Mapping[str, FloatArray]) -> float:
        """Return the harm of parties without a problem that say what they do not."""
        off = [
            np.abs(values[f"{a.name}.{n}"] - said.value).max() / max(1.0, np.abs(said.value).max())
            for a in self._game.agents
            if not a.decides
            for n, said in a.says.items()
        ]
        return max(off, default=0.0) / _OFF

    def _imbalance(self, values: Mapping[str, FloatArray]) -> float:
        off = [0.0]
        for balance in self._game.balances:
            terms = [term.sign * values[term.source] for term in balance.signed]
            off.append(np.abs(sum(terms)).max() / max(1.0, *(np.abs(t).max() for t in terms)))
        return max(off) / _OFF


def _whole_form(agent: eg.Agent) -> StandardForm:
    return compile_agent(agent, list(agent.says))


def _paid(game: eg.Game, values: Mapping[str, FloatArray], name: str) -> float:
    return sum(
        float(np.sum(term.sign * values[balance.name] * values[term.source]))
        for balance in game.balances
        for term in balance.signed
        if term.agent == name
    )


def _least(form: StandardForm, cost: FloatArray, rhs: FloatArray) -> tuple[float, FloatArray]:
    """Return the least cost of columns, without constants, and columns that cost that."""
    equal = np.arange(len(rhs)) < form.equal_rows
    rows = LinearConstraint(form.matrix.toarray(), np.where(equal, rhs, -np.inf), rhs)
    bounds = Bounds(form.lower, form.upper)
    if not form.is_quadratic:
        with_rows = rows if len(rhs) else ()
        found = milp(cost, constraints=with_rows, bounds=bounds, integrality=form.integer)
        return float(found.fun), np.asarray(found.x)
    bent = form.quadratic.toarray()
    start = np.clip(np.zeros(len(cost)), form.lower, form.upper)
    each = [
        LinearConstraint(rows.A[there], rows.lb[there], rows.ub[there])
        for there in (equal, ~equal)
        if there.any()
    ]
    found = minimize(
        lambda x: x @ bent @ x / 2 + cost @ x,
        start,
        jac=lambda x: bent @ x + cost,
        bounds=bounds,
        constraints=each,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return float(found.fun), np.asarray(found.x)
