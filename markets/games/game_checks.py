"""Checks of the declaration of a game: names, links, shapes, ownership."""

from __future__ import annotations

from collections import Counter

import numpy as np

from equigrid.errors import did_you_mean
from equigrid.markets.games.balance_checks import unknown_terms
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual
from equigrid.markets.model.step_length import is_length


def declaration_findings(game: Declaration) -> list[str]:
    """Return everything wrong with names, links, shapes and ownership."""
    names = [agent.name for agent in game.agents]
    findings = [
        f"two agents are called '{n}'; rename one" for n, k in Counter(names).items() if k > 1
    ]
    findings += [
        f"two payments are called '{n}'; rename one"
        for n, k in Counter(p.name for p in game.payments).items()
        if k > 1
    ]
    deciders = [agent.name for agent in game.deciders]
    findings += [
        f"leader '{leader}' is not an agent with a problem" + did_you_mean(leader, deciders)
        for leader in game.leaders
        if leader not in deciders
    ]
    findings += [
        f"leader '{name}' is named twice; remove one"
        for name, k in Counter(game.leaders).items()
        if k > 1
    ]
    findings += step_findings(game)
    for payment in game.payments:
        findings += _payment_paths(game, payment)
    for link in game.links:
        findings += _link_paths(game, link)
    findings += [
        f"link from '{link.source}' to '{link.target}' is stated twice; remove one"
        for link, k in Counter(game.links).items()
        if k > 1
    ]
    return findings + _given_findings(game) + _unheard(game) + _shared(game)


def step_findings(game: Declaration) -> list[str]:
    """Return lengths of steps that are none: of the game, of its payments and balances."""
    stated = [("step_hours of the game", game.step_hours)]
    stated += [(f"hours of payment '{payment.name}'", payment.hours) for payment in game.payments]
    stated += [(f"hours of balance '{balance.name}'", balance.hours) for balance in game.balances]
    return [
        f"{what} must be a number of hours above 0 (got {hours!r})"
        for what, hours in stated
        if hours is not None and not is_length(hours)
    ]


def _sources(game: Declaration) -> dict[str, tuple[int, ...]]:
    """Shape of everything that may be linked, by path."""
    said = {f"{a.name}.{name}": a.shape_of(name) for a in game.agents for name in a.says}
    duals: dict[str, tuple[int, ...]] = {
        Dual(f"{a.name}.{name}"): tuple(heard.shape)
        for a in game.followers
        for name, heard in a.hears.items()
    }
    # A balance with unknown terms has no shape; its own finding says so.
    prices = {b.name: game.balance_shape(b) for b in game.balances if not unknown_terms(game, b)}
    return {**said, **duals, **prices}


def _targets(game: Declaration) -> dict[str, tuple[int, ...]]:
    return {f"{a.name}.{n}": tuple(p.shape) for a in game.agents for n, p in a.hears.items()}


def _payment_paths(game: Declaration, payment: Payment) -> list[str]:
    names, sources, findings = [agent.name for agent in game.agents], _sources(game), []
    for role in ("payer", "payee"):
        party = getattr(payment, role)
        if party not in names:
            findings.append(
                f"payment '{payment.name}': {role} '{party}' is nobody in this game"
                + did_you_mean(party, names)
            )
    if payment.payer == payment.payee:
        findings.append(f"payment '{payment.name}': '{payment.payer}' would pay itself")
    if not isinstance(payment.price, str) and not np.isfinite(payment.price):
        findings.append(f"payment '{payment.name}': its price must be finite (got {payment.price})")
    wanted = [path for path in (payment.price, payment.quantity) if isinstance(path, str)]
    unknown = [path for path in wanted if path not in sources]
    findings += [
        f"payment '{payment.name}': nobody says '{path}'" + did_you_mean(path, sources)
        for path in unknown
    ]
    if not unknown and len({sources[path] for path in wanted}) > 1:
        findings.append(
            f"payment '{payment.name}': price '{payment.price}' has shape "
            f"{sources[str(payment.price)]} and quantity '{payment.quantity}' "
            f"{sources[payment.quantity]}; they must be equal"
        )
    return findings


def _link_paths(game: Declaration, link: Link) -> list[str]:
    sources, targets = _sources(game), _targets(game)
    payments = [payment.name for payment in game.payments]
    findings = []
    if link.source not in sources and link.source not in payments:
        findings.append(
            f"link to '{link.target}': nobody says '{link.source}'"
            + did_you_mean(link.source, [*sources, *payments])
        )
    if link.target not in targets:
        findings.append(
            f"link from '{link.source}': nobody hears '{link.target}'"
            + did_you_mean(link.target, targets)
        )
    if not findings and link.source in sources and sources[link.source] != targets[link.target]:
        findings.append(
            f"link from '{link.source}' of shape {sources[link.source]} to '{link.target}' of "
            f"shape {targets[link.target]}; the shapes must be equal"
        )
    if not findings and link.source in payments:
        findings += _amount_shapes(game, link, sources, targets[link.target])
    return findings


def _amount_shapes(
    game: Declaration, link: Link, sources: dict[str, tuple[int, ...]], heard: tuple[int, ...]
) -> list[str]:
    """An amount is summed over the last axes that the Parameter lacks, so it has the first."""
    payment = next(payment for payment in game.payments if payment.name == link.source)
    paid = sources.get(payment.quantity, ())
    if heard == paid[: len(heard)]:
        return []
    return [
        f"link from payment '{link.source}' to '{link.target}': the amount of a quantity of shape "
        f"{paid} cannot be heard in shape {heard}; hear it with a scalar Parameter, or with one "
        "of the quantity's first axes"
    ]


def _given_findings(game: Declaration) -> list[str]:
    targets, findings = _targets(game), []
    linked = {link.target for link in game.links}
    for path, value in game.given.items():
        shape = np.shape(value)
        if path not in targets:
            findings.append(f"given '{path}': nobody hears it" + did_you_mean(path, targets))
        elif shape != targets[path]:
            findings.append(f"given '{path}' has shape {shape}, its Parameter {targets[path]}")
        elif path in linked:
            findings.append(f"'{path}' is both linked and given; remove one")
        if not np.isfinite(np.asarray(value)).all():
            findings.append(f"given '{path}' must be finite")
    return findings


def _unheard(game: Declaration) -> list[str]:
    linked = {link.target for link in game.links}
    return [
        f"'{agent.name}.{name}' is neither linked to a source nor given a value"
        for agent in game.agents
        for name in agent.hears
        if f"{agent.name}.{name}" not in linked and f"{agent.name}.{name}" not in game.given
    ]


def _shared(game: Declaration) -> list[str]:
    owner: dict[int, str] = {}
    findings = []
    for agent in game.agents:
        for leaf in [*agent.variables(), *agent.hears.values()]:
            other = owner.setdefault(leaf.id, agent.name)
            if other != agent.name:
                findings.append(
                    f"'{leaf.name()}' belongs to both '{other}' and '{agent.name}'; give each "
                    "its own and link them"
                )
        if not agent.decides and agent.variables():
            findings.append(
                f"agent '{agent.name}' has no problem but says a Variable; it may say constants"
            )
    return findings
