"""The proximal step of all members at once is that of each member alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import piqp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.admm.batch.proximal import BatchProximal
from equigrid.markets.certification.fleet_bound import lower_bounds, with_derived_bounds
from equigrid.markets.certification.fleet_rows import members_rows
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent


@dataclass
class Drawn:
    """Members with feasible and bounded problems, and what is asked of them."""

    form: StandardForm
    cost: FloatArray
    rhs: FloatArray
    shares: sparse.csr_array
    constant: FloatArray
    rho: FloatArray
    price: FloatArray
    target: FloatArray

    def batch(self) -> BatchProximal:
        return BatchProximal(self.form, self.cost, self.rhs, self.shares, self.constant, self.rho)


def _form(
    curved: FloatArray, matrix: FloatArray, equal: int, lower: NDArray[Any], upper: NDArray[Any]
) -> StandardForm:
    n, m = len(lower), len(matrix)
    return StandardForm(
        agent=Agent("member"),
        quadratic=sparse.csr_array(curved),
        cost=np.zeros(n),
        cost_of_heard=sparse.csr_array((n, 0)),
        offset=0.0,
        offset_of_heard=np.zeros(0),
        matrix=sparse.csr_array(matrix),
        rhs=np.zeros(m),
        rhs_of_heard=sparse.csr_array((m, 0)),
        equal_rows=equal,
        lower=lower,
        upper=upper,
        integer=np.zeros(n, dtype=bool),
        heard={},
        said={},
        variable_columns={},
    )


def _drawn(seed: int) -> Drawn:
    """Draw a structure, then members of it: a feasible point and multipliers bound each."""
    rng = np.random.default_rng(seed)
    n, size, t = int(rng.integers(1, 9)), int(rng.integers(1, 40)), int(rng.integers(1, 4))
    m, unit = int(rng.integers(0, 7)), float(rng.choice([1.0, 1.0, 1e-3]))
    equal = int(rng.integers(0, min(m, n) + 1))
    matrix = np.round(rng.normal(size=(m, n)), 1) * (rng.random((m, n)) < rng.choice([0.3, 0.9]))
    lower = np.where(rng.random(n) < 0.8, -unit * rng.integers(0, 3, n), -np.inf)
    upper = np.where(rng.random(n) < 0.8, unit * rng.integers(1, 4, n), np.inf)
    root = rng.normal(size=(n, n)) * (rng.random(n) < rng.choice([0.0, 0.4, 1.0]))
    form = _form(root.T @ root, matrix, equal, lower, upper)
    inside = unit * rng.uniform(0, 1, (size, n))
    slack = unit * rng.integers(0, 2, (size, m)) * (np.arange(m) >= equal)
    worth = rng.normal(size=(size, m))
    worth[:, equal:] = np.abs(worth[:, equal:])
    held = np.where(np.isfinite(lower), -1.0, 0.0) * rng.random((size, n))
    held += np.where(np.isfinite(upper), 1.0, 0.0) * rng.random((size, n))
    shares = np.round(rng.normal(size=(t, n)), 1) * (rng.random((t, n)) < 0.7)
    rho = 10.0 ** rng.uniform(-1, 2, t) / unit
    return Drawn(
        form,
        cost=-inside @ form.quadratic - worth @ matrix - held,
        rhs=inside @ matrix.T + slack,
        shares=sparse.csr_array(shares),
        constant=unit * rng.normal(size=(size, t)),
        rho=rho,
        price=rng.normal(size=(size, t)),
        target=unit * rng.normal(size=(size, t)),
    )


def _clipped(seed: int) -> Drawn:
    """Draw members whose columns follow from one multiplier, or from none."""
    rng = np.random.default_rng(seed)
    n, size, m = int(rng.integers(1, 9)), int(rng.integers(1, 40)), int(rng.integers(0, 2))
    matrix = np.round(rng.normal(size=(m, n)), 1) + 0.05
    lower, upper = -1.0 * rng.integers(0, 3, n), 1.0 * rng.integers(0, 3, n)
    curved = np.diag(rng.uniform(0, 2, n) * (rng.random(n) < 0.5))
    form = _form(curved, matrix, int(rng.integers(0, m + 1)), lower, upper)
    inside = rng.uniform(lower, upper, (size, n))
    return Drawn(
        form,
        cost=3 * rng.normal(size=(size, n)),
        rhs=inside @ matrix.T,
        shares=sparse.csr_array(-np.eye(n)),
        constant=rng.normal(size=(size, n)),
        rho=rng.uniform(0.5, 2, n),
        price=rng.normal(size=(size, n)),
        target=3 * rng.normal(size=(size, n)),
    )


def _alone(drawn: Drawn, k: int) -> FloatArray:
    """Solve one member by PIQP."""
    form, equal, rhs = drawn.form, drawn.form.equal_rows, drawn.rhs[k]
    pull = drawn.price[k] + drawn.rho * (drawn.target[k] - drawn.constant[k])
    curved = form.quadratic + drawn.shares.T @ sparse.diags_array(drawn.rho) @ drawn.shares
    matrix, linear = form.matrix.toarray(), drawn.cost[k] - drawn.shares.T @ pull
    solver = piqp.DenseSolver()
    for name in ("eps_abs", "eps_rel", "eps_duality_gap_abs", "eps_duality_gap_rel"):
        setattr(solver.settings, name, 1e-13 if "gap" in name else 1e-11)
    solver.setup(
        curved.toarray(),
        linear,
        matrix[:equal] if equal else None,
        rhs[:equal] if equal else None,
        matrix[equal:] if len(rhs) > equal else None,
        None,
        rhs[equal:] if len(rhs) > equal else None,
        form.lower,
        form.upper,
    )
    solver.solve()
    return np.asarray(drawn.shares @ solver.result.x + drawn.constant[k])


def _off(drawn: Drawn, batch: BatchProximal) -> float:
    """By how much the columns are infeasible."""
    x, form = batch.columns, drawn.form
    excess = x @ form.matrix.T - drawn.rhs
    excess[:, : form.equal_rows] = np.abs(excess[:, : form.equal_rows])
    beyond = [form.lower - x, x - form.upper, excess]
    return max(float(part.max(initial=0.0)) for part in beyond)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), draw=st.sampled_from([_drawn, _clipped]))
def test_members_at_once_are_members_alone(seed: int, draw: Callable[[int], Drawn]) -> None:
    drawn = draw(seed)
    batch = drawn.batch()
    terms = batch.solve(drawn.price, drawn.target, 1e-9)
    some = range(0, len(terms), 7)
    alone = np.array([_alone(drawn, k) for k in some])
    assert terms[::7] == pytest.approx(alone, abs=1e-6)
    assert _off(drawn, batch) <= 1e-7
    said = batch.columns @ drawn.shares.T + drawn.constant
    assert terms == pytest.approx(said, abs=1e-12)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_warm_start_and_another_rho_change_nothing(seed: int) -> None:
    drawn, rng = _drawn(seed), np.random.default_rng(seed)
    batch = drawn.batch()
    batch.solve(drawn.price, drawn.target, 1e-6)
    drawn.target = drawn.target * rng.uniform(0.9, 1.1, drawn.target.shape)
    drawn.rho = drawn.rho * rng.uniform(0.1, 10, len(drawn.rho))
    batch.set_rho(drawn.rho)
    warm = batch.solve(drawn.price, drawn.target, 1e-9)
    steps = batch.steps
    assert warm == pytest.approx(drawn.batch().solve(drawn.price, drawn.target, 1e-9), abs=1e-6)
    again = batch.solve(drawn.price, drawn.target, 1e-9)
    assert again == pytest.approx(warm, abs=1e-6)
    assert batch.steps <= max(1.0, steps), "it goes on from where it was left"


def _costs(drawn: Drawn, x: FloatArray) -> FloatArray:
    """Return what members bear themselves at their columns."""
    slope = x @ drawn.form.quadratic.toarray() / 2 + drawn.cost
    return np.asarray(np.einsum("kj,kj->k", slope, x))


def _bounds(drawn: Drawn, batch: BatchProximal, price: FloatArray) -> FloatArray:
    """Return what the certificate proves of own cost - price'p, from the batch's multipliers."""
    rows = with_derived_bounds(members_rows(drawn.form, drawn.rhs))
    slopes = drawn.cost - price @ drawn.shares.toarray()
    least = lower_bounds(drawn.form.quadratic, slopes, batch.columns, batch.multipliers, rows)
    return np.asarray(least - np.einsum("kt,kt->k", price, drawn.constant))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bounds_hold_and_are_close_at_prices_that_the_pull_explains(seed: int) -> None:
    drawn, rng = _drawn(seed), np.random.default_rng(seed)
    batch = drawn.batch()
    terms = batch.solve(drawn.price, drawn.target, 1e-9)
    # At its answer, a member that is pulled does what it would do unpulled at this price.
    price = drawn.price - drawn.rho * (terms - drawn.target)
    own = _costs(drawn, batch.columns)
    value, bound = own - np.einsum("kt,kt->k", price, terms), _bounds(drawn, batch, price)
    scale = 1e-5 * (1 + np.abs(value) + np.abs(drawn.cost).sum(axis=1))
    assert (bound <= value + 0.1 * scale).all()
    if np.isfinite([drawn.form.lower, drawn.form.upper]).all():
        assert (value - bound <= scale).all()
    elsewhere = price + rng.normal(size=price.shape)
    reached = own - np.einsum("kt,kt->k", elsewhere, terms)
    assert (_bounds(drawn, batch, elsewhere) <= reached + 0.1 * scale).all()


def test_columns_without_bounds_get_them_from_rows() -> None:
    matrix = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 1.0]])
    open_ = np.full(3, np.inf)
    form = _form(np.zeros((3, 3)), matrix, 2, np.array([-np.inf, -np.inf, 0.0]), open_)
    form.upper[2] = 4.0
    drawn = Drawn(
        form,
        cost=np.array([[1.0, 0.0, 0.0]]),
        rhs=np.array([[0.0, 3.0]]),
        shares=sparse.csr_array(np.array([[1.0, 0.0, 0.0]])),
        constant=np.zeros((1, 1)),
        rho=np.ones(1),
        price=np.zeros((1, 1)),
        target=np.full((1, 1), 5.0),
    )
    batch = drawn.batch()
    # x2 in [0, 4], so x1 = 3 - x2 in [-1, 3] and x0 = x1; the target 5 is out of reach.
    assert batch.solve(drawn.price, drawn.target, 1e-9) == pytest.approx(3.0)
    assert _bounds(drawn, batch, np.array([[3.0]])) == pytest.approx(-6.0)


def test_the_answer_does_not_depend_on_threads() -> None:
    drawn, found = _drawn(11), []
    before = numba.get_num_threads()
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(drawn.batch().solve(drawn.price, drawn.target, 1e-7))
    assert (found[0] == found[1]).all()


def test_who_has_no_answer_is_named() -> None:
    shares, none = sparse.csr_array(np.ones((1, 2))), np.zeros((2, 1))
    box = _form(np.zeros((2, 2)), np.ones((1, 2)), 1, np.zeros(2), np.ones(2))
    cost = np.zeros((2, 2))
    batch = BatchProximal(box, cost, np.array([[1.0], [3.0]]), shares, none, np.ones(1))
    with pytest.raises(NoAnswer, match="member 1 of the fleet of 'member'"):
        batch.solve(none, none, 1e-9)
    crossed = _form(np.zeros((2, 2)), np.array([[1.0, 0.0]]), 0, np.zeros(2), np.ones(2))
    with pytest.raises(NoAnswer, match="member 0"):
        BatchProximal(crossed, cost, np.array([[-1.0], [1.0]]), shares, none, np.ones(1))
    free = _form(np.zeros((2, 2)), np.zeros((0, 2)), 0, np.zeros(2), np.array([1.0, np.inf]))
    one = sparse.csr_array(np.array([[1.0, 0.0]]))
    batch = BatchProximal(free, cost - 1, np.zeros((2, 0)), one, none, np.ones(1))
    with pytest.raises(NoAnswer, match="member 0"):
        batch.solve(none, none, 1e-9)


def test_one_member_by_itself_is_named_as_the_agent_it_is() -> None:
    box = _form(np.zeros((2, 2)), np.ones((1, 2)), 1, np.zeros(2), np.ones(2))
    shares, none = sparse.csr_array(np.ones((1, 2))), np.zeros((1, 1))
    batch = BatchProximal(box, np.zeros((1, 2)), np.array([[3.0]]), shares, none, np.ones(1))
    with pytest.raises(NoAnswer, match=r"^agent 'member' has no feasible") as refusal:
        batch.solve(none, none, 1e-9)
    assert refusal.value.agent == "member"
    assert "fleet" not in str(refusal.value)
