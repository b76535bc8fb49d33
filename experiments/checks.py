"""What one part of any study file says about another: names, order, switches.

What a system has to ask of its own parties is made of `doubled`, `kinds`, `references` and
`unknown_buses`.

Everything works on the document as read, so that a misspelt bus is told together with a negative
capacity elsewhere.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from equigrid.errors import NetworkError
from equigrid.experiments.findings import Document, Loc, suggestion
from equigrid.grid.linear.radial import uncovered
from equigrid.grid.network.checks import voltage_dependent
from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network

Problem = tuple[Loc, str, object]
Pattern = tuple[str, ...]  # as `Document.find` takes it

_NAMED_LISTS = (
    ("agents", "*", "name"),
    ("cases", "*", "name"),
    ("stages", "*", "name"),
    ("messages", "silent", "*", "name"),
)


def study_problems(document: Document) -> Iterator[Problem]:
    """Yield every problem between parts that all studies have: place, message, guilty value."""
    yield from doubled(document, _NAMED_LISTS)
    yield from _silent(document)
    yield from _linearised_case(document)
    yield from _stage_order(document)


def doubled(document: Document, patterns: Iterable[Pattern]) -> Iterator[Problem]:
    """Yield every name that stands twice among the places of one pattern."""
    for pattern in patterns:
        first: dict[object, Loc] = {}
        for loc, name in document.find(*pattern):
            if first.setdefault(name, loc) != loc:
                line = document.line(first[name])
                yield loc, f"the name is taken already in line {line}; rename one", name


def kinds(document: Document, once: Iterable[str], some: Iterable[str]) -> Iterator[Problem]:
    """Yield the kinds of agents that are not there once, or not at all."""
    collected = [agent.get("kind") for _, agent in _agents(document)]
    if not collected:
        return
    for kind in once:
        if collected.count(kind) != 1:
            yield ("agents",), f"needs exactly one agent of kind {kind}", collected.count(kind)
    for kind in some:
        if kind not in collected:
            yield ("agents",), f"needs at least one agent of kind {kind}", None


def references(document: Document, wanted: Iterable[tuple[str, str, str]]) -> Iterator[Problem]:
    """Yield every agent that names nobody of the kind it has to.

    Parameters
    ----------
    document : Document
    wanted : iterable of (str, str, str)
        Kind of the agent, its field, and the kind that the field must name.
    """
    agents = _agents(document)
    for kind, field, other in wanted:
        known = [str(a.get("name")) for _, a in agents if a.get("kind") == other]
        for k, agent in agents:
            name = agent.get(field)
            if agent.get("kind") == kind and isinstance(name, str) and name not in known:
                hint = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
                yield ("agents", k, field), f"must name an agent of kind {other}{hint}", name


def unknown_buses(
    document: Document, network: Network, patterns: Iterable[Pattern]
) -> Iterator[Problem]:
    """Yield every bus at the places of the patterns that the feeder does not have."""
    known = set(network.buses.index)
    for pattern in patterns:
        for loc, bus in document.find(*pattern):
            if isinstance(bus, int) and not isinstance(bus, bool) and bus not in known:
                yield loc, f"no bus of the feeder has this number ({_span(network)})", bus


def _span(network: Network) -> str:
    return f"it has {min(network.buses.index)} to {max(network.buses.index)}"


def _agents(document: Document) -> list[tuple[int, dict[str, Any]]]:
    agents = document.data.get("agents")
    listed = agents if isinstance(agents, list) else []
    return [(k, agent) for k, agent in enumerate(listed) if isinstance(agent, dict)]


def _silent(document: Document) -> Iterator[Problem]:
    known = [str(agent.get("name")) for _, agent in _agents(document)]
    for loc, name in document.find("messages", "silent", "*", "name"):
        if name not in known:
            hint = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
            yield loc, f"no agent of the study has this name{hint}", name


def _linearised_case(document: Document) -> Iterator[Problem]:
    known = [str(name) for _, name in document.find("cases", "*", "name")]
    for loc, name in document.find("network", "linearisation", "case"):
        if name not in known:
            hint = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
            yield loc, f"no case of the study has this name{hint}", name


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
        network = feeder(name, Path(document.file).parent)
    except NetworkError as error:
        return None, [(("network", "feeder"), finding, name) for finding in error.findings]
    problems = list(_unknown_branches(document, network))
    if problems:
        return network, problems
    switched = {str(b): False for _, b in document.find("network", "open_branches", "*")}
    switched |= {str(b): True for _, b in document.find("network", "closed_branches", "*")}
    network = network.with_closed(switched) if switched else network
    network, result = _rated(document, network)
    if result:
        return network, result
    return network, list(_unusable(network))


def _unusable(network: Network) -> Iterator[Problem]:
    """Yield what keeps a study from running on a feeder: each system has a linear network of it."""
    for loop in network.radial_findings():
        yield ("network",), f"the feeder is not radial: {loop}", None
    for finding in [*uncovered(network), *voltage_dependent(network.tables)]:
        yield ("network", "feeder"), finding, None


def _rated(document: Document, network: Network) -> tuple[Network, list[Problem]]:
    """Return the network with the ratings of the study, and what is wrong with them."""
    said = document.data["network"].get("ratings_ka")
    named = said.items() if isinstance(said, dict) else ()
    ratings = {str(n): float(v) for n, v in named if isinstance(v, int | float) and v > 0}
    try:
        return (network.with_ratings(ratings) if ratings else network), []
    except NetworkError as error:
        return network, [(("network", "ratings_ka"), finding, None) for finding in error.findings]


def _unknown_branches(document: Document, network: Network) -> Iterator[Problem]:
    known = [str(name) for name in network.branches["name"]]
    named: dict[object, Loc] = {}
    for field in ("open_branches", "closed_branches"):
        for loc, name in document.find("network", field, "*"):
            if name not in known:
                yield loc, f"no branch of the feeder has this name{suggestion(name, known)}", name
            elif named.setdefault(name, loc) != loc:
                yield loc, "the branch is named already; name it once", name
