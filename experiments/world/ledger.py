"""The ledger: money that a study books beside the payments of its games."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from equigrid.markets.certification.check import Check

Transfer = tuple[str, str, str, float]
"""Name, payer, payee and amount; where the amount is negative it flows the other way."""

# Money nets to zero within this share of what moves.
_BALANCED = 1e-9


@dataclass(frozen=True)
class Entry:
    """Money from payer to payee."""

    name: str
    payer: str
    payee: str
    amount: float

    def __post_init__(self) -> None:
        """Refuse money that nobody could book."""
        for what in ("name", "payer", "payee"):
            if not isinstance(getattr(self, what), str) or not getattr(self, what).strip():
                raise ValueError(f"a payment needs a {what} (got {getattr(self, what)!r})")
        if self.payer == self.payee:
            raise ValueError(f"payment '{self.name}' is from '{self.payer}' to itself")
        if not math.isfinite(self.amount):
            raise ValueError(
                f"payment '{self.name}' from '{self.payer}' to '{self.payee}' has the amount "
                f"{self.amount!r}; give a finite number"
            )

    @property
    def transfer(self) -> Transfer:
        """The same as a row of a settlement."""
        return self.name, self.payer, self.payee, self.amount


def balance_checks(transfers: Sequence[Transfer], parties: Iterable[str]) -> list[Check]:
    """Return a check for each party that has to net to zero.

    Raises
    ------
    ValueError
        When a party neither pays nor is paid.
    """
    return [_balance(transfers, party) for party in parties]


def _balance(transfers: Sequence[Transfer], party: str) -> Check:
    own = [amount for _, payer, payee, amount in transfers if party in (payer, payee)]
    if not own:
        there = sorted({name for _, *pair, _ in transfers for name in pair})
        raise ValueError(
            f"'{party}' neither pays nor is paid; those who do: {', '.join(there) or 'nobody'}"
        )
    received = sum(amount for _, _, payee, amount in transfers if payee == party)
    paid = sum(amount for _, payer, _, amount in transfers if payer == party)
    moved = sum(map(abs, own))
    off = abs(received - paid) / moved if moved else 0.0
    return Check.asked(
        f"What {party} receives and pays differ by, of the money it moves",
        off,
        _BALANCED,
        part="Money and promises",
        how="all payments of the stage added up",
        shortfall=f"'{party}' receives {received:.6g} and pays {paid:.6g}: they have to be equal",
    )
