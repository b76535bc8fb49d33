"""Balances: coupling constraints on what agents say, whose multipliers are prices."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from equigrid.markets.model.sources import split


@dataclass(frozen=True)
class Term:
    """One signed quantity of a balance.

    Attributes
    ----------
    sign : float
        +1 or -1.
    source : str
        ``"agent.quantity"``.
    """

    sign: float
    source: str

    @property
    def agent(self) -> str:
        """Name of the agent that says it."""
        return split(self.source)[0]

    @property
    def said(self) -> str:
        """Name under which the agent says it."""
        return split(self.source)[1]


@dataclass(frozen=True, eq=False)
class Balance:
    """Signed quantities that add up to a number, entry by entry.

    Its price is per unit and hour: the change of total cost per unit of ``equals``, its
    multiplier, is price × hours. Agents state their own costs only and receive price × their
    signed term × hours. With two terms of opposite sign it makes two agents agree, as in the
    consensus form of ADMM.

    Parameters
    ----------
    name : str
        Unique in the game; among the values of an answer it means the price.
    terms : sequence of str
        Such as ``"wind.output_mw"`` or ``"-load.demand_mw"``, broadcast to one shape.
    equals : float or array
        What they add up to; where it is not 0, the balance is the counterparty in settlement.
    hours : float, optional
        Length of one step in hours; without it the game's ``step_hours``. A balance of energies in
        MWh says ``hours=1``.

    Examples
    --------
    >>> Balance("energy", ["wind.output_mw", "-load.demand_mw"]).signed[1]
    Term(sign=-1.0, source='load.demand_mw')
    """

    name: str
    terms: Sequence[str]
    equals: ArrayLike = 0.0
    hours: float | None = None
    step_h: float = field(default=1.0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Freeze the terms and the right-hand side."""
        object.__setattr__(self, "terms", tuple(self.terms))
        object.__setattr__(self, "equals", np.asarray(self.equals, dtype=float))

    @property
    def length_h(self) -> float:
        """Length of one step in hours, as stated or else that of the game."""
        return self.step_h if self.hours is None else self.hours

    @property
    def signed(self) -> tuple[Term, ...]:
        """The terms with their signs apart."""
        return tuple(_term(text) for text in self.terms)


def _term(text: str) -> Term:
    plain = text.strip()
    if plain[:1] in "+-":
        return Term(-1.0 if plain[0] == "-" else 1.0, plain[1:].strip())
    return Term(1.0, plain)
