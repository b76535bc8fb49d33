"""The parts that a game falls into, and nodes that solve only what a decision touches."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.support import led_games as build

from equigrid.markets.bilevel.branching.nodes import BINDING, NO_VALUE, Evaluator, Node
from equigrid.markets.bilevel.kkt import KktProgram
from equigrid.markets.bilevel.mpcc import Mpcc, mpcc_of
from equigrid.markets.forms.highs_model import Assembled
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

NOTHING = np.zeros(0)


def _price_leader(sites: int, *, curved: bool = False, seed: int = 0) -> Mpcc:
    """One price for each of several sites that cover a load over two hours."""
    rng = np.random.default_rng(seed)
    offers = [cp.Variable(2, bounds=[0, 9]) for _ in range(sites)]
    sold, income = [cp.Parameter(2) for _ in range(sites)], cp.Parameter()
    leader = Agent(
        "disco",
        cp.Problem(cp.Minimize(3 * cp.sum(sum(sold)) - income)),
        {"income": income, **{f"sold{k}": sold[k] for k in range(sites)}},
        {f"price{k}": offers[k] for k in range(sites)},
    )
    followers, links, payments = [], [], []
    for k in range(sites):
        price, bought = cp.Parameter(2), cp.Variable(2, bounds=[0, 9])
        own, load = cp.Variable(2, bounds=[0, 2]), rng.uniform(1, 6, 2)
        cost = rng.uniform(2, 8, 2) @ own + (cp.sum_squares(own) if curved else 0)
        rows = [bought + own >= load, cp.sum(own) <= 3]
        problem = cp.Problem(cp.Minimize(price @ bought + cost), rows)
        followers.append(Agent(f"s{k}", problem, {"price": price}, {"bought": bought}))
        links += [Link(f"disco.price{k}", f"s{k}.price"), Link(f"s{k}.bought", f"disco.sold{k}")]
        links.append(Link(f"bill{k}", "disco.income"))
        payments.append(Payment(f"bill{k}", f"s{k}", "disco", f"disco.price{k}", f"s{k}.bought"))
    game = Game([leader, *followers], "disco", links, payments)
    return mpcc_of(KktProgram(game))


def _whole(stated: Mpcc, node: Node) -> float:
    """Objective of all parts as one linear program, without the constant."""
    limits = Evaluator(stated).limits(node.states, node.lower, node.upper)
    program = stated.program
    one = Assembled(
        program.matrix,
        limits.row_lower,
        program.row_upper,
        limits.lower,
        limits.upper,
        program.cost,
        np.zeros(len(program.cost), dtype=bool),
    )
    solution = one.model().solve()
    assert solution.status == "optimal"
    return solution.objective


@pytest.mark.parametrize("sites", [1, 3])
def test_parts_hold_every_column_and_row_once(sites: int) -> None:
    stated = _price_leader(sites)
    components = Evaluator(stated).components
    columns = np.concatenate([piece.columns for piece in components])
    rows = np.concatenate([piece.rows for piece in components])
    filled = np.flatnonzero(np.diff(stated.program.matrix.indptr))
    assert sorted(columns.tolist()) == list(range(len(stated.program.cost)))
    assert sorted(rows.tolist()) == filled.tolist()
    for piece in components:
        touched = np.unique(stated.program.matrix[piece.rows].indices)
        assert np.isin(touched, piece.columns).all()


@pytest.mark.parametrize("sites", [1, 3])
def test_a_price_leader_with_linear_followers_decouples(sites: int) -> None:
    """Each site's quantities are a part, and its multipliers with its price are another."""
    evaluator = Evaluator(_price_leader(sites))
    assert evaluator.decoupled
    assert len(set(evaluator.slack_piece.tolist())) >= sites
    assert len(set(evaluator.multiplier_piece.tolist())) >= sites


def test_quadratic_followers_tie_quantities_to_multipliers() -> None:
    assert not Evaluator(_price_leader(2, curved=True)).decoupled


def test_limits_that_the_leader_moves_do_not_decouple_by_themselves() -> None:
    """The leader hears the quantity and moves a limit, but pays nothing: duals stand apart."""
    limit, x = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    follower = Agent("f", cp.Problem(cp.Minimize(-cp.sum(x)), [x <= limit]), {"l": limit}, {"x": x})
    said, heard = cp.Variable(1, bounds=[1, 4]), cp.Parameter(1)
    leader = Agent("disco", cp.Problem(cp.Minimize(cp.sum(heard))), {"x": heard}, {"limit": said})
    links = [Link("disco.limit", "f.l"), Link("f.x", "disco.x")]
    game = Game([leader, follower], "disco", links)
    assert Evaluator(mpcc_of(KktProgram(game))).decoupled
    assert build.by_both_routes(game).leader_objective == pytest.approx(1.0)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_values_of_parts_add_up_along_a_dive(seed: int) -> None:
    """At every node the bound is that of one program of everything, and grows."""
    stated, rng = _price_leader(2, seed=seed), np.random.default_rng(seed)
    evaluator = Evaluator(stated)
    node = evaluator.root()
    assert node is not None
    for pair in rng.permutation(stated.pairs.count)[:8]:
        assert node.bound == pytest.approx(_whole(stated, node), abs=1e-6)
        states = node.states.copy()
        if states[pair] == 0:
            states[pair] = rng.choice([NO_VALUE, BINDING])
        child = evaluator.evaluate(states, NOTHING, NOTHING, node)
        if child is None:
            continue
        assert child.bound >= node.bound - 1e-6
        decided = child.states > 0
        assert (child.multiplier[child.states == NO_VALUE] <= 1e-6).all()
        assert (child.slack[child.states == BINDING] <= 1e-6).all()
        assert decided.sum() >= (states > 0).sum()
        node = child


def test_a_decision_solves_only_the_part_that_it_touches() -> None:
    evaluator = Evaluator(_price_leader(3))
    root = evaluator.root()
    assert root is not None
    before = evaluator.solves
    states = root.states.copy()
    states[0] = BINDING
    child = evaluator.evaluate(states, NOTHING, NOTHING, root, propagate=False)
    assert child is not None
    assert evaluator.solves == before + 1
    touched = int(evaluator.slack_piece[0])
    others = np.arange(len(child.values)) != touched
    assert (child.values[others] == root.values[others]).all()
    far = (evaluator.slack_piece != touched) & (evaluator.multiplier_piece != touched)
    assert far.any()
    assert (child.slack[far] == root.slack[far]).all()
    assert (child.multiplier[far] == root.multiplier[far]).all()


def test_a_limit_that_cannot_bind_is_decided_or_no_node() -> None:
    """x + y <= 4 is out of reach once x, of at most 3, is held at 0: y is at most 3."""
    limit, x, y = cp.Parameter(1), *(cp.Variable(1, bounds=[0, 3]) for _ in range(2))
    problem = cp.Problem(cp.Minimize(cp.sum(x - y)), [x + y <= 4, x - y <= limit])
    follower = Agent("f", problem, {"limit": limit}, {"x": x})
    said, heard = cp.Variable(1, bounds=[1, 2]), cp.Parameter(1)
    leader = Agent("disco", cp.Problem(cp.Minimize(cp.sum(heard))), {"x": heard}, {"limit": said})
    links = [Link("disco.limit", "f.limit"), Link("f.x", "disco.x")]
    stated = mpcc_of(KktProgram(Game([leader, follower], "disco", links)))
    evaluator, pairs = Evaluator(stated), stated.pairs
    root = evaluator.root()
    assert root is not None
    row = int(np.flatnonzero(pairs.row >= 0)[0])
    bottom = int(np.flatnonzero((pairs.row < 0) & ~pairs.upper)[0])
    states = root.states.copy()
    states[bottom] = BINDING
    child = evaluator.evaluate(states, NOTHING, NOTHING, root)
    assert child is not None
    assert child.states[row] == NO_VALUE
    states[row] = BINDING
    assert evaluator.evaluate(states, NOTHING, NOTHING, root) is None


def _alone(problem: cp.Problem) -> Evaluator:
    game = Game([Agent("disco", problem)], leader="disco")
    return Evaluator(mpcc_of(KktProgram(game)))


def test_squares_are_met_as_nearly_as_is_asked() -> None:
    """min (x - 1)² + (y + x)² + y is at x = 1.5, y = -2: 0.25 + 0.25 - 2."""
    x, y = cp.Variable(bounds=[-9, 9]), cp.Variable(bounds=[-9, 9])
    evaluator = _alone(cp.Problem(cp.Minimize(cp.square(x - 1) + cp.square(y + x) + y)))
    root = evaluator.root()
    assert root is not None
    tight = evaluator.evaluate(root.states, NOTHING, NOTHING, None, tight=1e-10)
    assert tight is not None
    assert tight.bound + evaluator.stated.program.offset == pytest.approx(-1.5, abs=1e-6)
    assert root.bound <= tight.bound + 1e-9


def test_only_squares_hold_an_objective_without_bounds() -> None:
    """min x² - 1000 x has no bounded linear relaxation before tangents are leaned against it."""
    x = cp.Variable()
    evaluator = _alone(cp.Problem(cp.Minimize(cp.square(x) - 1000 * x)))
    root = evaluator.root()
    assert root is not None
    tight = evaluator.evaluate(root.states, NOTHING, NOTHING, None, tight=1e-10)
    assert tight is not None
    assert tight.bound == pytest.approx(-250_000.0, rel=1e-9)


def test_what_nothing_bounds_yet_is_a_point_far_out_of_no_value() -> None:
    x = cp.Variable(2, nonneg=True)
    evaluator = _alone(cp.Problem(cp.Minimize(-cp.sum(x)), [x[0] - x[1] <= 1]))
    root = evaluator.root()
    assert root is not None
    assert np.isneginf(root.bound)


def test_whole_numbers_that_are_not_whole_are_told() -> None:
    x = cp.Variable(2, integer=True, bounds=[0, 5])
    evaluator = _alone(cp.Problem(cp.Minimize(-x[0] - 2 * x[1]), [x[0] <= 2, 2 * x[1] <= 3]))
    root = evaluator.root()
    assert root is not None
    assert root.whole[root.fractional].tolist() == [1.5]


def test_a_row_without_columns_that_does_not_hold_is_no_root() -> None:
    stated = _price_leader(1)
    program = stated.program
    more = sparse.csr_array(
        sparse.vstack([program.matrix, sparse.csr_array((1, len(program.cost)))])
    )
    for low, fits in ((-1.0, True), (1.0, False)):
        rows = {
            "row_lower": np.append(program.row_lower, low),
            "row_upper": np.append(program.row_upper, np.inf),
        }
        changed = Assembled(**{**vars(program), "matrix": more, **rows})
        other = Mpcc(changed, stated.pairs, stated.squares, stated.limits, stated.whole)
        assert (Evaluator(other).root() is not None) == fits
