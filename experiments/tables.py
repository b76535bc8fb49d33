"""Putting tables of several cases together."""

from collections.abc import Mapping, Sequence

import pandas as pd


def joined(parts: Sequence[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Stack tables of the same name, in the order of the parts."""
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
