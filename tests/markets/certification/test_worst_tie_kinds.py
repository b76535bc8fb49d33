"""The worst tie where prices are duals, and in games of several kinds."""

import itertools

import cvxpy as cp
import numpy as np
import pytest

from equigrid.arrays import FloatArray
from equigrid.markets.certification.certify import certify
from equigrid.markets.certification.worst_tie import worst_tie
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual


def at_dual(*, income: bool) -> Game:
    """A plant offers into a market of 10 MW: 6 MW of it at 20, then at 70; paid at its dual."""
    offer, offered, money = cp.Variable(1, bounds=[0, 10]), cp.Parameter(1), cp.Parameter()
    own, rivals = cp.Variable(1, nonneg=True), cp.Variable(2, bounds=[0, [6, 9]])
    clearing = Agent(
        "market",
        cp.Problem(
            cp.Minimize(np.array([20.0, 70.0]) @ rivals),
            [cp.sum(own) + cp.sum(rivals) == 10, own <= offered],
        ),
        {"offered": offered},
    )
    worth = -money if income else money
    goal = cp.Maximize(worth) if income else cp.Minimize(worth)
    plant = Agent("plant", cp.Problem(goal), {"money": money}, {"offer": offer})
    payment = Payment("rent", "plant", "market", Dual("market.offered"), "plant.offer")
    links = [Link("plant.offer", "market.offered"), Link("rent", "plant.money")]
    return Game([plant, clearing], leader="plant", links=links, payments=[payment])


@pytest.mark.parametrize("income", [True, False])
@pytest.mark.parametrize(
    ("offer", "price", "worst"),
    [
        (4.0, -70.0, 20.0),
        (4.0, -20.0, 20.0),
        (4.0, -45.0, 20.0),
        (3.9, -70.0, 70.0),
        (0.0, -70.0, 0.0),
    ],
)
def test_the_worst_of_all_optimal_duals(
    offer: float, price: float, worst: float, income: bool
) -> None:
    """At 4 MW the price falls from 70 to 20, so that any between them is one."""
    values: dict[str, FloatArray] = {
        "plant.offer": np.array([offer]),
        Dual("market.offered"): np.array([price]),
    }
    found = worst_tie(at_dual(income=income), values)
    assert found == pytest.approx((1 if income else -1) * worst * offer, rel=1e-6)


def test_a_price_that_nothing_bounds() -> None:
    """A network that is full may ask any price; one with room to spare may not."""
    load, drawn = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1)
    made, paid = cp.Variable(1, bounds=[0, 5]), cp.Parameter()
    network = Agent(
        "dno", cp.Problem(cp.Minimize(8 * cp.sum(made)), [made == drawn]), {"drawn": drawn}
    )
    leader = Agent("load", cp.Problem(cp.Minimize(paid)), {"paid": paid}, {"load": load})
    links = [Link("load.load", "dno.drawn"), Link("fee", "load.paid")]
    payment = Payment("fee", "load", "dno", Dual("dno.drawn"), "load.load")
    game = Game([leader, network], leader="load", links=links, payments=[payment])
    price: dict[str, FloatArray] = {Dual("dno.drawn"): np.array([8.0])}
    assert worst_tie(game, {"load.load": np.array([4.0]), **price}) == pytest.approx(32.0)
    assert worst_tie(game, {"load.load": np.array([5.0]), **price}) == np.inf


def test_a_quantity_that_nothing_bounds() -> None:
    spare, heard = cp.Variable(1, nonneg=True), cp.Parameter(1)
    price, offer = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    follower = Agent(
        "f", cp.Problem(cp.Minimize(price @ spare)), {"price": price}, {"spare": spare}
    )
    leader = Agent("l", cp.Problem(cp.Minimize(cp.sum(heard))), {"spare": heard}, {"price": offer})
    links = [Link("l.price", "f.price"), Link("f.spare", "l.spare")]
    game = Game([leader, follower], leader="l", links=links)
    values = {"l.price": np.array([0.0]), "f.spare": np.array([0.0])}
    assert worst_tie(game, values) == np.inf
    assert worst_tie(game, {**values, "l.price": np.array([1.0])}) == pytest.approx(0.0, abs=1e-9)


def test_a_volume_that_a_follower_pays_for_is_announced() -> None:
    """The follower hears a fee for the leader's volume; the leader does not change it later."""
    fee, made, got = cp.Parameter(), cp.Variable(1, bounds=[0, 3]), cp.Parameter(1)
    follower = Agent(
        "f", cp.Problem(cp.Minimize(fee + 0 * cp.sum(made))), {"fee": fee}, {"made": made}
    )
    volume, own, income = cp.Variable(1, bounds=[0, 3]), cp.Parameter(1), cp.Parameter()
    leader = Agent(
        "l",
        cp.Problem(cp.Maximize(income - cp.sum(own) - cp.sum(volume)), [volume >= got]),
        {"got": got, "own": own, "income": income},
        {"volume": volume},
    )
    game = Game(
        [leader, follower],
        leader="l",
        payments=[Payment("fee", "f", "l", 2.0, "l.volume")],
        links=[
            Link("fee", "f.fee"),
            Link("fee", "l.income"),
            Link("f.made", "l.got"),
            Link("l.volume", "l.own"),
        ],
    )
    values = {"l.volume": np.array([3.0]), "f.made": np.array([0.0])}
    assert worst_tie(game, values) == pytest.approx(0.0, abs=1e-7)
    assert worst_tie(game, {**values, "l.volume": np.array([2.0])}) == -np.inf


def test_what_others_hear_of_a_follower_stays() -> None:
    """A maker at its own cost could make less, but not where a buyer has been told how much."""
    offer, got = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1)
    leader = Agent("leader", cp.Problem(cp.Maximize(cp.sum(got))), {"got": got}, {"price": offer})
    price, made = cp.Parameter(1, name="price"), cp.Variable(1, bounds=[0, 5])
    maker = Agent(
        "maker", cp.Problem(cp.Maximize((price - 2) @ made)), {"price": price}, {"made": made}
    )
    told, used = cp.Parameter(1, name="told"), cp.Variable(1, bounds=[0, 5])
    user = Agent(
        "user",
        cp.Problem(cp.Maximize(cp.sum(used)), [used <= told]),
        {"told": told},
        {"used": used},
    )
    links = [Link("leader.price", "maker.price"), Link("maker.made", "leader.got")]
    values = {
        "leader.price": np.array([2.0]),
        "maker.made": np.array([5.0]),
        "user.used": np.array([5.0]),
    }
    alone = Game([leader, maker], leader="leader", links=links)
    assert worst_tie(alone, values) == pytest.approx(0.0, abs=1e-7)
    heard = Game(
        [leader, maker, user], leader="leader", links=[*links, Link("maker.made", "user.told")]
    )
    assert worst_tie(heard, values) == pytest.approx(5.0, abs=1e-6)
    # Told of 3, which is not the maker's best at 3: it is left at that.
    short = {**values, "leader.price": np.array([3.0]), "maker.made": np.array([3.0])}
    assert worst_tie(heard, short) == pytest.approx(3.0, abs=1e-6)


def test_a_curved_follower_moves_only_where_it_is_flat() -> None:
    """Own cost x² + |y|-free: x is unique, y is any of 0 to 3."""
    signal, heard = cp.Variable(1, bounds=[0, 4]), cp.Parameter(2)
    told, x, y = cp.Parameter(1, name="told"), cp.Variable(1), cp.Variable(1, bounds=[0, 3])
    follower = Agent(
        "f",
        cp.Problem(cp.Minimize(cp.sum_squares(x) - told @ x)),
        {"told": told},
        {"said": cp.hstack([x, y])},
    )
    leader = Agent("l", cp.Problem(cp.Minimize(cp.sum(heard))), {"heard": heard}, {"told": signal})
    links = [Link("l.told", "f.told"), Link("f.said", "l.heard")]
    game = Game([leader, follower], leader="l", links=links)
    values = {"l.told": np.array([3.0]), "f.said": np.array([1.5, 0.0])}
    assert worst_tie(game, values) == pytest.approx(4.5, abs=1e-6)


def test_a_curved_follower_whose_limit_is_just_met() -> None:
    """An interior point is off by 1e-4 there; nothing is lost by that, as y is unique."""
    signal, heard, told = cp.Variable(2, bounds=[0, 50]), cp.Parameter(2), cp.Parameter(2)
    y = cp.Variable(2, bounds=[-10, 20])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(y - told + 20)), [2 * y <= told - 10])
    follower = Agent("f", problem, {"told": told}, {"y": y})
    problem = cp.Problem(cp.Minimize(-3 * cp.sum(heard)))
    leader = Agent("l", problem, {"heard": heard}, {"told": signal})
    links = [Link("l.told", "f.told"), Link("f.y", "l.heard")]
    game = Game([leader, follower], leader="l", links=links)
    values = {"l.told": np.array([0.0, 30.0]), "f.y": np.array([-10.0, 10.0])}
    assert worst_tie(game, values) == pytest.approx(0.0, abs=1e-6)


def test_amounts_heard_by_scenario() -> None:
    """The leader minds the worst scenario only; the tie is in the first."""
    shape = (2, 1)
    price, bought = cp.Parameter(shape, name="price"), cp.Variable(shape, bounds=[0, 9])
    own = cp.Variable(shape, bounds=[0, 2])
    cost = cp.sum(cp.multiply(price, bought)) + 5 * cp.sum(own)
    buyer = Agent(
        "site", cp.Problem(cp.Minimize(cost), [bought + own == 4]), {"price": price}, {"b": bought}
    )
    offer, income, least = cp.Variable(shape, bounds=[0, 9]), cp.Parameter(2), cp.Variable()
    problem = cp.Problem(cp.Maximize(np.full(2, 0.5) @ income + least), [least <= income])
    leader = Agent("disco", problem, {"income": income}, {"price": offer})
    links = [Link("disco.price", "site.price"), Link("bill", "disco.income")]
    payments = [Payment("bill", "site", "disco", "disco.price", "site.b")]
    game = Game([leader, buyer], leader="disco", payments=payments, links=links)
    values = {"disco.price": np.array([[5.0], [9.0]]), "site.b": np.array([[4.0], [2.0]])}
    certificate, objective = certify(game, values)
    assert objective == pytest.approx(0.5 * (20 + 18) + 18)
    assert certificate.worst_tie_objective == pytest.approx(0.5 * (10 + 18) + 10)


def drawn(seed: int) -> tuple[Game, FloatArray, FloatArray]:
    """A follower with few costs of 0, 1 and 2 on a cube, and a leader that minds distances."""
    rng = np.random.default_rng(seed)
    size = 4
    cost, aims = (
        rng.integers(0, 2, size).astype(float),
        rng.integers(-3, 4, (3, size)).astype(float),
    )
    price, x = cp.Parameter(size, name="price"), cp.Variable(size, bounds=[0, 1])
    follower = Agent("f", cp.Problem(cp.Minimize(cost @ x + price @ x)), {"price": price}, {"x": x})
    offer, heard, off = cp.Variable(size, bounds=[0, 1]), cp.Parameter(size), cp.Variable(3)
    rows = [aims @ heard - 1 <= off, 1 - aims @ heard <= off]
    leader = Agent("l", cp.Problem(cp.Minimize(cp.sum(off)), rows), {"x": heard}, {"price": offer})
    links = [Link("l.price", "f.price"), Link("f.x", "l.x")]
    return Game([leader, follower], leader="l", links=links), cost, aims


@pytest.mark.parametrize("seed", range(12))
def test_corners_one_by_one(seed: int) -> None:
    """The greatest of a convex cost is at a corner of the ties; all are tried."""
    game, cost, aims = drawn(seed)
    corners = [np.array(c, float) for c in itertools.product([0, 1], repeat=len(cost))]
    worst = max(np.abs(aims @ c - 1).sum() for c in corners if cost @ c == 0)
    values = {"l.price": np.zeros(len(cost)), "f.x": np.zeros(len(cost))}
    found = worst_tie(game, values)
    assert found <= worst + 1e-6
    assert found == pytest.approx(worst, abs=1e-6)
