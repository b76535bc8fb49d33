"""Balance terms: where an agent, or each member of a fleet, enters coupling constraints."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.admm.batch.proximal import BatchProximal
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.balance_shares import broadcast_places, known_heard, signed_shares
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.fleet_members import Members
from equigrid.markets.games.game import Game
from equigrid.markets.model.balance import Balance, Term

# At 72 columns an interior point takes 0.1 ms, at 800 it takes 50, the batch there 2 to 5.
_SMALL = 300
# Above this the elimination of the batch fills up.
_LARGE = 3000


@dataclass(frozen=True, eq=False)
class BalanceTerms:
    """What n members of one form say in balances: p = Ex + e of t terms each.

    Attributes
    ----------
    form : StandardForm
        Of one member.
    cost : array of shape (n, columns)
        Linear costs; what balances pay is not among them.
    rhs : array of shape (n, rows)
    shares : sparse array of shape (t, columns)
        E, the terms of all balances below each other.
    constant : array of shape (n, t)
    entries : Mapping of str to array of shape (n, t_b)
        By balance: the places of its t_b terms in the flattened balance.
    fixed : Mapping of str to array
        By balance, flattened: what is said there whatever is decided.
    offset : float
        Cost that nobody decides.
    hours : Mapping of str to float
        By balance, the hours of a step: who adds p at a price λ is paid λ × p × hours.
    """

    form: StandardForm
    cost: FloatArray
    rhs: FloatArray
    shares: sparse.csr_array
    constant: FloatArray
    entries: Mapping[str, IntArray]
    fixed: Mapping[str, FloatArray]
    offset: float
    hours: Mapping[str, float]

    @property
    def size(self) -> int:
        """Number of members n."""
        return len(self.cost)

    @property
    def weight(self) -> float:
        """What share of an imbalance a member takes, against 1 of an agent alone.

        At a place with many members each takes little, so that a fleet moves as one agent does
        and rounds do not grow with the number of members.
        """
        first = next(iter(self.entries.values()), None)
        groups = 1 if first is None else len(np.unique(first[:, 0]))
        return groups / self.size

    @property
    def takes_interior_point(self) -> bool:
        """Whether one agent is better off with an interior point than with the batch."""
        few = not _SMALL < self.form.columns <= _LARGE
        return self.size == 1 and (few or self.has_whole)

    @property
    def has_whole(self) -> bool:
        """Whether there are whole numbers."""
        return bool(self.form.integer.any())

    def split(self, terms: FloatArray) -> dict[str, FloatArray]:
        """Return terms (n, t) by balance."""
        ends = np.cumsum([places.shape[1] for places in self.entries.values()])[:-1]
        return dict(zip(self.entries, np.split(terms, ends, axis=1), strict=True))


def batch_of(stakes: BalanceTerms) -> BatchProximal:
    """Return the proximal step of all members at once."""
    rho = np.ones(stakes.shares.shape[0])
    return BatchProximal(stakes.form, stakes.cost, stakes.rhs, stakes.shares, stakes.constant, rho)


def balance_terms_of(game: Game, name: str) -> BalanceTerms:
    """Return where an agent, or each member of a fleet, has a say in the balances of a game."""
    agent = game.agent(name)
    if isinstance(agent, Fleet):
        return _stakes_of_fleet(game, agent)
    form, heard = game.forms[name], known_heard(game, name)
    shares, constants, entries, fixed = [], [], {}, {}
    for balance in game.balances:
        if all(term.agent != name for term in balance.signed):
            continue
        share = signed_shares(form, balance, game.balance_shape(balance))
        constant = share.constant + share.of_heard @ heard
        decided = np.diff(share.of_columns.indptr) > 0
        fixed[balance.name] = np.where(decided, 0.0, constant)
        if decided.any():
            shares.append(share.of_columns[np.flatnonzero(decided)])
            constants.append(constant[decided])
            entries[balance.name] = np.flatnonzero(decided)[np.newaxis]
    none = sparse.csr_array((0, form.columns))
    return BalanceTerms(
        form,
        form.cost_at(heard)[np.newaxis],
        form.rhs_at(heard)[np.newaxis],
        sparse.csr_array(sparse.vstack([none, *shares])),
        np.concatenate([np.zeros(0), *constants])[np.newaxis],
        entries,
        fixed,
        form.offset + float(form.offset_of_heard @ heard),
        {balance.name: balance.length_h for balance in game.balances},
    )


def _stakes_of_fleet(game: Game, fleet: Fleet) -> BalanceTerms:
    """Return where each member of a fleet has a say, without stating them side by side."""
    names = [t.said for b in game.balances for t in b.signed if t.agent == fleet.name]
    members = fleet.members(known_heard(game, fleet.name), dict.fromkeys(names))
    shares, constants, entries, fixed = [], [], {}, {}
    for balance in game.balances:
        terms = [term for term in balance.signed if term.agent == fleet.name]
        if not terms:
            continue
        parts = [_member_terms(game, fleet, members, balance, term) for term in terms]
        fixed[balance.name] = np.zeros(math.prod(game.balance_shape(balance)))
        entries[balance.name] = np.concatenate([part[0] for part in parts], axis=1)
        shares += [part[1] for part in parts]
        constants += [part[2] for part in parts]
    none = sparse.csr_array((0, members.form.columns))
    return BalanceTerms(
        members.form,
        members.cost,
        members.rhs,
        sparse.csr_array(sparse.vstack([none, *shares])),
        np.concatenate([np.zeros((fleet.size, 0)), *constants], axis=1),
        entries,
        fixed,
        float(members.offset.sum()),
        {balance.name: balance.length_h for balance in game.balances},
    )


def _member_terms(
    game: Game, fleet: Fleet, members: Members, balance: Balance, term: Term
) -> tuple[IntArray, sparse.csr_array, FloatArray]:
    """Return at which entries of a balance a term of each member stands, and what it is there.

    What one member says stands at the entries of its own row, the same for all of a row.
    """
    said = members.form.said[term.said]
    places = broadcast_places(fleet.shape_of(term.said), game.balance_shape(balance))
    groups = 1 if fleet.rows is None else len(fleet.groups or ())
    # In column-major order the row, which is the first axis, counts fastest.
    row, own = places % groups, places // groups
    by_row = np.array([np.flatnonzero(row == r) for r in range(groups)])
    rows = np.zeros(fleet.size, dtype=np.int64) if fleet.rows is None else fleet.rows
    pattern = own[by_row[0]]
    constant = term.sign * members.said_constant[term.said][:, pattern]
    return by_row[rows], sparse.csr_array(term.sign * said.of_columns[pattern]), constant
