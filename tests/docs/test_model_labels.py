"""docs/model.md and the code name the same equations of paper E, in both directions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import equigrid
from equigrid.agents.assets import Battery, Generator, InterruptibleLoad
from equigrid.agents.disco import Disco
from equigrid.agents.microgrid import Microgrid
from equigrid.grid.block import Block
from equigrid.grid.network.feeders import feeder
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.scenario_set import ScenarioSet

MODEL = Path(__file__).parents[2] / "docs" / "model.md"
EQUATIONS = list(range(1, 30))
# An equation is announced at the start of a line, and a label is all of a code span.
ANNOUNCED = re.compile(r"^\*\*E\((\d+)\)", re.MULTILINE)
LABEL = re.compile(r"`(E\([^`]*)`")


@pytest.fixture(scope="module")
def disco() -> Disco:
    """Return a Disco whose exchange is so large that every limit of its network can bind."""
    network, hours = feeder("baran-wu-33"), 2
    buses = network.buses
    return Disco(
        name="disco",
        network=network,
        voltage_min_pu=0.9,
        voltage_max_pu=1.05,
        load_mw=np.outer(buses["load_mw"], np.ones(hours)),
        load_mvar=np.outer(buses["load_mvar"], np.ones(hours)),
        scenarios=ScenarioSet(
            {"load_factor": np.ones((1, hours)), "irradiance": np.ones((1, hours))}, np.ones(1)
        ),
        photovoltaic_mw=np.zeros(len(buses)),
        generators=(_generator(),),
        generator_buses=(12,),
        interruptible_fraction=0.3,
        microgrid_buses={"mg": 18},
        microgrid_exchange_max_mw={"mg": 20.0},
        purchase_max_mw=30.0,
        price_max_per_mwh=90.0,
    )


@pytest.fixture(scope="module")
def microgrid() -> Microgrid:
    return Microgrid(
        name="mg",
        demand_mw=np.ones(2),
        photovoltaic_mw=np.zeros(2),
        generator=_generator(),
        battery=Battery(0.1, 0.0, 0.5, 0.2, 0.9, 0.9),
        interruptible=InterruptibleLoad(0.1 * np.ones(2), 60.0),
        exchange_max_mw=20.0,
    )


@pytest.fixture(scope="module")
def built(disco: Disco, microgrid: Microgrid) -> set[str]:
    """Return all labels that the agents of paper E and their network model carry."""
    loads = disco.scenario_load_mw(), disco.scenario_load_mvar()
    network = disco.linear_network().block(*loads, 0.9, 1.05)
    return {
        *_agent_labels(disco.agent()),
        *_agent_labels(microgrid.agent()),
        *_block_labels(network),
    }


def _generator() -> Generator:
    return Generator("dg", 0.0, 0.5, 0.3, 0.3, 0.1, 50.0)


def _agent_labels(agent: Agent) -> Iterator[str]:
    assert agent.problem is not None
    yield from _names(agent.variables())
    yield from _labels([agent.problem.objective, *agent.problem.constraints])
    yield from _labels(agent.says.values())


def _block_labels(block: Block) -> Iterator[str]:
    yield from _labels([*block.quantities.values(), *block.constraints])


def _names(variables: list[Any]) -> Iterator[str]:
    yield from (name for name in (v.name() for v in variables) if name.startswith("E("))


def _labels(trees: Any) -> Iterator[str]:
    """Return the labels of expressions and constraints, and of all that they are made of."""
    waiting = list(trees)
    while waiting:
        node = waiting.pop()
        waiting += node.args
        label = getattr(node, "label", None)
        if label is not None:
            yield label


def documented() -> dict[int, set[str]]:
    """Return the labels that stand under each equation of docs/model.md."""
    parts = ANNOUNCED.split(MODEL.read_text(encoding="utf-8"))
    sections = zip(parts[1::2], (text.split("\n## ")[0] for text in parts[2::2]), strict=True)
    return {int(number): set(LABEL.findall(text)) for number, text in sections}


def test_equations_are_complete_and_in_order() -> None:
    text = MODEL.read_text(encoding="utf-8")
    assert [int(number) for number in ANNOUNCED.findall(text)] == EQUATIONS


def test_every_label_in_the_code_is_documented(built: set[str]) -> None:
    assert sorted(built - set().union(*documented().values())) == []


def test_every_documented_label_is_in_the_code(built: set[str]) -> None:
    assert sorted(set(LABEL.findall(MODEL.read_text(encoding="utf-8"))) - built) == []


def test_every_equation_has_a_label_in_the_code(built: set[str]) -> None:
    carried = {int(n) for label in built for n in re.findall(r"E\((\d+)\)", label)}
    assert sorted(carried) == EQUATIONS


@pytest.mark.parametrize("number", EQUATIONS)
def test_equation_stands_above_its_own_labels(number: int) -> None:
    labels = documented()[number]
    assert labels
    assert [label for label in sorted(labels) if f"E({number})" not in label] == []


def test_every_constraint_is_labelled(disco: Disco, microgrid: Microgrid) -> None:
    for agent in (disco.agent(), microgrid.agent()):
        assert agent.problem is not None
        assert [str(c) for c in agent.problem.constraints if c.label is None] == []


@pytest.mark.parametrize("folder", ["agents", "grid"])
def test_no_label_in_the_source_goes_unbuilt(built: set[str], folder: str) -> None:
    package = Path(str(equigrid.__file__)).parent / folder
    unbuilt = [
        f"{path.name}: {text}"
        for path in _sources(package)
        for text in _label_literals(path)
        if not any(label.startswith(text) for label in built)
    ]
    assert unbuilt == []


def _sources(package: Path) -> list[Path]:
    """Return the modules of a package, behind the link of a checkout or as installed."""
    found = sorted(package.resolve().rglob("*.py"))
    assert found, f"no source in {package}"
    return found


def _label_literals(path: Path) -> Iterator[str]:
    """Return strings that begin like a label; docstrings are more than one label long."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if re.match(r"E\(\d+\)", text) and "\n" not in text:
                yield text
