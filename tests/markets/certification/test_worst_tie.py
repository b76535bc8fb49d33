"""What the leader is left with at the worst of its followers' ties."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import WrongMethod
from equigrid.markets.certification.certify import certify
from equigrid.markets.certification.worst_tie import worst_tie
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

HOURS = 2


def site(name: str = "site", hours: int = HOURS) -> Agent:
    """Cover 4 MW in each hour from outside, or with 2 MW of its own at 5."""
    price, bought = cp.Parameter(hours, name="price"), cp.Variable(hours, bounds=[0, 9])
    own = cp.Variable(hours, bounds=[0, 2])
    cost = price @ bought + 5 * cp.sum(own)
    problem = cp.Problem(cp.Minimize(cost), [bought + own == 4])
    return Agent(name, problem, {"price": price}, {"bought": bought})


def seller(*, maximise: bool = True, limit: float = np.inf) -> Agent:
    """Buy at 3, sell at a price of its own, and never sell more than a limit."""
    offer, sold, income = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS), cp.Parameter()
    profit = income - 3 * cp.sum(sold)
    rows = [sold <= limit] if np.isfinite(limit) else []
    goal = cp.Maximize(profit) if maximise else cp.Minimize(-profit)
    hears = {"sold": sold, "income": income}
    return Agent("disco", cp.Problem(goal, rows), hears, {"price": offer})


def market(leader: Agent, follower: Agent, *links: Link) -> Game:
    return Game(
        [leader, follower],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought")],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
            *links,
        ],
    )


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize(
    ("prices", "bought", "left"),
    [([5, 5], [4, 4], 8.0), ([5, 9], [4, 2], 16.0), ([9, 9], [2, 2], 24.0), ([2, 5], [4, 4], 0.0)],
)
def test_a_site_at_its_own_cost_may_buy_less(
    prices: list[float], bought: list[float], left: float, maximise: bool
) -> None:
    """At 5 it does not care whether it buys 4 or 2, and the seller earns 2 on each."""
    values = {"disco.price": np.array(prices, float), "site.bought": np.array(bought, float)}
    found = worst_tie(market(seller(maximise=maximise), site()), values)
    assert found == pytest.approx(left if maximise else -left, abs=1e-7)


def test_a_sale_below_cost_is_worst_when_it_is_most() -> None:
    """Where the seller pays 6 for what it sells at 5, ties hurt by more being bought."""
    offer, sold, income = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS), cp.Parameter()
    problem = cp.Problem(cp.Maximize(income - 6 * cp.sum(sold)))
    leader = Agent("disco", problem, {"sold": sold, "income": income}, {"price": offer})
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 2.0)}
    assert worst_tie(market(leader, site()), values) == pytest.approx(-8.0)


@pytest.mark.parametrize("hours", [1.0, 0.5])
def test_some_hours_hurt_by_more_and_others_by_less(hours: float) -> None:
    """Power costs 1 or 9 in turns that no start has; the site buys 4 at the dear ones, 2 else."""
    worth, steps = np.array([1.0, 1, 9, 9, 9, 1, 9]), 7
    price, bought = cp.Parameter(steps, name="price"), cp.Variable(steps, bounds=[0, 9])
    own = cp.Variable(steps, bounds=[0, 2])
    cost = hours * (price @ bought + 5 * cp.sum(own))
    buyer = Agent(
        "site", cp.Problem(cp.Minimize(cost), [bought + own == 4]), {"price": price}, {"b": bought}
    )
    offer, sold, income = cp.Variable(steps, bounds=[0, 9]), cp.Parameter(steps), cp.Parameter()
    problem = cp.Problem(cp.Maximize(income - hours * worth @ sold))
    leader = Agent("disco", problem, {"sold": sold, "income": income}, {"price": offer})
    game = Game(
        [leader, buyer],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.b", hours=hours)],
        links=[
            Link("disco.price", "site.price"),
            Link("site.b", "disco.sold"),
            Link("bill", "disco.income"),
        ],
    )
    values = {"disco.price": np.full(steps, 5.0), "site.b": np.full(steps, 3.0)}
    bought_at_worst = np.where(worth > 5, 4, 2)
    assert worst_tie(game, values) == pytest.approx(hours * (5 - worth) @ bought_at_worst)


@pytest.mark.parametrize(("maximise", "worst"), [(True, -np.inf), (False, np.inf)])
def test_a_tie_that_leaves_no_feasible_decision(maximise: bool, worst: float) -> None:
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 2.0)}
    leader = seller(maximise=maximise, limit=3.0)
    assert worst_tie(market(leader, site()), values) == worst
    unique = {"disco.price": np.full(2, 6.0), "site.bought": np.full(2, 2.0)}
    assert abs(worst_tie(market(leader, site()), unique)) == pytest.approx(12.0)


def test_a_limit_that_is_just_met_is_met() -> None:
    """The last digit of what was bought does not leave the seller without a decision."""
    values = {"disco.price": np.full(2, 6.0), "site.bought": np.full(2, 2.0 + 3e-9)}
    game = market(seller(limit=2.0), site())
    assert worst_tie(game, values) == pytest.approx(12.0, abs=1e-6)


def with_store(*, hears_amount: bool) -> Game:
    """A seller that buys ahead at 1 for hour 2 only, and the rest at 3, and may waste."""
    offer, sold, income = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS), cp.Parameter()
    ahead, spot = cp.Variable(1, bounds=[0, 2]), cp.Variable(HOURS, nonneg=True)
    paid, rate = cp.Parameter(name="paid"), cp.Parameter(HOURS, name="rate")
    told = {"paid": paid} if hears_amount else {"rate": rate}
    spent = paid if hears_amount else 2 * rate @ spot
    covered = cp.hstack([spot[0], spot[1] + ahead[0]]) >= sold
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - spent - cp.sum(ahead)), [covered]),
        {"sold": sold, "income": income, **told},
        {"price": offer, "spot": spot},
    )
    pool = Agent("pool", hears={"spot": cp.Parameter(HOURS)}, says={"price": np.full(HOURS, 1.5)})
    links = [
        Link("disco.price", "site.price"),
        Link("site.bought", "disco.sold"),
        Link("bill", "disco.income"),
        Link("disco.spot", "pool.spot"),
    ]
    more = Link("spot", "disco.paid") if hears_amount else Link("pool.price", "disco.rate")
    return Game(
        [leader, site(), pool],
        leader="disco",
        payments=[
            Payment("bill", "site", "disco", "disco.price", "site.bought"),
            Payment("spot", "disco", "pool", "pool.price", "disco.spot", hours=2.0),
        ],
        links=[*links, more],
    )


@pytest.mark.parametrize("hears_amount", [False, True])
def test_the_leader_decides_again_what_it_has_not_announced(hears_amount: bool) -> None:
    """It earns 2 on every MW, and 2 more on what it had ahead for hour 2.

    If only 2 are bought in each hour, it buys no more at 3 than hour 1 needs.
    """
    game = with_store(hears_amount=hears_amount)
    values = {
        "disco.price": np.full(2, 5.0),
        "site.bought": np.full(2, 4.0),
        "disco.spot": np.array([4.0, 2.0]),
        "pool.price": np.full(2, 1.5),
    }
    certificate, objective = certify(game, values)
    assert objective == pytest.approx(16.0 + 4.0)
    assert certificate.worst_tie_objective == pytest.approx(8.0 + 4.0)
    assert certificate.worst_tie_loss == pytest.approx(8.0 / 20.0)


def test_what_the_leader_says_to_itself_is_its_own_free_decision() -> None:
    """It hears half of its own spare, which it chooses after what it hears of the site."""
    offer, sold, income = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS), cp.Parameter()
    spare, heard = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS)
    leader = Agent(
        "disco",
        cp.Problem(cp.Maximize(income - 3 * cp.sum(spare)), [heard >= sold]),
        {"sold": sold, "income": income, "heard": heard},
        {"price": offer, "spare": spare},
    )
    game = market(leader, site(), Link("disco.spare", "disco.heard"))
    values = {
        "disco.price": np.full(2, 5.0),
        "site.bought": np.full(2, 4.0),
        "disco.spare": np.full(2, 4.0),
    }
    assert worst_tie(game, values) == pytest.approx(8.0)


def test_a_leader_with_integers_is_tried_at_the_starts() -> None:
    """It rents whole trucks of 3 MW at 4 each for what is sold."""
    offer, sold, income = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS), cp.Parameter()
    trucks = cp.Variable(HOURS, integer=True)
    problem = cp.Problem(cp.Maximize(income - 4 * cp.sum(trucks)), [3 * trucks >= sold])
    leader = Agent("disco", problem, {"sold": sold, "income": income}, {"price": offer})
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 3.0)}
    # 2 MW need one truck, 4 MW two: 10 - 4 and 20 - 8 an hour.
    assert worst_tie(market(leader, site()), values) == pytest.approx(12.0)


def test_a_leader_that_multiplies_what_it_hears_is_refused() -> None:
    offer, sold, share = (
        cp.Variable(2, bounds=[0, 9]),
        cp.Parameter(2),
        cp.Variable(2, bounds=[0, 1]),
    )
    leader = Agent("disco", cp.Problem(cp.Maximize(sold @ share)), {"sold": sold}, {"price": offer})
    links = [Link("disco.price", "site.price"), Link("site.bought", "disco.sold")]
    game = Game([leader, site()], leader="disco", links=links)
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 4.0)}
    with pytest.raises(WrongMethod, match="leader 'disco' multiplies 'sold'"):
        worst_tie(game, values)
    assert certify(game, values)[0].worst_tie_objective is None


def test_it_is_not_looked_for_unasked_or_without_a_leader() -> None:
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 4.0)}
    game = market(seller(), site())
    assert certify(game, values)[0].worst_tie_objective == pytest.approx(8.0)
    assert certify(game, values, ties=False)[0].worst_tie_objective is None
    x = cp.Variable(bounds=[1, 3])
    nobody = Game([Agent("a", cp.Problem(cp.Minimize(x)), says={"x": x})])
    assert certify(nobody, {"a.x": np.array(1.0)})[0].worst_tie_objective is None


def test_parameters_are_left_as_they_were() -> None:
    game = market(seller(), site())
    game.agent("site").hears["price"].value = np.array([1.0, 2.0])
    values = {"disco.price": np.full(2, 5.0), "site.bought": np.full(2, 4.0)}
    worst_tie(game, values)
    assert game.agent("site").hears["price"].value.tolist() == [1, 2]
    assert game.agent("disco").hears["sold"].value is None


def test_an_equilibrium_is_no_better_at_its_worst_tie() -> None:
    found = Exact().solve(market(seller(), site()))
    assert found.leader_objective is not None
    assert worst_tie(found.game, found.values) <= found.leader_objective + 1e-6
