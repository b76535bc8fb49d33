"""Money that no method makes linear is refused, never miscounted, and the object is named."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.errors import UnusableGame, WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual

WITHDRAWN = Dual("dno.mw")


def _dno(*heard: str, cost: cp.Expression | float = 0.0) -> Agent:
    """2 MW at 10 and 9 MW at 20 serve the sum of what is heard."""
    told = {name: cp.Parameter(1, name=name) for name in heard or ("mw",)}
    out = [cp.Variable(1, bounds=[0, 2]), cp.Variable(1, bounds=[0, 9])]
    problem = cp.Problem(
        cp.Minimize(10 * cp.sum(out[0]) + 20 * cp.sum(out[1]) + cost),
        [out[0] + out[1] == sum(told.values())],
    )
    return Agent("dno", problem, told, {"out": out[0]})


def _leader(worth: float, **more: cp.Variable) -> Agent:
    bill, taken = cp.Parameter(name="bill"), cp.Variable(1, bounds=[1.5, 4], name="taken")
    problem = cp.Problem(cp.Minimize(bill - worth * cp.sum(taken)))
    return Agent("leader", problem, {"bill": bill}, {"mw": taken, **more})


def _game(
    leader: Agent, dno: Agent, *links: Link, payments: tuple[Payment, ...] = (), **options: object
) -> Game:
    bill = Payment("bill", "leader", "dno", WITHDRAWN, "leader.mw")
    stated = [Link("bill", "leader.bill"), *links]
    return Game([leader, dno], "leader", stated, [bill, *payments], **options)  # type: ignore[arg-type]


def _refused(game: Game, words: str) -> None:
    for route in ("branching", "milp"):
        with pytest.raises(WrongMethod, match=words):
            Exact(route=route).solve(game)


def test_what_is_paid_at_its_dual_and_enters_a_cost_as_well_is_refused() -> None:
    mw = cp.Parameter(1)
    out = cp.Variable(1, bounds=[0, 9])
    problem = cp.Problem(cp.Minimize(10 * cp.sum(out) + mw @ out), [out == mw])
    dno = Agent("dno", problem, {"mw": mw})
    game = _game(_leader(25.0), dno, Link("leader.mw", "dno.mw"))
    _refused(game, r"'dno\.mw', which another agent decides.*cost and its right-hand side.*apart")


def test_a_second_withdrawal_that_nobody_pays_for_is_refused() -> None:
    leader = _leader(25.0, more=cp.Variable(1, bounds=[0, 1]))
    links = [Link("leader.mw", "dno.mw"), Link("leader.more", "dno.mw")]
    _refused(_game(leader, _dno(), *links), r"'leader\.more' also enters .*'dno'.*declare its pay")


def test_a_withdrawal_heard_apart_that_nobody_pays_for_is_refused() -> None:
    leader = _leader(25.0, more=cp.Variable(1, bounds=[0, 1]))
    links = [Link("leader.mw", "dno.mw"), Link("leader.more", "dno.more")]
    game = _game(leader, _dno("mw", "more"), *links)
    _refused(game, r"'dno\.more', which another agent decides.*pay for it at its Dual as well")


def test_two_withdrawals_each_paid_at_its_own_dual_are_solved() -> None:
    """2 MW at 10 are bought, whoever takes them."""
    leader = _leader(15.0, more=cp.Variable(1, bounds=[0, 1]))
    links = [Link("leader.mw", "dno.mw"), Link("leader.more", "dno.more")]
    second = Payment("second", "leader", "dno", Dual("dno.more"), "leader.more")
    links.append(Link("second", "leader.bill"))
    game = _game(leader, _dno("mw", "more"), *links, payments=(second,))
    found = build.by_both_routes(game, milp_may_refuse=True)
    assert found.leader_objective == pytest.approx(2 * 10 - 15 * 2)


@pytest.mark.parametrize("worth", [8.0, 12.0])
def test_a_quantity_that_the_network_does_not_hear_is_not_paid_as_if_it_did(worth: float) -> None:
    """The network serves 3 MW that are given; the leader takes others at the same price of 20."""
    game = _game(_leader(worth), _dno(), given={"dno.mw": [3.0]})
    _right_or_refused(game, 1.5 * (20.0 - worth))


@pytest.mark.parametrize("worth", [15.0, 35.0])
def test_a_fee_on_top_at_the_same_dual_is_not_left_out(worth: float) -> None:
    """The state takes as much again: 20 a MW up to 2, and 40 beyond."""
    state = Agent("state", says={"nothing": np.zeros(1)})
    plain = _game(_leader(worth), _dno(), Link("leader.mw", "dno.mw"))
    fee = Payment("fee", "leader", "state", WITHDRAWN, "leader.mw")
    game = Game(
        [*plain.agents, state],
        "leader",
        [*plain.links, Link("fee", "leader.bill")],
        [*plain.payments, fee],
    )
    _right_or_refused(game, (20.0 - worth) * (1.5 if worth < 20 else 2.0))


def _right_or_refused(game: Game, cost: float) -> None:
    for route in ("branching", "milp"):
        try:
            found = Exact(route=route).solve(game)
        except WrongMethod:
            continue
        assert found.certificate.settlement_residual <= 1e-6
        assert found.leader_objective == pytest.approx(cost)


def test_a_payment_that_no_follower_makes_linear_is_refused() -> None:
    """The bank pays the leader's price for what the site makes, but the site does not hear it."""
    made, heard = cp.Variable(1, bounds=[0, 3]), cp.Parameter(1)
    site = Agent("site", cp.Problem(cp.Minimize(heard @ made)), {"signal": heard}, {"made": made})
    income, offer = cp.Parameter(), cp.Variable(1, bounds=[1, 5])
    signal = cp.Variable(1, bounds=[-1, 1])
    leader = Agent(
        "leader",
        cp.Problem(cp.Maximize(income)),
        {"income": income},
        {"price": offer, "signal": signal},
    )
    game = Game(
        [leader, site, Agent("bank")],
        "leader",
        [Link("leader.signal", "site.signal"), Link("income", "leader.income")],
        [Payment("income", "bank", "leader", "leader.price", "site.made")],
    )
    _refused(game, r"payment 'income' is not linear: its price 'leader\.price'.*hear the price")


def _curved_seller(sense: float) -> Game:
    """The leader sells at a loss to a follower with a square: it wants the bill small."""
    price, bought = cp.Parameter(1), cp.Variable(1, bounds=[0, 9])
    site = Agent(
        "site",
        cp.Problem(cp.Minimize(price @ bought + cp.sum_squares(bought) - 8 * cp.sum(bought))),
        {"price": price},
        {"bought": bought},
    )
    offer, heard, income = cp.Variable(1, bounds=[0, 8]), cp.Parameter(1), cp.Parameter()
    owed = cp.Variable(name="owed")
    leader = Agent(
        "disco",
        cp.Problem(cp.Minimize(sense * owed - 3 * cp.sum(heard)), [owed == income]),
        {"bought": heard, "income": income},
        {"price": offer},
    )
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.bought"),
        Link("bill", "disco.income"),
    ]
    return Game(
        [leader, site],
        "disco",
        links,
        [Payment("bill", "site", "disco", "disco.price", "site.bought")],
    )


def test_a_curved_bill_with_the_wrong_sign_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No game counts like this: it is refused. The routes do not lean on that."""
    with pytest.raises(UnusableGame, match=r"as income with weight 1, but .* rows included, is 1"):
        _curved_seller(1.0)
    monkeypatch.setattr("equigrid.markets.games.game.payment_findings", lambda _: [])
    _refused(_curved_seller(1.0), "payment of a quadratic follower.*wrong sign")


def test_what_a_network_counts_itself_is_not_paid_at_its_dual_again() -> None:
    income = cp.Parameter()
    plain = _dno()
    assert plain.problem is not None
    problem = cp.Problem(
        cp.Minimize(plain.problem.objective.args[0] - income), plain.problem.constraints
    )
    dno = Agent("dno", problem, {**plain.hears, "income": income}, plain.says)
    with pytest.raises(UnusableGame, match=r"price is a dual of 'dno'.*count it again in 'income'"):
        _game(_leader(9.0), dno, Link("leader.mw", "dno.mw"), Link("bill", "dno.income"))
