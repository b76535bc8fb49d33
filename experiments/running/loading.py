"""Finding and reading studies: shipped ones, files, and what Python says."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from equigrid.errors import nearest
from equigrid.experiments.running.own_code import placed, returned
from equigrid.experiments.running.systems import (
    SYSTEMS,
    FoundSystem,
    UnknownSystem,
    find_system,
)
from equigrid.experiments.spec.findings import Document, Finding, UnusableInput, shown
from equigrid.experiments.spec.settings import with_set
from equigrid.experiments.spec.study import Study
from equigrid.experiments.spec.study_reading import document_of, study_of
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.spec.yaml_reading import read_yaml
from equigrid.experiments.system import System


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """A study with the system that it names.

    Attributes
    ----------
    study : Study
    system : FoundSystem
    """

    study: Study
    system: FoundSystem

    def of(self, study: Study) -> "LoadedStudy":
        """Return another study of the same system."""
        return replace(self, study=study)


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
    near = nearest(text, list_studies())
    hint = f"; did you mean {near!r}?" if near else f"; shipped are: {', '.join(list_studies())}"
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
    SystemFailed
        When the code of a system from outside fails.

    Examples
    --------
    >>> load_study("disco-microgrids").spec.currency
    'USD'
    """
    return load(name_or_path).study


def load(name_or_path: str | Path, settings: Mapping[str, Any] | None = None) -> LoadedStudy:
    """Read a study with the system that it names.

    Parameters
    ----------
    name_or_path : str or Path
    settings : mapping of str to value, optional
        Fields of the study to set before it is read, by dotted path.
    """
    document = read_yaml(study_path(name_or_path), lenient=True)
    document, system = _with_system(document)
    if settings:
        document = with_set(document, settings, system.kind.Spec)
    return _loaded(document, system)


def load_mapping(
    kind: type[System[Any]], said: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> LoadedStudy:
    """Read a study that Python says, of a system that is a class."""
    document = document_of({"system": _name_of(kind), **said})
    if settings:
        document = with_set(document, settings, kind.Spec)
    return _loaded(document, FoundSystem(str(document.data["system"]), kind, _file_of(kind)))


def loaded(study: Study) -> LoadedStudy:
    """Return a study that was read before with the system that it names."""
    return LoadedStudy(study, find_system(study.spec.system, study.folder))


def _loaded(document: Document, system: FoundSystem) -> LoadedStudy:
    made = system.made()
    with placed(system.files):
        study = study_of(document, system.kind.Spec, lambda spec: _problems(made, spec))
    return LoadedStudy(replace(study, doubts=lambda study: _doubts(system, study)), system)


def _problems(made: System[Any], spec: StudySpec) -> list[tuple[str, str]]:
    """Return what a system says is wrong with a study, or refuse what says nothing."""
    said: list[Any] = list(made.problems(spec) or ())
    for one in said:
        if not isinstance(one, tuple) or [type(part) for part in one] != [str, str]:
            words = f"it gave {one!r}; yield pairs of a path and a sentence, both text"
            raise returned(made.problems, words)
    return said


def _doubts(system: FoundSystem, study: Study) -> list[Any]:
    with placed(system.files):
        return list(system.made().doubts(study))


def _name_of(kind: type[System[Any]]) -> str:
    return next((name for name, module in SYSTEMS.items() if kind.__module__ == module), "python")


def _file_of(kind: type[System[Any]]) -> tuple[Path, ...]:
    """Return the file of a class from outside, whose errors are placed in it."""
    if kind.__module__ in SYSTEMS.values():
        return ()
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return (Path(file).resolve(),) if file else ()


def _with_system(document: Document) -> tuple[Document, FoundSystem]:
    """Return the system that a study names; where it names none, a finding and the most likely.

    So the rest of the file is checked all the same. What the rest of a study of an unknown system
    should hold is not known, so that alone is told.
    """
    name = document.data.get("system")
    if isinstance(name, str) or "system" in document.data:
        try:
            if not isinstance(name, str):
                raise UnknownSystem(f"must be text, such as {' or '.join(map(repr, SYSTEMS))}")
            return document, find_system(name, Path(document.file).parent)
        except UnknownSystem as error:
            finding = replace(document.finding(("system",), str(error)), got=shown(name))
            raise UnusableInput([*document.findings, finding]) from error
    known = " or ".join(repr(system) for system in SYSTEMS)
    likely = max(SYSTEMS, key=lambda system: _fields_in_common(document, system))
    words = f"missing field 'system'; use {known}, or a file of your own (./my_system.py)"
    finding = document.finding(("system",), words)
    data, findings = {**document.data, "system": likely}, (*document.findings, finding)
    return replace(document, data=data, findings=findings), find_system(likely, Path())


def _fields_in_common(document: Document, system: str) -> int:
    fields = find_system(system, Path()).kind.Spec.model_fields
    return len(fields.keys() & document.data.keys())
