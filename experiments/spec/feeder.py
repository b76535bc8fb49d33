"""The feeder of a study, with its switches and ratings as the study sets them.

Networks take long to import, so they are imported where a study names one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from equigrid.errors import NetworkError
from equigrid.experiments.spec.files import Files, UnusableFile
from equigrid.experiments.spec.findings import Document, Loc, Problem, suggestion
from equigrid.experiments.spec.surroundings import Buses

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network


@dataclass(frozen=True, eq=False)
class ChosenNetwork:
    """The network that a document names, and what is wrong with it.

    Attributes
    ----------
    network : Network or None
        None where there is none, or it cannot be read.
    problems : tuple
        Place, message, guilty value.
    buses : Buses
    """

    network: "Network | None"
    problems: tuple[Problem, ...]
    buses: Buses


class Feeders:
    """The networks of a study and its cases, each read once.

    Parameters
    ----------
    files : Files
        Beside the study; a feeder that is one of them has its digest kept.
    unfit : callable
        Of a network that can be read: why the study's system cannot use it.
    """

    def __init__(
        self, files: Files, unfit: "Callable[[Network], Iterable[Problem]]" = lambda network: ()
    ) -> None:
        self.files, self.unfit = files, unfit
        self._known: dict[str, ChosenNetwork] = {}

    def chosen(self, document: Document) -> ChosenNetwork:
        """Return the network of a document."""
        said = json.dumps(document.data.get("network"), default=str, sort_keys=True)
        if said not in self._known:
            self._known[said] = self._read(document)
        return self._known[said]

    def _read(self, document: Document) -> ChosenNetwork:
        if document.data.get("network") is None:
            return ChosenNetwork(None, (), Buses("absent"))
        network, problems = _chosen_network(document, self.files)
        if network is not None and not problems:
            problems = list(self.unfit(network))
        return ChosenNetwork(network, tuple(problems), _buses(network))


def _buses(network: "Network | None") -> Buses:
    if network is None:
        return Buses("unreadable")
    rows = network.tables["buses"]
    named: dict[str, tuple[int, ...]] = {}
    numbers = tuple(map(int, rows["bus"]))
    for number, name in zip(numbers, map(str, rows["name"]), strict=True):
        named[name] = (*named.get(name, ()), number)
    return Buses("read", numbers, named)


def _chosen_network(document: Document, files: Files) -> tuple["Network | None", list[Problem]]:
    """Return the feeder with its switches as the study sets them, and what is wrong with it."""
    choice = document.data["network"]
    name = choice.get("feeder") if isinstance(choice, dict) else None
    if not isinstance(name, str):
        return None, []
    try:
        network = _feeder(name, files)
    except NetworkError as error:
        return None, [(("network", "feeder"), finding, name) for finding in error.findings]
    problems = list(_unknown_branches(document, network))
    if problems:
        return network, problems
    switched = {str(b): False for _, b in document.find("network", "open_branches", "*")}
    switched |= {str(b): True for _, b in document.find("network", "closed_branches", "*")}
    return _rated(choice, network.with_closed(switched) if switched else network)


def _feeder(name: str, files: Files) -> "Network":
    from equigrid.grid.network.feeders import feeder, list_feeders  # noqa: PLC0415

    network = feeder(name, files.folder)
    if name not in list_feeders():
        try:
            files.content(name)
        except UnusableFile as error:
            raise NetworkError([f"{name!r} {error.sentence}"]) from error
    return network


def _rated(choice: dict[str, Any], network: "Network") -> tuple["Network", list[Problem]]:
    """Return the network with the ratings of the study, and what is wrong with them."""
    said = choice.get("ratings_ka")
    named = said.items() if isinstance(said, dict) else ()
    ratings = {str(n): float(v) for n, v in named if isinstance(v, int | float) and v > 0}
    try:
        return (network.with_ratings(ratings) if ratings else network), []
    except NetworkError as error:
        return network, [(("network", "ratings_ka"), finding, None) for finding in error.findings]


def _unknown_branches(document: Document, network: "Network") -> Iterator[Problem]:
    known = [str(name) for name in network.branches["name"]]
    named: dict[object, Loc] = {}
    for field in ("open_branches", "closed_branches"):
        for loc, name in document.find("network", field, "*"):
            if name not in known:
                yield loc, f"no branch of the feeder has this name{suggestion(name, known)}", name
            elif named.setdefault(name, loc) != loc:
                yield loc, "the branch is named already; name it once", name


def linear_network_problems(network: "Network") -> Iterator[Problem]:
    """Yield why a network has no linear network, for systems that decide on one."""
    from equigrid.grid.linear.radial import uncovered  # noqa: PLC0415
    from equigrid.grid.network.checks import voltage_dependent  # noqa: PLC0415

    for loop in network.radial_findings():
        yield ("network",), f"the feeder is not radial: {loop}", None
    for finding in [*uncovered(network), *voltage_dependent(network.tables)]:
        yield ("network", "feeder"), finding, None
