"""Plain data that strict JSON holds: what is no finite number is told in words beside it."""

import math
from collections.abc import Mapping
from typing import Any


def in_words(value: float) -> str:
    """Say what kind of number is not finite.

    >>> in_words(math.inf), in_words(-math.inf), in_words(math.nan)
    ('infinite', 'minus infinity', 'not a number')
    """
    if math.isnan(value):
        return "not a number"
    return "infinite" if value > 0 else "minus infinity"


def strict(data: Any, words: dict[str, str], place: str = "") -> Any:
    """Return data with null for every number that is not finite.

    Parameters
    ----------
    data : nested mappings, sequences, numbers, texts
    words : dict of str to str
        Filled: by place, like ``certificate.regret.mg1``, what stood there.
    place : str
        Where the data stand.

    >>> words = {}
    >>> strict({"gap": math.inf, "regret": {"a": 0.5}}, words), words
    ({'gap': None, 'regret': {'a': 0.5}}, {'gap': 'infinite'})
    """
    if isinstance(data, Mapping):
        return {key: strict(item, words, _below(place, key)) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [strict(item, words, _below(place, at)) for at, item in enumerate(data)]
    if isinstance(data, float) and not math.isfinite(data):
        words[place] = in_words(data)
        return None
    return data


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)
