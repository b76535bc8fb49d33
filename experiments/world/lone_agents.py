"""Agents that decide alone in a case: each compiled once, and solved again warm."""

from collections.abc import Mapping

from numpy.typing import ArrayLike

from equigrid.errors import NoAnswer, SolverFailed
from equigrid.experiments.world.feasibility import refuse_infeasible_agent
from equigrid.markets.decision import Decision
from equigrid.markets.methods.lone_agent import LoneAgent
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.sources import split


class LoneAgents:
    """Agents of one case by what they were asked for.

    Parameters
    ----------
    steps : int
        T, by which a violated row is told as a step.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._known: dict[tuple[int, float, int | None], LoneAgent] = {}

    def decide(
        self,
        agent: Agent,
        heard: Mapping[str, ArrayLike],
        gap: float | None,
        node_limit: int | None,
    ) -> Decision:
        """Return an agent's decision at what it hears.

        Raises
        ------
        ValueError
            When the agent has no problem, or what it hears is not what it has to.
        NoAnswer
            Naming the agent, and the constraint and step that cannot hold.
        """
        if not agent.decides:
            raise ValueError(f"'{agent.name}' has no problem of its own, so it decides nothing")
        key = (id(agent), gap or 0.0, node_limit)
        if key not in self._known:
            self._known[key] = LoneAgent(agent, gap=gap or 0.0, node_limit=node_limit)
        named = {_own_name(agent, name): value for name, value in heard.items()}
        try:
            return self._known[key].decide(named)
        except SolverFailed:
            raise
        except NoAnswer:
            refuse_infeasible_agent(agent, self._steps, named)
            raise


def _own_name(agent: Agent, name: str) -> str:
    """Take ``"agent.price"`` for ``"price"``, as elsewhere."""
    if "." in name and split(name)[0] == agent.name:
        return split(name)[1]
    return name
