"""A small system's spec, and studies of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import equigrid as eg
from equigrid.experiments.spec.findings import Finding, UnusableInput
from equigrid.experiments.spec.study_reading import study_of
from equigrid.experiments.spec.yaml_reading import read_yaml

BASE: dict[str, Any] = {
    "study": "street", "title": "A street", "system": "./street.py", "currency": "EUR", "seed": 1,
    "steps": 4, "cases": [{"name": "only"}],
}  # fmt: skip


class Lot(eg.Part):
    name: eg.Name
    bus: eg.Bus
    energy_mwh: eg.Positive = 1.0


class Street(eg.StudySpec):
    limit_mw: float = 1.0
    share: eg.Fraction = 0.5
    spot_per_mwh: eg.Series = 30.0  # type: ignore[assignment]
    load_mw: eg.BusSeries | None = None
    weather: eg.Path | None = None
    lots: tuple[Lot, ...] = ()


class Read:
    """Reads studies that are written into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def document(self, **fields: Any) -> Any:
        path = self.folder / "study.yaml"
        path.write_text(yaml.safe_dump({**BASE, **fields}, sort_keys=False), encoding="utf-8")
        return read_yaml(path, lenient=True)

    def study(self, problems: Any = None, **fields: Any) -> Any:
        return study_of(self.document(**fields), Street, problems)

    def spec(self, **fields: Any) -> Any:
        return self.study(**fields).spec

    def findings(self, problems: Any = None, **fields: Any) -> tuple[Finding, ...]:
        with pytest.raises(UnusableInput) as refused:
            self.study(problems, **fields)
        return refused.value.findings

    def told(self, problems: Any = None, **fields: Any) -> list[str]:
        """Return findings without the folder of their files."""
        found = self.findings(problems, **fields)
        return [str(finding).removeprefix(f"{self.folder}/") for finding in found]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return what reads studies in a folder of this test."""
    return Read(tmp_path)


Told = Callable[..., list[str]]
