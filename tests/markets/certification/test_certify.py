"""The certificate catches what is wrong with an answer, and leaves the agents as they were."""

from collections.abc import Mapping

import cvxpy as cp
import numpy as np
import pytest

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.accounts.settlement import amounts, heard_values, settlement_table
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certify import certify
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

TOLERANCE = {
    "regret": 1e-4,
    "gap": 1e-4,
    "settlement": 1e-6,
    "ac_voltage_pu": 0.005,
    "ac_loading_percent": 0.0,
}


def _game(*, maximise: bool = False, given: Mapping[str, FloatArray] | None = None) -> Game:
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    own, base = cp.Variable(2, bounds=[0, 2]), cp.Parameter(2, name="base")
    site = Agent(
        "site",
        cp.Problem(
            cp.Minimize(0.5 * price @ bought + 2.5 * cp.sum(own)), [bought + own == 4 + base]
        ),
        {"price": price, "base": base},
        {"bought": bought, "own": own},
    )
    offer, sold, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2), cp.Parameter()
    profit = income - 1.5 * cp.sum(sold)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(profit) if maximise else cp.Minimize(-profit)),
        {"sold": sold, "income": income},
        {"price": offer},
    )
    return Game(
        [leader, site],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought", hours=0.5)],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
        given={"site.base": np.zeros(2), **(given or {})},
    )


@pytest.mark.smoke
@pytest.mark.parametrize("maximise", [False, True])
def test_a_true_answer_passes(maximise: bool) -> None:
    """At 9, 2 of 4 MW are bought in each hour: 0.5 * 9 * 4 - 1.5 * 4 = 12."""
    game = _game(maximise=maximise)
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.full(2, 2.0)}
    profit = 12.0 if maximise else -12.0
    certificate, objective = certify(game, values, bound=profit * 1.01, claimed=profit)
    assert objective == pytest.approx(profit)
    assert certificate.regret == {"site": pytest.approx(0.0, abs=1e-8)}
    # Of an income of 18 and a purchase of 6.
    assert certificate.optimality_gap == pytest.approx(0.12 / 24)
    assert certificate.optimality_gap_money == pytest.approx(0.12)
    assert certificate.money_moved == pytest.approx(18 + 6 + 10)  # and 10 for the site's own
    assert certificate.primal_residual == pytest.approx(0.0, abs=1e-8)
    assert certificate.settlement_residual == pytest.approx(0.0, abs=1e-8)


def test_a_quantity_that_is_not_the_best_answer() -> None:
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.array([2.0, 3.0])}
    certificate, _ = certify(_game(), values)
    # One MW at 9 for one at 5, for half an hour, of a cost of 2.5 * 9 + 1.5 * 5 = 30.
    assert certificate.regret["site"] == pytest.approx(2.0 / 30.0)
    assert certificate.shortcomings(TOLERANCE, proven=False) == [
        "site could still gain 0.067 of the money it moves by answering otherwise"
    ]


@pytest.mark.parametrize(("price", "off"), [(5.0, True), (4.95, True), (5.05, False)])
def test_a_price_that_is_one_percent_off(price: float, off: bool) -> None:
    """At 5 the site is indifferent; at 4.95 running its own units is not its best answer."""
    values = {"disco.price": np.array([9.0, price]), "site.bought": np.full(2, 2.0)}
    regret = certify(_game(), values)[0].regret["site"]
    assert (regret > 1e-4) == (price == 4.95)
    assert off or regret == pytest.approx(0.0, abs=1e-8)


def test_a_wrong_claim_of_the_objective() -> None:
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.full(2, 2.0)}
    certificate, _ = certify(_game(), values, claimed=-12.5)
    assert certificate.settlement_residual == pytest.approx(0.5 / 24)
    words = "settlement does not balance by 0.021 of the money that moves"
    assert words in certificate.shortcomings(TOLERANCE)


def test_a_quantity_that_cannot_be() -> None:
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.array([2.0, 1.5])}
    certificate, _ = certify(_game(), values)
    assert certificate.primal_residual == pytest.approx(0.5 / 2.0)


def test_a_price_outside_the_leaders_bounds() -> None:
    values = {"disco.price": np.array([9.0, 10.0]), "site.bought": np.full(2, 2.0)}
    assert certify(_game(), values)[0].primal_residual == pytest.approx(1.0 / 10.0)


def test_parameters_are_left_as_they_were() -> None:
    game = _game()
    site = game.agent("site")
    site.hears["price"].value = np.array([1.0, 2.0])
    Exact().solve(game)
    assert site.hears["price"].value.tolist() == [1, 2]
    assert site.hears["base"].value is None
    assert game.agent("disco").hears["sold"].value is None


def test_parameters_are_left_as_they_were_when_there_is_no_answer() -> None:
    game = _game(given={"site.base": np.full(2, 20.0)})
    values = {"disco.price": np.full(2, 9.0), "site.bought": np.full(2, 2.0)}
    with pytest.raises(NoAnswer, match="agent 'site' has no best answer") as caught:
        certify(game, values)
    assert caught.value.agent == "site"
    assert game.agent("site").hears["base"].value is None


def test_a_game_without_a_leader_has_no_objective() -> None:
    x = cp.Variable(bounds=[1, 3])
    game = Game([Agent("a", cp.Problem(cp.Minimize(x)), says={"x": x})])
    certificate, objective = certify(game, {"a.x": np.array(2.0)}, bound=1.0)
    assert objective is None
    assert certificate.optimality_gap is None
    # Nobody hears x, but where nobody leads, an answer is all that is said: 2 instead of 1.
    assert certificate.regret == pytest.approx({"a": 1.0 / 2.0})


@pytest.mark.slow
@pytest.mark.smoke
def test_whole_units_are_certified_to_the_last_digits() -> None:
    """A gap of 1e-4 would hide that unit commitment is off by 40 of 1 000 000."""
    heard = cp.Parameter(name="price")
    on = cp.Variable(60, boolean=True)
    rng = np.random.default_rng(5)
    size, cost = rng.integers(900, 1100, 60), rng.integers(9000, 11000, 60)
    need = float(size.sum() * 0.6)
    agent = Agent(
        "fleet",
        cp.Problem(cp.Minimize(cost @ on + heard), [size @ on >= need]),
        {"price": heard},
        {"on": on},
    )
    leader = Agent("disco", cp.Problem(cp.Minimize(0)), says={"price": cp.Variable(bounds=[0, 1])})
    listener = cp.Parameter(60, name="listener")
    leader = Agent("disco", leader.problem, {"on": listener}, leader.says)
    links = [Link("disco.price", "fleet.price"), Link("fleet.on", "disco.on")]
    game = Game([leader, agent], leader="disco", links=links)
    heard.value = 0.0
    assert agent.problem is not None
    agent.problem.solve(solver=cp.HIGHS, mip_rel_gap=0.0)
    best = np.round(on.value)
    values = {"disco.price": np.array(0.0), "fleet.on": best}
    assert certify(game, values)[0].regret["fleet"] == pytest.approx(0.0, abs=1e-9)
    # The cheapest swap that still covers the need: a little dearer, and it shows.
    off_, on_ = np.meshgrid(np.flatnonzero(best == 1), np.flatnonzero(best == 0))
    allowed = size @ best - size[off_] + size[on_] >= need
    extra = np.where(allowed, cost[on_] - cost[off_], np.iinfo(np.int64).max)
    where = np.unravel_index(int(np.argmin(np.where(extra > 0, extra, extra.max()))), extra.shape)
    worse = best.copy()
    worse[off_[where]], worse[on_[where]] = 0, 1
    regret = certify(game, {**values, "fleet.on": worse})[0].regret["fleet"]
    assert regret == pytest.approx(extra[where] / (cost @ worse), rel=1e-6)


def test_settlement_of_amounts() -> None:
    game = _game()
    values = {
        "disco.price": np.array([9.0, 4.0]),
        "site.bought": np.array([2.0, 3.0]),
        "site.own": np.zeros(2),
    }
    assert amounts(game, values) == {"bill": 15.0}
    table = settlement_table(game, values)
    assert table.to_dict("records") == [
        {"payment": "bill", "payer": "site", "payee": "disco", "amount": 15.0}
    ]
    heard = heard_values(game, values, "disco")
    assert heard["income"] == 15.0
    assert heard["sold"].tolist() == [2, 3]
    assert heard_values(game, values, "site")["base"].tolist() == [0, 0]


def test_tolerances_and_ac_findings() -> None:
    good = Certificate({"site": 0.0}, 0.0, 0.0)
    assert not good.shortcomings(TOLERANCE)
    assert Certificate({"site": float("nan")}, 0.0).shortcomings(TOLERANCE)
    assert "infeasible" in Certificate(primal_residual=0.1).shortcomings(TOLERANCE, proven=False)[0]
    open_ended = Certificate({"site": 0.0})
    assert not open_ended.shortcomings(TOLERANCE, proven=False)
    assert open_ended.shortcomings(TOLERANCE) == ["the leader's optimum is not proven (gap None)"]
    assert Certificate(optimality_gap=1e-3).shortcomings(TOLERANCE)
    assert Certificate(optimality_gap=0.0, settlement_residual=float("nan")).shortcomings(TOLERANCE)


DIFFERENT = "two AC power flows differ by 2e-06 p.u., so that one is wrong"


@pytest.mark.parametrize(
    ("ac", "words"),
    [
        (AcFindings(max_voltage_violation_pu=0.004), []),
        (AcFindings(max_voltage_violation_pu=0.01), ["an AC voltage is 0.0100 p.u. off limits"]),
        (AcFindings(max_loading_violation_percent=3.0), ["a branch is 3.0 % overloaded"]),
        (AcFindings(converged=False), ["AC power flow does not converge"]),
        (AcFindings("report", converged=False, max_voltage_violation_pu=1.0), []),
        (AcFindings(max_route_difference_pu=1e-9), []),
        (AcFindings(max_route_difference_pu=2e-6), [DIFFERENT]),
        (AcFindings("report", max_route_difference_pu=2e-6), [DIFFERENT]),
        (AcFindings(max_route_difference_pu=float("nan")), [DIFFERENT.replace("2e-06", "nan")]),
    ],
)
def test_ac_findings(ac: AcFindings, words: list[str]) -> None:
    assert Certificate(optimality_gap=0.0).with_ac(ac).shortcomings(TOLERANCE) == words
