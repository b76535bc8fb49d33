"""Errors planted in a true answer, each of which the certificate has to catch."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from equigrid.arrays import FloatArray
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certify import certify
from equigrid.markets.forms.points import Point
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual

TOLERANCE = {
    "regret": 1e-4,
    "gap": 1e-4,
    "settlement": 1e-6,
    "ac_voltage_pu": 0.005,
    "ac_loading_percent": 0.0,
}


def _game(*, maximise: bool = True) -> Game:
    """Half hours; a site of 4 MW buys, or runs 2 MW of its own at 5; the leader buys at 3."""
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    own = cp.Variable(2, bounds=[0, 2])
    cost = 0.5 * price @ bought + 2.5 * cp.sum(own)
    site = Agent(
        "site",
        cp.Problem(cp.Minimize(cost), [bought + own == 4]),
        {"price": price},
        {"bought": bought},
    )
    offer, sold, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2), cp.Parameter()
    profit = income - 1.5 * cp.sum(sold)
    goal = cp.Maximize(profit) if maximise else cp.Minimize(-profit)
    leader = Agent("disco", cp.Problem(goal), {"sold": sold, "income": income}, {"price": offer})
    return Game(
        [leader, site],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought", hours=0.5)],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
    )


TRUE: dict[str, FloatArray] = {"disco.price": np.full(2, 9.0), "site.bought": np.full(2, 2.0)}


def _found(
    changed: dict[str, FloatArray] | None = None, bound: float = 12.0, claimed: float = 12.0
) -> list[str]:
    """What falls short at the true answer, a profit of 12, with something changed."""
    values = {**TRUE, **(changed or {})}
    certificate, _ = certify(_game(), values, bound=bound, claimed=claimed)
    return certificate.shortcomings(TOLERANCE)


def test_the_true_answer_has_no_shortcoming() -> None:
    assert _found() == []


def test_a_follower_that_is_not_at_its_best() -> None:
    """One MW more at 9 than at its own 5, for half an hour, of a cost of 30."""
    found = _found({"site.bought": np.array([2.0, 3.0])}, bound=15.0, claimed=15.0)
    assert found == ["site could still gain 0.067 of the money it moves by answering otherwise"]


def test_a_price_of_the_leader_that_is_one_percent_off() -> None:
    """The site buys 4 MW at just below its own 5; at 1 % more it would not."""
    below = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 4.0)}
    assert _found(below, bound=8.0, claimed=8.0) == []
    above = {**below, "disco.price": np.full(2, 5.05)}
    regret, *others = _found(above, bound=8.2, claimed=8.2)
    assert regret.startswith("site could still gain 0.005")
    assert not others


def test_a_settlement_that_does_not_balance() -> None:
    """The method counts half a unit of money more than price × quantity makes."""
    words = "settlement does not balance by 0.021 of the money that moves"
    assert _found(claimed=12.5) == [words]
    assert _found(claimed=12 + 1e-8) == []


def _point(game: Game, price: FloatArray) -> Point:
    """The site's own optimum at a price, with multipliers that are known by hand.

    Buying, at half an hour, costs price / 2; a unit of its own costs 2.5. The dearer of the two
    that is used is the worth of the balance, and the others' bounds take the rest.
    """
    form = game.forms["site"]
    bought, own = (form.variable_columns[v.id] for v in game.agent("site").variables())
    columns, upper = np.zeros(4), np.zeros(4)
    columns[own], columns[bought] = np.where(price > 5, 2, 0), np.where(price > 5, 2, 4)
    lower = np.zeros(4)
    upper[own], lower[own] = np.maximum(0, price / 2 - 2.5), np.maximum(0, 2.5 - price / 2)
    sign = np.sign(form.matrix.toarray()[:, bought].sum(axis=1))
    heard = form.heard_vector({"price": price})
    return Point(columns, heard, -sign * price / 2, lower, upper)


def _with_point(**wrong: FloatArray) -> Certificate:
    game, price = _game(), np.array([9.0, 4.0])
    values = {"disco.price": price, "site.bought": np.array([2.0, 4.0])}
    point = _point(game, price)
    changed = {name: getattr(point, name) + change for name, change in wrong.items()}
    return certify(game, values, points={"site": replace(point, **changed)})[0]


def test_multipliers_that_are_right() -> None:
    certificate = _with_point()
    assert certificate.stationarity_residual == pytest.approx(0.0, abs=1e-12)
    assert certificate.complementarity_residual == pytest.approx(0.0, abs=1e-12)
    assert certificate.primal_residual == pytest.approx(0.0, abs=1e-8)
    assert not certificate.shortcomings(TOLERANCE, proven=False)


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("rows", 0.045, "do not balance its costs (stationarity off by 0.01)"),
        ("upper", 0.02, "do not balance its costs (stationarity off by"),
        ("columns", 0.1, "(complementarity off by"),
        ("heard", 0.1, "what was claimed is infeasible by 0.011"),
    ],
)
def test_a_wrong_multiplier_or_point(part: str, change: float, words: str) -> None:
    """Of 4.5, the worth of the balance in hour 1, 0.045 is 1 %."""
    certificate = _with_point(**{part: np.full(4 if part in ("upper", "columns") else 2, change)})
    assert any(words in sentence for sentence in certificate.shortcomings(TOLERANCE))


def test_a_multiplier_of_a_limit_that_is_not_met() -> None:
    """It is balanced by its opposite, so that only complementarity tells."""
    both = {"lower": np.full(4, 0.5), "upper": np.full(4, 0.5)}
    certificate = _with_point(**both)
    assert certificate.stationarity_residual == pytest.approx(0.0, abs=1e-12)
    words = certificate.shortcomings(TOLERANCE, proven=False)
    assert len(words) == 1
    assert "a multiplier on a limit that it is not at" in words[0]


@pytest.mark.parametrize("maximise", [False, True])
def test_a_bound_that_cuts(maximise: bool) -> None:
    """An objective that is better than its proven bound disproves the bound, however near."""
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.full(2, 2.0)}
    profit = 12.0 if maximise else -12.0
    certificate, _ = certify(_game(maximise=maximise), values, bound=profit * (1 - 5e-5))
    assert certificate.optimality_gap == pytest.approx(-5e-5 / 2)
    found = certificate.shortcomings(TOLERANCE)
    assert len(found) == 1
    assert found[0].startswith("the leader's objective is better than its proven bound by 2.5e-05")
    assert certificate.shortcomings(TOLERANCE, proven=False) == found
    near, _ = certify(_game(maximise=maximise), values, bound=profit * (1 - 1e-8))
    assert near.optimality_gap == pytest.approx(1e-8 / 2, rel=0.1)
    assert not near.shortcomings(TOLERANCE)


def test_a_bound_that_is_not_near() -> None:
    """Of an income of 18 and a purchase of 6."""
    told = "gap 0.0042 of the money that moves, 0.1 in currency"
    assert _found(bound=12.1) == [f"the leader's optimum is not proven ({told})"]


@pytest.mark.parametrize(("share", "caught"), [(1.0, False), (1.01, True), (0.99, True)])
def test_a_dual_that_is_one_percent_off(share: float, caught: bool) -> None:
    """A network that serves 3 MW at 20 for each of the first 5, and hears them from a leader."""
    drawn, heard = cp.Variable(1, bounds=[0, 9]), cp.Parameter(1, name="drawn")
    made = cp.Variable(2, bounds=[0, [5, 9]])
    network = Agent(
        "dno",
        cp.Problem(cp.Minimize(np.array([20.0, 60.0]) @ made), [cp.sum(made) == cp.sum(heard)]),
        {"drawn": heard},
    )
    paid = cp.Parameter()
    leader = Agent("load", cp.Problem(cp.Minimize(paid)), {"paid": paid}, {"drawn": drawn})
    game = Game(
        [leader, network],
        leader="load",
        links=[Link("load.drawn", "dno.drawn"), Link("fee", "load.paid")],
        payments=[Payment("fee", "load", "dno", Dual("dno.drawn"), "load.drawn")],
    )
    values: dict[str, FloatArray] = {
        "load.drawn": np.array([3.0]),
        Dual("dno.drawn"): np.array([20.0 * share]),
    }
    found = certify(game, values)[0].shortcomings(TOLERANCE, proven=False)
    assert any("a price is no optimal dual" in sentence for sentence in found) == caught
    assert bool(found) == caught


def test_the_worst_tie_is_no_shortcoming() -> None:
    """At 5 the site may run its own units: half of the profit of 8 is lost."""
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 4.0)}
    certificate, profit = certify(_game(), values)
    assert profit == pytest.approx(8.0)
    assert certificate.worst_tie_objective == pytest.approx(4.0)
    assert certificate.worst_tie_loss == pytest.approx(0.5)
    assert not certificate.shortcomings(TOLERANCE, proven=False)


def test_last_digits_of_what_is_dear_are_not_money() -> None:
    """At 40 000 per MW, claims are met as closely as can be, not within a room of their own."""
    built, heard = cp.Variable(1, bounds=[0, 250]), cp.Parameter(1)
    made = cp.Variable(1, bounds=[0, 100])
    plant = Agent("plant", cp.Problem(cp.Maximize(cp.sum(made)), [made <= heard]), {"built": heard})
    leader = Agent("owner", cp.Problem(cp.Minimize(4e4 * cp.sum(built))), says={"built": built})
    game = Game([leader, plant], leader="owner", links=[Link("owner.built", "plant.built")])
    certificate, cost = certify(game, {"owner.built": np.array([50.0])}, claimed=2e6)
    assert cost == pytest.approx(2e6, abs=1e-7)
    assert certificate.settlement_residual <= 1e-7
