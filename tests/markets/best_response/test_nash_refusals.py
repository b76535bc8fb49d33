"""What games that nobody leads refuse, in sentences, and whole numbers that they answer."""

from typing import Any

import cvxpy as cp
import pytest

from equigrid.errors import NoAnswer, UnusableGame, WrongMethod
from equigrid.markets.games.game import Game
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual


def _duopoly() -> Game:
    firms = []
    for name in ("f0", "f1"):
        output, others = cp.Variable(bounds=[0, 90]), cp.Parameter()
        income = 90 * output - cp.square(output) - others * output
        problem = cp.Problem(cp.Maximize(income))
        firms.append(Agent(name, problem, {"others": others}, {"output": output}))
    links = [Link("f0.output", "f1.others"), Link("f1.output", "f0.others")]
    return Game(firms, links=links)


def _switch(name: str) -> Agent:
    on, other = cp.Variable(boolean=True), cp.Parameter()
    return Agent(
        name, cp.Problem(cp.Maximize((1.5 - 2 * other) * on)), {"other": other}, {"on": on}
    )


def _switches() -> Game:
    return Game(
        [_switch("a"), _switch("b")], links=[Link("a.on", "b.other"), Link("b.on", "a.other")]
    )


def test_whole_numbers_are_answered_but_not_mixed() -> None:
    found = BestResponse().solve(_switches())
    assert found.settled
    assert found.values["a.on"] + found.values["b.on"] == pytest.approx(1.0)
    circle = BestResponse(order="jacobi", start={"a.on": 0, "b.on": 0}).solve(_switches())
    assert circle.statistics["cycle"] == 2
    with pytest.raises(
        WrongMethod, match=r"agent 'a' decides whole numbers.*damping=1\) \(got 0\.5"
    ):
        BestResponse(damping=0.5).solve(_switches())


def test_an_answer_that_is_still_as_good_is_kept() -> None:
    """At 0 of the other, everything is as good: nobody moves from where it is."""
    x, y = cp.Variable(bounds=[-1, 1]), cp.Variable(bounds=[-1, 1])
    to_x, to_y = cp.Parameter(), cp.Parameter()
    lazy = Agent("lazy", cp.Problem(cp.Minimize(0 * x), [x >= to_x - 1]), {"y": to_x}, {"x": x})
    calm = Agent("calm", cp.Problem(cp.Minimize(to_y * y)), {"x": to_y}, {"y": y})
    game = Game([lazy, calm], links=[Link("calm.y", "lazy.y"), Link("lazy.x", "calm.x")])
    found = BestResponse().solve(game)
    assert found.settled
    assert found.statistics["rounds"] <= 3


def test_an_agent_that_would_hear_itself_is_refused() -> None:
    x, own = cp.Variable(bounds=[0, 1]), cp.Parameter()
    echo = Agent("echo", cp.Problem(cp.Minimize(x - own)), {"own": own}, {"x": x})
    with pytest.raises(WrongMethod, match=r"'echo\.x' to 'echo\.own': 'echo' would hear what it"):
        BestResponse().solve(Game([echo], links=[Link("echo.x", "echo.own")]))


def test_duals_are_refused() -> None:
    game = _duopoly()
    links = [*game.links, Link(Dual("f0.others"), "third.price")]
    price, x = cp.Parameter(), cp.Variable(bounds=[0, 1])
    third = Agent("third", cp.Problem(cp.Minimize(price * x)), {"price": price})
    with pytest.raises(WrongMethod, match=r"nobody foresees 'dual\(f0\.others\)'"):
        BestResponse().solve(Game([*game.agents, third], links=links))


def test_both_price_and_quantity_of_one_agent_are_refused() -> None:
    price, quantity, income = cp.Variable(1), cp.Variable(1), cp.Parameter()
    both = Agent(
        "both", cp.Problem(cp.Maximize(income)), {"i": income}, {"p": price, "q": quantity}
    )
    game = Game(
        [both, Agent("bank")],
        links=[Link("bill", "both.i")],
        payments=[Payment("bill", "bank", "both", "both.p", "both.q")],
    )
    with pytest.raises(UnusableGame, match="the problem of agent 'both' is not a convex problem"):
        BestResponse().solve(game)


def test_who_has_no_answer_is_named_with_the_round() -> None:
    x, y = cp.Variable(bounds=[0, 1]), cp.Variable(bounds=[0, 4])
    to_x, to_y = cp.Parameter(), cp.Parameter()
    agents = [
        Agent("small", cp.Problem(cp.Minimize(x), [x >= to_x - 2]), {"y": to_x}, {"x": x}),
        Agent("great", cp.Problem(cp.Maximize(y + 0 * to_y)), {"x": to_y}, {"y": y}),
    ]
    game = Game(agents, links=[Link("great.y", "small.y"), Link("small.x", "great.x")])
    with pytest.raises(
        NoAnswer, match=r"agent 'small' .* in round 2; .*BestResponse\(start="
    ) as it:
        BestResponse().solve(game)
    assert it.value.agent == "small"


def test_a_start_that_nobody_waits_for_is_refused() -> None:
    start: dict[str, Any] = {"f0.outptu": 1.0, "f1.output": [1.0, 2.0]}
    with pytest.raises(UnusableGame) as caught:
        BestResponse(start=start).solve(_duopoly())
    assert caught.value.findings == (
        "start: nobody waits for 'f0.outptu'; did you mean 'f0.output'?",
        "start: 'f1.output' has shape (), not (2,)",
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rounds": 0}, "rounds of BestResponse must be at least 1"),
        ({"gap": 0.0}, "gap of BestResponse must be above 0"),
        ({"tolerance": -1.0}, "tolerance of BestResponse must be above 0"),
        ({"damping": 1.5}, "damping of BestResponse must be above 0 and at most 1"),
        ({"order": "random"}, "order of BestResponse must be gauss-seidel or jacobi"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BestResponse(**wrong)
