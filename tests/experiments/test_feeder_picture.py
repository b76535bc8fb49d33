"""The feeder's picture: every unit of a bus is seen, none on another, buses with their names."""

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import equigrid as eg
from equigrid.experiments.feeder_places import feeder_places
from equigrid.experiments.report.figures_feeder import feeder

COLUMNS = ["name", "kind", "bus", "power_max_mw"]
# A stack at bus 10 that would reach the lateral above it, were rows equally far apart.
UNITS = [(f"unit {k}", kind, 10, 1.0) for k, kind in enumerate(["microgrid", "generator"] * 4)]


def _axes(network: eg.Network, units: list[Any]) -> Axes:
    places = pd.DataFrame([*feeder_places(network, "iso", 5.0), *units], columns=COLUMNS)
    result: Any = SimpleNamespace(feeder=network, tables={"places": places})
    return feeder(result).axes[0]


def _marks(axes: Axes) -> list[tuple[float, float]]:
    """Return where units and buses are drawn, in inches."""
    lines = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    points = np.concatenate([line.get_xydata() for line in lines])
    return [(float(x), float(y)) for x, y in points]


def test_no_unit_and_no_bus_stands_on_another() -> None:
    marks = _marks(_axes(eg.feeder("baran-wu-33"), UNITS))
    assert len(marks) == 33 + 1 + len(UNITS)
    apart = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in combinations(marks, 2)]
    assert min(apart) > 0.2


def test_all_units_are_named() -> None:
    texts = {text.get_text() for text in _axes(eg.feeder("baran-wu-33"), UNITS).texts}
    assert {name for name, *_ in UNITS} <= texts


def test_buses_have_their_names_where_they_have_some(own: SimpleNamespace) -> None:
    network = eg.Network.from_pandapower(own.net())
    texts = {text.get_text() for text in _axes(network, []).texts}
    assert {f"station {bus}" for bus in range(5)} | {"hydro", "iso"} <= texts
    numbered = {text.get_text() for text in _axes(eg.feeder("baran-wu-33"), []).texts}
    assert numbered == {str(bus) for bus in range(1, 34)} | {"iso"}


@pytest.mark.parametrize("length", [8, 40])
def test_long_names_keep_what_tells_them_apart(length: int, own: SimpleNamespace) -> None:
    tables = own.tables()
    for bus in tables["buses"]:
        bus["name"] = "Umspannwerk".ljust(length, "x") + str(bus["bus"])
    texts = [text.get_text() for text in _axes(eg.Network("own", tables), []).texts]
    assert len([text for text in texts if text.startswith("Ums")]) == 5
    assert len(set(texts)) == len(texts)
