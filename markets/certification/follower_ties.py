"""Ties: all optimal answers and all optimal duals of a follower at what it hears."""

import contextlib
from collections.abc import Mapping
from typing import Protocol

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.certification.dual_residual import wanted_duals
from equigrid.markets.certification.matrix_statement import Flat, flattened, moves_no_costs
from equigrid.markets.certification.money_moved import moved, unit_of
from equigrid.markets.certification.quantity_scales import greatest, sizes_of
from equigrid.markets.certification.standalone import solve
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent

Answers = Mapping[str, FloatArray]
# A step in what is heard, relative: small beside what it may be, large beside a solver's digits.
_STEP = 1e-6
# A slope this small, such as a quantity that is 0 but for its last digits, is none: as a share of
# what is heard.
_DIGITS = 1e-6
# What is the same, as a share of its size.
_NEAR = 1e-7


class Mover(Protocol):
    """A part of the followers' answers that ties leave open."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of what is open, by source."""
        ...

    def extreme(self, slopes: Answers) -> Answers:
        """Return the tie that is furthest along the slopes; nothing where they are level."""
        ...


class BestAnswers:
    """All best answers of one follower."""

    def __init__(
        self, game: Game, values: Mapping[str, FloatArray], agent: Agent, tolerance: float
    ) -> None:
        form, heard = game.forms[agent.name], heard_values(game, values, agent.name)
        flat = flattened(form, heard)
        claims = {name: values[f"{agent.name}.{name}"] for name in flat.own.says}
        sizes = sizes_of(game, values, agent, claims)
        best = _best_columns(flat, claims, sizes)
        cost = form.cost_at(form.heard_vector(heard)) / flat.own.unit
        money = float(np.abs(cost * best).sum())
        ties = [cost @ flat.columns <= cost @ best + tolerance * money]
        if form.is_quadratic:
            # Answers that cost the same lie along directions without curvature.
            bent = form.quadratic / flat.own.unit
            near = _NEAR * max(greatest(bent @ best), greatest(bent.data) * greatest(best))
            ties.append(cp.abs(bent @ flat.columns - bent @ best) <= near)
        ties += [
            cp.abs(flat.own.says[name] - claims[name]) <= _NEAR * sizes[name]
            for name in _told_to_followers(game, agent)
        ]
        self._agent = agent
        self._says = {f"{agent.name}.{name}": said for name, said in flat.own.says.items()}
        self._towards = {path: cp.Parameter(said.shape) for path, said in self._says.items()}
        gains = [cp.sum(cp.multiply(self._towards[path], self._says[path])) for path in self._says]
        self._problem = flat.own.near(ties, -sum(gains))
        self.shapes: Mapping[str, tuple[int, ...]] = {
            path: tuple(said.shape) for path, said in self._says.items()
        }

    def extreme(self, slopes: Answers) -> Answers:
        """Return the best answer that is furthest along the slopes."""
        if not any(np.any(slopes.get(path, 0.0)) for path in self._says):
            return {}
        unit = unit_of(max(greatest(slopes.get(path, 0.0)) for path in self._says))
        for path, towards in self._towards.items():
            towards.value = slopes.get(path, np.zeros(towards.shape)) / unit
        try:
            solve(self._agent, self._problem)
        except NoAnswer:
            if self._problem.status == "infeasible":
                return {}  # what others hear of it is not quite of a best answer: it stays
            raise
        return {path: np.asarray(said.value, dtype=float) for path, said in self._says.items()}


class OptimalDuals:
    """All optimal duals of one follower that are linked or paid at.

    Those furthest in a direction are the multipliers after a small step in it.
    """

    def __init__(self, game: Game, values: Mapping[str, FloatArray], agent: Agent) -> None:
        form, heard = game.forms[agent.name], heard_values(game, values, agent.name)
        duals = {
            dual: name
            for name, dual in wanted_duals(game, agent).items()
            if moves_no_costs(form, name)
        }
        flat = flattened(form, heard, duals.values())
        self._agent, self._heard = agent, {dual: heard[name] for dual, name in duals.items()}
        self._told = {dual: cp.Parameter(flat.free[name].size) for dual, name in duals.items()}
        self._links = {dual: self._told[dual] - flat.free[duals[dual]] == 0 for dual in duals}
        self._problem = flat.own.problem(list(self._links.values()))
        self._unit = flat.own.unit / game.step_length_h
        self.shapes: Mapping[str, tuple[int, ...]] = {
            dual: tuple(heard[name].shape) for dual, name in duals.items()
        }

    def extreme(self, slopes: Answers) -> Answers:
        """Return the optimal duals that are furthest along the slopes."""
        steps = {dual: _step(slopes.get(dual), heard) for dual, heard in self._heard.items()}
        if not any(step.any() for step in steps.values()):
            return {}
        for dual, told in self._told.items():
            told.value = np.ravel(self._heard[dual] + steps[dual], order="F")
        solve(self._agent, self._problem)
        return {
            dual: self._unit * np.reshape(link.dual_value, self.shapes[dual], order="F")
            for dual, link in self._links.items()
        }


def _best_columns(flat: Flat, claims: Answers, sizes: Mapping[str, float]) -> FloatArray:
    """Return columns of least cost: those of what is claimed, if that is theirs.

    An interior point is far less exact in its columns than in its cost.
    """
    least = flat.own.least()
    best, money = np.array(flat.columns.value), moved(flat.own.cost, {})
    near = [
        cp.abs(flat.own.says[name] - said) <= _NEAR * sizes[name] for name, said in claims.items()
    ]
    with contextlib.suppress(NoAnswer):
        claimed = flat.own.least(flat.own.problem(near))
        if claimed <= least + 1e-8 * max(money, moved(flat.own.cost, {})):
            best = np.array(flat.columns.value)
    return best


def _told_to_followers(game: Game, agent: Agent) -> list[str]:
    """Names of what an agent says to other followers."""
    others = {follower.name for follower in game.followers} - {agent.name}
    paths = {link.source for link in game.links if link.hearer in others}
    return [name for name in agent.says if f"{agent.name}.{name}" in paths]


def _step(slope: FloatArray | None, heard: FloatArray) -> FloatArray:
    """Return a small step along a slope, without what is only its last digits."""
    size = greatest(heard) or 1.0
    # The slope of money in a price is a quantity, like what is heard.
    if slope is None or (steepest := greatest(slope)) <= _DIGITS * size:
        return np.zeros(heard.shape)
    clear = np.where(np.abs(slope) > _DIGITS * max(size, steepest), slope, 0.0)
    return np.asarray(_STEP * size * clear / steepest)
