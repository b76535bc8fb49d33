"""Games that several agents lead: each leader's own game by Exact, until nobody gains."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest

from equigrid.markets.best_response.epec_sub_game import sub_game
from equigrid.markets.certification.certify import certify
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

MOST = 2.0


def _leader(name: str, own: float, answer: float, product: float) -> Agent:
    """Minimise own × x + answer × y + product × x × other over x from 0 to 1."""
    x, heard, other = cp.Variable(bounds=[0, 1]), cp.Parameter(), cp.Parameter()
    cost = own * x + answer * heard + product * other * x
    return Agent(name, cp.Problem(cp.Minimize(cost)), {"y": heard, "other": other}, {"x": x})


def _follower(base: float, slopes: tuple[float, float]) -> Agent:
    """Answer y = base + slopes × words, from 0 to MOST."""
    y, words = cp.Variable(bounds=[0, MOST]), [cp.Parameter(), cp.Parameter()]
    target = base + slopes[0] * words[0] + slopes[1] * words[1]
    problem = cp.Problem(cp.Minimize(cp.square(y) / 2 - target * y))
    return Agent("follower", problem, {"a": words[0], "b": words[1]}, {"y": y})


def _drawn(seed: int) -> tuple[Game, Callable[[float, float], float], list[list[float]]]:
    """Return a game, how the follower answers, and the leaders' numbers."""
    rng = np.random.default_rng(seed)
    base, slopes = rng.uniform(-1, 2), rng.uniform(-2, 2, 2)
    numbers = [[float(v) for v in rng.uniform(-1, 1, 3)] for _ in range(2)]
    agents = [_leader(name, *row) for name, row in zip("ab", numbers, strict=True)]
    game = Game(
        [*agents, _follower(float(base), (float(slopes[0]), float(slopes[1])))],
        leader=["a", "b"],
        links=[
            Link("a.x", "follower.a"),
            Link("b.x", "follower.b"),
            Link("follower.y", "a.y"),
            Link("follower.y", "b.y"),
            Link("a.x", "b.other"),
            Link("b.x", "a.other"),
        ],
    )
    return game, lambda x, z: float(np.clip(base + slopes @ [x, z], 0, MOST)), numbers


def _costs(
    numbers: list[list[float]], answer: Callable[[float, float], float], x: float, z: float
) -> tuple[float, float]:
    y = answer(x, z)
    (own_a, seen_a, both_a), (own_b, seen_b, both_b) = numbers
    return own_a * x + seen_a * y + both_a * x * z, own_b * z + seen_b * y + both_b * x * z


# Drawn games in which some decision is between its bounds, and those that go in a circle.
SETTLING, CIRCLING = (0, 7, 26, 36, 98, 105, 171), (58, 76, 149, 150)


@pytest.mark.parametrize(
    "seed",
    [
        SETTLING[0],
        *(pytest.param(s, marks=pytest.mark.slow) for s in SETTLING[1:] + CIRCLING[1:]),
        pytest.param(CIRCLING[0], marks=pytest.mark.slow),
    ],
)
def test_no_leader_gains_on_a_fine_grid_when_it_says_settled(seed: int) -> None:
    """The follower's answer is known in closed form; the grid shares nothing with the method."""
    game, answer, numbers = _drawn(seed)
    found = BestResponse(rounds=12).solve(game)
    x, z = float(found.values["a.x"]), float(found.values["b.x"])
    assert found.values["follower.y"] == pytest.approx(answer(x, z), abs=1e-5)
    here = _costs(numbers, answer, x, z)
    grid = np.linspace(0, 1, 401)
    least = (
        min(_costs(numbers, answer, float(g), z)[0] for g in grid),
        min(_costs(numbers, answer, x, float(g))[1] for g in grid),
    )
    y = answer(x, z)
    for name, cost, best, row in zip("ab", here, least, numbers, strict=True):
        regret = found.certificate.regret[name]
        money = abs(row[0] * (x if name == "a" else z)) + abs(row[1] * y) + abs(row[2] * x * z)
        assert regret > 1 or regret * money >= cost - best - 1e-5 * money - 1e-9
        if found.settled:
            assert cost <= best + 1e-5
    assert found.settled == (max(found.certificate.regret.values()) <= 1e-6)
    assert found.settled == (seed in SETTLING)
    assert len(found.cycle) == (2 if seed in CIRCLING else 0)


def _asking(name: str, cost: float) -> Agent:
    """Sell to a site that splits its demand by prices."""
    price, sold, income = cp.Variable(1, bounds=[0, 10]), cp.Parameter(1), cp.Parameter()
    problem = cp.Problem(cp.Maximize(income - cost * cp.sum(sold)))
    return Agent(name, problem, {"sold": sold, "income": income}, {"price": price})


def _split(costs: tuple[float, float] = (1.0, 2.0)) -> Game:
    """Two sellers of goods that a site wants 8 of each of, less where the other has enough.

    Its worth is 8 (q1 + q2) - (q1² + q2²) - q1 q2, so q_i = (8 - 2 p_i + p_j) / 3.
    """
    prices = [cp.Parameter(1), cp.Parameter(1)]
    bought = [cp.Variable(1, bounds=[0, 20]), cp.Variable(1, bounds=[0, 20])]
    both = cp.hstack(bought)
    worth = 8 * cp.sum(both) - cp.quad_form(both, np.array([[1.0, 0.5], [0.5, 1.0]]))
    paid = prices[0] @ bought[0] + prices[1] @ bought[1]
    site = Agent(
        "site",
        cp.Problem(cp.Maximize(worth - paid)),
        {"p1": prices[0], "p2": prices[1]},
        {"q1": bought[0], "q2": bought[1]},
    )
    names = ("s1", "s2")
    return Game(
        [*(_asking(name, cost) for name, cost in zip(names, costs, strict=True)), site],
        leader=names,
        links=[
            *(Link(f"s{k}.price", f"site.p{k}") for k in (1, 2)),
            *(Link(f"site.q{k}", f"s{k}.sold") for k in (1, 2)),
            *(Link(f"bill{k}", f"s{k}.income") for k in (1, 2)),
        ],
        payments=[
            Payment(f"bill{k}", "site", f"s{k}", f"s{k}.price", f"site.q{k}") for k in (1, 2)
        ],
    )


def _bertrand(costs: tuple[float, float]) -> list[float]:
    """Return p_i = (8 + 2 c_i + p_j) / 4, solved."""
    return [float(p) for p in np.linalg.solve([[4, -1], [-1, 4]], [8 + 2 * c for c in costs])]


@pytest.fixture(scope="module")
def sellers() -> tuple[Equilibrium, Mailroom]:
    room = Mailroom()
    return room.run(BestResponse(gap=1e-5).play(_split(), room, "market")), room


@pytest.mark.slow
def test_two_sellers_with_a_site_below_are_bertrands(
    sellers: tuple[Equilibrium, Mailroom],
) -> None:
    found, _ = sellers
    prices = _bertrand((1.0, 2.0))
    assert found.settled
    assert [float(found.values[f"s{k}.price"][0]) for k in (1, 2)] == pytest.approx(
        prices, rel=1e-3
    )
    wanted = (8 - 2 * prices[0] + prices[1]) / 3
    assert found.values["site.q1"] == pytest.approx([wanted], rel=2e-3)
    assert found.payments["bill1"] == pytest.approx(prices[0] * wanted, rel=3e-3)
    assert set(found.certificate.regret) == {"s1", "s2", "site"}
    assert found.leader_objective is None
    assert found.certificate.optimality_gap is None
    assert found.certificate.primal_residual is not None
    assert found.certificate.primal_residual <= 1e-6


@pytest.mark.slow
def test_leaders_tell_each_other_and_the_outcome_is_posted(
    sellers: tuple[Equilibrium, Mailroom],
) -> None:
    found, room = sellers
    requests = [m for m in room.log if m.kind == "Signal"]
    assert '"own_cost"' not in room.lines()
    assert [(m.sender, m.receiver, m.round) for m in requests] == [
        (f"s{k}", f"s{3 - k}", number) for number in range(1, len(found.rounds) + 1) for k in (1, 2)
    ]
    rest = [(m.kind, m.sender, m.receiver) for m in room.log[len(requests) :]]
    assert rest == [
        ("FinalSignal", "s1", "site"),
        ("FinalSignal", "s2", "site"),
        ("Schedule", "site", "s1"),
        ("Schedule", "site", "s2"),
        ("Settlement", "site", "s1"),
        ("Settlement", "site", "s2"),
    ]


@pytest.mark.slow
def test_regret_is_held_against_each_leaders_own_bound(
    sellers: tuple[Equilibrium, Mailroom],
) -> None:
    """A bound that is beaten proves nothing, and says so as regret."""
    found, _ = sellers
    game, values = found.game, found.values
    profit = found.payments["bill1"] - 1.0 * float(values["site.q1"][0])
    bounds = {"s1": 2 * profit, "s2": 100.0}
    regret = certify(game, values, bounds=bounds, ties=False)[0].regret
    turnover = found.payments["bill1"] + float(values["site.q1"][0])
    assert regret["s1"] == pytest.approx(profit / turnover)
    assert regret["s2"] > 0.9
    beaten = certify(game, values, bounds={"s1": profit / 2}, ties=False)[0].regret
    assert beaten["s1"] == pytest.approx(profit / 2 / turnover)
    assert np.isnan(beaten["s2"])
    unknown = certify(game, values, ties=False)[0]
    assert set(unknown.regret) == {"s1", "s2", "site"}
    tolerance = dict.fromkeys(("regret", "gap", "settlement"), 1e-3)
    words = [f"what {name} could gain by answering otherwise is not known" for name in ("s1", "s2")]
    assert unknown.shortcomings(tolerance, proven=False) == words
    moved = {**values, "s1.price": values["s1.price"] + 1.0}
    assert certify(game, moved, ties=False)[0].regret["site"] > 1e-3


def test_the_game_of_one_leader_takes_the_others_as_announced() -> None:
    game = sub_game(_split(), "s1", {"s2.price": np.array([4.0])})
    assert game.leaders == ("s1",)
    assert not game.agent("s2").decides
    assert all(link.hearer != "s2" for link in game.links)
    found = Exact(ties=False).solve(game)
    assert found.values["s1.price"] == pytest.approx([(8 + 2 + 4) / 4], rel=1e-3)
    held = sub_game(_split(), "s1", {"s2.price": np.array([4.0])}, {"s1.price": np.array([2.0])})
    assert Exact(ties=False).solve(held).values["site.q1"] == pytest.approx([8 / 3], rel=1e-6)


@pytest.mark.slow
def test_damping_and_faults_lead_to_the_same_prices() -> None:
    method = BestResponse(gap=1e-3, damping=0.9, order="jacobi")
    found = method.solve(_split(), Faults(loss=0.2, seed=2))
    assert found.settled
    said = [float(found.values[f"s{k}.price"][0]) for k in (1, 2)]
    assert said == pytest.approx(_bertrand((1.0, 2.0)), rel=2e-2)
