"""Checks of the tables of a network against each other; every function returns findings."""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from equigrid.grid.network.tables import row_label

Tables = Mapping[str, pd.DataFrame]


def findings(tables: Tables) -> list[str]:
    """Return everything wrong with a network's tables, one sentence each.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        All tables of :data:`equigrid.grid.network.tables.SCHEMAS`, each row readable by itself.
    """
    checks = (
        doubled,
        unknown_buses,
        impossible_branches,
        impossible_switches,
        impossible_loads,
        sourceless,
    )
    return [sentence for check in checks for sentence in check(tables)]


def doubled(tables: Tables) -> Iterator[str]:
    """Find buses, names and pandapower indices that occur more than once."""
    branch_names = [*tables["lines"]["name"], *tables["transformers"]["name"]]
    for what, values in (
        ("bus number", tables["buses"]["bus"]),
        ("bus name", tables["buses"]["name"]),
        ("branch name", branch_names),
        ("line element", tables["lines"]["element"]),
        ("transformer element", tables["transformers"]["element"]),
    ):
        for value in _repeated(values):
            yield f"The {what} {value!r} occurs more than once: each must be unique, rename one."


def _repeated(values: Iterable[object]) -> list[object]:
    series = pd.Series(list(values), dtype=object)
    return list(series[series.duplicated()].unique())


def unknown_buses(tables: Tables) -> Iterator[str]:
    """Find rows that stand at a bus that does not exist."""
    known = set(tables["buses"]["bus"])
    for table, frame in tables.items():
        for column in ("from_bus", "to_bus", "bus"):
            if table == "buses" or column not in frame:
                continue
            for number, row in _rows(frame[~frame[column].isin(known)]):
                yield (
                    f"{row_label(table, number, row)}: {column} {row[column]} is not among the "
                    f"buses; correct the number or add the bus."
                )


def impossible_branches(tables: Tables) -> Iterator[str]:
    """Find branches without impedance, from a bus to itself, or with too much resistance."""
    for table in ("lines", "transformers", "bus_switches"):
        frame = tables[table]
        for number, row in _rows(frame[frame["from_bus"] == frame["to_bus"]]):
            yield (
                f"{row_label(table, number, row)} leads from bus {row['from_bus']} to itself: "
                f"correct one end or leave it out."
            )
    lines, transformers = tables["lines"], tables["transformers"]
    for number, row in _rows(lines[(lines["r_ohm"] == 0) & (lines["x_ohm"] == 0)]):
        yield (
            f"{row_label('lines', number, row)} has no impedance: give r_ohm and x_ohm, or make "
            f"it a bus switch, which joins its buses."
        )
    for number, row in _rows(
        transformers[transformers["vkr_percent"] > transformers["vk_percent"]]
    ):
        yield (
            f"{row_label('transformers', number, row)}: vkr_percent {row['vkr_percent']} exceeds "
            f"vk_percent {row['vk_percent']}; the resistive part cannot be larger than the whole."
        )


def impossible_switches(tables: Tables) -> Iterator[str]:
    """Find bus switches between nominal voltages: joined buses have one base."""
    switches = tables["bus_switches"]
    nominal_kv = tables["buses"].drop_duplicates("bus").set_index("bus")["vn_kv"]
    ends_kv = [switches[end].map(nominal_kv) for end in ("from_bus", "to_bus")]
    for number, row in _rows(switches[ends_kv[0].sub(ends_kv[1]).abs() > 0]):
        one, other = (nominal_kv[row[end]] for end in ("from_bus", "to_bus"))
        yield (
            f"{row_label('bus_switches', number, row)} joins bus {row['from_bus']} with {one:g} kV "
            f"and bus {row['to_bus']} with {other:g} kV: correct vn_kv of one, or use a "
            f"transformer."
        )


def voltage_dependent(tables: Tables) -> Iterator[str]:
    """Find loads in service that depend on the voltage, for what takes all as constant power."""
    loads, shares = tables["loads"], [f"const_{k}_{p}_percent" for k in "zi" for p in "pq"]
    dependent = loads["in_service"] & (loads[shares] > 0).any(axis=1)
    for number, row in _rows(loads[dependent]):
        named = ", ".join(f"{share} {row[share]:g}" for share in shares if row[share])
        yield (
            f"{row_label('loads', number, row)} depends on the voltage ({named}), and loads are "
            f"taken as constant power here: set these to 0."
        )


def impossible_loads(tables: Tables) -> Iterator[str]:
    """Find loads whose constant-impedance and constant-current shares exceed the whole."""
    loads = tables["loads"]
    for power in "pq":
        share = loads[f"const_z_{power}_percent"] + loads[f"const_i_{power}_percent"]
        for number, row in _rows(loads[share > 100]):
            yield (
                f"{row_label('loads', number, row)}: const_z_{power}_percent and "
                f"const_i_{power}_percent exceed 100 together; lower one."
            )


def sourceless(tables: Tables) -> Iterator[str]:
    """Find a network that nothing feeds."""
    if not tables["sources"]["in_service"].any():
        yield "The network has no source in service: add one to sources (bus, vm_pu, va_degree)."


def _rows(frame: pd.DataFrame) -> Iterator[tuple[int, dict[str, object]]]:
    for number, row in frame.iterrows():
        yield int(number), {str(key): value for key, value in row.items()}
