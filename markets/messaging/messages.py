"""Messages: the closed list of what parties may say.

`Signal` and `Response` are the rounds of a method, `FinalSignal`, `Schedule` and `Settlement` what
they come to. Kinds whose names begin with ``Flex`` are those of UFTP, the protocol of USEF by which
grid operators buy flexibility from aggregators; they belong to flexibility markets.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from equigrid.markets.messaging.rejection_reasons import RejectionReason, rejection_reasons


@dataclass(frozen=True, kw_only=True)
class Message:
    """What every message carries; the mailroom stamps ``seq``, ``minute``, ``case`` and ``fault``.

    Attributes
    ----------
    sender, receiver : str
        Names of parties.
    stage : str
        Stage of the study's timetable.
    round : int
        Round within a bargaining, 0 outside.
    seq : int
        Place in the log.
    minute : int
        Time on the clock.
    case : str
        Case of the study, empty outside a study.
    fault : str
        What happened on the way, such as ``lost`` or ``late 1, doubled``; empty when nothing did.
        In the record of a message it is left out then.
    """

    kind: ClassVar[str]
    # Whether it belongs to a bargaining under way, where the mailroom's faults strike.
    bargaining: ClassVar[bool] = False
    sender: str
    receiver: str
    stage: str = ""
    round: int = 0
    seq: int = -1
    minute: int = -1
    case: str = ""
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class _Values(Message):
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold plain numbers and lists, so that a message is what its log line says."""
        plain = {name: np.asarray(value).tolist() for name, value in self.values.items()}
        object.__setattr__(self, "values", plain)


class Announcement(_Values):
    """Data that a party publishes before anybody decides: a market price, bids, a tariff."""

    kind = "Announcement"


class Signal(_Values):
    """A price (or another signal) that is put up for best responses, in a round of a method."""

    kind = "Signal"
    bargaining = True


@dataclass(frozen=True, kw_only=True)
class Response(_Values):
    """A best response to what was heard, in a round of a method.

    Attributes
    ----------
    values : Mapping of str to number or list
        What the method needs of it, such as quantities.
    own_cost : float, optional
        What the response costs its sender before payments, where the method needs to know: a
        leader that negotiates does. Else None, and left out of the record.
    """

    kind = "Response"
    bargaining = True
    own_cost: float | None = None


class FinalSignal(_Values):
    """The final signal of a bargaining, binding for both sides."""

    kind = "FinalSignal"


class Schedule(_Values):
    """What a party will do: its final quantities."""

    kind = "Schedule"


@dataclass(frozen=True, kw_only=True)
class Settlement(Message):
    """Money that the sender owes the receiver."""

    kind = "Settlement"
    payment: str = ""
    amount: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Flex(_Values):
    """What all messages of a flexibility market carry."""

    reference: int = -1


class FlexRequest(_Flex):
    """What a grid operator asks of aggregators at a congestion point.

    Attributes
    ----------
    values : Mapping of str to number or list
        Where, and the least and most power of each step.
    reference : int
        -1: it begins a conversation.
    """

    kind = "FlexRequest"


class FlexOffer(_Flex):
    """What an aggregator would deliver, and at what price; no order without it.

    Attributes
    ----------
    values : Mapping of str to number or list
        Power of each step, and the price.
    reference : int
        ``seq`` of the `FlexRequest` that it answers; -1 for an offer that nobody asked for.
    """

    kind = "FlexOffer"


@dataclass(frozen=True, kw_only=True)
class FlexOfferResponse(_Flex):
    """Whether an offer is taken into account; an order is another thing.

    Attributes
    ----------
    reasons : tuple of RejectionReason
        Why the offer is rejected; empty when it is accepted. Their texts will do as well.
    values : Mapping of str to number or list
        Figures that the reasons rest on, such as a price cap.
    reference : int
        ``seq`` of the `FlexOffer`.

    Raises
    ------
    ValueError
        When a reason is none of the closed list.

    Examples
    --------
    >>> late = FlexOfferResponse(
    ...     sender="dso", receiver="lots", reference=4, reasons=["reference-expired"]
    ... )
    >>> late.accepted, late.reasons[0].name
    (False, 'REFERENCE_EXPIRED')
    """

    kind = "FlexOfferResponse"
    reasons: tuple[RejectionReason, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a reason that is none."""
        super().__post_init__()
        object.__setattr__(self, "reasons", rejection_reasons(self.reasons))

    @property
    def accepted(self) -> bool:
        """Whether the offer is accepted."""
        return not self.reasons


class FlexOrder(_Flex):
    """What a grid operator orders of an offer, binding for both sides.

    Attributes
    ----------
    values : Mapping of str to number or list
        Power of each step, and the price.
    reference : int
        ``seq`` of the `FlexOffer`.
    """

    kind = "FlexOrder"


@dataclass(frozen=True, kw_only=True)
class FlexSettlement(_Flex):
    """Money that the sender owes the receiver for an order, once it is known what was delivered.

    Attributes
    ----------
    payment : str
        Its name.
    amount : float
        Price less penalty.
    values : Mapping of str to number or list
        Power of each step: baseline, ordered, actual, delivered.
    reference : int
        ``seq`` of the `FlexOrder`.
    """

    kind = "FlexSettlement"
    payment: str = ""
    amount: float = 0.0


KINDS: Mapping[str, type[Message]] = {
    kind.kind: kind
    for kind in (
        Announcement,
        Signal,
        Response,
        FinalSignal,
        Schedule,
        Settlement,
        FlexRequest,
        FlexOffer,
        FlexOfferResponse,
        FlexOrder,
        FlexSettlement,
    )
}
# What a record leaves out when there is nothing to tell.
_NOTHING: Mapping[str, Any] = {"fault": "", "own_cost": None}


def to_record(message: Message) -> dict[str, Any]:
    """Return a message as plain data with its kind."""
    told = {n: v for n, v in asdict(message).items() if n not in _NOTHING or v != _NOTHING[n]}
    return {"kind": message.kind, **told}


def from_record(record: Mapping[str, Any]) -> Message:
    """Return the message that a record holds.

    Raises
    ------
    ValueError
        When the record is no message of the closed list, or of a log of before its kinds were named
        as they are.
    """
    fields = dict(record)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"unknown message kind {kind!r}; known are {', '.join(KINDS)}")
    if issubclass(KINDS[kind], _Flex) and "reference" not in fields:
        raise ValueError(
            f"{kind} has no 'reference': the log is of an older equigrid, which used UFTP's names "
            "for the rounds of any method; run the study again"
        )
    try:
        return KINDS[kind](**fields)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"message of kind {kind} has wrong fields: {error}") from error
