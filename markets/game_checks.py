"""What can be wrong with the declaration of a game, said in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from equigrid.markets.balance_checks import unknown_terms
from equigrid.markets.findings import did_you_mean
from equigrid.markets.sources import Dual, speaker

if TYPE_CHECKING:
    from equigrid.markets.agent import Agent
    from equigrid.markets.game import Game, Link, Payment
    from equigrid.markets.standard_form import Affine, StandardForm

_TOLERANCE = 1e-9


def declaration_findings(game: Game) -> list[str]:
    """Return everything wrong with names, links, shapes and ownership."""
    names = [agent.name for agent in game.agents]
    found = [f"two agents are called '{n}'; rename one" for n, k in Counter(names).items() if k > 1]
    found += [
        f"two payments are called '{n}'; rename one"
        for n, k in Counter(p.name for p in game.payments).items()
        if k > 1
    ]
    deciders = [agent.name for agent in game.deciders]
    found += [
        f"leader '{leader}' is not an agent with a problem" + did_you_mean(leader, deciders)
        for leader in game.leaders
        if leader not in deciders
    ]
    found += [
        f"leader '{name}' is named twice; remove one"
        for name, k in Counter(game.leaders).items()
        if k > 1
    ]
    for payment in game.payments:
        found += _payment_paths(game, payment)
    for link in game.links:
        found += _link_paths(game, link)
    found += [
        f"link from '{link.source}' to '{link.target}' is stated twice; remove one"
        for link, k in Counter(game.links).items()
        if k > 1
    ]
    return found + _given_findings(game) + _unheard(game) + _shared(game)


def _sources(game: Game) -> dict[str, tuple[int, ...]]:
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


def _targets(game: Game) -> dict[str, tuple[int, ...]]:
    return {f"{a.name}.{n}": tuple(p.shape) for a in game.agents for n, p in a.hears.items()}


def _payment_paths(game: Game, payment: Payment) -> list[str]:
    names, sources, found = [agent.name for agent in game.agents], _sources(game), []
    for role in ("payer", "payee"):
        party = getattr(payment, role)
        if party not in names:
            found.append(
                f"payment '{payment.name}': {role} '{party}' is nobody in this game"
                + did_you_mean(party, names)
            )
    if payment.payer == payment.payee:
        found.append(f"payment '{payment.name}': '{payment.payer}' would pay itself")
    wanted = [path for path in (payment.price, payment.quantity) if isinstance(path, str)]
    unknown = [path for path in wanted if path not in sources]
    found += [
        f"payment '{payment.name}': nobody says '{path}'" + did_you_mean(path, sources)
        for path in unknown
    ]
    if not unknown and len({sources[path] for path in wanted}) > 1:
        found.append(
            f"payment '{payment.name}': price '{payment.price}' has shape "
            f"{sources[str(payment.price)]} and quantity '{payment.quantity}' "
            f"{sources[payment.quantity]}; they must be equal"
        )
    return found


def _link_paths(game: Game, link: Link) -> list[str]:
    sources, targets = _sources(game), _targets(game)
    payments = [payment.name for payment in game.payments]
    found = []
    if link.source not in sources and link.source not in payments:
        found.append(
            f"link to '{link.target}': nobody says '{link.source}'"
            + did_you_mean(link.source, [*sources, *payments])
        )
    if link.target not in targets:
        found.append(
            f"link from '{link.source}': nobody hears '{link.target}'"
            + did_you_mean(link.target, targets)
        )
    if not found and link.source in sources and sources[link.source] != targets[link.target]:
        found.append(
            f"link from '{link.source}' of shape {sources[link.source]} to '{link.target}' of "
            f"shape {targets[link.target]}; the shapes must be equal"
        )
    if not found and link.source in payments:
        found += _amount_shapes(game, link, sources, targets[link.target])
    return found


def _amount_shapes(
    game: Game, link: Link, sources: dict[str, tuple[int, ...]], heard: tuple[int, ...]
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


def _given_findings(game: Game) -> list[str]:
    targets, found = _targets(game), []
    linked = {link.target for link in game.links}
    for path, value in game.given.items():
        shape = np.shape(value)
        if path not in targets:
            found.append(f"given '{path}': nobody hears it" + did_you_mean(path, targets))
        elif shape != targets[path]:
            found.append(f"given '{path}' has shape {shape}, its Parameter {targets[path]}")
        elif path in linked:
            found.append(f"'{path}' is both linked and given; remove one")
        if not np.isfinite(np.asarray(value)).all():
            found.append(f"given '{path}' must be finite")
    return found


def _unheard(game: Game) -> list[str]:
    linked = {link.target for link in game.links}
    return [
        f"'{agent.name}.{name}' is neither linked to a source nor given a value"
        for agent in game.agents
        for name in agent.hears
        if f"{agent.name}.{name}" not in linked and f"{agent.name}.{name}" not in game.given
    ]


def _shared(game: Game) -> list[str]:
    owner: dict[int, str] = {}
    found = []
    for agent in game.agents:
        for leaf in [*agent.variables(), *agent.hears.values()]:
            other = owner.setdefault(leaf.id, agent.name)
            if other != agent.name:
                found.append(
                    f"'{leaf.name()}' belongs to both '{other}' and '{agent.name}'; give each "
                    "its own and link them"
                )
        if not agent.decides and agent.variables():
            found.append(
                f"agent '{agent.name}' has no problem but says a Variable; it may say constants"
            )
    return found


def payment_findings(game: Game) -> list[str]:
    """Return payments that a party does not count, counts twice, or counts wrongly."""
    found = []
    for payment in game.payments:
        for party in (payment.payer, payment.payee):
            agent = game.agent(party)
            if agent.decides:
                found += _counted(game, payment, agent)
    return found


def _counted(game: Game, payment: Payment, agent: Agent) -> list[str]:
    form = game.forms[agent.name]
    at_price = [link for link in game.links_into(agent.name) if link.source == payment.price]
    at_price = [link for link in at_price if _in_cost(form, link.heard)]
    amounts = [link for link in game.links_into(agent.name) if link.source == payment.name]
    who = f"payment '{payment.name}' from '{payment.payer}' to '{payment.payee}'"
    if payment.at_dual and speaker(payment.at_dual) == agent.name:
        return _own_dual_findings(form, [*at_price, *amounts], who)
    if at_price and amounts:
        return [
            f"{who}: '{agent.name}' counts it twice, at the price it hears in "
            f"'{at_price[0].heard}' and as the amount in '{amounts[0].heard}'; keep one"
        ]
    if amounts:
        return _amount_findings(form, payment, amounts, who)
    if at_price:
        return _price_findings(game, form, payment, at_price, who)
    if _knows_price(game, payment, agent) or _is_nothing(form, payment):
        return []
    return [
        f"{who}: '{agent.name}' does not count it; link its amount with "
        f"Link('{payment.name}', '{agent.name}.…') to a heard value in its objective"
    ]


def _own_dual_findings(form: StandardForm, links: list[Link], who: str) -> list[str]:
    """Whose own dual is the price must not count it: the dual is what its cost already says."""
    return [
        f"{who}: the price is a dual of '{form.agent.name}', which therefore must not count it "
        f"again in '{link.heard}'; take that out of its objective"
        for link in links
        if _in_cost(form, link.heard)
    ]


def _in_cost(form: StandardForm, heard: str) -> bool:
    where = form.heard[heard]
    columns = sparse.csc_array(form.cost_of_heard)[:, where]
    return bool(columns.nnz or form.offset_of_heard[where].any())


def _knows_price(game: Game, payment: Payment, agent: Agent) -> bool:
    """Whether the price is a plain number, which an objective may hold without hearing it."""
    if not isinstance(payment.price, str):
        return True
    if payment.at_dual:
        return False
    seller, _, name = payment.price.partition(".")
    return seller == agent.name and not game.agent(seller).says[name].variables()


def _amount_findings(
    form: StandardForm, payment: Payment, amounts: list[Link], who: str
) -> list[str]:
    """An amount must enter the minimised objective as +1 for the payer, -1 for the payee."""
    if len(amounts) > 1:
        return [f"{who}: '{form.agent.name}' hears the amount twice; remove one link"]
    where = form.heard[amounts[0].heard]
    used_elsewhere = sparse.csc_array(form.rhs_of_heard)[:, where].nnz
    weights, wanted = form.offset_of_heard[where], payment.sign_for(form.agent.name)
    if used_elsewhere or np.abs(weights - wanted).max() <= _TOLERANCE:
        return []
    if len(weights) > 1 and (weights * wanted > 0).all():
        return []  # an expectation over what is heard by scenario
    weight = weights[np.argmax(np.abs(weights - wanted))]
    return [
        f"{who}: '{form.agent.name}' must count '{amounts[0].heard}' in its objective as "
        f"{'a cost' if wanted > 0 else 'income'} with weight 1, but its weight in the cost is "
        f"{weight:g}"
    ]


def _price_findings(
    game: Game, form: StandardForm, payment: Payment, links: list[Link], who: str
) -> list[str]:
    """What multiplies the heard price must be the quantities paid at that price, in hours."""
    name = form.agent.name
    same_price = [p for p in game.payments if p.price == payment.price and p.sign_for(name)]
    terms = [(p.sign_for(name) * p.hours, _own_quantity(form, p)) for p in same_price]
    if any(quantity is None for _, quantity in terms):
        return [
            f"{who}: '{name}' hears the price but does not say the quantity "
            f"'{payment.quantity}'; let it hear the amount instead"
        ]
    places = [form.heard[link.heard] for link in links]
    stated = sum(sparse.csc_array(form.cost_of_heard)[:, where].T for where in places)
    offset = sum(form.offset_of_heard[where] for where in places)
    wanted = sum(weight * q.of_columns for weight, q in terms if q is not None)
    constant = sum(weight * q.constant for weight, q in terms if q is not None)
    columns_off = abs(stated - wanted).max() if stated.shape[1] else 0.0
    constant_off = np.abs(offset - constant).max(initial=0.0)
    if max(columns_off, constant_off) <= _TOLERANCE:
        return []
    heard = " and ".join(f"'{link.heard}'" for link in links)
    return [
        f"{who}: '{name}' must count price × '{payment.quantity}' × {payment.hours:g} h as "
        f"{'a cost' if payment.sign_for(name) > 0 else 'income'}, but its objective multiplies "
        f"{heard} by something else; check sign, hours and quantity"
    ]


def _is_nothing(form: StandardForm, payment: Payment) -> bool:
    """Whether the agent itself says that the quantity is 0 whatever it decides."""
    quantity = _own_quantity(form, payment)
    return quantity is not None and not (
        quantity.of_columns.nnz or quantity.of_heard.nnz or quantity.constant.any()
    )


def _own_quantity(form: StandardForm, payment: Payment) -> Affine | None:
    agent, _, name = payment.quantity.partition(".")
    return form.said.get(name) if agent == form.agent.name else None
