"""What one part of a study of paper E says about another: kinds, references, buses."""

from collections.abc import Iterator

from equigrid.experiments.checks import Problem, doubled, kinds, references, unknown_buses
from equigrid.experiments.findings import Document
from equigrid.grid.network.network import Network

# Each kind that must be there once, and who refers to it by which field.
_ONCE = ("iso", "customers", "ders-manager", "disco")
_REFERENCES = (
    ("disco", "buys_from", "iso"),
    ("disco", "dispatches", "ders-manager"),
    ("disco", "serves", "customers"),
    ("microgrid", "buys_from", "disco"),
)
_UNITS = tuple(("agents", "*", units, "*") for units in ("generators", "photovoltaics"))


def problems(document: Document, network: Network | None) -> Iterator[Problem]:
    """Yield every problem between parts of a study: place, message, guilty value."""
    yield from doubled(document, [(*unit, "name") for unit in _UNITS])
    yield from kinds(document, _ONCE, ["microgrid"])
    yield from references(document, _REFERENCES)
    if network is not None:
        buses = [("agents", "*", "bus"), *((*unit, "bus") for unit in _UNITS)]
        yield from unknown_buses(document, network, buses)
