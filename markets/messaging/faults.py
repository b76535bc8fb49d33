"""Faults of messages, drawn from a seed: lost, late or doubled, and parties that fall silent."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np

from equigrid.markets.messaging.messages import Message


@dataclass(frozen=True)
class Fate:
    """What becomes of one message.

    Attributes
    ----------
    fault : str
        As the log says it, empty when nothing happened to the message.
    delays : tuple of int
        Rounds until each copy arrives; empty when none does.
    """

    fault: str = ""
    delays: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Faults:
    """What may happen to the messages of a bargaining.

    Parameters
    ----------
    loss : float
        Probability that a message never arrives.
    delay_rounds : int
        A message arrives 0 to that many rounds late, each as likely as the others. So one that
        was posted earlier may arrive later.
    duplicate : float
        Probability that a second copy of a message arrives, with a delay of its own.
    silent : Mapping of str to int
        By party, the last round of a bargaining in which it still says something.
    seed : int
        The same seed gives the same faults, whatever the process.

    Raises
    ------
    ValueError
        With a sentence for each field that cannot be used.

    Examples
    --------
    >>> from equigrid.markets.messaging.messages import Response
    >>> faults = Faults(silent={"mg1": 4})
    >>> faults.fate(Response(sender="mg1", receiver="disco", round=5), faults.stream())
    Fate(fault='silent', delays=())
    """

    loss: float = 0.0
    delay_rounds: int = 0
    duplicate: float = 0.0
    silent: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no probability and no number of rounds."""
        findings = list(self._findings())
        if findings:
            raise ValueError("\n".join(findings))
        object.__setattr__(self, "silent", dict(self.silent))

    def _findings(self) -> Iterator[str]:
        for name in ("loss", "duplicate"):
            if not _is_probability(value := getattr(self, name)):
                yield f"{name} of Faults must be a number from 0 to below 1 (got {value!r})"
        for name in ("delay_rounds", "seed"):
            if not _counts(value := getattr(self, name)):
                yield f"{name} of Faults must be a whole number, at least 0 (got {value!r})"
        if not isinstance(self.silent, Mapping):
            yield "silent of Faults must map parties to their last rounds, like {'mg1': 4}"
            return
        for party, last in self.silent.items():
            if not _counts(last):
                yield (
                    f"silent of Faults must give '{party}' a last round, a whole number, "
                    f"at least 0 (got {last!r})"
                )

    def stream(self) -> np.random.Generator:
        """Return the random numbers that fates are drawn from, at their beginning."""
        # The key keeps them apart from whatever else is drawn from the same seed.
        key = tuple(b"messages")
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def fate(self, message: Message, stream: np.random.Generator) -> Fate:
        """Draw what becomes of a message.

        Every message takes four numbers, so that with other probabilities the same seed still
        means the same luck.
        """
        lost, first, doubled, second = (float(number) for number in stream.random(4))
        if message.round > self.silent.get(message.sender, math.inf):
            return Fate("silent", ())
        if lost < self.loss:
            return Fate("lost", ())
        delays = [self._delay(first)]
        words = [_late(delays[0])]
        if doubled < self.duplicate:
            delays.append(self._delay(second))
            words += ["doubled", _late(delays[1])]
        return Fate(", ".join(filter(None, words)), tuple(delays))

    def _delay(self, luck: float) -> int:
        return int(luck * (self.delay_rounds + 1))


def _late(rounds: int) -> str:
    return f"late {rounds}" if rounds else ""


def _is_probability(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 <= float(value) < 1


def _counts(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 0
