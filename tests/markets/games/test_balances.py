"""Balances: what is refused in sentences, how they settle, broadcast, and are certified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Schedule, Settlement

HOURS = 3
LOAD = np.array([2.0, 5.0, 9.0])


def _producer(name: str = "plant", shape: Any = HOURS) -> eg.Agent:
    """Produce at marginal cost 10 + 2 q."""
    output = cp.Variable(shape, bounds=[-50, 50])
    cost = 10 * cp.sum(output) + cp.sum_squares(output)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost)), says={"output_mw": output})


def _consumer(name: str = "user", sign: float = 1.0, factor: float = 1.0) -> eg.Agent:
    """Draw what is worth 40, up to the load, at a price that it hears and counts."""
    price, demand = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[0, LOAD])
    problem = cp.Problem(cp.Maximize(40 * cp.sum(demand) - factor * price @ demand))
    return eg.Agent(name, problem, {"price": price}, {"demand_mw": sign * demand})


def _city() -> eg.Agent:
    return eg.Agent("city", says={"load_mw": LOAD})


def _game(
    agents: Sequence[eg.Agent], terms: Sequence[str], equals: Any = 0.0, **options: Any
) -> eg.Game:
    return eg.Game(agents, balances=[eg.Balance("energy", terms, equals)], **options)


def _refused(*findings: str, **options: Any) -> None:
    """Expect exactly these sentences."""
    with pytest.raises(eg.UnusableGame) as refusal:
        eg.Game(**options)
    assert list(refusal.value.findings) == list(findings)


def _of_plant(*balances: eg.Balance, **options: Any) -> dict[str, Any]:
    return {"agents": [_producer(), _city()], "balances": balances, **options}


def test_an_unknown_term_is_told_with_what_was_meant() -> None:
    _refused(
        "balance 'energy': nobody says 'plant.outptu_mw'; did you mean 'plant.output_mw'?",
        **_of_plant(eg.Balance("energy", ["plant.outptu_mw", "-city.load_mw"])),
    )


def test_a_term_stands_once_whatever_its_sign() -> None:
    _refused(
        "balance 'energy' has the term 'plant.output_mw' twice; remove one",
        **_of_plant(eg.Balance("energy", ["plant.output_mw", "- plant.output_mw"])),
    )


def test_shapes_have_to_fit_each_other_and_the_right_hand_side() -> None:
    _refused(
        "balance 'energy': the shapes of its terms do not fit each other and equals (2,): "
        "plant.output_mw (3,), city.load_mw (3,)",
        **_of_plant(eg.Balance("energy", ["plant.output_mw", "-city.load_mw"], [1.0, 2.0])),
    )


@pytest.mark.parametrize(("name", "what"), [("plant", "an agent"), ("bill", "a payment")])
def test_a_balance_has_a_name_of_its_own(name: str, what: str) -> None:
    _refused(
        f"balance '{name}' is called like {what}; rename one",
        **_of_plant(
            eg.Balance(name, ["plant.output_mw"]),
            payments=[eg.Payment("bill", "plant", "city", 3.0, "plant.output_mw")],
        ),
    )


def test_two_balances_are_not_called_alike() -> None:
    one, other = (eg.Balance("energy", ["plant.output_mw"], e) for e in (0.0, 1.0))
    _refused("two balances are called 'energy'; rename one", **_of_plant(one, other))


@pytest.mark.parametrize("name", ["", "a.b"])
def test_a_name_is_text_without_dots(name: str) -> None:
    _refused(
        f"balance name {name!r} must be text without dots",
        **_of_plant(eg.Balance(name, ["plant.output_mw"])),
    )


def test_somebody_has_to_decide() -> None:
    _refused(
        "balance 'energy': nobody decides any of its terms; add one",
        **_of_plant(eg.Balance("energy", ["city.load_mw"])),
    )


@pytest.mark.parametrize("equals", [np.inf, np.nan])
def test_a_right_hand_side_is_finite(equals: float) -> None:
    _refused(
        "balance 'energy': equals must be finite",
        **_of_plant(eg.Balance("energy", ["plant.output_mw"], equals)),
    )


def test_nobody_is_paid_twice_at_the_price_of_a_balance() -> None:
    bill = eg.Payment("bill", "city", "plant", "energy", "plant.output_mw")
    with pytest.raises(eg.UnusableGame, match="settles its price itself; remove the payment"):
        _game([_producer(), _city()], ["plant.output_mw", "-city.load_mw"], payments=[bill])


def test_all_findings_are_told_at_once() -> None:
    with pytest.raises(eg.UnusableGame) as refusal:
        eg.Game(
            [_producer(), _city()],
            balances=[
                eg.Balance("city", ["plant.outptu_mw"]),
                eg.Balance("energy", ["city.load_mw"], np.inf),
            ],
        )
    assert len(refusal.value.findings) == 4


@pytest.mark.parametrize(
    ("sign", "factor", "term"), [(1.0, 1.0, ""), (1.0, 2.0, "-"), (-1.0, 1.0, "-")]
)
def test_a_heard_price_multiplies_minus_the_agent_s_own_terms(
    sign: float, factor: float, term: str
) -> None:
    """Refused are the wrong sign in the balance, twice the price, and a said sign that differs."""
    with pytest.raises(eg.UnusableGame, match="must multiply it by minus its signed terms"):
        _game(
            [_producer(), _consumer(sign=sign, factor=factor)],
            ["plant.output_mw", f"{term}user.demand_mw"],
            links=[eg.Link("energy", "user.price")],
        )


def test_a_heard_price_is_refused_where_it_is_a_limit() -> None:
    price, demand = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[0, 9])
    problem = cp.Problem(cp.Minimize(price @ demand), [demand <= 50 - price])
    user = eg.Agent("user", problem, {"price": price}, {"demand_mw": demand})
    with pytest.raises(eg.UnusableGame, match=r"'user\.price' hears the price of balance"):
        _game(
            [_producer(), user],
            ["plant.output_mw", "-user.demand_mw"],
            links=[eg.Link("energy", "user.price")],
        )


def _pool(**options: Any) -> eg.Game:
    """A plant, a user that hears the price, and a city that has to be supplied."""
    return _game(
        [_producer(), _consumer(), _city()],
        ["plant.output_mw", "-user.demand_mw", "-city.load_mw"],
        links=[eg.Link("energy", "user.price")],
        **options,
    )


# The plant covers the load twice, at marginal cost 10 + 2 · 2 · load, while that is worth it.
PRICE = np.minimum(40.0, 10 + 4 * LOAD)


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_the_settlement_of_a_balance_adds_up(method: eg.Exact | eg.Admm) -> None:
    found = method.solve(_pool())
    assert found.prices["energy"] == pytest.approx(PRICE, abs=1e-3)
    table = found.settlement
    assert list(table.payment.unique()) == ["energy"]
    owed = table.set_index("payer").amount.drop("energy")
    paid = table[table.payer == "energy"].set_index("payee").amount
    assert paid.to_dict() == pytest.approx(
        {"plant": float(PRICE @ found.values["plant.output_mw"])}, abs=1e-2
    )
    assert owed["city"] == pytest.approx(float(PRICE @ LOAD), abs=1e-2)
    assert owed.sum() == pytest.approx(paid.sum(), abs=1e-2)
    assert found.certificate.settlement_residual <= 1e-2


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_a_right_hand_side_makes_the_balance_the_counterparty(
    method: eg.Exact | eg.Admm,
) -> None:
    """It pays for what it asks for: price × equals more than it is paid."""
    found = method.solve(_pool(equals=np.array([3.0, 0.0, -1.0])))
    price, table = found.prices["energy"], found.settlement
    paid = table[table.payer == "energy"].amount.sum()
    taken = table[table.payee == "energy"].amount.sum()
    assert paid - taken == pytest.approx(float(price @ np.array([3.0, 0.0, -1.0])), abs=1e-2)


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_every_party_is_told_its_money_and_its_price(method: eg.Exact | eg.Admm) -> None:
    room = Mailroom()
    found = room.run(method.play(_pool(), room, "market"))
    money = [message for message in room.log if isinstance(message, Settlement)]
    told = [(m.sender, m.receiver, m.payment, m.amount) for m in money]
    table = found.settlement[["payer", "payee", "payment", "amount"]]
    assert told == [tuple(row) for row in table.itertuples(index=False)]
    assert {m.stage for m in money} == {"market"}
    schedules = [m for m in room.log if isinstance(m, Schedule) and m.receiver == "energy"]
    assert {m.sender for m in schedules} >= {"plant", "user"}
    announced = [m for m in room.log if m.sender == "energy" and m.kind == "FinalSignal"]
    assert {m.receiver for m in announced} >= {"plant", "user"}


def test_a_game_describes_its_balances_and_who_answers_it() -> None:
    text = _pool().describe()
    assert "balance 'energy' of shape (3,): plant.output_mw + -user.demand_mw" in text
    assert "plant decides: quadratic problem, 3 columns, 0 rows" in text
    assert "user.price hears energy" in text
    assert "city announces or receives" in text
    assert text.endswith("(an exchange): for Admm, or Exact for the central problem.")


def _broadcast() -> eg.Game:
    """What a plant says by hour counts at two buses, and beside it each bus has a plant."""
    return _game(
        [_producer("both"), _producer("each", (2, HOURS)), _producer("flat", (2, 1))],
        ["both.output_mw", "each.output_mw", "-flat.output_mw"],
        np.array([LOAD, 2 * LOAD]),
    )


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_what_is_said_by_hour_counts_at_each_bus(method: eg.Exact | eg.Admm) -> None:
    """The marginal cost of what counts at many entries is the sum of their prices."""
    found = method.solve(_broadcast())
    price = found.prices["energy"]
    assert price.shape == (2, HOURS)
    marginal = {name: 10 + 2 * found.values[f"{name}.output_mw"] for name in ("both", "each")}
    assert marginal["both"] == pytest.approx(price.sum(axis=0), abs=1e-2)
    assert marginal["each"] == pytest.approx(price, abs=1e-2)
    flat = 10 + 2 * found.values["flat.output_mw"]
    assert flat == pytest.approx(-price.sum(axis=1, keepdims=True), abs=1e-2)
    certificate = found.certificate
    assert certificate.optimality_gap is not None
    assert abs(certificate.optimality_gap) <= 1e-4
    assert certificate.settlement_residual <= 1e-3
    assert max(certificate.regret.values()) <= 1e-5


@pytest.mark.parametrize(("hours", "buses"), [((), (HOURS,)), ((1,), (2, HOURS)), ((), (2, 1))])
def test_one_number_counts_everywhere(hours: tuple[int, ...], buses: tuple[int, ...]) -> None:
    game = _game(
        [_producer("one", hours), _producer("each", buses)],
        ["one.output_mw", "each.output_mw"],
        7.0,
    )
    exact, talked = eg.Exact().solve(game), eg.Admm().solve(game)
    assert exact.prices["energy"].shape == buses
    assert talked.prices["energy"] == pytest.approx(exact.prices["energy"], abs=1e-2)
    one = 10 + 2 * exact.values["one.output_mw"]
    assert one.ravel() == pytest.approx(exact.prices["energy"].sum(), abs=1e-4)
    assert talked.certificate.total_cost == pytest.approx(exact.certificate.total_cost, rel=1e-5)


def test_the_certificate_notices_a_wrong_price() -> None:
    game = _pool()
    values = dict(eg.Exact().solve(game).values)
    right, _ = eg.certify(game, values)
    wrong, _ = eg.certify(game, {**values, "energy": values["energy"] + [0.0, 5.0, 0.0]})
    assert right.optimality_gap is not None
    assert right.optimality_gap <= 1e-8
    assert max(right.regret.values()) <= 1e-8
    assert wrong.optimality_gap is not None
    assert wrong.optimality_gap >= 1e-3
    assert wrong.optimality_gap_money == pytest.approx(6.25, rel=1e-3)  # 2.5 MW off at half of 5
    assert wrong.regret["plant"] >= 1e-3
    assert wrong.balance_residual == pytest.approx(right.balance_residual)
    assert any("not proven" in text for text in wrong.shortcomings(_tolerances()))


def test_the_certificate_notices_terms_that_do_not_add_up() -> None:
    game = _pool()
    values = dict(eg.Exact().solve(game).values)
    more = values["plant.output_mw"] + [0.0, 0.0, 0.9]
    wrong, _ = eg.certify(game, {**values, "plant.output_mw": more})
    assert wrong.balance_residual == pytest.approx(0.9 / more.max(), rel=1e-6)
    assert any("a balance does not hold" in text for text in wrong.shortcomings(_tolerances()))


def test_the_certificate_notices_less_cost_than_anybody_can_have() -> None:
    game = _pool()
    values = dict(eg.Exact().solve(game).values)
    less = values["plant.output_mw"] - 1.0
    wrong, _ = eg.certify(game, {**values, "plant.output_mw": less})
    assert wrong.balance_residual is not None
    assert wrong.balance_residual > 1e-2
    assert wrong.optimality_gap is not None
    assert wrong.optimality_gap > 1e-3


def _tolerances() -> dict[str, float]:
    return dict.fromkeys(
        ("regret", "gap", "settlement", "ac_voltage_pu", "ac_loading_percent"), 1e-4
    )
