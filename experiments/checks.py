"""What one part of a study file says about another: names, references, buses, switches.

Everything works on the document as read, so that a misspelt bus is told together with a negative
capacity elsewhere.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from equigrid.experiments.findings import Document, Loc, suggestion
from equigrid.grid.cases import feeder, list_feeders, read_network
from equigrid.grid.network import Network
from equigrid.grid.tables import NetworkError

Problem = tuple[Loc, str, object]

# Each kind that must be there once, and who refers to it by which field.
_ONCE = ("iso", "customers", "ders-manager", "disco")
_REFERENCES = (
    ("disco", "buys_from", "iso"),
    ("disco", "dispatches", "ders-manager"),
    ("disco", "serves", "customers"),
    ("microgrid", "buys_from", "disco"),
)
_NAMED_LISTS = (
    ("agents", "*", "name"),
    ("cases", "*", "name"),
    ("stages", "*", "name"),
    ("agents", "*", "generators", "*", "name"),
    ("agents", "*", "photovoltaics", "*", "name"),
    ("messages", "silent", "*", "name"),
)


def study_problems(document: Document) -> Iterator[Problem]:
    """Yield every problem between parts of a study: place, message, guilty value."""
    yield from _doubled(document)
    yield from _kinds(document)
    yield from _references(document)
    yield from _silent(document)
    yield from _stage_order(document)
    network, problems = chosen_network(document)
    yield from problems
    if network is not None:
        yield from _buses(document, network)


def _doubled(document: Document) -> Iterator[Problem]:
    for pattern in _NAMED_LISTS:
        first: dict[object, Loc] = {}
        for loc, name in document.find(*pattern):
            if first.setdefault(name, loc) != loc:
                line = document.line(first[name])
                yield loc, f"the name is taken already in line {line}; rename one", name


def _agents(document: Document) -> list[tuple[int, dict[str, Any]]]:
    agents = document.data.get("agents")
    listed = agents if isinstance(agents, list) else []
    return [(k, agent) for k, agent in enumerate(listed) if isinstance(agent, dict)]


def _kinds(document: Document) -> Iterator[Problem]:
    kinds = [agent.get("kind") for _, agent in _agents(document)]
    if not kinds:
        return
    for kind in _ONCE:
        if kinds.count(kind) != 1:
            yield ("agents",), f"needs exactly one agent of kind {kind}", kinds.count(kind)
    if "microgrid" not in kinds:
        yield ("agents",), "needs at least one agent of kind microgrid", None


def _references(document: Document) -> Iterator[Problem]:
    agents = _agents(document)
    for kind, field, wanted in _REFERENCES:
        known = [str(a.get("name")) for _, a in agents if a.get("kind") == wanted]
        for k, agent in agents:
            name = agent.get(field)
            if agent.get("kind") == kind and isinstance(name, str) and name not in known:
                hint = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
                yield ("agents", k, field), f"must name an agent of kind {wanted}{hint}", name


def _silent(document: Document) -> Iterator[Problem]:
    known = [str(agent.get("name")) for _, agent in _agents(document)]
    for loc, name in document.find("messages", "silent", "*", "name"):
        if name not in known:
            hint = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
            yield loc, f"no agent of the study has this name{hint}", name


def _stage_order(document: Document) -> Iterator[Problem]:
    minutes = [(loc, m) for loc, m in document.find("stages", "*", "minute")]
    for (_, before), (loc, minute) in pairwise(minutes):
        if isinstance(before, int) and isinstance(minute, int) and minute <= before:
            yield loc, f"must be later than the stage before it, at {before}", minute
    methods = list(document.find("stages", "*", "method"))
    if methods and methods[-1][1] == "announce":
        yield methods[-1][0], "the last stage must find the answer: exact or best-response", None


def chosen_network(document: Document) -> tuple[Network | None, list[Problem]]:
    """Return the feeder with its switches as the study sets them, and what is wrong with it."""
    choice = document.data.get("network")
    name = choice.get("feeder") if isinstance(choice, dict) else None
    if not isinstance(name, str) or not isinstance(choice, dict):
        return None, []
    try:
        network = _read(document, name)
    except NetworkError as error:
        return None, [(("network", "feeder"), finding, name) for finding in error.findings]
    problems = list(_unknown_branches(document, network))
    if problems:
        return network, problems
    switched = {str(b): False for _, b in document.find("network", "open_branches", "*")}
    switched |= {str(b): True for _, b in document.find("network", "closed_branches", "*")}
    network = network.with_closed(switched) if switched else network
    loops = network.radial_findings()
    return network, [(("network",), f"the feeder is not radial: {loop}", None) for loop in loops]


def _read(document: Document, name: str) -> Network:
    """Read a shipped feeder, or a JSON file beside the study."""
    if name.endswith(".json"):
        return read_network(Path(document.file).parent / name)
    if name not in list_feeders():
        hint = suggestion(name, list_feeders())
        known = ", ".join(list_feeders())
        raise NetworkError(
            [f"no shipped feeder has this name{hint}; use {known} or a path that ends in .json"]
        )
    return feeder(name)


def _unknown_branches(document: Document, network: Network) -> Iterator[Problem]:
    known = [str(name) for name in network.branches["name"]]
    named: dict[object, Loc] = {}
    for field in ("open_branches", "closed_branches"):
        for loc, name in document.find("network", field, "*"):
            if name not in known:
                yield loc, f"no branch of the feeder has this name{suggestion(name, known)}", name
            elif named.setdefault(name, loc) != loc:
                yield loc, "the branch is named already; name it once", name


def _buses(document: Document, network: Network) -> Iterator[Problem]:
    known = set(network.buses.index)
    patterns: list[tuple[str, ...]] = [("agents", "*", "bus")]
    patterns += [("agents", "*", kind, "*", "bus") for kind in ("generators", "photovoltaics")]
    for pattern in patterns:
        for loc, bus in document.find(*pattern):
            if isinstance(bus, int) and not isinstance(bus, bool) and bus not in known:
                yield loc, f"no bus of the feeder has this number ({_span(network)})", bus


def _span(network: Network) -> str:
    return f"it has {min(network.buses.index)} to {max(network.buses.index)}"
