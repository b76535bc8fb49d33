"""A game: agents with links, payments and balances, checked when it is made."""

from equigrid.errors import UnusableGame
from equigrid.markets.games.balance_checks import balance_findings, heard_price_findings
from equigrid.markets.games.compiled import CompiledDeclaration
from equigrid.markets.games.game_checks import declaration_findings
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

    Raises
    ------
    UnusableGame
        With every problem of the declaration at once.
    """

    def __post_init__(self) -> None:
        """Freeze the sequences and check the declaration."""
        super().__post_init__()
        UnusableGame.raise_if([*declaration_findings(self), *balance_findings(self)])
        UnusableGame.raise_if([*payment_findings(self), *heard_price_findings(self)])

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
