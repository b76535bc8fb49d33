"""Kinds of games (Stackelberg, EPEC, Nash, exchange), and which methods answer them."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from graphlib import CycleError, TopologicalSorter

from equigrid.errors import WrongMethod
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.link import Link
from equigrid.markets.model.sources import speaker


class Kind(Enum):
    """Who leads, and what ties the agents together; the value says it in words."""

    LED = "one agent leads (a Stackelberg game)"
    SEVERAL_LEAD = "several agents lead (an EPEC)"
    BALANCES = "nobody leads and balances tie the agents (an exchange)"
    ORDER = "nobody leads and no agent waits for another in a circle"
    NASH = "nobody leads and agents hear each other in a circle (a Nash game)"
    LED_WITH_BALANCES = "there are a leader and balances"
    LINKED_WITH_BALANCES = "agents share balances and also hear each other"


METHODS = {
    Kind.LED: "Exact, or BestResponse as a negotiation",
    Kind.SEVERAL_LEAD: "BestResponse, which solves each leader's problem by Exact in turn",
    Kind.BALANCES: "Admm, or Exact for the central problem",
    Kind.ORDER: "Exact or BestResponse, in one pass",
    Kind.NASH: "BestResponse",
}
_REMEDIES = {
    Kind.LED_WITH_BALANCES: (
        "state the market below the leader as an agent, and its prices as duals: "
        "eg.Dual('market.heard')"
    ),
    Kind.LINKED_WITH_BALANCES: (
        "state what they share as balances, or drop the balances and link them; a decider may "
        "hear a balance's price, and what parties without a problem announce"
    ),
}


def kind_of(game: Declaration) -> Kind:
    """Return the kind of a game."""
    if game.leaders:
        if game.balances:
            return Kind.LED_WITH_BALANCES
        return Kind.LED if len(game.leaders) == 1 else Kind.SEVERAL_LEAD
    if game.balances:
        heard = any(speakers_of(game, link) for link in game.links if _decides(game, link.hearer))
        return Kind.LINKED_WITH_BALANCES if heard else Kind.BALANCES
    return Kind.NASH if order_of(game) is None else Kind.ORDER


def require_kind(game: Declaration, method: str, kinds: Collection[Kind]) -> Kind:
    """Return the kind of a game, or refuse it and say which method fits."""
    kind = kind_of(game)
    if kind in kinds:
        return kind
    if kind in METHODS:
        raise WrongMethod(
            f"{method} does not answer a game in which {kind.value}; use {METHODS[kind]}"
        )
    raise WrongMethod(f"no method answers a game in which {kind.value}; {_REMEDIES[kind]}")


def order_of(game: Declaration) -> list[str] | None:
    """Return the deciders so that each comes after all that it hears; None in a circle.

    Those that do not wait for each other keep the order in which they were given.
    """
    waits: dict[str, set[str]] = {agent.name: set() for agent in game.deciders}
    for link in game.links:
        if _decides(game, link.hearer):
            waits[link.hearer] |= speakers_of(game, link)
    sorter = TopologicalSorter(waits)
    try:
        sorter.prepare()
    except CycleError:
        return None
    given = list(waits)
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=given.index)
        ordered += ready
        sorter.done(*ready)
    return ordered


def speakers_of(game: Declaration, link: Link) -> set[str]:
    """Return the deciders on whose decisions a link's source depends."""
    payment = game.payment(link.source)
    sources = [link.source] if payment is None else [payment.price, payment.quantity]
    names = {speaker(source) for source in sources if isinstance(source, str)}
    return {name for name in names if _decides(game, name)}


def _decides(game: Declaration, name: str) -> bool:
    return any(agent.name == name for agent in game.deciders)
