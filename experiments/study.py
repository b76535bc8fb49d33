"""Finding the files of studies, and reading those of the systems that are shipped."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from equigrid.experiments.spec.findings import (
    Document,
    Finding,
    UnusableInput,
    shown,
    suggestion,
)
from equigrid.experiments.spec.study import Study
from equigrid.experiments.spec.study_reading import study_of
from equigrid.experiments.spec.yaml_reading import read_yaml
from equigrid.experiments.systems import SYSTEMS, SystemKind, system_kind


def list_studies() -> list[str]:
    """Return the names of the shipped studies.

    Examples
    --------
    >>> "disco-microgrids" in list_studies()
    True
    """
    folder = files("equigrid.experiments").joinpath("studies")
    names = (Path(entry.name) for entry in folder.iterdir())
    return sorted(name.stem for name in names if name.suffix == ".yaml")


def study_path(name_or_path: str | Path) -> Path:
    """Return the file of a shipped study, or the path itself.

    Raises
    ------
    UnusableInput
        When it is neither a shipped study nor looks like a file.
    """
    text = str(name_or_path)
    if text in list_studies():
        return Path(str(files("equigrid.experiments").joinpath("studies", f"{text}.yaml")))
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return path
    hint = suggestion(text, list_studies()) or f"; shipped are: {', '.join(list_studies())}"
    message = f"no shipped study has this name, and it is no .yaml file{hint}"
    raise UnusableInput([Finding(text, 1, "", message)])


def load_study(name_or_path: str | Path) -> Study:
    """Read a shipped study by name, or any study file.

    Parameters
    ----------
    name_or_path : str or Path

    Raises
    ------
    UnusableInput
        With every problem of the file at once, each with its line.

    Examples
    --------
    >>> load_study("disco-microgrids").spec.currency
    'USD'
    """
    kind, document = _system(read_yaml(study_path(name_or_path), lenient=True))
    return replace(study_of(document, kind.schema), doubts=kind.doubts)


def _system(document: Document) -> tuple[SystemKind, Document]:
    """Return the system that a study names; where it names none, a finding and the most likely.

    So the rest of the file is checked all the same. What the rest of a study of an unknown system
    should hold is not known, so that alone is told.
    """
    name = document.data.get("system")
    if isinstance(name, str) and name in SYSTEMS:
        return system_kind(name), document
    known = " or ".join(repr(system) for system in SYSTEMS)
    if "system" in document.data:
        message = f"must be {known}{suggestion(name, SYSTEMS)}"
        finding = replace(document.finding(("system",), message), got=shown(name))
        raise UnusableInput([*document.findings, finding])
    likely = max(SYSTEMS, key=lambda system: _fields_in_common(document, system))
    finding = document.finding(("system",), f"missing field 'system'; use {known}")
    data, findings = {**document.data, "system": likely}, (*document.findings, finding)
    return system_kind(likely), replace(document, data=data, findings=findings)


def _fields_in_common(document: Document, system: str) -> int:
    return len(system_kind(system).schema.model_fields.keys() & document.data.keys())
