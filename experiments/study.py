"""Finding, reading and writing studies."""

import hashlib
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from equigrid.experiments import schema
from equigrid.experiments.checks import chosen_network, study_problems
from equigrid.experiments.findings import (
    Document,
    Finding,
    Loc,
    UnusableInput,
    shown,
    suggestion,
)
from equigrid.experiments.plausibility import general_doubts
from equigrid.experiments.reading import read_yaml, to_yaml, validated
from equigrid.experiments.systems import SYSTEMS, SystemKind, system_kind
from equigrid.grid.network.network import Network


@dataclass(frozen=True, eq=False)
class Study:
    """A validated study with its feeder.

    Attributes
    ----------
    spec : equigrid.experiments.schema.StudySpec
        What the file says, as its system has it.
    network : Network
        With switches as the study sets them.
    folder : Path
        Where the file stands, and others that it names.
    document : Document or None
        The file as read, which knows the line of each place.
    """

    spec: schema.StudySpec
    network: Network
    folder: Path = Path()
    document: Document | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.study

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is implausible and accepted all the same, by line."""
        doubts = (*general_doubts(self), *system_kind(self.spec.system).doubts(self))
        collected = [self.finding(*doubt) for doubt in doubts]
        return tuple(sorted(collected, key=lambda finding: finding.line))

    def finding(self, loc: Loc, message: str, got: object = None) -> Finding:
        """Say `message` about a place of the study, with file and line where they are known."""
        document = self.document or Document(self.name, {})
        return document.finding(loc, message, got)

    def with_seed(self, seed: int) -> "Study":
        """Return the same study with another seed."""
        return replace(self, spec=self.spec.model_copy(update={"seed": seed}))

    def with_method(self, method: str) -> "Study":
        """Return the same study with the stages of one method only.

        Raises
        ------
        UnusableInput
            When no stage uses the method.
        """
        kept = tuple(s for s in self.spec.stages if s.method in ("announce", method))
        if all(stage.method != method for stage in kept):
            message = f"no stage of the study uses the method '{method}'; add one under stages"
            raise UnusableInput([self.finding(("stages",), message)])
        return replace(self, spec=self.spec.model_copy(update={"stages": kept}))

    def to_yaml(self) -> str:
        """Return the study as YAML that is accepted again."""
        return to_yaml(self.spec)

    def digest(self) -> str:
        """Return the SHA-256 of what the study says, whatever its layout."""
        return hashlib.sha256(self.spec.model_dump_json().encode()).hexdigest()


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
    document = read_yaml(study_path(name_or_path), lenient=True)
    hours = document.data.get("hours")
    context = {"hours": hours} if isinstance(hours, int) and not isinstance(hours, bool) else {}
    kind, document = _system(document)
    network, result = chosen_network(document)
    problems = [*study_problems(document), *result, *kind.problems(document, network)]
    spec = validated(kind.schema, document, context, problems)
    assert network is not None
    return Study(spec, network, Path(document.file).parent, document)


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
