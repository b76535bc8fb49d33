"""The Stackelberg game of one leader of an EPEC, the other leaders fixed."""

from collections.abc import Mapping

import cvxpy as cp

from equigrid.arrays import FloatArray
from equigrid.markets.games.game import Game
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.sources import split


def sub_game(
    game: Game,
    leader: str,
    said: Mapping[str, FloatArray],
    committed: Mapping[str, FloatArray] | None = None,
) -> Game:
    """Return a game that one of several leaders leads alone.

    The other leaders stay as parties that announce what they said; payments to and from them are
    as before, and what they would hear is left out.

    Parameters
    ----------
    game : Game
        With several leaders.
    leader : str
        Who decides.
    said : Mapping of str to array
        Words of all other leaders, by path.
    committed : Mapping of str to array, optional
        Words that the leader is held to, by path; then only the followers decide.
    """
    others = [name for name in game.leaders if name != leader]
    agents = [
        _announcing(agent.name, said) if agent.name in others else agent for agent in game.agents
    ]
    if committed is not None:
        agents = [_held(agent, committed) if agent.name == leader else agent for agent in agents]
    return Game(
        agents,
        leader,
        links=[link for link in game.links if link.hearer not in others],
        payments=game.payments,
        given={path: v for path, v in game.given.items() if split(path)[0] not in others},
        step_hours=game.step_hours,
    )


def _announcing(name: str, said: Mapping[str, FloatArray]) -> Agent:
    return Agent(name, says=own_quantities(name, said))


def _held(agent: Agent, committed: Mapping[str, FloatArray]) -> Agent:
    assert agent.problem is not None
    held = [
        agent.says[said] == value for said, value in own_quantities(agent.name, committed).items()
    ]
    problem = cp.Problem(agent.problem.objective, [*agent.problem.constraints, *held])
    return Agent(agent.name, problem, agent.hears, agent.says)


def own_quantities(name: str, values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what an agent says, by plain name."""
    return {split(path)[1]: value for path, value in values.items() if split(path)[0] == name}
