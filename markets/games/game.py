"""A game as data: who decides, who leads, who hears what, who pays whom, what adds up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from equigrid.errors import UnusableGame
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.balance_checks import balance_findings, heard_price_findings
from equigrid.markets.games.fleet_members import Lazy
from equigrid.markets.games.game_checks import declaration_findings
from equigrid.markets.games.kinds import METHODS, kind_of
from equigrid.markets.games.payment_checks import payment_findings
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.balance import Balance
from equigrid.markets.model.sources import Dual, as_source


@dataclass(frozen=True)
class Link:
    """What one party says is what another hears; several into one add up.

    Parameters
    ----------
    source : str
        ``"agent.quantity"``, a ``Dual``, or the name of a payment, whose amount is then heard.
    target : str
        ``"agent.heard"``.
    """

    source: str
    target: str

    def __post_init__(self) -> None:
        """Know a dual by its text."""
        object.__setattr__(self, "source", as_source(self.source))

    @property
    def hearer(self) -> str:
        """Name of the agent that hears."""
        return self.target.partition(".")[0]

    @property
    def heard(self) -> str:
        """Name under which the agent hears it."""
        return self.target.partition(".")[2]


@dataclass(frozen=True)
class Payment:
    """Money from payer to payee: price × quantity × hours, summed.

    Parameters
    ----------
    name : str
        Unique in the game; as a source of a Link it means the amount, summed over the last axes
        that the Parameter which hears it lacks: one of shape (S,) hears an amount per scenario.
    payer, payee : str
        Names of agents.
    price : str or float
        A source, such as a ``Dual``, or a constant price per unit of quantity and hour.
    quantity : str
        A source of the same shape as the price.
    hours : float
        Length of one step in hours.
    """

    name: str
    payer: str
    payee: str
    price: str | float
    quantity: str
    hours: float = 1.0

    def __post_init__(self) -> None:
        """Know a dual by its text."""
        if isinstance(self.price, str):
            object.__setattr__(self, "price", as_source(self.price))

    @property
    def at_dual(self) -> Dual | None:
        """The dual that is the price, if one is."""
        return self.price if isinstance(self.price, Dual) else None

    def sign_for(self, agent: str) -> float:
        """Return +1 if it is a cost to that agent, -1 if it is income, 0 if it is neither."""
        return float(self.payer == agent) - float(self.payee == agent)


@dataclass(frozen=True, eq=False)
class Game:
    """Agents with the links, payments and balances between them, checked when it is made.

    Parameters
    ----------
    agents : sequence of Agent
    leader : str or sequence of str, optional
        Who announces first and foresees the others' answers; several leaders each do.
    links : sequence of Link
    payments : sequence of Payment
    balances : sequence of Balance
        What has to add up; agents that decide within them take their prices as given.
    given : Mapping of str to array
        Values of heard quantities that nobody in the game says, by ``"agent.heard"``.

    Raises
    ------
    UnusableGame
        With every problem of the declaration at once.
    """

    agents: Sequence[Agent]
    leader: str | Sequence[str] | None = None
    links: Sequence[Link] = ()
    payments: Sequence[Payment] = ()
    balances: Sequence[Balance] = ()
    given: Mapping[str, ArrayLike] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the sequences and check the declaration."""
        for name in ("agents", "links", "payments", "balances"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.leader, str):
            leaders = tuple(self.leader or ())
            # One leader in a list is one leader; an empty list is nobody.
            leader = leaders if len(leaders) > 1 else next(iter(leaders), None)
            object.__setattr__(self, "leader", leader)
        values = {path: np.asarray(value, dtype=float) for path, value in self.given.items()}
        object.__setattr__(self, "given", MappingProxyType(values))
        UnusableGame.raise_if([*declaration_findings(self), *balance_findings(self)])
        UnusableGame.raise_if([*payment_findings(self), *heard_price_findings(self)])

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

    @cached_property
    def forms(self) -> Mapping[str, StandardForm]:
        """Standard form of every decider, with all that is linked or paid for."""
        names = [agent.name for agent in self.deciders]
        # One by one, when asked for: a fleet's is as large as all its members' together.
        return Lazy(names, lambda name: self._form(self.agent(name)))

    def _form(self, agent: Agent) -> StandardForm:
        return compile_agent(agent, self._wanted(agent))

    def _wanted(self, agent: Agent) -> list[str]:
        sources = [link.source for link in self.links]
        sources += [s for p in self.payments for s in (p.price, p.quantity) if isinstance(s, str)]
        sources += [term.source for balance in self.balances for term in balance.signed]
        return [name for name in agent.says if f"{agent.name}.{name}" in sources]

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

    def describe(self) -> str:
        """Return who decides, hears and pays what, and the method that fits, as text."""
        lines = [self._describe_agent(agent) for agent in self.agents]
        lines += [f"{link.target} hears {link.source}" for link in self.links]
        lines += [
            f"{p.payer} pays {p.payee} '{p.name}': {p.price} × {p.quantity} × {p.hours:g} h"
            for p in self.payments
        ]
        lines += [
            f"balance '{b.name}' of shape {self.balance_shape(b)}: {' + '.join(b.terms)}"
            for b in self.balances
        ]
        return "\n".join([*lines, self._describe_kind()])

    def _describe_agent(self, agent: Agent) -> str:
        if not agent.decides:
            return f"{agent.name} announces or receives"
        follows = "follows" if self.leaders else "decides"
        role = "leads" if agent.name in self.leaders else follows
        form = self.forms[agent.name]
        kind = "quadratic" if form.is_quadratic else "linear"
        kind = f"mixed-integer {kind}" if form.integer.any() else kind
        rows, columns = form.matrix.shape
        return f"{agent.name} {role}: {kind} problem, {columns} columns, {rows} rows"

    def _describe_kind(self) -> str:
        kind = kind_of(self)
        words = kind.value[0].upper() + kind.value[1:]
        return f"{words}: for {METHODS[kind]}." if kind in METHODS else f"{words}: no method."

    def shape_of(self, source: str) -> tuple[int, ...]:
        """Return the shape of what an agent says, of a dual, or of a balance's price."""
        balance = self.balance(source)
        if balance is not None:
            return self.balance_shape(balance)
        if isinstance(source, Dual):
            agent, _, heard = source.heard.partition(".")
            return tuple(self.agent(agent).hears[heard].shape)
        agent, _, said = source.partition(".")
        return self.agent(agent).shape_of(said)

    def balance_shape(self, balance: Balance) -> tuple[int, ...]:
        """Return the one shape to which all terms of a balance are broadcast."""
        shapes = [self.agent(term.agent).shape_of(term.said) for term in balance.signed]
        return np.broadcast_shapes(np.shape(balance.equals), *shapes)

    def amount_shape(self, payment: Payment) -> tuple[int, ...]:
        """Return the finest shape in which anybody hears an amount."""
        targets = [link.target.partition(".") for link in self.links if link.source == payment.name]
        shapes = [tuple(self.agent(agent).hears[heard].shape) for agent, _, heard in targets]
        return max(shapes, key=len, default=())
