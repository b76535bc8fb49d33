"""What one part of any study file says about another: names, order, who refers to whom.

What a system has to ask of its own parties is made of `kinds` and `references`.

Everything works on the document as read, so that a misspelt name is told together with a negative
capacity elsewhere.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from equigrid.experiments.spec.findings import Document, Loc, Problem, suggestion


def study_problems(document: Document) -> Iterator[Problem]:
    """Yield every problem between parts that all studies have: place, message, guilty value."""
    yield from _doubled_names(document, document.data, ())
    yield from _silent(document)
    yield from _linearised_case(document)
    yield from _stage_order(document)


def _doubled_names(document: Document, data: Any, loc: Loc) -> Iterator[Problem]:
    """Yield every name that two items of one list have."""
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in inner:
        if isinstance(value, dict | list):
            yield from _doubled_names(document, value, (*loc, key))
    first: dict[object, Loc] = {}
    for k, item in enumerate(data if isinstance(data, list) else ()):
        name, place = item.get("name") if isinstance(item, dict) else None, (*loc, k, "name")
        if isinstance(name, str) and first.setdefault(name, place) != place:
            line = document.line(first[name])
            yield place, f"the name is taken already in line {line}; rename one", name


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


def _agents(document: Document) -> list[tuple[int, dict[str, Any]]]:
    agents = document.data.get("agents")
    listed = agents if isinstance(agents, list) else []
    return [(k, agent) for k, agent in enumerate(listed) if isinstance(agent, dict)]


def _silent(document: Document) -> Iterator[Problem]:
    if "agents" not in document.data:  # who else takes part is known to its system
        return
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
    minutes = [(loc, m) for loc, m in document.find("timetable", "*", "minute")]
    for (_, before), (loc, minute) in pairwise(minutes):
        if isinstance(before, int) and isinstance(minute, int) and minute <= before:
            yield loc, f"must be later than the stage before it, at {before}", minute
    methods = list(document.find("timetable", "*", "method"))
    if methods and methods[-1][1] == "announce":
        yield methods[-1][0], "the last stage must find the answer: exact or best-response", None
