"""Every way in which the declaration of a game can be wrong, and what is said of it."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import UnusableGame
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

HOURS = 2
BILL = Payment("bill", "site", "disco", "disco.price", "site.import_mw")
LINKS = (
    Link("disco.price", "site.price"),
    Link("site.import_mw", "disco.sold_mw"),
    Link("bill", "disco.income"),
)


def _site(sign: float = 1.0, weight: float = 1.0, *, again: bool = False) -> Agent:
    price, bill = cp.Parameter(HOURS, name="price"), cp.Parameter(name="bill")
    bought = cp.Variable(HOURS, bounds=[0, 4], name="import")
    own = cp.Variable(HOURS, bounds=[0, 9], name="own")
    cost = sign * weight * price @ bought + 5 * cp.sum(own) + (bill if again else 0)
    return Agent(
        "site",
        cp.Problem(cp.Minimize(cost), [bought + own == 3]),
        hears={"price": price, **({"bill": bill} if again else {})},
        says={"import_mw": bought, "own_mw": own},
    )


def _disco(weight: float = 1.0, *, limited: bool = False) -> Agent:
    offer = cp.Variable(HOURS, bounds=[0, 9], name="offer")
    sold, income = cp.Parameter(HOURS, name="sold"), cp.Parameter(name="income")
    profit = weight * income - 2 * cp.sum(sold)
    return Agent(
        "disco",
        cp.Problem(cp.Maximize(profit), [income >= 1] if limited else []),
        hears={"sold_mw": sold, "income": income},
        says={"price": offer},
    )


def _game(**changed: Any) -> Game:
    parts: dict[str, Any] = {
        "agents": [_disco(), _site()],
        "leader": "disco",
        "payments": [BILL],
        "links": LINKS,
    }
    return Game(**{**parts, **changed})


def _findings(**changed: Any) -> tuple[str, ...]:
    with pytest.raises(UnusableGame) as caught:
        _game(**changed)
    return caught.value.findings


def test_a_sound_game_describes_itself() -> None:
    game = _game()
    text = game.describe()
    assert "disco leads: linear problem" in text
    assert "site follows: linear problem, 4 columns, 2 rows" in text
    assert "disco.income hears bill" in text
    assert "site pays disco 'bill': disco.price × site.import_mw × 1 h" in text
    assert "One agent leads (a Stackelberg game): for Exact, or BestResponse" in text
    assert [agent.name for agent in game.followers] == ["site"]
    assert game.payment("nothing") is None


def test_describe_without_a_leader_with_integers_and_with_a_party_that_announces() -> None:
    on = cp.Variable(boolean=True)
    demand = cp.Parameter()
    unit = Agent(
        "unit", cp.Problem(cp.Minimize(on), [on >= demand]), {"demand": demand}, {"on": on}
    )
    iso = Agent("iso", says={"demand": 0.5})
    text = Game([iso, unit], links=[Link("iso.demand", "unit.demand")]).describe()
    assert "iso announces or receives" in text
    assert "unit decides: mixed-integer linear problem" in text
    assert "Nobody leads" in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"agents": [_disco(), _site(), Agent("site")]}, "two agents are called 'site'"),
        ({"payments": [BILL, BILL]}, "two payments are called 'bill'"),
        (
            {"leader": "disko"},
            "leader 'disko' is not an agent with a problem; did you mean 'disco'",
        ),
        (
            {"agents": [_disco(), _site(), Agent("iso")], "leader": "iso"},
            "leader 'iso' is not an agent with a problem",
        ),
        (
            {"payments": [Payment("bill", "sight", "disco", "disco.price", "site.import_mw")]},
            "payment 'bill': payer 'sight' is nobody in this game; did you mean 'site'",
        ),
        (
            {"payments": [Payment("bill", "site", "me", "disco.price", "site.import_mw")]},
            "payment 'bill': payee 'me' is nobody in this game; there is: disco, site",
        ),
        (
            {"payments": [Payment("bill", "site", "site", "disco.price", "site.import_mw")]},
            "'site' would pay itself",
        ),
        (
            {"payments": [Payment("bill", "site", "disco", "disco.prices", "site.import_mw")]},
            "nobody says 'disco.prices'; did you mean 'disco.price'",
        ),
        (
            {"links": [*LINKS[1:], Link("disco.prise", "site.price")]},
            "nobody says 'disco.prise'; did you mean 'disco.price'",
        ),
        (
            {"links": [*LINKS, Link("disco.price", "site.prize")]},
            "nobody hears 'site.prize'; did you mean 'site.price'",
        ),
        (
            {"links": [*LINKS[:2], Link("bil", "disco.income")]},
            "nobody says 'bil'; did you mean 'bill'",
        ),
        ({"links": [*LINKS, LINKS[0]]}, "'disco.price' to 'site.price' is stated twice"),
        (
            {"links": [*LINKS, Link("disco.price", "disco.income")]},
            "of shape (2,) to 'disco.income' of shape (); the shapes must be equal",
        ),
        ({"links": LINKS[1:]}, "'site.price' is neither linked to a source nor given a value"),
        ({"given": {"site.prise": 1.0}}, "given 'site.prise': nobody hears it; did you mean"),
        ({"given": {"site.price": 1.0}}, "given 'site.price' has shape (), its Parameter (2,)"),
        ({"given": {"site.price": np.ones(2)}}, "'site.price' is both linked and given"),
        (
            {"links": LINKS[1:], "given": {"site.price": [1.0, np.nan]}},
            "given 'site.price' must be finite",
        ),
    ],
)
def test_finding_of_names_shapes_and_values(changed: dict[str, Any], words: str) -> None:
    assert any(words in finding for finding in _findings(**changed))


def test_shapes_of_price_and_quantity_must_be_equal() -> None:
    iso = Agent("iso", says={"fee": 3.0})
    fee = Payment("fee", "site", "iso", "iso.fee", "site.import_mw")
    (finding,) = _findings(agents=[_disco(), _site(), iso], payments=[BILL, fee])
    assert "price 'iso.fee' has shape () and quantity 'site.import_mw' (2,)" in finding


def test_agents_share_nothing_and_a_party_without_a_problem_decides_nothing() -> None:
    site = _site()
    twin = Agent("twin", site.problem, hears=site.hears)
    found = _findings(agents=[_disco(), site, twin], given={"twin.price": np.ones(2)})
    assert "'import' belongs to both 'site' and 'twin'; give each its own and link them" in found
    assert "'price' belongs to both 'site' and 'twin'; give each its own and link them" in found
    says = Agent("iso", says={"x": cp.Variable()})
    (finding,) = _findings(agents=[_disco(), _site(), says])
    assert finding == "agent 'iso' has no problem but says a Variable; it may say constants"


def test_all_findings_come_at_once() -> None:
    found = _findings(
        leader="nobody",
        payments=[Payment("bill", "sight", "disco", "disco.prise", "site.import_mw")],
        links=[*LINKS[1:], Link("disco.price", "site.prize")],
        given={"disco.nothing": np.inf},
    )
    assert len(found) == 7


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"agents": [_disco(), _site(sign=-1.0)]}, "'site' must count price × 'site.import_mw'"),
        ({"agents": [_disco(), _site(weight=0.5)]}, "check sign, hours and quantity"),
        (
            {"agents": [_disco(-1.0), _site()]},
            "as income with weight 1, but its weight in the cost",
        ),
        ({"agents": [_disco(0.5), _site()]}, "must count 'income' in its objective as income"),
        ({"agents": [_disco(0.0), _site()]}, "weight in the cost is 0"),
        (
            {"payments": [Payment("bill", "site", "disco", "disco.price", "site.import_mw", 0.5)]},
            "× 0.5 h as a cost, but its objective multiplies 'price' by something else",
        ),
        (
            {"payments": [Payment("bill", "site", "disco", "disco.price", "site.own_mw")]},
            "price × 'site.own_mw'",
        ),
        (
            {"payments": [Payment("bill", "disco", "site", "disco.price", "site.import_mw")]},
            "as income, but its objective multiplies 'price'",
        ),
        (
            {"links": LINKS[:2], "given": {"disco.income": 0.0}},
            "'disco' does not count it; link its amount with Link('bill', 'disco.…')",
        ),
        (
            {
                "agents": [_disco(), _site(again=True)],
                "links": [*LINKS, Link("bill", "site.bill")],
            },
            "'site' counts it twice, at the price it hears in 'price' and as the amount in 'bill'",
        ),
    ],
)
def test_payment_that_is_counted_wrongly(changed: dict[str, Any], words: str) -> None:
    assert any(words in finding for finding in _findings(**changed))


def test_a_price_heard_in_two_values_is_counted_twice() -> None:
    one, two = cp.Parameter(HOURS, name="one"), cp.Parameter(HOURS, name="two")
    bought = cp.Variable(HOURS, bounds=[0, 4])
    cost = (one + two) @ bought - 9 * cp.sum(bought)
    site = Agent(
        "site", cp.Problem(cp.Minimize(cost)), {"one": one, "two": two}, {"import_mw": bought}
    )
    links = [Link("disco.price", "site.one"), Link("disco.price", "site.two"), *LINKS[1:]]
    (finding,) = _findings(agents=[_disco(), site], links=links)
    assert "multiplies 'one' and 'two' by something else" in finding


def test_an_amount_heard_twice() -> None:
    first, second = cp.Parameter(name="first"), cp.Parameter(name="second")
    offer, sold = cp.Variable(HOURS, bounds=[0, 9]), cp.Parameter(HOURS)
    disco = Agent(
        "disco",
        cp.Problem(cp.Maximize(first + second - cp.sum(sold))),
        {"first": first, "second": second, "sold_mw": sold},
        {"price": offer},
    )
    links = [*LINKS[:2], Link("bill", "disco.first"), Link("bill", "disco.second")]
    (finding,) = _findings(agents=[disco, _site()], links=links)
    assert "'disco' hears the amount twice; remove one link" in finding


def test_an_amount_in_a_constraint_may_enter_the_objective_through_it() -> None:
    assert _game(agents=[_disco(limited=True), _site()]).leader == "disco"


def test_who_hears_a_price_but_not_says_the_quantity_hears_the_amount() -> None:
    price, made = cp.Parameter(HOURS, name="price"), cp.Variable(HOURS, bounds=[0, 1])
    maker = Agent("maker", cp.Problem(cp.Minimize(-price @ made)), {"price": price}, {"made": made})
    bill = Payment("sale", "site", "maker", "disco.price", "site.own_mw")
    found = _findings(
        agents=[_disco(), _site(), maker],
        payments=[BILL, bill],
        links=[*LINKS, Link("disco.price", "maker.price")],
    )
    assert any("'maker' hears the price but does not say the quantity" in text for text in found)


def test_a_price_that_is_no_finite_number_is_refused() -> None:
    agents = [Agent("a", says={"q": np.array([1.0])}), Agent("b")]
    with pytest.raises(UnusableGame, match="payment 'fee': its price must be finite"):
        Game(agents, payments=[Payment("fee", "a", "b", np.nan, "a.q")])
