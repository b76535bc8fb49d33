"""Payments at known prices: whether a party counts them in its objective.

Nothing tells a fee of 30 from a cost of its own of 30, so the objective is held against the
declaration: what the payments make of the quantity has to stand there as a term, or has to be all
that numbers make of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.settlement import heard_values
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.balance_shares import announced_values
from equigrid.markets.games.objective_shares import Shares, shares_of
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, speaker, split

_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Claim:
    """What payments have to make of a party's objective.

    Attributes
    ----------
    payments : tuple of Payment
        More than one where the party hears their quantities as one sum.
    weights : array of shape (n + P + 1,)
        In the minimised objective: of columns, of θ, and a constant where there is nothing else.
    """

    payments: tuple[Payment, ...]
    weights: FloatArray

    def is_met_by(self, share: FloatArray) -> bool:
        """Whether a share of the objective makes the same of the quantity."""
        there = self.weights != 0
        off = np.abs(share[there] - self.weights[there]).max(initial=0.0)
        return bool(off <= _SAME * max(1.0, float(np.abs(self.weights).max(initial=0.0))))

    def meets(self, other: Claim) -> bool:
        """Whether two claims are about some of the same decisions."""
        return bool(np.any((self.weights != 0) & (other.weights != 0)))


def knows_price(game: Declaration, payment: Payment, agent: Agent) -> bool:
    """Whether the price is a plain number, which an objective may hold without hearing it."""
    if not isinstance(payment.price, str):
        return True
    if isinstance(payment.price, Dual) or speaker(payment.price) != agent.name:
        return False
    return not agent.says[split(payment.price)[1]].variables()


def known_price_findings(
    game: Declaration, agent: Agent, stated: Sequence[Payment], heard: Sequence[Payment]
) -> list[str]:
    """Return payments at known prices that an objective counts not, twice, or not as declared.

    Parameters
    ----------
    game : Declaration
    agent : Agent
        With a problem.
    stated : sequence of Payment
        Those that its objective has to state.
    heard : sequence of Payment
        Those whose amount it hears, which it must not state again.
    """
    known = _known(game, agent)
    shares = shares_of(game, agent, known, [p.quantity for p in (*stated, *heard)])
    claims, findings = [], []
    for group in _groups(game, agent, stated):
        claim = _claim(game, agent, shares.form, group, set(known))
        if claim is None:
            findings += [_unheard(payment, agent) for payment in group]
        elif claim.weights.any():
            claims.append(claim)
    findings += [
        sentence
        for claim in claims
        if (sentence := _verdict(claim, claims, shares, agent)) is not None
    ]
    again = [_claim(game, agent, shares.form, (payment,), set(known)) for payment in heard]
    return findings + [
        f"{named(claim.payments[0])}: '{agent.name}' counts it twice, as the amount that it hears "
        "and as a term of its objective; take one out, or declare what it pays to others at the "
        "same price as a payment of its own"
        for claim in again
        if claim is not None and claim.weights.any() and any(map(claim.is_met_by, shares.terms))
    ]


def named(payment: Payment) -> str:
    """Return how findings call a payment."""
    return f"payment '{payment.name}' from '{payment.payer}' to '{payment.payee}'"


def _known(game: Declaration, agent: Agent) -> dict[str, FloatArray]:
    """What an agent hears that no decision changes, by name."""
    said = announced_values(game)
    fixed = [
        name
        for name in agent.hears
        if all(link.source in said for link in game.links_into(agent.name, name))
    ]
    silent = {
        link.source: np.zeros(game.shape_of(link.source))
        for link in game.links_into(agent.name)
        if link.source not in said and game.payment(link.source) is None
    }
    amounts = [p for p in game.payments if any(p.name == link.source for link in game.links)]
    silent |= {
        source: np.zeros(game.shape_of(source))
        for payment in amounts
        for source in (payment.price, payment.quantity)
        if isinstance(source, str) and source not in said
    }
    heard = heard_values(game, {**said, **silent}, agent.name)
    return {name: heard[name] for name in fixed}


def _groups(
    game: Declaration, agent: Agent, payments: Sequence[Payment]
) -> Iterator[tuple[Payment, ...]]:
    """Put payments for quantities that the agent hears as one sum together, one of each."""
    left = list(payments)
    while left:
        first = left.pop(0)
        group = [first]
        for source in _heard_with(game, agent, first.quantity):
            alike = (p for p in left if p.quantity == source and _same_terms(game, p, first))
            other = next(alike, None)
            if other is not None:
                left.remove(other)
                group.append(other)
        yield tuple(group)


def _heard_with(game: Declaration, agent: Agent, quantity: str) -> list[str]:
    """Other sources that an agent hears added to a quantity, if it hears it only so."""
    for link in game.links_into(agent.name):
        if link.source == quantity:
            into = game.links_into(agent.name, link.heard)
            return [other.source for other in into if other.source != quantity]
    return []


def _same_terms(game: Declaration, one: Payment, other: Payment) -> bool:
    prices = [np.asarray(price_of(game, p)) * p.length_h for p in (one, other)]
    return (one.payer == other.payer or one.payee == other.payee) and bool(
        np.all(np.equal(*np.broadcast_arrays(*prices)))
    )


def price_of(game: Declaration, payment: Payment) -> FloatArray | float:
    """Return a price that is a number, or a constant that its party says."""
    if not isinstance(payment.price, str):
        return float(payment.price)
    said = game.agent(speaker(payment.price)).says[split(payment.price)[1]]
    return np.asarray(said.value, dtype=float)


def _claim(
    game: Declaration, agent: Agent, form: StandardForm, group: tuple[Payment, ...], known: set[str]
) -> Claim | None:
    """Return what some payments together claim; None where the agent cannot count them."""
    payment = group[0]
    price = np.broadcast_to(price_of(game, payment), game.shape_of(payment.quantity))
    owed = payment.sign_for(agent.name) * payment.length_h * np.ravel(price, order="F")
    weights, n = np.zeros(form.columns + form.heard_size + 1), form.columns
    own, name = split(payment.quantity)
    heard = [link for link in game.links_into(agent.name) if link.source == payment.quantity]
    if own == agent.name:
        said = form.said[name]
        weights[:n], weights[n:-1] = said.of_columns.T @ owed, said.of_heard.T @ owed
        constant = float(owed @ said.constant)
    elif payment.quantity in announced_values(game):
        constant = float(owed @ np.ravel(announced_values(game)[payment.quantity], order="F"))
    elif heard and len(group) == len(game.links_into(agent.name, heard[0].heard)):
        where = form.heard[heard[0].heard]
        weights[n + where.start : n + where.stop], constant = owed, 0.0
    else:
        return None
    for name in known:
        where = form.heard[name]
        weights[n + where.start : n + where.stop] = 0.0
    if not weights.any():
        weights[-1] = constant
    return Claim(group, weights)


def _unheard(payment: Payment, agent: Agent) -> str:
    return (
        f"{named(payment)}: '{agent.name}' does not count it, since it neither says nor hears "
        f"'{payment.quantity}' by itself; link its amount with Link('{payment.name}', "
        f"'{agent.name}.…') to a heard value in its objective"
    )


def _verdict(claim: Claim, claims: Sequence[Claim], shares: Shares, agent: Agent) -> str | None:
    """Return what is wrong with how a claim is met, if anything is."""
    payment = claim.payments[0]
    met = sum(map(claim.is_met_by, shares.terms))
    alike = [other for other in claims if np.array_equal(other.weights, claim.weights)]
    if met > len(alike):
        return (
            f"{named(payment)}: '{agent.name}' counts it twice, in {met} terms of its objective "
            f"that are each {_amount(payment)}; keep one, or declare what it pays to others at "
            "the same price as a payment of its own"
        )
    if met == len(alike) or _met_together(claim, claims, shares):
        return None
    kind = "a cost" if payment.sign_for(agent.name) > 0 else "income"
    return (
        f"{named(payment)}: the objective of '{agent.name}' does not show that it counts "
        f"{_amount(payment)} as {kind}; write that as a term of its own there, hear the amount "
        f"with Link('{payment.name}', '{agent.name}.…'), or let an agent without a problem say "
        "the price and hear that"
    )


def _met_together(claim: Claim, claims: Sequence[Claim], shares: Shares) -> bool:
    """Whether claims on the same decisions are one term, or all that numbers make of them."""
    near = [other for other in claims if claim.meets(other)]
    open_ = [other for other in near if not any(map(other.is_met_by, shares.terms))]
    rest = Claim((), np.sum([other.weights for other in open_ or near], axis=0))
    every = Claim((), np.sum([other.weights for other in near], axis=0))
    return any(map(rest.is_met_by, shares.terms)) or any(map(every.is_met_by, shares.wholes))


def _amount(payment: Payment) -> str:
    price = f"'{payment.price}'" if isinstance(payment.price, str) else f"{payment.price:g}"
    return f"{price} × '{payment.quantity}' × {payment.length_h:g} h"
