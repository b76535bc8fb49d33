"""docs/model.md and the code name the same labels of paper A, in both directions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from equigrid.agents.assets import VirtualBattery
from equigrid.agents.network_operator import NetworkOperator
from equigrid.agents.prosumer_aggregator import ProsumerAggregator
from equigrid.grid.network.feeders import feeder
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

MODEL = Path(__file__).parents[2] / "docs" / "model.md"
LABEL = re.compile(r"`(A\(\d+\) [^`]*)`")
ANNOUNCED = re.compile(r"^\*\*A\((\d+)\)(?:–A\((\d+)\))?\*\*", re.MULTILINE)


def _agents() -> list[Agent]:
    """Return both agents, with prosumers so large that every limit can bind."""
    network, hours = feeder("baran-wu-33"), 2
    load = np.outer(network.buses["load_mw"], np.ones(hours))
    operator = NetworkOperator(
        name="dno",
        network=network,
        voltage_min_pu=0.9,
        voltage_max_pu=1.05,
        load_mw=load,
        load_mvar=np.outer(network.buses["load_mvar"], np.ones(hours)),
        photovoltaic_buses=(18,),
        photovoltaic_mw=np.full((1, 2, hours), 9.0),
        prosumer_buses={"p": 12},
        prosumer_limits_mw={"p": (0.0, 20.0)},
        exchange_max_mw=5.0,
    )
    at = operator.linearised(dict.fromkeys(("before", "up", "down"), operator.scenario_load_mw()))
    near = AmbiguitySet.from_confidence(np.full(2, 0.5), 100, 0.9)
    aggregator = ProsumerAggregator(
        "aggregator",
        (VirtualBattery("p", 0.0, 20.0, 0.0, 9.0, 1.0, 1.0),),
        2,
        hours,
        near.worst_case,
        here_and_now=True,
    )
    return [operator.agent(at), aggregator.agent()]


def _built() -> set[str]:
    found: set[str] = set()
    for agent in _agents():
        assert agent.problem is not None
        found |= {variable.name() for variable in agent.variables()}
        waiting: list[Any] = [agent.problem.objective, *agent.problem.constraints]
        while waiting:
            node = waiting.pop()
            waiting += node.args
            found.add(getattr(node, "label", None) or "")
    return {label for label in found if label.startswith("A(")}


def test_labels_agree_in_both_directions() -> None:
    written = set(LABEL.findall(MODEL.read_text(encoding="utf-8")))
    built = _built()
    assert sorted(built - written) == []
    assert sorted(written - built) == []


def test_every_equation_is_restored_once_and_in_order() -> None:
    pairs = ANNOUNCED.findall(MODEL.read_text(encoding="utf-8"))
    numbers = [n for a, b in pairs for n in range(int(a), int(b or a) + 1)]
    assert sorted(numbers) == list(range(1, 66))


def test_every_constraint_is_labelled() -> None:
    for agent in _agents():
        assert agent.problem is not None
        assert [str(c) for c in agent.problem.constraints if c.label is None] == []
