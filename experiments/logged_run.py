"""One case as its messages tell it, for replays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.messaging.message_log import LogEntry, RoundDigest
from equigrid.markets.messaging.messages import (
    Announcement,
    FinalSignal,
    Message,
    Schedule,
    Settlement,
)

_CLOSE = 1e-6


class LoggedRun:
    """One case, as its messages tell it.

    Attributes
    ----------
    messages : list of Message
        Of the case.
    left_out : list of RoundDigest
        Rounds of which the log holds digests only: nothing of them can be compared.
    stage, leader : str
        Of the last final signal: the final stage, and who sent it; empty without one.
    final : list of Message
        Of the final stage.
    step_hours : float
        Length of a step.
    """

    def __init__(self, entries: Sequence[LogEntry], step_hours: float = 1.0) -> None:
        self.step_hours = step_hours
        self.messages = [entry for entry in entries if isinstance(entry, Message)]
        self.left_out = [entry for entry in entries if isinstance(entry, RoundDigest)]
        signals = [message for message in self.messages if isinstance(message, FinalSignal)]
        self.stage = signals[-1].stage if signals else ""
        self.leader = signals[-1].sender if signals else ""
        self.final = [message for message in self.messages if message.stage == self.stage]

    def bills(self) -> list[Settlement]:
        """Return the final bills."""
        return [message for message in self.final if isinstance(message, Settlement)]

    def owed(self) -> dict[tuple[str, str, str, str], float]:
        """Return all amounts by stage, payment, payer and payee; several of one are added up."""
        amounts: dict[tuple[str, str, str, str], float] = {}
        for bill in self.messages:
            if isinstance(bill, Settlement):
                key = (bill.stage, bill.payment, bill.sender, bill.receiver)
                amounts[key] = amounts.get(key, 0.0) + bill.amount
        return amounts

    def settlement(self) -> dict[str, float]:
        """Return the final amounts by payment."""
        return {bill.payment: bill.amount for bill in self.bills()}

    def schedules(self) -> dict[tuple[str, str], FloatArray]:
        """Return the final quantities by sender and name."""
        return {
            (message.sender, name): np.asarray(value, dtype=float)
            for message in self.final
            if isinstance(message, Schedule)
            for name, value in message.values.items()
        }

    def announced(self) -> dict[str, FloatArray]:
        """Return what was published by name; a ramp has one hour less than the day."""
        return {
            name: np.atleast_1d(np.asarray(value, dtype=float))
            for message in self.messages
            if isinstance(message, Announcement)
            for name, value in message.values.items()
        }


def close(one: Any, other: Any) -> bool:
    """Whether two figures or series are of one shape and as good as equal."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE))
