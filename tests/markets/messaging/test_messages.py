"""Messages: a closed list, plain data, the same after a trip through a record."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.markets.messaging.messages import (
    KINDS,
    Announcement,
    Message,
    Response,
    Settlement,
    from_record,
    to_record,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(max_size=12)
VALUES = st.dictionaries(NAMES, NUMBERS | st.lists(NUMBERS, max_size=5), max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(st.sampled_from(sorted(KINDS)))
    fields: dict[str, Any] = {
        "sender": draw(NAMES),
        "receiver": draw(NAMES),
        "stage": draw(NAMES),
        "round": draw(st.integers(0, 99)),
        "seq": draw(st.integers(0, 10**6)),
        "minute": draw(st.integers(0, 10**6)),
        "fault": draw(st.sampled_from(["", "lost", "late 1, doubled, late 3"])),
    }
    if kind == "Settlement":
        fields |= {"payment": draw(NAMES), "amount": draw(NUMBERS)}
    else:
        fields["values"] = draw(VALUES)
    if kind == "Response":
        fields["own_cost"] = draw(NUMBERS)
    return KINDS[kind](**fields)


@settings(max_examples=50)
@given(message=messages())
def test_round_trip_of_every_kind(message: Message) -> None:
    record = to_record(message)
    assert from_record(record) == message
    assert type(from_record(record)) is type(message)
    assert from_record(json.loads(json.dumps(record))) == message


def test_the_list_is_closed() -> None:
    assert list(KINDS) == [
        "Announcement",
        "Signal",
        "Response",
        "FinalSignal",
        "Schedule",
        "Settlement",
    ]
    assert all(KINDS[kind].kind == kind for kind in KINDS)


def test_arrays_become_plain_numbers() -> None:
    message = Announcement(
        sender="iso",
        receiver="disco",
        values={"price": np.array([[1.0, 2.0]]), "fee": np.float64(3)},
    )
    assert message.values == {"price": [[1.0, 2.0]], "fee": 3.0}
    assert to_record(message)["kind"] == "Announcement"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"kind": "Bid", "sender": "a", "receiver": "b"}, "unknown message kind 'Bid'; known are"),
        ({"sender": "a", "receiver": "b"}, "unknown message kind None"),
        ({"kind": ["Schedule"], "sender": "a", "receiver": "b"}, "unknown message kind"),
        ({"kind": "Schedule", "sender": "a"}, "message of kind Schedule has wrong fields"),
        ({"kind": "Schedule", "sender": "a", "receiver": "b", "x": 1}, "wrong fields"),
        ({"kind": "Schedule", "sender": "a", "receiver": "b", "values": [1]}, "wrong fields"),
    ],
)
def test_records_that_are_no_message(record: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_record(record)


def test_a_fault_is_told_only_where_there_is_one() -> None:
    offer = Response(sender="a", receiver="b")
    assert "fault" not in to_record(offer)
    assert to_record(replace(offer, fault="late 2"))["fault"] == "late 2"


def test_requests_and_offers_are_the_bargaining() -> None:
    assert [kind for kind in KINDS if KINDS[kind].bargaining] == ["Signal", "Response"]


def test_messages_do_not_change() -> None:
    offer = Response(sender="a", receiver="b", own_cost=2.0)
    with pytest.raises(AttributeError):
        offer.own_cost = 3.0  # type: ignore[misc]
    assert Settlement(sender="a", receiver="b", amount=2.0).amount == 2.0
