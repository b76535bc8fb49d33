"""Checks of the balances of a game."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import sparse

from equigrid.errors import did_you_mean
from equigrid.markets.games.balance_shares import signed_shares
from equigrid.markets.games.compiled import CompiledDeclaration
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.link import Link

_TOLERANCE = 1e-9


def unknown_terms(game: Declaration, balance: Balance) -> list[str]:
    """Return findings about terms that nobody says, or that have no common shape."""
    said = {f"{a.name}.{name}": a.shape_of(name) for a in game.agents for name in a.says}
    findings = [
        f"balance '{balance.name}': nobody says '{term.source}'" + did_you_mean(term.source, said)
        for term in balance.signed
        if term.source not in said
    ]
    shapes = [said[term.source] for term in balance.signed if term.source in said]
    try:
        np.broadcast_shapes(np.shape(balance.equals), *shapes)
    except ValueError:
        stated = ", ".join(f"{t.source} {said[t.source]}" for t in balance.signed)
        findings.append(
            f"balance '{balance.name}': the shapes of its terms do not fit each other and "
            f"equals {np.shape(balance.equals)}: {stated}"
        )
    return findings


def balance_findings(game: CompiledDeclaration) -> list[str]:
    """Return everything wrong with names, terms and shapes of balances."""
    names = Counter(balance.name for balance in game.balances)
    findings = [
        f"two balances are called '{name}'; rename one" for name, k in names.items() if k > 1
    ]
    taken = {agent.name: "an agent" for agent in game.agents}
    taken |= {payment.name: "a payment" for payment in game.payments}
    findings += [
        f"balance '{name}' is called like {taken[name]}; rename one"
        for name in names
        if name in taken
    ]
    findings += [
        f"balance name {name!r} must be text without dots" for name in names if not _is_name(name)
    ]
    for balance in game.balances:
        findings += unknown_terms(game, balance) or _term_findings(game, balance)
    return findings + [
        f"payment '{payment.name}': the balance '{payment.price}' settles its price itself; "
        "remove the payment"
        for payment in game.payments
        if payment.price in names
    ]


def _is_name(name: str) -> bool:
    return bool(name) and "." not in name


def _term_findings(game: CompiledDeclaration, balance: Balance) -> list[str]:
    findings = [
        f"balance '{balance.name}' has the term '{source}' twice; remove one"
        for source, k in Counter(term.source for term in balance.signed).items()
        if k > 1
    ]
    if not any(game.agent(term.agent).decides for term in balance.signed):
        findings.append(f"balance '{balance.name}': nobody decides any of its terms; add one")
    if not np.isfinite(balance.equals).all():
        findings.append(f"balance '{balance.name}': equals must be finite")
    return findings


def heard_price_findings(game: CompiledDeclaration) -> list[str]:
    """Return where a decider that hears a balance's price does not count just its own term.

    Who states price × quantity itself must state what it would be charged otherwise.
    """
    return [
        f"'{link.target}' hears the price of balance '{link.source}', so the objective of "
        f"'{link.hearer}' must multiply it by minus its signed terms there"
        f"{_in_hours(game, link)}, and nothing else; "
        "or do not link the price: agents of a balance are charged without stating it"
        for link in game.links
        if game.balance(link.source) is not None
        and game.agent(link.hearer).decides
        and not _counts_its_term(game, link)
    ]


def _in_hours(game: Declaration, link: Link) -> str:
    balance = game.balance(link.source)
    return "" if balance is None or balance.length_h == 1 else f" × {balance.length_h:g} h"


def _counts_its_term(game: CompiledDeclaration, link: Link) -> bool:
    form, balance = game.forms[link.hearer], game.balance(link.source)
    assert balance is not None
    where = form.heard[link.heard]
    if sparse.csc_array(form.rhs_of_heard)[:, where].nnz:
        return False
    share = signed_shares(form, balance, game.balance_shape(balance))
    hours = balance.length_h
    stated = sparse.csc_array(form.cost_of_heard)[:, where].T + hours * share.of_columns
    offset = form.offset_of_heard[where] + hours * share.constant
    off = max(abs(stated).max() if stated.nnz else 0.0, np.abs(offset).max(initial=0.0))
    return off <= _TOLERANCE and not share.of_heard.nnz
