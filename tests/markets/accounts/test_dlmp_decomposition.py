"""The parts of a dual: what each labelled constraint brings to a locational price."""

import cvxpy as cp
import numpy as np
import pytest

from equigrid.errors import UnusableGame
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual

PRICE = Dual("dno.withdrawal_mw")


def _game(*, absolute: bool = False) -> Game:
    """8 MW at 10 behind a line of 4 MW, 8 MW at 30 at the bus where 6 MW are withdrawn."""
    heard, power = cp.Parameter(2), cp.Variable(2, bounds=[0, 8])
    limit = cp.abs(power[0] - 1) <= 4 if absolute else power[0] <= 4
    rows = [
        (cp.sum(power) == cp.sum(heard)).set_label("energy"),
        limit.set_label("line"),
    ]
    cost = cp.Minimize(np.array([10.0, 30.0]) @ power)
    operator = Agent("dno", cp.Problem(cost, rows), {"withdrawal_mw": heard}, {"power_mw": power})
    taken, bill = cp.Variable(2, bounds=[0, 6]), cp.Parameter()
    buyer = Agent(
        "buyer",
        cp.Problem(cp.Minimize(bill), [cp.sum(taken) == 6]),
        {"bill": bill},
        {"taken_mw": taken},
    )
    return Game(
        [operator, buyer],
        leader="buyer",
        links=[Link("buyer.taken_mw", "dno.withdrawal_mw"), Link("bill", "buyer.bill")],
        payments=[Payment("bill", "buyer", "dno", PRICE, "buyer.taken_mw")],
    )


def test_parts_add_up_to_the_dual() -> None:
    found = Exact().solve(_game())
    parts = found.parts(PRICE)
    assert list(parts) == ["energy"]
    assert np.allclose(sum(parts.values()), found.values[PRICE], atol=1e-9)
    assert found.values[PRICE] == pytest.approx([30, 30])


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    found = Exact().solve(_game(absolute=True))
    with pytest.raises(UnusableGame, match="write absolute values and maxima as two limits"):
        found.parts(PRICE)
