"""A declared game with every decider compiled to its standard form."""

from collections.abc import Mapping
from functools import cached_property

from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.fleet_members import Lazy
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.declaration import Declaration


class CompiledDeclaration(Declaration):
    """A declaration whose agents can be looked at as matrices; checks of games work on it."""

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
