"""Making a study of a document: all findings at once, from fields, names, feeder and cases."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic

from equigrid.experiments.spec.checks import study_problems
from equigrid.experiments.spec.feeder import Feeders
from equigrid.experiments.spec.files import Files
from equigrid.experiments.spec.findings import (
    Document,
    Finding,
    Loc,
    UnusableInput,
    dotted,
)
from equigrid.experiments.spec.old_fields import modernised
from equigrid.experiments.spec.part import checked
from equigrid.experiments.spec.settings import (
    NOT_FOR_CASES,
    Nowhere,
    Setting,
    nearest_loc,
    set_value,
)
from equigrid.experiments.spec.study import Study, StudyCase
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.spec.surroundings import Surroundings
from equigrid.experiments.spec.times import start_of, times_of

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network

Problems = Callable[[Any], Iterable[tuple[str, str]]]


def study_of(
    document: Document, spec_type: type[StudySpec], problems: Problems | None = None
) -> Study:
    """Return what a document says as a study of a system.

    Parameters
    ----------
    document : Document
        As `read_yaml(…, lenient=True)` or `document_of` returned it.
    spec_type : type
        What files of the system hold.
    problems : callable, optional
        Of the spec of a case, once all fields are valid: dotted paths and sentences.

    Raises
    ------
    UnusableInput
        With every problem of the document at once, each with its line.
    """
    document = modernised(document, spec_type)
    files = Files(Path(document.file).parent)
    reader = _Reader(spec_type, Feeders(files, spec_type.network_problems), files)
    whole = reader.read(document)
    cases = [reader.case(document, k, whole) for k in range(_length(document.data.get("cases")))]
    findings = [*whole.findings, *(f for case in cases for f in case.findings)]
    _raise_if(findings)
    if problems is not None:
        _raise_if(f for case in cases for f in case.told(document, problems))
    assert whole.spec is not None
    made = tuple(case.made(whole.spec, k) for k, case in enumerate(cases))
    return Study(whole.spec, whole.network, files.folder, document, dict(files.digests), made)


def document_of(mapping: Mapping[str, Any], file: str = "(python)") -> Document:
    """Return a document of what Python says, as if a file said it.

    Parameters
    ----------
    mapping : mapping
        Mappings, sequences, arrays, texts, numbers, truth values and None.
    file : str
        What findings call it; files that it names are looked for beside this one.
    """
    findings: list[Finding] = []
    data = _plain(dict(mapping), (), file, findings)
    return Document(file, data, {}, tuple(findings))


def _plain(value: Any, loc: Loc, file: str, findings: list[Finding]) -> Any:
    """Return a value as a file could hold it."""
    if isinstance(value, pydantic.BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _plain(v, (*loc, str(k)), file, findings) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, (*loc, k), file, findings) for k, v in enumerate(value)]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    words = f"is a {type(value).__name__}; give text, a number, a list or a mapping"
    findings.append(Finding(file, 1, dotted(loc), words, None, loc))
    return None


def _raise_if(findings: Iterable[Finding]) -> None:
    unique = tuple(dict.fromkeys(findings))
    if unique:
        raise UnusableInput(unique)


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


@dataclass(frozen=True, eq=False)
class _Read:
    """What a document says, and what is wrong with it."""

    spec: StudySpec | None
    network: "Network | None"
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class _ReadCase:
    """What a case says, what it sets, and what is wrong with it at its own place."""

    read: _Read
    settings: tuple[Setting, ...]
    number: int
    findings: tuple[Finding, ...]

    def made(self, whole: StudySpec, k: int) -> StudyCase:
        """Return the case, which has no findings."""
        said = whole.cases[k]
        assert self.read.spec is not None
        return StudyCase(said.name, said.ac, self.read.spec, self.read.network)

    def told(self, document: Document, problems: Problems) -> Iterable[Finding]:
        """Yield what a system has to say of the case."""
        for path, sentence in problems(self.read.spec):
            loc, left = nearest_loc(document.data, str(path))
            place = self.place((*loc, *left), among_all=False) or (*loc, *left)
            yield document.finding(place, str(sentence))

    def place(self, loc: Loc, *, among_all: bool) -> Loc:
        """Return where the case sets what concerns a place; empty if nowhere.

        Parameters
        ----------
        loc : tuple
        among_all : bool
            Whether some other setting of the case is to blame where none concerns the place.
        """
        for setting in self.settings:
            if loc[: len(setting.loc)] == setting.loc:
                return (*setting.place, *loc[len(setting.loc) :])
        around = [s.place for s in self.settings if s.loc[: len(loc)] == loc]
        if around or not among_all:
            return around[0] if around else ()
        if not self.settings:
            return ("cases", self.number)
        nearest = max(self.settings, key=lambda s: _in_common(s.loc, loc))
        alone = len(self.settings) == 1 or _in_common(nearest.loc, loc) > 0
        return nearest.place if alone else ("cases", self.number, "set")


def _in_common(one: Loc, other: Loc) -> int:
    pairs = list(zip(one, other, strict=False))
    return next((k for k, (a, b) in enumerate(pairs) if a != b), len(pairs))


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads the documents of one study: the file, and the file with what each case sets."""

    spec_type: type[StudySpec]
    feeders: Feeders
    files: Files

    def read(self, document: Document) -> _Read:
        """Check a document from all sides."""
        chosen = self.feeders.chosen(document)
        problems = [*study_problems(document), *self.spec_type.document_problems(document)]
        problems += chosen.problems
        around = Surroundings(
            **_time(document.data, self.spec_type), buses=chosen.buses, files=self.files
        )
        spec, findings = checked(self.spec_type, document, around)
        return _Read(spec, chosen.network, (*findings, *document.explained(problems)))

    def case(self, document: Document, k: int, whole: _Read) -> _ReadCase:
        """Check what the document says with what a case sets."""
        said = document.data["cases"][k]
        values = said.get("set") if isinstance(said, dict) else None
        if not isinstance(values, dict) or not values:
            return _ReadCase(replace(whole, findings=()), (), k, ())
        applied, settings, findings = document, [], []
        for path, value in values.items():
            place = ("cases", k, "set", path)
            try:
                applied, loc = set_value(applied, path, value, self.spec_type, NOT_FOR_CASES)
                settings.append(Setting(loc, place))
            except Nowhere as error:
                findings.append(document.finding(place, str(error)))
        read = self.read(applied)
        case = _ReadCase(read, tuple(settings), k, tuple(findings))
        known = set(whole.findings)
        new = [_placed(f, case, document) for f in read.findings if f not in known]
        return replace(case, findings=(*findings, *new))


def _placed(finding: Finding, case: _ReadCase, document: Document) -> Finding:
    """Return a finding about a case's document at the place of the study that causes it."""
    place = case.place(finding.loc, among_all=True)
    direct = case.place(finding.loc, among_all=False)
    message = finding.message if direct else f"{finding.path}: {finding.message}"
    in_study = finding.file == document.file
    line = document.line(place) if in_study else finding.line
    return replace(finding, line=line, path=dotted(place), message=message, loc=place)


def _time(data: Mapping[str, Any], spec_type: type[StudySpec]) -> dict[str, Any]:
    """Return steps and times as far as they are usable; what is wrong with them is told else."""
    steps, minutes = (
        _count(data.get(name, spec_type.model_fields[name].default))
        for name in ("steps", "step_minutes")
    )
    said = data.get("start", spec_type.model_fields["start"].default)
    start = _start(said)
    known = steps is not None and minutes is not None and start is not None
    times = times_of(start, steps, minutes) if known else None  # type: ignore[arg-type]
    hours = None if minutes is None else minutes / 60
    return {"steps": steps, "step_hours": hours, "times": times, "starts": said is not None}


def _count(value: object) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100_000
    return int(value) if usable else None  # type: ignore[call-overload]


def _start(said: object) -> datetime | None:
    if isinstance(said, datetime):
        return said
    try:
        return start_of(said)
    except pydantic.ValidationError:
        return None
