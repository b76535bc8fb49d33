"""Kinds of games that Exact solves, with answers known by hand."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from tests.support import led_games as build

from equigrid.errors import NoAnswer
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

CAP, WHOLESALE = 10.0, 3.0


def test_the_site_sells_its_last_megawatt_dear() -> None:
    """At the cap the site runs its own 2 MW and buys 2: 2 (3 - 10); at 5 it buys 4: 4 (3 - 5)."""
    found = build.certified(build.game(build.disco(), build.site()))
    assert found.leader_objective == pytest.approx(-14.0)
    assert found.values["site.bought"] == pytest.approx([2.0])


def test_two_links_add_up_and_a_known_tax_is_paid_beside_a_decided_price() -> None:
    """Tax 1 to the state: the site's own 5 bounds a price of 4 for its first 2 MW."""
    state = Agent("state", says={"tax": np.ones(1)})
    game = build.game(
        build.disco(offer=cp.Variable(1, bounds=[0, 6])),
        build.site(),
        links=[Link("state.tax", "site.price")],
        payments=[Payment("tax", "site", "state", "state.tax", "site.bought")],
        others=[state],
    )
    found = Exact().solve(game)
    assert found.leader_objective == pytest.approx(-6.0)
    assert found.values["disco.price"] == pytest.approx([6.0])
    assert found.payments == pytest.approx({"bill": 12.0, "tax": 2.0})
    assert found.settlement["payee"].tolist() == ["disco", "state"]
    assert found.certificate.settlement_residual <= 1e-6


def test_two_decided_prices_heard_as_one_sum() -> None:
    """A price and a fee both go to the leader, into one value that it hears."""
    fee = cp.Variable(1, bounds=[0, 2])
    game = build.game(
        build.disco({"fee": fee}),
        build.site(),
        links=[Link("disco.fee", "site.price"), Link("fee", "disco.income")],
        payments=[Payment("fee", "site", "disco", "disco.fee", "site.bought")],
    )
    assert build.certified(game).leader_objective == pytest.approx(2 * (WHOLESALE - 12.0))


def test_a_leader_that_buys_pays_its_follower() -> None:
    """A seller with 3 MW at 2 and 2 MW at 6; the leader needs 4 or pays 20 for the rest."""
    price, made = cp.Parameter(1, name="price"), [cp.Variable(1, bounds=[0, k]) for k in (3, 2)]
    sold = made[0] + made[1]
    seller = Agent(
        "site",
        cp.Problem(cp.Maximize(price @ sold - 2 * made[0] - 6 * made[1])),
        {"price": price},
        {"sold": sold},
    )
    bid, rest = cp.Variable(1, bounds=[0, 30]), cp.Variable(1, nonneg=True)
    got, spent = cp.Parameter(1, name="got"), cp.Parameter(name="spent")
    leader = Agent(
        "disco",
        cp.Problem(cp.Minimize(spent + 20 * cp.sum(rest)), [rest >= 4 - got]),
        {"got": got, "spent": spent},
        {"price": bid},
    )
    game = Game(
        [leader, seller],
        leader="disco",
        payments=[Payment("pay", "disco", "site", "disco.price", "site.sold")],
        links=[
            Link("disco.price", "site.price"),
            Link("site.sold", "disco.got"),
            Link("pay", "disco.spent"),
        ],
    )
    found = build.certified(game)
    assert found.leader_objective == pytest.approx(24.0)
    assert found.values["disco.price"] == pytest.approx([6.0])
    assert found.values["site.sold"] == pytest.approx([4.0])


@pytest.mark.parametrize("idle", [False, True])
def test_a_load_that_does_not_answer_pays_the_cap(idle: bool) -> None:
    """The reduction leaves nothing that the price multiplies; the bill must stay tied to it."""
    price, bought = cp.Parameter(1, name="price"), cp.Variable(1)
    own = cp.Variable(1, bounds=[0, 1])
    problem = cp.Problem(
        cp.Minimize(price @ bought + (5 * cp.sum(own) if idle else 0)), [bought == 4.0]
    )
    site = Agent("site", problem, {"price": price}, {"bought": bought})
    assert build.certified(build.game(build.disco(), site)).leader_objective == pytest.approx(
        4 * (WHOLESALE - CAP)
    )


@pytest.mark.parametrize("direct", [False, True])
def test_a_signal_that_costs_the_follower_but_is_no_price_is_no_payment(direct: bool) -> None:
    """The leader asks for 1 to 3 of something that costs the site 2 each, and gains 0.1 each."""
    price, asked = cp.Parameter(1, name="price"), cp.Parameter(1, name="asked")
    done = cp.Variable(1)
    cost = 2 * cp.sum(asked if direct else done)
    rows = [] if direct else [done == asked]
    request = cp.Variable(1, bounds=[1, 3])
    game = build.game(
        build.disco({"request": request}, cost=-0.1 * cp.sum(request)),
        build.site(price, {"asked": asked}, rows=rows, cost=cost),
        links=[Link("disco.request", "site.asked")],
    )
    assert build.certified(game).leader_objective == pytest.approx(-14.3)


def test_columns_that_their_rows_hold_at_a_bound() -> None:
    """x + y <= 0 with x, y >= 0: multipliers without a bound, slacks that are always 0."""
    price, x, y = cp.Parameter(1, name="price"), *(cp.Variable(bounds=[0, 2]) for _ in range(2))
    site = build.site(price, rows=[x + y <= 0], cost=y - x)
    assert build.certified(build.game(build.disco(), site)).leader_objective == pytest.approx(-14.0)


def test_a_payment_with_one_decided_side_is_linear() -> None:
    """A rebate of 1 per MW at a constant price, and a standing charge on a constant quantity."""
    price, rebate = cp.Parameter(1, name="price"), cp.Parameter(name="rebate")
    meter = Agent("meter", says={"one": np.ones(1)})
    charge, back = cp.Parameter(name="charge"), cp.Parameter(name="back")
    standing = cp.Variable(1, bounds=[0, 7])
    game = build.game(
        build.disco(
            {"standing": standing}, cost=back - charge, heard={"charge": charge, "back": back}
        ),
        build.site(price, {"rebate": rebate}, cost=-rebate),
        links=[
            Link("charge", "disco.charge"),
            Link("rebate", "disco.back"),
            Link("rebate", "site.rebate"),
        ],
        payments=[
            Payment("charge", "meter", "disco", "disco.standing", "meter.one"),
            Payment("rebate", "disco", "site", 1.0, "site.own"),
        ],
        others=[meter],
    )
    found = Exact().solve(game)
    assert found.payments["charge"] == pytest.approx(7.0)
    assert found.leader_objective == pytest.approx(-14.0 - 7.0 + 2.0)
    assert found.certificate.regret["site"] <= 1e-6


def test_followers_that_hear_each_other() -> None:
    """A second follower covers what the first uses of its own; no money is decided."""
    used, made = cp.Parameter(1, name="used"), cp.Variable(1, bounds=[0, 5], name="made")
    spare = cp.Variable(1, bounds=[0, 5])
    backup = Agent(
        "backup",
        cp.Problem(cp.Minimize(2 * cp.sum(made) + 9 * cp.sum(spare)), [made + spare >= used]),
        {"used": used},
        {"made": made},
    )
    sold, cap = cp.Parameter(1, name="sold"), cp.Variable(1, bounds=[2, 4])
    limit = cp.Parameter(1, name="limit")
    bought, own = cp.Variable(1, bounds=[0, 9]), cp.Variable(1, bounds=[0, 9])
    site = Agent(
        "site",
        cp.Problem(
            cp.Minimize(cp.sum(bought) + 5 * cp.sum(own)), [bought + own >= 5, bought <= limit]
        ),
        {"limit": limit},
        {"own": own},
    )
    leader = Agent("disco", cp.Problem(cp.Maximize(cp.sum(sold))), {"sold": sold}, {"cap": cap})
    links = [
        Link("disco.cap", "site.limit"),
        Link("site.own", "backup.used"),
        Link("backup.made", "disco.sold"),
    ]
    game = Game([leader, site, backup], leader="disco", links=links)
    found = build.certified(game)
    assert found.leader_objective == pytest.approx(3.0)
    assert found.values["disco.cap"] == pytest.approx([2.0])


def test_a_leader_alone_is_an_optimisation() -> None:
    x = cp.Variable(bounds=[0, 3])
    found = Exact().solve(
        Game([Agent("disco", cp.Problem(cp.Maximize(2 * x)), says={"x": x})], leader="disco")
    )
    assert found.leader_objective == pytest.approx(6.0)
    assert found.certificate.regret == {}


def test_what_is_posted_on_the_clock() -> None:
    room = Mailroom()
    game = build.game(build.disco(), build.site())
    found = room.run(Exact().play(game, room, "day-ahead"))
    assert [(m.kind, m.sender, m.receiver) for m in room.log] == [
        ("FinalSignal", "disco", "site"),
        ("Schedule", "site", "disco"),
        ("Settlement", "site", "disco"),
    ]
    assert {m.stage for m in room.log} == {"day-ahead"}
    assert found.method == "exact"
    assert found.statistics["pairs"] > 0


def test_a_payment_between_constants_is_known_beforehand() -> None:
    """A rent of 3 for 2 units, whatever anybody decides."""
    fund = Agent("fund", says={"rent": np.array([3.0]), "units": np.array([2.0])})
    rent = cp.Parameter(name="rent")
    game = build.game(
        build.disco(cost=rent, heard={"rent": rent}),
        build.site(),
        links=[Link("rent", "disco.rent")],
        payments=[Payment("rent", "disco", "fund", "fund.rent", "fund.units")],
        others=[fund],
    )
    assert build.certified(game).leader_objective == pytest.approx(-14.0 + 6.0)


def test_a_node_limit_is_said_to_be_the_reason() -> None:
    rng = np.random.default_rng(1)
    pick, weight = cp.Variable(40, boolean=True), rng.integers(100, 999, (6, 40)).astype(float)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(cp.sum(pick)), [weight @ pick == weight @ (np.arange(40) % 2)]),
    )
    with pytest.raises(NoAnswer, match="raise node_limit"):
        Exact(node_limit=0, route="milp").solve(Game([leader], leader="disco"))
