"""Small studies of paper A: three hours, two scenarios, three prosumers on the 33-bus feeder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from equigrid.experiments.result import Result
from equigrid.experiments.running.loading import study_path
from equigrid.experiments.running.run import run

Spoil = Callable[[dict[str, Any]], object]
Written = Callable[..., Path]
HOURS = slice(15, 18)


def small(name: str = "frp-aggregator") -> dict[str, Any]:
    """Return the evening of a shipped study, with two scenarios that are given."""
    data: dict[str, Any] = yaml.safe_load(study_path(name).read_text("utf-8"))
    data["steps"] = HOURS.stop - HOURS.start
    data["scenarios"] = {
        "kind": "given",
        "samples": 100,
        "probability": [0.4, 0.6],
        "irradiance": [[0.1, 0.05, 0.0], [0.5, 0.3, 0.1]],
    }
    data["network"]["linearisation"]["rounds"] = 8
    for agent in data["agents"]:
        for field, value in agent.items():
            if isinstance(value, list) and len(value) == 24:
                agent[field] = value[HOURS]
    return data


def write(folder: Path, data: dict[str, Any]) -> Path:
    """Write a study to a file."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a small study, spoilt by a function, and return its path."""

    def spoilt(spoil: Spoil = lambda data: None) -> Path:
        data = small()
        spoil(data)
        return write(tmp_path, data)

    return spoilt


@pytest.fixture(scope="session")
def confidence_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small study of confidence as a file."""
    return write(tmp_path_factory.mktemp("confidence"), small("frp-confidence"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the small study, and its result beside."""
    return tmp_path_factory.mktemp("frp")


@pytest.fixture(scope="session")
def result(folder: Path) -> Result:
    """Return both cases of the small study."""
    return run(write(folder, small()), folder / "result")
