"""A limit that is said never to bind does not, at any point that the followers' limits leave."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from equigrid.arrays import BoolArray, FloatArray, StateArray
from equigrid.markets.bilevel.branching.component_programs import Limits
from equigrid.markets.bilevel.branching.nodes import BINDING, NO_VALUE, OPEN, Evaluator
from equigrid.markets.bilevel.branching.propagation import Propagation
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link


def _follower(name: str, rng: np.random.Generator, columns: int) -> Agent:
    """Random rows around a point of a box; the leader's signal prices one column."""
    signal, n = cp.Parameter(1), columns
    lower = np.where(rng.random(n) < 0.8, rng.integers(-3, 1, n), -np.inf)
    upper = np.where(rng.random(n) < 0.8, rng.integers(1, 4, n), np.inf)
    x = cp.Variable(n, bounds=[lower, upper])
    inside = rng.uniform(np.maximum(lower, -3), np.minimum(upper, 3))
    matrix = rng.integers(-2, 3, (5, n)).astype(float)
    rows = [
        matrix[:4] @ x <= matrix[:4] @ inside + rng.uniform(0, 4, 4),
        matrix[4] @ x == matrix[4] @ inside,
    ]
    cost = rng.integers(-3, 4, n) @ x + signal @ x[:1]
    return Agent(name, cp.Problem(cp.Minimize(cost), rows), {"signal": signal}, {"x": x[:1]})


def _stated(seed: int) -> Mpcc:
    """Two followers; the leader's own rows hold nothing that propagation may use."""
    rng = np.random.default_rng(seed)
    followers = [_follower("a", rng, 3), _follower("b", rng, 4)]
    signal, heard = cp.Variable(1, bounds=[0, 2]), cp.Parameter(1)
    leader = Agent(
        "leader",
        cp.Problem(cp.Minimize(cp.sum(heard + signal)), [heard <= 1]),
        {"heard": heard},
        {"signal": signal},
    )
    links = [Link(f"{f.name}.x", "leader.heard") for f in followers]
    links += [Link("leader.signal", f"{f.name}.signal") for f in followers]
    return mpcc_of(KktProgram(Game([leader, *followers], "leader", links)))


def _node(stated: Mpcc, seed: int) -> tuple[StateArray, Limits]:
    """Some limits that bind, and bounds that go with them."""
    rng, evaluator = np.random.default_rng(seed), Evaluator(stated)
    chances = [0.7, 0.15, 0.15]
    states = rng.choice([OPEN, NO_VALUE, BINDING], stated.pairs.count, p=chances)
    none = np.zeros(0)
    return states.astype(np.int8), evaluator.limits(states, none, none)


def _extreme(stated: Mpcc, node: Limits, form: FloatArray) -> float | None:
    """Greatest value of a form over the followers' rows and the bounds of a node."""
    program, rows = stated.program, stated.limits
    matrix = program.matrix[rows].toarray()
    low, high = node.row_lower[rows], program.row_upper[rows]
    held = np.isfinite(low)
    found = linprog(
        -form,
        np.vstack([matrix, -matrix[held]]),
        np.concatenate([high, -low[held]]),
        bounds=np.column_stack([node.lower, node.upper]),
    )
    assert found.status in (0, 2, 3), found.message
    return {0: -found.fun, 3: np.inf}.get(found.status) if found.status != 2 else None


def _limit(stated: Mpcc, pair: int) -> tuple[FloatArray, float]:
    """The form of a pair's limit, and what it is at most."""
    program, pairs = stated.program, stated.pairs
    if pairs.row[pair] >= 0:
        row = int(pairs.row[pair])
        return program.matrix[[row]].toarray().ravel(), float(program.row_upper[row])
    column, sign = int(pairs.column[pair]), 1.0 if pairs.upper[pair] else -1.0
    bound = (program.upper if pairs.upper[pair] else program.lower)[column]
    form = np.zeros(len(program.cost))
    form[column] = sign
    return form, float(sign * bound)


def _never(stated: Mpcc, node: Limits) -> BoolArray | None:
    return Propagation(stated).never_bind(node.lower, node.upper, node.row_lower)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_what_never_binds_stays_strictly_below_its_limit(seed: int) -> None:
    stated = _stated(seed)
    for number in range(4):
        states, node = _node(stated, seed + number)
        never = _never(stated, node)
        if never is None:
            assert _extreme(stated, node, np.zeros(len(stated.program.cost))) is None
            continue
        for pair in np.flatnonzero(never & (states != BINDING)):
            form, limit = _limit(stated, int(pair))
            most = _extreme(stated, node, form)
            assert most is None or most < limit - 1e-9


def test_propagation_is_worth_its_while() -> None:
    """Over many nodes it finds limits out of reach, and nodes that nothing fits."""
    found, empty, stated = 0, 0, _stated(0)
    for seed in range(100):
        states, node = _node(stated, seed)
        never = _never(stated, node)
        empty += never is None
        found += 0 if never is None else int((never & (states == OPEN)).sum())
    assert found > 50
    assert empty > 5


@pytest.mark.parametrize("most", [3.0, np.inf])
def test_an_open_column_is_no_information_and_no_warning(most: float) -> None:
    """x + y <= 4 with x of at most 1: reachable only if y has room beyond 3."""
    x, y, signal = cp.Variable(bounds=[0, 1]), cp.Variable(bounds=[0, most]), cp.Parameter(1)
    follower = Agent(
        "a",
        cp.Problem(cp.Minimize(signal @ cp.hstack([x]) - y), [x + y <= 4.1]),
        {"signal": signal},
        {"x": x},
    )
    offer, heard = cp.Variable(1, bounds=[0, 1]), cp.Parameter()
    leader = Agent("leader", cp.Problem(cp.Minimize(heard)), {"heard": heard}, {"signal": offer})
    links = [Link("leader.signal", "a.signal"), Link("a.x", "leader.heard")]
    stated = mpcc_of(KktProgram(Game([leader, follower], "leader", links)))
    program = stated.program
    never = Propagation(stated).never_bind(program.lower, program.upper, program.row_lower)
    assert never is not None
    assert never[stated.pairs.row >= 0].tolist() == [most == 3.0]
    assert not never[stated.pairs.row < 0].any()
