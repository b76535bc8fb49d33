"""Values by what was said: a mapping that names what is like a key that it does not have."""

from typing import NoReturn

from equigrid.arrays import FloatArray
from equigrid.errors import did_you_mean


class SaidValues(dict[str, FloatArray]):
    """Arrays by ``"agent.quantity"``.

    Examples
    --------
    >>> SaidValues({"bat.import_mw": 1.0})["bat.import"]
    Traceback (most recent call last):
        ...
    KeyError: "nobody says 'bat.import'; did you mean 'bat.import_mw'?"
    """

    def __missing__(self, key: str) -> NoReturn:
        """Name what is like the key."""
        raise KeyError(f"nobody says '{key}'{did_you_mean(str(key), self)}")
