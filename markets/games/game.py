"""A game: agents with links, payments and balances, checked when it is made."""

import copy
from typing import Self

from equigrid.errors import UnusableGame
from equigrid.markets.games.balance_checks import balance_findings, heard_price_findings
from equigrid.markets.games.compiled import CompiledDeclaration
from equigrid.markets.games.game_checks import declaration_findings, step_findings
from equigrid.markets.games.game_kinds import METHODS, kind_of
from equigrid.markets.games.payment_checks import payment_findings
from equigrid.markets.model.agent import Agent


class Game(CompiledDeclaration):
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
    step_hours : float, optional
        Length of a step. Prices are per MWh whatever it is: parties pay price × quantity × hours.
        Payments and balances may state ``hours`` of their own. None, where it was not stated,
        counts as an hour.

    Raises
    ------
    UnusableGame
        With every problem of the declaration at once.
    """

    def __post_init__(self) -> None:
        """Freeze the sequences and check the declaration."""
        super().__post_init__()
        UnusableGame.raise_if([*declaration_findings(self), *balance_findings(self)])
        self._check_money()

    def _check_money(self) -> None:
        UnusableGame.raise_if([*payment_findings(self), *heard_price_findings(self)])

    def with_step_hours(self, step_hours: float | None) -> Self:
        """Return the same game with steps of another length.

        Agents stay as they are, and so do their compiled forms, which both games share. Whether
        they count payments in the new hours is checked again.

        Parameters
        ----------
        step_hours : float or None
            Of a step in hours; None leaves it unstated.

        Raises
        ------
        UnusableGame
            When it is no length, or when an agent counts money in other hours.
        """
        if step_hours == self.step_hours and not isinstance(step_hours, bool):
            return self
        self.forms  # noqa: B018 - made here, to be shared
        other = copy.copy(self)
        object.__setattr__(other, "step_hours", step_hours)
        UnusableGame.raise_if(step_findings(other))
        other._fill_in_steps()
        other._check_money()
        return other

    def describe(self) -> str:
        """Return who decides, hears and pays what, and the method that fits, as text."""
        lines = [self._describe_agent(agent) for agent in self.agents]
        lines += [f"{link.target} hears {link.source}" for link in self.links]
        lines += [
            f"{p.payer} pays {p.payee} '{p.name}': {p.price} × {p.quantity} × {p.length_h:g} h"
            for p in self.payments
        ]
        lines += [
            f"balance '{b.name}' of shape {self.balance_shape(b)}: {' + '.join(b.terms)}"
            for b in self.balances
        ]
        if self.step_hours is not None:
            lines.append(f"a step is {self.step_hours:g} h")
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
