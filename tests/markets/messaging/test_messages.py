"""Messages: a closed list, plain data, the same after a trip through a record."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import equigrid as eg
from equigrid.markets.messaging.messages import (
    KINDS,
    Announcement,
    Message,
    Response,
    Settlement,
    from_record,
    to_record,
)
from equigrid.markets.messaging.rejection_reasons import RejectionReason

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
    if kind != "Settlement":
        fields["values"] = draw(VALUES)
    if kind in ("Settlement", "FlexSettlement"):
        fields |= {"payment": draw(NAMES), "amount": draw(NUMBERS)}
    if kind == "Response":
        fields["own_cost"] = draw(st.none() | NUMBERS)
    if kind.startswith("Flex"):
        fields["reference"] = draw(st.integers(-1, 99))
    if kind == "FlexOfferResponse":
        fields["reasons"] = draw(st.lists(st.sampled_from(RejectionReason), max_size=3))
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
        "FlexRequest",
        "FlexOffer",
        "FlexOfferResponse",
        "FlexOrder",
        "FlexSettlement",
    ]
    assert all(getattr(eg, kind) is KINDS[kind] for kind in KINDS)
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


def test_signals_and_responses_are_the_bargaining() -> None:
    assert [kind for kind in KINDS if KINDS[kind].bargaining] == ["Signal", "Response"]


STAMPED = {"kind", "sender", "receiver", "stage", "round", "seq", "minute", "case"}


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("Announcement", {"values"}),
        ("Signal", {"values"}),
        ("Response", {"values"}),
        ("FinalSignal", {"values"}),
        ("Schedule", {"values"}),
        ("Settlement", {"payment", "amount"}),
        ("FlexRequest", {"values", "reference"}),
        ("FlexOffer", {"values", "reference"}),
        ("FlexOfferResponse", {"values", "reference", "reasons"}),
        ("FlexOrder", {"values", "reference"}),
        ("FlexSettlement", {"values", "reference", "payment", "amount"}),
    ],
)
def test_the_fields_of_each_record(kind: str, own: set[str]) -> None:
    assert to_record(KINDS[kind](sender="a", receiver="b")).keys() == STAMPED | own


def test_a_cost_is_told_only_where_it_is_given() -> None:
    silent = Response(sender="a", receiver="b")
    assert from_record(to_record(silent)) == silent
    for cost in (0.0, 2.5):
        told = replace(silent, own_cost=cost)
        assert to_record(told)["own_cost"] == cost
        assert from_record(to_record(told)) == told


def _rejected(reasons: object) -> eg.FlexOfferResponse:
    return eg.FlexOfferResponse(sender="dso", receiver="lots", reference=3, reasons=reasons)  # type: ignore[arg-type]


def test_an_offer_is_accepted_or_rejected_for_known_reasons() -> None:
    assert _rejected([]).accepted
    answer = _rejected(["price-above-cap", RejectionReason.ISP_CONFLICT])
    assert not answer.accepted
    assert answer.reasons == (RejectionReason.PRICE_ABOVE_CAP, RejectionReason.ISP_CONFLICT)
    line = json.dumps(to_record(answer))
    assert '"reasons": ["price-above-cap", "isp-conflict"]' in line
    assert from_record(json.loads(line)) == answer


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["dear", "late"], "no reason to reject an offer: 'dear', 'late'; known are invalid-messa"),
        ([None], "no reason to reject an offer: None"),
        ("isp-conflict", r"must be a list, such as \['price-above-cap'\] \(got 'isp-conflict'\)"),
        (5, r"must be a list, .* \(got 5\)"),
    ],
)
def test_other_reasons_are_refused(reasons: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _rejected(reasons)
    record = {**to_record(_rejected([])), "reasons": reasons}
    with pytest.raises(ValueError, match=words):
        from_record(record)


def test_rounds_of_an_older_log_are_no_flexibility_market() -> None:
    old = {"kind": "FlexOffer", "sender": "a", "receiver": "b", "round": 1, "own_cost": 0.0}
    for kind in ("FlexRequest", "FlexOffer", "FlexOrder", "FlexSettlement"):
        with pytest.raises(ValueError, match=rf"{kind} has no 'reference': .* run the study again"):
            from_record({**old, "kind": kind})


def test_messages_do_not_change() -> None:
    offer = Response(sender="a", receiver="b", own_cost=2.0)
    with pytest.raises(AttributeError):
        offer.own_cost = 3.0  # type: ignore[misc]
    assert Settlement(sender="a", receiver="b", amount=2.0).amount == 2.0
