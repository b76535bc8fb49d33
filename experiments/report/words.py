"""What a reader should see first: the headline and the KPIs, before and after."""

from collections.abc import Iterable
from dataclasses import dataclass

from equigrid.experiments.result import CaseResult, Kpi, Result

_NAMES = {
    "max_ramp_up_mw_per_h": "Largest ramp up",
    "max_ramp_down_mw_per_h": "Largest ramp down",
    "disco_profit": "Profit of the Disco",
    "profit_forgone": "Profit forgone",
    "wholesale_energy_mwh": "Wholesale energy",
    "ramp_penalty": "Ramp penalty",
    "disco_dg_energy_mwh": "Energy of the Disco's generators",
    "interrupted_energy_mwh": "Energy interrupted",
    "microgrid_import_mwh": "Imports of the microgrids",
    "microgrid_der_energy_mwh": "Microgrids' own energy",
}
_TILES = (
    "max_ramp_up_mw_per_h",
    "max_ramp_down_mw_per_h",
    "disco_profit",
    "wholesale_energy_mwh",
    "disco_dg_energy_mwh",
    "interrupted_energy_mwh",
    "microgrid_import_mwh",
    "ramp_penalty",
)
_NO_CHANGE = "±0 %"


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


def kpi_name(key: str) -> str:
    """Return a KPI's name as a reader says it.

    >>> kpi_name("max_ramp_up_mw_per_h"), kpi_name("microgrid_cost.mg1")
    ('Largest ramp up', 'Cost of mg1')
    """
    if key.startswith("microgrid_cost."):
        return f"Cost of {key.partition('.')[2]}"
    return _NAMES.get(key, key.replace("_", " ").capitalize())


def figure(value: float) -> str:
    """Write a number with as many digits as a reader needs.

    >>> figure(12345.6), figure(-0.104), figure(0.00321), figure(151.26), figure(0)
    ('12,346', '−0.10', '0.0032', '151.3', '0.00')
    """
    size = abs(value)
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
    if abs(after - before) <= 1e-9 * max(abs(before), abs(after), 1.0):
        return _NO_CHANGE
    if before == 0:
        return "from 0"
    share = (after - before) / abs(before)
    if share >= 10:
        return f"×{after / before:.0f}" if before > 0 else "risen"
    digits = 1 if abs(share) < 0.095 else 0
    return f"{100 * share:+.{digits}f} %".replace("-", "−")


def _amount(kpi: Kpi) -> str:
    # A figure and its unit stay on one line.
    return f"{figure(kpi.value)}\N{NO-BREAK SPACE}{kpi.unit}"


def headline(result: Result) -> str:
    """Say in a sentence what the last case changed against the first."""
    before, after = result.cases[0], result.cases[-1]
    key = "max_ramp_up_mw_per_h"
    if key not in before.kpis or key not in after.kpis:
        return result.title
    if len(result.cases) == 1:
        return f"The largest ramp up is {_amount(after.kpis[key])}{_profit(after)}."
    old, new = before.kpis[key].value, after.kpis[key]
    moved = change(old, new.value)
    if moved == _NO_CHANGE:
        return f"The largest ramp up stays at {_amount(new)}{_price_of_it(after)}."
    verb = "falls" if new.value < old else "rises"
    span = f"{verb} from {figure(old)} to {_amount(new)} ({moved})"
    return f"The largest ramp up {span}{_price_of_it(after)}."


def _profit(case: CaseResult) -> str:
    profit = case.kpis.get("disco_profit")
    return f", at a profit of {_amount(profit)}" if profit else ""


def _price_of_it(case: CaseResult) -> str:
    forgone = case.kpis.get("profit_forgone")
    if forgone is None:
        return ""
    if forgone.value < 0:
        return f", with {_amount(Kpi(-forgone.value, forgone.unit))} more profit"
    return f", for {_amount(forgone)} of profit forgone"


def tiles(result: Result) -> list[Tile]:
    """Return the KPIs worth seeing first."""
    return [_tile(result.cases, key) for key in _TILES if any(key in c.kpis for c in result.cases)]


def _tile(cases: Iterable[CaseResult], key: str) -> Tile:
    having = [case for case in cases if key in case.kpis]
    values = [case.kpis[key].value for case in having]
    longest = max(abs(value) for value in values) or 1.0
    bars = tuple(
        Bar(case.name, figure(value), round(100 * abs(value) / longest, 1))
        for case, value in zip(having, values, strict=True)
    )
    moved = change(values[0], values[-1]) if len(values) > 1 else ""
    return Tile(kpi_name(key), having[0].kpis[key].unit, moved, bars)


def kpi_rows(result: Result) -> list[list[str]]:
    """Return all KPIs: name, unit, a value for each case, and the change if there are several."""
    names = dict.fromkeys(name for case in result.cases for name in case.kpis)
    return [_kpi_row(result.cases, name) for name in names]


def _kpi_row(cases: tuple[CaseResult, ...], name: str) -> list[str]:
    found = [case.kpis.get(name) for case in cases]
    unit = next(kpi.unit for kpi in found if kpi is not None)
    row = [kpi_name(name), unit, *("–" if kpi is None else figure(kpi.value) for kpi in found)]
    if len(cases) > 1:
        first, last = found[0], found[-1]
        row.append(change(first.value, last.value) if first and last else "–")
    return row
