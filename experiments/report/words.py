"""What a reader should see first, in words: the KPIs, before and after."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.strict import in_words
from equigrid.experiments.world.kpi import Kpi

_UNIT = re.compile(r"(?<=[a-z])_(?:mwh|mw|mvar|kwh|kw|pu|percent|ka|per_mwh|mw_per_h)$")
_DUST = 1e-12  # what solvers leave of a zero
NO_CHANGE = "±0 %"
"""What `change` says of none."""


@dataclass(frozen=True)
class Bar:
    """One case in a tile: its value, and its length in percent of the longest."""

    case: str
    text: str
    percent: float


@dataclass(frozen=True)
class Tile:
    """One KPI over the cases.

    Attributes
    ----------
    name, unit : str
    change : str
        From the first case to the last, as a signed share; empty with a single case.
    bars : tuple of Bar
    """

    name: str
    unit: str
    change: str
    bars: tuple[Bar, ...]


def kpi_name(key: str, names: Mapping[str, str]) -> str:
    """Return a KPI's name as a reader says it.

    >>> names = {"ramp_penalty": "Penalty for ramps", "microgrid_cost.": "Cost of"}
    >>> [kpi_name(key, names) for key in ("ramp_penalty", "microgrid_cost.mg1", "energy_mwh")]
    ['Penalty for ramps', 'Cost of mg1', 'Energy']
    """
    kind, dot, party = key.partition(".")
    if dot and kind + dot in names:
        return f"{names[kind + dot]} {party}"
    # The unit stands beside; a name that nobody gave need not say it again.
    return names.get(key, _UNIT.sub("", key).replace("_", " ").capitalize())


def figure(value: float) -> str:
    """Write a number with as many digits as a reader needs.

    >>> figure(12345.6), figure(-0.104), figure(0.00321), figure(151.26), figure(4e-16)
    ('12,346', '−0.10', '0.0032', '151.3', '0.00')
    >>> figure(float("nan"))
    'not a number'
    """
    if not math.isfinite(value):
        return in_words(value)
    size = abs(value) if abs(value) > _DUST else 0.0
    value = value if size else 0.0
    if 0 < size < 0.01:
        text = f"{value:.2g}"
    else:
        text = f"{value:,.{0 if size >= 1000 else 1 if size >= 100 else 2}f}"
    return text.replace("-", "−")


def change(before: float, after: float) -> str:
    """Return the change in percent of what was before; in words where there is no percentage.

    >>> change(0.8, 0.1), change(0, 2), change(5, 5), change(1, 100)
    ('−88 %', 'from 0', '±0 %', '×100')
    """
    if not math.isfinite(before) or not math.isfinite(after):
        return "–"
    if abs(after - before) <= 1e-9 * max(abs(before), abs(after), 1.0):
        return NO_CHANGE
    if before == 0:
        return "from 0"
    share = (after - before) / abs(before)
    if share >= 10:
        return f"×{after / before:.0f}" if before > 0 else "risen"
    digits = 1 if abs(share) < 0.095 else 0
    return f"{100 * share:+.{digits}f} %".replace("-", "−")


def amount(kpi: Kpi) -> str:
    """Write a KPI with its unit, which stays on the same line."""
    return f"{figure(kpi.value)}\N{NO-BREAK SPACE}{kpi.unit}"


def tiles(result: Result) -> list[Tile]:
    """Return the KPIs worth seeing first."""
    kind = result.content
    seen = [key for key in kind.tiles if any(key in case.kpis for case in result.cases)]
    return [_tile(result.cases, key, kpi_name(key, kind.kpi_names)) for key in seen]


def _tile(cases: Iterable[CaseResult], key: str, name: str) -> Tile:
    having = [case for case in cases if key in case.kpis]
    values = [case.kpis[key].value for case in having]
    lengths = [abs(value) if math.isfinite(value) else 0.0 for value in values]
    longest = max(lengths) or 1.0
    bars = tuple(
        Bar(case.name, figure(value), round(100 * length / longest, 1))
        for case, value, length in zip(having, values, lengths, strict=True)
    )
    moved = change(values[0], values[-1]) if len(values) > 1 else ""
    return Tile(name, having[0].kpis[key].unit, moved, bars)


def kpi_rows(result: Result) -> list[list[str]]:
    """Return all KPIs: name, unit, a value for each case, and the change if there are several."""
    keys = dict.fromkeys(key for case in result.cases for key in case.kpis)
    names = result.content.kpi_names
    return [_kpi_row(result.cases, key, kpi_name(key, names)) for key in keys]


def _kpi_row(cases: tuple[CaseResult, ...], key: str, name: str) -> list[str]:
    kpis = [case.kpis.get(key) for case in cases]
    unit = next(kpi.unit for kpi in kpis if kpi is not None)
    row = [name, unit, *("–" if kpi is None else figure(kpi.value) for kpi in kpis)]
    if len(cases) > 1:
        first, last = kpis[0], kpis[-1]
        row.append(change(first.value, last.value) if first and last else "–")
    return row


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers that follow each other in one list each.

    >>> runs([1, 2, 3, 7, 9, 10])
    [[1, 2, 3], [7], [9, 10]]
    """
    return [
        [number for _, number in run]
        for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    ]


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers as ranges.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1–3, 7, 9–10'
    """
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs(numbers)
    )
