"""What the verbs of a day are given, checked: sentences in place of what a library would say."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.messages import Message


def one_number(value: Any, what: str) -> float:
    """Return a plain number, which may be NaN.

    Raises
    ------
    ValueError
        When it is text, an array of several, or nothing.
    """
    if isinstance(value, str | bytes | bool) or np.size(value) != 1:
        shape = "" if isinstance(value, str) else f" of shape {np.shape(value)}"
        raise ValueError(f"{what} must be one number (got {type(value).__name__}{shape})")
    try:
        return float(np.ravel(value)[0])
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be one number (got {value!r})") from None


def whole_minute(minute: Any) -> None:
    """Refuse what is no minute of a clock that counts whole ones."""
    if isinstance(minute, bool) or not isinstance(minute, Integral):
        raise ValueError(f"minute of world.at must be a whole number (got {minute!r})")


def refuse_no_game(game: Any, method: Any) -> None:
    """Refuse what cannot be played, or by what nothing can."""
    if not isinstance(game, Game):
        raise TypeError(f"world.play takes an eg.Game (got {type(game).__name__})")
    if isinstance(method, type) or not hasattr(method, "play"):
        name = method.__name__ if isinstance(method, type) else repr(method)
        raise TypeError(f"world.play takes a method that is made, such as eg.Exact() (got {name})")


def refuse_no_message(message: Any) -> None:
    """Refuse what is no message."""
    if not isinstance(message, Message):
        raise TypeError(f"world.post takes a message, such as eg.Announcement (got {message!r})")


def refuse_no_slice(implement: Any) -> None:
    """Refuse what is no part of a schedule."""
    if implement is not None and not isinstance(implement, slice):
        raise TypeError(f"implement must be a slice, such as slice(0, 1) (got {implement!r})")


def finite_values(sender: Any, receiver: Any, values: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return what is announced as arrays of finite numbers, between parties that have names."""
    for what, party in (("sender", sender), ("receiver", receiver)):
        if not isinstance(party, str) or not party.strip():
            raise ValueError(f"an announcement needs a {what} (got {party!r})")
    told = {}
    for name, value in values.items():
        try:
            told[name] = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"'{name}' that '{sender}' announces is no number") from None
        if not np.isfinite(told[name]).all():
            raise ValueError(f"'{name}' that '{sender}' announces is no finite number")
    return told
