"""Games that nobody leads: rounds, messages, circles, and agreement with a potential."""

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.errors import NoAnswer
from equigrid.markets.best_response.rounds import cycle_length
from equigrid.markets.certification.certify import certify
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Response
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def _firm(name: str, choke: float, slope: float, curve: float, most: float) -> Agent:
    """Sell at choke - slope × total, with the cost curve/2 × output²."""
    output, others = cp.Variable(bounds=[0, most]), cp.Parameter()
    income = choke * output - (slope + curve / 2) * cp.square(output) - slope * others * output
    problem = cp.Problem(cp.Maximize(income))
    return Agent(name, problem, {"others": others}, {"output": output})


def _cournot(
    chokes: Sequence[float],
    slope: float = 1.0,
    curves: Sequence[float] | None = None,
    most: Sequence[float] | None = None,
) -> Game:
    n = len(chokes)
    data = zip(chokes, [slope] * n, curves or [0.0] * n, most or [1e3] * n, strict=True)
    firms = [_firm(f"f{k}", *numbers) for k, numbers in enumerate(data)]
    links = [
        Link(f"{other.name}.output", f"{firm.name}.others")
        for firm in firms
        for other in firms
        if other is not firm
    ]
    return Game(firms, links=links)


def _outputs(values: Any) -> list[float]:
    return [float(value) for path, value in values.items() if path.endswith(".output")]


def _by_potential(
    chokes: Sequence[float], slope: float, curves: Sequence[float], most: Sequence[float]
) -> Any:
    """Return the unique equilibrium: the optimum of one strictly concave program."""
    q = cp.Variable(len(chokes))
    squares = cp.multiply(np.array(curves) / 2 + slope / 2, cp.square(q))
    worth = np.array(chokes) @ q - cp.sum(squares) - slope / 2 * cp.square(cp.sum(q))
    problem = cp.Problem(cp.Maximize(worth), [q >= 0, q <= np.array(most)])
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return q.value


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_random_oligopolies_come_to_their_unique_equilibrium(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 5))
    numbers = st.lists(st.floats(0, 1), min_size=n, max_size=n)
    chokes = [20 + 60 * share for share in data.draw(numbers)]
    curves = [0.1 + 2 * share for share in data.draw(numbers)]
    most = [5 + 40 * share for share in data.draw(numbers)]
    slope = 0.2 + 2 * data.draw(st.floats(0, 1))
    wanted = _by_potential(chokes, slope, curves, most)
    for method in (
        BestResponse(rounds=1000, tolerance=1e-7),
        BestResponse(rounds=1000, tolerance=1e-7, order="jacobi", damping=1 / n),
    ):
        found = method.solve(_cournot(chokes, slope, curves, most))
        assert found.settled
        assert max(found.certificate.regret.values()) <= 1e-6
        assert _outputs(found.values) == pytest.approx(wanted, abs=1e-4)


def test_regret_is_what_one_gains_when_the_others_stay() -> None:
    """At 10 and 10 either could go to 35 of 80: from 600 to 1225."""
    game = _cournot([80.0, 80.0])
    values = {"f0.output": np.array(10.0), "f1.output": np.array(10.0)}
    certificate, objective = certify(game, values)
    gained = (1225 - 600) / (80 * 35 + 45 * 35)  # what it takes in, and by how much more costs it
    assert certificate.regret == pytest.approx({"f0": gained, "f1": gained}, rel=1e-6)
    assert objective is None
    assert certificate.optimality_gap is None


def test_a_start_at_the_equilibrium_is_the_end() -> None:
    start = {"f0.output": 30.0, "f1.output": 30.0}
    found = BestResponse(start=start).solve(_cournot([90.0, 90.0]))
    assert found.settled
    assert found.statistics == {"rounds": 1}
    assert found.rounds[0]["moved"] <= 1e-6
    assert not found.cycle


def test_an_outcome_that_is_cut_short_is_not_settled() -> None:
    found = BestResponse(rounds=2).solve(_cournot([90.0, 90.0]))
    assert not found.settled
    assert len(found.rounds) == 2
    assert max(found.certificate.regret.values()) > 1e-6


def test_a_circle_is_shown_with_its_length() -> None:
    found = BestResponse(order="jacobi").solve(_cournot([90.0] * 4, most=[40.0] * 4))
    assert not found.settled
    assert [_outputs(record["said"])[0] for record in found.cycle] == pytest.approx(
        [0, 40], abs=1e-4
    )
    assert found.statistics["cycle"] == 2
    cured = BestResponse(order="jacobi", damping=0.4).solve(_cournot([90.0] * 4, most=[40.0] * 4))
    assert cured.settled
    assert _outputs(cured.values) == pytest.approx([18.0] * 4, abs=1e-4)


def test_slow_is_no_circle() -> None:
    words = [{"a.x": np.array([1e-5 * 0.9**k])} for k in range(80)]
    assert not any(cycle_length(words[:k]) for k in range(1, 80))


# Messages


def test_everybody_tells_each_who_hears_it_in_every_round() -> None:
    room = Mailroom()
    found = room.run(
        BestResponse(start={"f0.output": 10}).play(_cournot([90.0, 90.0]), room, "day")
    )
    offers = [message for message in room.log if isinstance(message, Response)]
    assert [(m.sender, m.receiver, m.round) for m in offers] == [
        (f"f{k}", f"f{1 - k}", number)
        for number in range(1, len(found.rounds) + 1)
        for k in range(2)
    ]
    assert {m.stage for m in room.log} == {"day"}
    first = offers[0]
    assert first.values == {"output": pytest.approx(0.0, abs=1e-4)}  # 1000/2 are said at first
    assert '"own_cost"' not in room.lines()  # what a rival earns is nobody's business
    outcome = [(m.kind, m.sender, m.receiver) for m in room.log[len(offers) :]]
    assert outcome == [("Schedule", "f0", "f1"), ("Schedule", "f1", "f0")]
    assert all(not box.items or not box.items[0].bargaining for box in room._boxes.values())


def test_in_turn_the_second_hears_the_first_at_once_together_it_does_not() -> None:
    start = {"f0.output": 10.0, "f1.output": 10.0}
    turns = BestResponse(rounds=1, start=start).solve(_cournot([90.0, 90.0]))
    at_once = BestResponse(rounds=1, start=start, order="jacobi").solve(_cournot([90.0, 90.0]))
    assert _outputs(turns.rounds[0]["said"]) == pytest.approx([40.0, 25.0])
    assert _outputs(at_once.rounds[0]["said"]) == pytest.approx([40.0, 40.0])


@pytest.mark.smoke
@pytest.mark.parametrize("order", ["gauss-seidel", pytest.param("jacobi", marks=pytest.mark.slow)])
def test_lost_late_and_doubled_words_do_not_change_where_it_ends(order: Any) -> None:
    faults = Faults(loss=0.3, delay_rounds=2, duplicate=0.3, seed=4)
    method = BestResponse(rounds=400, order=order, damping=0.5)
    game = _cournot([90.0, 80.0, 70.0])
    found, again = (method.solve(game, faults) for _ in range(2))
    assert found.settled
    assert _outputs(found.values) == pytest.approx([30.0, 20.0, 10.0], abs=1e-4)
    assert [r["moved"] for r in found.rounds] == [r["moved"] for r in again.rounds]
    assert len(found.rounds) > len(method.solve(game).rounds)


@pytest.mark.slow
@pytest.mark.parametrize("order", [pytest.param("gauss-seidel", marks=pytest.mark.slow), "jacobi"])
def test_who_falls_silent_is_named(order: Any) -> None:
    method, game = BestResponse(order=order, damping=0.5), _cournot([90.0, 80.0, 70.0])
    with pytest.raises(NoAnswer, match=r"agent 'f1' fell silent.* in round (3|4) of \d+") as told:
        method.solve(game, Faults(silent={"f1": 3}))
    assert told.value.agent == "f1"
    with pytest.raises(NoAnswer, match="agent 'f0' was not heard once in 31 rounds") as told:
        method.solve(game, Faults(silent={"f0": 0}))
    assert told.value.agent == "f0"


def test_a_limit_before_silence_is_noticed_leaves_the_talk_not_settled() -> None:
    found = BestResponse(rounds=30).solve(_cournot([90.0, 90.0]), Faults(silent={"f0": 1}))
    assert not found.settled
    assert not found.cycle
    assert max(found.certificate.regret.values()) > 1e-6


def test_who_falls_silent_when_all_is_said_keeps_nobody_from_the_end() -> None:
    method, game = BestResponse(), _cournot([90.0, 90.0])
    rounds = len(method.solve(game).rounds)
    found = method.solve(game, Faults(silent={"f0": rounds}))
    assert found.settled
    assert len(found.rounds) == rounds


def test_two_games_on_one_clock_do_not_hear_each_other() -> None:
    room = Mailroom()
    first = room.run(BestResponse().play(_cournot([90.0, 90.0]), room, "first"))
    second = room.run(BestResponse().play(_cournot([60.0, 60.0]), room, "second"))
    assert _outputs(first.values) == pytest.approx([30.0, 30.0])
    assert _outputs(second.values) == pytest.approx([20.0, 20.0])


# Amounts that one's own decision moves


def _seller() -> Agent:
    price, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter(name="income")
    goal = cp.Maximize(income - cp.sum_squares(price) / 2)
    return Agent("seller", cp.Problem(goal), {"income": income}, {"price": price})


def _buyer(*, hears_amount: bool = False) -> Agent:
    told, bought = cp.Parameter(() if hears_amount else 2), cp.Variable(2, bounds=[0, 9])
    paid = told if hears_amount else told @ bought
    goal = cp.Minimize(paid - 3 * cp.sum(bought) + cp.sum_squares(bought) / 2)
    return Agent("buyer", cp.Problem(goal), {"told": told}, {"bought": bought})


@pytest.mark.parametrize("hears_amount", [False, True])
def test_a_price_setter_foresees_its_income_at_what_is_bought(hears_amount: bool) -> None:
    """It asks p = q, the buyer takes q = 3 - p, whether it hears the price or the amount."""
    source = "bill" if hears_amount else "seller.price"
    game = Game(
        [_seller(), _buyer(hears_amount=hears_amount)],
        links=[Link("bill", "seller.income"), Link(source, "buyer.told")],
        payments=[Payment("bill", "buyer", "seller", "seller.price", "buyer.bought")],
    )
    found = BestResponse(damping=0.5).solve(game)
    assert found.settled
    assert found.values["seller.price"] == pytest.approx([1.5, 1.5], abs=1e-5)
    assert found.values["buyer.bought"] == pytest.approx([1.5, 1.5], abs=1e-5)
    assert found.payments["bill"] == pytest.approx(4.5, abs=1e-4)
    wrong = {"seller.price": np.ones(2), "buyer.bought": np.full(2, 2.0)}
    regret = certify(game, wrong)[0].regret
    assert regret["buyer"] == pytest.approx(0.0, abs=1e-9)
    assert regret["seller"] == pytest.approx(
        1.0 / 12.0, rel=1e-6
    )  # of 8 and 4, 4 - 1 instead of 8 - 4


def test_an_amount_at_a_known_price_is_foreseen() -> None:
    """At 2, 3 and 4, or at 1/4 for each of two hours: what costs above 3.5 is not bought."""
    paid, bought = cp.Parameter(), cp.Variable(3, bounds=[0, 1])
    buyer = Agent(
        "buyer",
        cp.Problem(cp.Minimize(paid - 3.5 * cp.sum(bought))),
        {"paid": paid},
        {"bought": bought},
    )
    market = Agent("market", says={"price": np.array([2.0, 3.0, 4.0])})
    bill = Payment("bill", "buyer", "market", "market.price", "buyer.bought")
    flat = Payment("fee", "buyer", "market", 0.25, "buyer.bought", hours=2.0)
    links = [Link("bill", "buyer.paid"), Link("fee", "buyer.paid")]
    for payments, wanted in (([bill], [1, 1, 0]), ([bill, flat], [1, 1, 0]), ([flat], [1, 1, 1])):
        known = links[: len(payments)] if payments[0] is bill else links[1:]
        found = BestResponse().solve(Game([buyer, market], links=known, payments=payments))
        assert found.settled
        assert found.values["buyer.bought"][[0, 2]] == pytest.approx(np.array(wanted)[[0, 2]])
