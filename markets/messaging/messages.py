"""Messages: the closed list of what parties may say, with UFTP's names where they exist."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np


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


class FlexRequest(_Values):
    """A price (or another signal) that a leader puts up for answers."""

    kind = "FlexRequest"
    bargaining = True


@dataclass(frozen=True, kw_only=True)
class FlexOffer(_Values):
    """A follower's best answer to a request, and what it costs it before payments."""

    kind = "FlexOffer"
    bargaining = True
    own_cost: float = 0.0


class FlexOrder(_Values):
    """The final signal of a bargaining, binding for both sides."""

    kind = "FlexOrder"


class Schedule(_Values):
    """What a party will do: its final quantities."""

    kind = "Schedule"


@dataclass(frozen=True, kw_only=True)
class FlexSettlement(Message):
    """Money that the sender owes the receiver."""

    kind = "FlexSettlement"
    payment: str = ""
    amount: float = 0.0


KINDS: Mapping[str, type[Message]] = {
    kind.kind: kind
    for kind in (Announcement, FlexRequest, FlexOffer, FlexOrder, Schedule, FlexSettlement)
}


def to_record(message: Message) -> dict[str, Any]:
    """Return a message as plain data with its kind."""
    record = {"kind": message.kind, **asdict(message)}
    if not message.fault:
        del record["fault"]
    return record


def from_record(record: Mapping[str, Any]) -> Message:
    """Return the message that a record holds.

    Raises
    ------
    ValueError
        When the record is no message of the closed list.
    """
    fields = dict(record)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"unknown message kind {kind!r}; known are {', '.join(KINDS)}")
    try:
        return KINDS[kind](**fields)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"message of kind {kind} has wrong fields: {error}") from error
