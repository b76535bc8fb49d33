"""Notes on a pandapower net: limits, costs and profiles that no network takes over."""

from collections.abc import Iterator, Mapping

import pandas as pd
from pandapower import pandapowerNet


def notes(net: pandapowerNet) -> tuple[str, ...]:
    """Return a sentence for each statement of the net that is left out, with the remedy.

    None of them changes a power flow. What would change it is refused, see
    :mod:`equigrid.grid.pandapower.importer`.
    """
    return (*_limits(net), *_costs(net), *_profiles(net))


def _limits(net: pandapowerNet) -> Iterator[str]:
    """Yield limits and ranges that pandapower keeps for its own optimal power flow."""
    for table, columns, remedy in _LIMIT_COLUMNS:
        given = [column for column in columns if _is_given(net[table], column)]
        if given:
            yield f"{_of(table)} {' and '.join(given)} {_is(given)} not used: {remedy}."


def _is_given(table: pd.DataFrame, column: str) -> bool:
    """Whether a column has any value, beyond what pandapower fills in by itself."""
    values = table.get(column)
    if values is None:
        return False
    known = values.dropna()
    if column == "controllable":
        return bool(known.astype(bool).any())
    return bool((known != _FILLED.get(column)).any())


_FILLED = {"max_loading_percent": 100.0, "min_vm_pu": 0.0, "max_vm_pu": 2.0}
_RATING = "the rating is 100 percent; write it into max_i_ka or df, or into the study's ratings_ka"
_LIMIT_COLUMNS = (
    ("bus", ("min_vm_pu", "max_vm_pu"), "write limits into voltage_min_pu and voltage_max_pu"),
    ("line", ("max_loading_percent",), _RATING),
    ("trafo", ("max_loading_percent",), "the rating is 100 percent; write it into sn_mva or df"),
    ("switch", ("in_ka",), "switches have no rating; write it into that of a line beside it"),
    (
        "ext_grid",
        ("min_p_mw", "max_p_mw", "min_q_mvar", "max_q_mvar"),
        "write what may be bought into the study, as in purchase_max_mw",
    ),
    (
        "sgen",
        ("controllable",),
        "it feeds in what p_mw says; write what can be dispatched into the study, among its "
        "generators or photovoltaics, and remove it here",
    ),
    (
        "load",
        ("controllable",),
        "it takes what p_mw says; write what can be moved into the study, and remove it here",
    ),
)


def _costs(net: pandapowerNet) -> Iterator[str]:
    for table in ("poly_cost", "pwl_cost"):
        if len(net.get(table, ())):
            yield f"The feeder's {table} is not used: write prices and bids into the study."


def _profiles(net: pandapowerNet) -> Iterator[str]:
    """Yield time series, as SimBench has them beside the tables."""
    profiles = net.get("profiles")
    if isinstance(profiles, Mapping) and any(len(series) for series in profiles.values()):
        named = ", ".join(str(name) for name, series in profiles.items() if len(series))
        yield (
            f"The feeder's profiles ({named}) are not used: write the hours into the study's "
            f"load_profile, generation_profile and demand_mw."
        )


def _of(table: str) -> str:
    nouns = {"bus": "buses", "trafo": "transformers", "switch": "switches"}
    nouns |= {"sgen": "static generators", "ext_grid": "external grids"}
    return f"Of the feeder's {nouns.get(table, table + 's')},"


def _is(columns: list[str]) -> str:
    return "are" if len(columns) > 1 else "is"
