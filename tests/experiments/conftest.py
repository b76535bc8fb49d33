"""Studies to run and to spoil: the shipped one, and a small one cut from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from equigrid.experiments.study import study_path

Spoil = Callable[[dict[str, Any]], object]
Written = Callable[..., Path]


def shipped() -> dict[str, Any]:
    """Return what the shipped study says."""
    data: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    return data


def small() -> dict[str, Any]:
    """Return six hours of the shipped study, with two scenarios and two microgrids."""
    data = shipped()
    data["hours"] = 6
    hours = slice(12, 18)
    data["scenarios"]["load"]["weights"] = [1.0]
    data["scenarios"]["irradiance"]["weights"] = [0.4, 0.6]
    data["scenarios"]["irradiance"]["mean"] = data["scenarios"]["irradiance"]["mean"][hours]
    data["methods"]["best_response"]["rounds"] = 5
    data["agents"] = data["agents"][:6]
    for agent in data["agents"]:
        for name, value in agent.items():
            if isinstance(value, list) and len(value) == 24:
                agent[name] = value[hours]
    return data


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a study, spoilt by a function, and return its path."""

    def write(spoil: Spoil = lambda data: None, data: dict[str, Any] | None = None) -> Path:
        content = small() if data is None else data
        spoil(content)
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small study as a file."""
    path = tmp_path_factory.mktemp("small") / "study.yaml"
    path.write_text(yaml.safe_dump(small(), sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three hours of the small study, with one scenario and one microgrid."""
    data = small()
    data["hours"] = 3
    data["scenarios"]["irradiance"]["weights"] = [1.0]
    data["agents"] = data["agents"][:5]
    for part in (data["scenarios"]["irradiance"], *data["agents"]):
        for name, value in part.items():
            if isinstance(value, list) and len(value) == 6:
                part[name] = value[:3]
    path = tmp_path_factory.mktemp("tiny") / "study.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path
