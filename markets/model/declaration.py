"""A game as it is declared: agents, leader, links, payments, balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from equigrid.markets.model.agent import Agent
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, split
from equigrid.markets.model.step_length import in_steps_of


@dataclass(frozen=True, eq=False)
class Declaration:
    """Agents with the links, payments and balances between them, not checked yet.

    Attributes
    ----------
    agents : sequence of Agent
    leader : str or sequence of str, optional
    links : sequence of Link
    payments : sequence of Payment
    balances : sequence of Balance
    given : Mapping of str to array
        Values of heard quantities that nobody says, by ``"agent.heard"``.
    step_hours : float, optional
        Length of a step, for payments and balances that state none, and for duals; None where
        it was not stated, which counts as an hour.
    """

    agents: Sequence[Agent]
    leader: str | Sequence[str] | None = None
    links: Sequence[Link] = ()
    payments: Sequence[Payment] = ()
    balances: Sequence[Balance] = ()
    given: Mapping[str, ArrayLike] = field(default_factory=dict)
    step_hours: float | None = None

    def __post_init__(self) -> None:
        """Freeze the sequences."""
        for name in ("agents", "links", "payments", "balances"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.leader, str):
            leaders = tuple(self.leader or ())
            # One leader in a list is one leader; an empty list is nobody.
            leader = leaders if len(leaders) > 1 else next(iter(leaders), None)
            object.__setattr__(self, "leader", leader)
        self._fill_in_steps()
        values = {path: np.asarray(value, dtype=float) for path, value in self.given.items()}
        object.__setattr__(self, "given", MappingProxyType(values))

    def _fill_in_steps(self) -> None:
        """Let payments and balances know the length of a step."""
        for name in ("payments", "balances"):
            timed = tuple(in_steps_of(one, self.step_length_h) for one in getattr(self, name))
            object.__setattr__(self, name, timed)

    @property
    def step_length_h(self) -> float:
        """Length of a step in hours, 1 where none was stated."""
        return 1.0 if self.step_hours is None else self.step_hours

    def agent(self, name: str) -> Agent:
        """Return the agent of that name."""
        return next(agent for agent in self.agents if agent.name == name)

    @property
    def deciders(self) -> tuple[Agent, ...]:
        """Agents that have a problem, in the order given."""
        return tuple(agent for agent in self.agents if agent.decides)

    @property
    def leaders(self) -> tuple[str, ...]:
        """Names of those who lead, none, one or several."""
        if self.leader is None or isinstance(self.leader, str):
            return () if self.leader is None else (self.leader,)
        return tuple(self.leader)

    @property
    def followers(self) -> tuple[Agent, ...]:
        """Deciders that do not lead."""
        return tuple(agent for agent in self.deciders if agent.name not in self.leaders)

    def payment(self, name: str) -> Payment | None:
        """Return the payment of that name, if there is one."""
        return next((payment for payment in self.payments if payment.name == name), None)

    def balance(self, name: str) -> Balance | None:
        """Return the balance of that name, if there is one."""
        return next((balance for balance in self.balances if balance.name == name), None)

    def links_into(self, agent: str, heard: str | None = None) -> tuple[Link, ...]:
        """Return the links that an agent hears through, or those of one heard name."""
        return tuple(
            link
            for link in self.links
            if link.hearer == agent and (heard is None or link.heard == heard)
        )

    def shape_of(self, source: str) -> tuple[int, ...]:
        """Return the shape of what an agent says, of a dual, or of a balance's price."""
        balance = self.balance(source)
        if balance is not None:
            return self.balance_shape(balance)
        if isinstance(source, Dual):
            agent, heard = split(source.heard)
            return tuple(self.agent(agent).hears[heard].shape)
        agent, said = split(source)
        return self.agent(agent).shape_of(said)

    def balance_shape(self, balance: Balance) -> tuple[int, ...]:
        """Return the one shape to which all terms of a balance are broadcast."""
        shapes = [self.agent(term.agent).shape_of(term.said) for term in balance.signed]
        return np.broadcast_shapes(np.shape(balance.equals), *shapes)

    def amount_shape(self, payment: Payment) -> tuple[int, ...]:
        """Return the finest shape in which anybody hears an amount."""
        links = [link for link in self.links if link.source == payment.name]
        shapes = [tuple(self.agent(link.hearer).hears[link.heard].shape) for link in links]
        return max(shapes, key=len, default=())
