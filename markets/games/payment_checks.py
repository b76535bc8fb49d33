"""Payment checks: whether both parties count a payment once, by its effect on their optima."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.games.compiled import CompiledDeclaration
from equigrid.markets.games.known_prices import known_price_findings, knows_price, named
from equigrid.markets.games.payment_effects import never_helps, total_effect
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import speaker, split

_TOLERANCE = 1e-9
# Effects through rows come from the solution of a system of equations.
_EFFECT = 1e-7


def payment_findings(game: CompiledDeclaration) -> list[str]:
    """Return payments that a party does not count, counts twice, or counts wrongly.

    A party without a problem only keeps books, and counts nothing.
    """
    findings = []
    for agent in game.deciders:
        stated: list[Payment] = []
        heard: list[Payment] = []
        for payment in game.payments:
            if payment.sign_for(agent.name):
                findings += _counted(game, payment, agent, stated, heard)
        if stated or heard:
            findings += known_price_findings(game, agent, stated, heard)
    return findings


def _counted(
    game: CompiledDeclaration,
    payment: Payment,
    agent: Agent,
    stated: list[Payment],
    heard: list[Payment],
) -> list[str]:
    """Check a payment, or put it to those at known prices, which are checked together."""
    form = game.forms[agent.name]
    into = game.links_into(agent.name)
    at_price = [k for k in into if k.source == payment.price and _in_cost(form, k.heard)]
    amounts = [link for link in into if link.source == payment.name]
    who = named(payment)
    if payment.at_dual and speaker(payment.at_dual) == agent.name:
        return _own_dual_findings(form, [*at_price, *amounts], who)
    if at_price and amounts:
        return [
            f"{who}: '{agent.name}' counts it twice, at the price it hears in "
            f"'{at_price[0].heard}' and as the amount in '{amounts[0].heard}'; keep one"
        ]
    if amounts:
        heard += [payment] if knows_price(game, payment, agent) else []
        return _amount_findings(form, payment, amounts, who)
    if at_price:
        return _price_findings(game, form, payment, at_price, who)
    known = knows_price(game, payment, agent)
    stated += [payment] if known else []
    if known or _is_nothing(form, payment):
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
        if _in_cost(form, link.heard) or total_effect(form, form.heard[link.heard]) != 0
    ]


def _in_cost(form: StandardForm, heard: str) -> bool:
    where = form.heard[heard]
    columns = sparse.csc_array(form.cost_of_heard)[:, where]
    return bool(columns.nnz or form.offset_of_heard[where].any())


def _amount_findings(
    form: StandardForm, payment: Payment, amounts: list[Link], who: str
) -> list[str]:
    """An amount must raise the least cost by itself for the payer, and lower it for the payee."""
    if len(amounts) > 1:
        return [f"{who}: '{form.agent.name}' hears the amount twice; remove one link"]
    heard, wanted = amounts[0].heard, payment.sign_for(form.agent.name)
    where, kind = form.heard[heard], "a cost" if wanted > 0 else "income"
    effect = total_effect(form, where)
    if effect is None:
        return [
            f"{who}: '{form.agent.name}' uses '{heard}' so that it cannot be shown to count once; "
            f"let it enter the objective as {kind} with weight 1, or through one variable without "
            "bounds that nothing else limits"
        ]
    shape = form.agent.hears[heard].shape
    right = any(abs(effect - wanted * total) <= _EFFECT * total for total in _totals(shape))
    if right and (len(shape) == 0 or never_helps(form, where, wanted)):
        return []
    return [
        f"{who}: '{form.agent.name}' must count '{heard}' in its objective as {kind} with "
        f"weight 1, but {_weight_in_words(form, where, wanted, effect)}"
    ]


def _weight_in_words(form: StandardForm, where: slice, wanted: float, effect: float) -> str:
    if form.rhs_of_heard[:, where].nnz:
        return f"its weight in the cost, rows included, is {effect:g}"
    weights = form.offset_of_heard[where]
    return f"its weight in the cost is {weights[np.argmax(np.abs(weights - wanted))]:g}"


def _totals(shape: Sequence[int]) -> set[int]:
    """By how much all entries together may count: an axis is added up, or one of its cases is.

    Cases are scenarios, of which one comes true: expected values, worst cases and what lies
    between count them as one.
    """
    chosen = itertools.product(*((1, size) for size in shape))
    return {math.prod(sizes) for sizes in chosen}


def _price_findings(
    game: CompiledDeclaration, form: StandardForm, payment: Payment, links: list[Link], who: str
) -> list[str]:
    """What multiplies the heard price must be the quantities paid at that price, in hours."""
    name = form.agent.name
    same_price = [p for p in game.payments if p.price == payment.price and p.sign_for(name)]
    terms = [(p.sign_for(name) * p.length_h, _own_quantity(form, p)) for p in same_price]
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
        f"{who}: '{name}' must count price × '{payment.quantity}' × {payment.length_h:g} h as "
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
    agent, name = split(payment.quantity)
    return form.said.get(name) if agent == form.agent.name else None
