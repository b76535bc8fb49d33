"""Strong duality of payments: a follower's payment at decided prices made linear.

At a follower's optimum, minimising ½y'Qy + (c + Cθ)'y over Ay {=, ≤} b + Bθ with multipliers μ,

    y'Qy + (c + Cθ)'y + (b + Bθ)'μ = 0        (column bounds are rows of A here),

on each connected component of the follower. What it pays at heard prices is θ'C'y, what is paid at
duals of its limits is -θ'B'μ; the rest is linear, but for y'Qy, which is convex.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, IntArray
from equigrid.errors import WrongMethod
from equigrid.markets.bilevel.leader_program import summing
from equigrid.markets.bilevel.signals import Signals
from equigrid.markets.forms.connected_components import components_of_matrix, components_of_pairs
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import split


@dataclass(frozen=True, eq=False)
class Entry:
    """One amount of a payment, and the heard values that it is paid for.

    Attributes
    ----------
    payment : Payment
    place : int
        Among the amounts of the payment.
    at_dual : bool
        Whether the price is a dual of the follower, not what it hears.
    weight : float
        With which it enters the sum that strong duality gives.
    heard : indices
        Places in θ of the prices, or of the quantities that are paid for at their dual.
    """

    payment: Payment
    place: int
    at_dual: bool
    weight: float
    heard: IntArray


@dataclass(frozen=True, eq=False)
class FollowerPayments:
    """Amounts of which strong duality gives the sum, and the component that gives it.

    Attributes
    ----------
    entries : sequence of Entry
    rows : array of shape (m,) of bool
    columns : array of shape (n,) of bool
    """

    entries: Sequence[Entry]
    rows: BoolArray
    columns: BoolArray

    def places(self, size: int, *, at_dual: bool) -> BoolArray:
        """Return which of θ is paid for, as a price or at its dual."""
        result = np.zeros(size, dtype=bool)
        for entry in self.entries:
            if entry.at_dual == at_dual:
                result[entry.heard] = True
        return result


def follower_payments(signals: Signals, form: StandardForm) -> list[FollowerPayments]:
    """Return the sums of payments of a follower that strong duality makes linear.

    Parameters
    ----------
    signals : Signals
    form : StandardForm
        The follower as it is embedded.

    Raises
    ------
    WrongMethod
        When a payment is not linear, naming the signal that is in the way.
    """
    entries = [e for p in _priced(signals, form) for e in _entries(signals, form, p)]
    if not any(signals.is_bilinear(entry.payment) for entry in entries):
        return []
    rows, columns = _components(form)
    collected = []
    for group, numbers in _groups(entries, _touched(form, rows, columns)):
        bill = FollowerPayments(group, np.isin(rows, numbers), np.isin(columns, numbers))
        if any(signals.is_bilinear(entry.payment) for entry in group):
            _refuse_unpaid(signals, form, bill)
            collected.append(bill)
    return collected


def _priced(signals: Signals, form: StandardForm) -> Iterator[Payment]:
    """Payments at a moving price that the follower hears, or at a dual of its own."""
    name, game = form.agent.name, signals.game
    prices = {
        k.source for heard in _cost_names(signals, form) for k in game.links_into(name, heard)
    }
    for payment in game.payments:
        if payment.name in signals.constants or payment.price in signals.constants:
            continue
        if _own_dual(payment, name):
            if payment.quantity not in signals.constants:
                _refuse_other_quantity(signals, name, payment)
                yield payment
        elif payment.sign_for(name) and payment.price in prices:
            yield payment


def _refuse_other_quantity(signals: Signals, name: str, payment: Payment) -> None:
    """Strong duality knows a dual times what moves that limit, once, and nothing else."""
    game, heard = signals.game, _own_dual(payment, name)
    if payment.quantity not in [link.source for link in game.links_into(name, heard)]:
        raise WrongMethod(
            f"payment '{payment.name}' is not linear: '{payment.quantity}' is paid for at the dual "
            f"of '{name}.{heard}' but is not linked to it; link it, or pay at another price"
        )
    same = [
        p.name for p in game.payments if (p.price, p.quantity) == (payment.price, payment.quantity)
    ]
    if len(same) > 1:
        raise WrongMethod(
            f"payments {', '.join(repr(p) for p in same)} are for one quantity at one dual; "
            "declare one payment and share it out afterwards"
        )


def _cost_names(signals: Signals, form: StandardForm) -> list[str]:
    """Names of what the follower hears in its stated cost where a decision is a part of it."""
    stated = signals.game.forms[form.agent.name]
    touched = sparse.csc_array(stated.cost_of_heard)
    return [
        heard
        for heard, where in stated.heard.items()
        if not signals.is_known(form.agent.name, heard) and touched[:, where].nnz
    ]


def _own_dual(payment: Payment, agent: str) -> str:
    """Name of the heard quantity whose dual is the price, empty if it is not of this agent."""
    owner, heard = split(payment.at_dual.heard) if payment.at_dual else ("", "")
    return heard if owner == agent else ""


def _entries(signals: Signals, form: StandardForm, payment: Payment) -> list[Entry]:
    """Split a payment into the amounts that are heard."""
    name, game = form.agent.name, signals.game
    own = _own_dual(payment, name)
    # A dual is the slope of a step's cost, -B'μ, per hour of the step.
    weight = -game.step_length_h / payment.length_h if own else payment.sign_for(name)
    links = game.links_into(name)
    names = [own] if own else [link.heard for link in links if link.source == payment.price]
    places = summing(game.shape_of(payment.quantity), game.amount_shape(payment))
    theta = np.arange(form.heard_size)
    return [
        Entry(
            payment,
            place,
            bool(own),
            weight,
            np.concatenate([theta[form.heard[n]][places[[place]].indices] for n in names]),
        )
        for place in range(places.shape[0])
    ]


def _components(form: StandardForm) -> tuple[IntArray, IntArray]:
    """Number of the connected component that each row and column belongs to."""
    tied = sparse.csr_array(sparse.vstack([form.matrix, form.quadratic]))
    columns, rows = components_of_matrix(tied)
    # A row without columns makes a component of its own, which no payment can touch.
    count, rows = int(columns.max(initial=-1)) + 1, rows[: len(form.rhs)]
    rows = np.where(rows < 0, count, rows)
    return rows, columns


def _touched(form: StandardForm, rows: IntArray, columns: IntArray) -> list[list[int]]:
    """Parts that each place in θ prices or moves."""
    collected: list[set[int]] = [set() for _ in range(form.heard_size)]
    for entries, numbers in ((form.cost_of_heard, columns), (form.rhs_of_heard, rows)):
        places = sparse.coo_array(entries)
        for k, number in zip(places.col.tolist(), numbers[places.row].tolist(), strict=True):
            collected[k].add(number)
    return [sorted(numbers) for numbers in collected]


def _groups(
    entries: list[Entry], touched: list[list[int]]
) -> Iterator[tuple[list[Entry], list[int]]]:
    """Join amounts that share a component of the follower, and components that share an amount."""
    count = len(entries)
    components = 1 + max((number for one in touched for number in one), default=0)
    pairs = [
        (e, count + number)
        for e, entry in enumerate(entries)
        for k in entry.heard
        for number in touched[k]
    ]
    ends = np.array(pairs, dtype=int).reshape(-1, 2)
    group_of = components_of_pairs(count + components, ends[:, 0], ends[:, 1])
    for group in dict.fromkeys(group_of[:count].tolist()):
        members = [entries[e] for e in np.flatnonzero(group_of[:count] == group)]
        yield members, np.flatnonzero(group_of[count:] == group).tolist()


def _refuse_unpaid(signals: Signals, form: StandardForm, bill: FollowerPayments) -> None:
    """Everything that moves in this component must be paid for by the bill, in one way, in full."""
    name, game = form.agent.name, signals.game
    stated, moving = game.forms[name], ~signals.known(form)[0]
    why = f"payment '{bill.entries[0].payment.name}' of '{name}' is not linear: "
    as_price = bill.places(form.heard_size, at_dual=False)
    at_dual = bill.places(form.heard_size, at_dual=True)
    priced = moving & _used(form.cost_of_heard[bill.columns])
    limits = moving & _used(form.rhs_of_heard[bill.rows])
    limits |= as_price & moving & _used(stated.rhs_of_heard)
    for heard, where in form.heard.items():
        path = f"'{name}.{heard}', which another agent decides, enters its "
        if (limits & ~at_dual)[where].any():
            raise WrongMethod(
                f"{why}{path}right-hand side; pay for it at its Dual as well, or give it a value"
            )
        if (at_dual & moving & _used(stated.cost_of_heard))[where].any():
            raise WrongMethod(f"{why}{path}cost and its right-hand side; let it hear them apart")
        if (as_price | at_dual | priced)[where].any():
            _refuse_unpaid_sources(signals, name, heard, bill, why)


def _used(matrix: sparse.csr_array) -> BoolArray:
    return np.asarray(np.diff(sparse.csc_array(matrix).indptr) > 0)


def _refuse_unpaid_sources(
    signals: Signals, name: str, heard: str, bill: FollowerPayments, why: str
) -> None:
    paid = {e.payment.quantity if e.at_dual else e.payment.price for e in bill.entries}
    for link in signals.game.links_into(name, heard):
        if link.source not in paid and link.source not in signals.constants:
            raise WrongMethod(
                f"{why}'{link.source}' also enters the cost of '{name}' but nobody is paid for it; "
                "declare its payment"
            )
