"""Every exchange with a known answer by every method, against that answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.games.exchange.conftest import KnownExchange

PRICE_TOLERANCE = 1e-2


def test_the_known_answer_is_found(known: KnownExchange) -> None:
    found = known.solved()
    certificate = found.certificate
    assert found.settled
    assert certificate.total_cost == pytest.approx(known.total_cost, rel=1e-4)
    assert certificate.balance_residual is not None
    assert certificate.balance_residual <= 1e-6
    assert certificate.optimality_gap is not None
    assert abs(certificate.optimality_gap) <= 1e-4
    for name, price in known.known("prices").items():
        assert found.prices[name] == pytest.approx(price, rel=PRICE_TOLERANCE, abs=1e-2), name
    for path, value in known.known("said").items():
        near = pytest.approx(value, rel=known.tolerance, abs=known.tolerance)
        assert found.values[path] == near, path


def test_an_exchange_says_where_it_is_from_and_what_is_known(
    stated_facts: Mapping[str, Any],
) -> None:
    assert len(stated_facts["source"]) > 40, "source is a full citation"
    assert len(stated_facts["note"]) > 40, "note says how the answer was verified"
    assert set(stated_facts["methods"]) <= {"exact", "admm"}
    assert {"total_cost", "prices", "said"} <= set(stated_facts["expected"])
