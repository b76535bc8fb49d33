"""A study that was read: what it says, its network, and its cases."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from equigrid.experiments.spec.findings import (
    Document,
    Finding,
    Loc,
    Problem,
    UnusableInput,
    suggestion,
)
from equigrid.experiments.spec.plausibility import general_doubts
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.spec.yaml_writing import to_yaml

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network


@dataclass(frozen=True, eq=False)
class StudyCase:
    """A case of a study, with what it sets put in.

    Attributes
    ----------
    name : str
    ac : str
        ``enforce`` or ``report``: what is asked of AC power flow.
    spec : StudySpec
        What the study says in this case.
    network : Network or None
        The network of this case.
    """

    name: str
    ac: Literal["enforce", "report"]
    spec: StudySpec
    network: "Network | None" = None


def _no_doubts(study: "Study") -> Iterable[Problem]:
    return ()


@dataclass(frozen=True, eq=False)
class Study:
    """A validated study with its feeder.

    Attributes
    ----------
    spec : equigrid.experiments.spec.study_spec.StudySpec
        What the file says, as its system has it.
    network : Network or None
        With switches as the study sets them; None for a study without a network.
    folder : Path
        Where the file stands, and others that it names.
    document : Document or None
        The file as read, which knows the line of each place.
    files : mapping of str to str
        SHA-256 of each other file that was read, by its name as the study says it.
    cases : tuple of StudyCase
        In the order of the file.
    doubts : callable
        Of the study: what its system doubts in it; place, message, guilty value.
    """

    spec: StudySpec
    network: "Network | None" = None
    folder: Path = Path()
    document: Document | None = field(default=None, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    cases: tuple[StudyCase, ...] = field(default=(), repr=False)
    doubts: "Callable[[Study], Iterable[Problem]]" = field(default=_no_doubts, repr=False)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.study

    @property
    def feeder(self) -> "Network":
        """The network of a study that has one.

        Raises
        ------
        ValueError
            When it has none.
        """
        if self.network is None:
            raise ValueError(f"the study '{self.name}' has no network; name a feeder under network")
        return self.network

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is implausible and accepted all the same, by line."""
        doubts = (*general_doubts(self.spec, self.network), *self.doubts(self))
        collected = [self.finding(*doubt) for doubt in doubts]
        return tuple(sorted(collected, key=lambda finding: finding.line))

    def finding(self, loc: Loc, message: str, got: object = None) -> Finding:
        """Say `message` about a place of the study, with file and line where they are known."""
        document = self.document or Document(self.name, {})
        return document.finding(loc, message, got)

    def case(self, name: str) -> StudyCase:
        """Return the case of a name.

        Raises
        ------
        UnusableInput
            When there is none.
        """
        for case in self.cases:
            if case.name == name:
                return case
        raise UnusableInput([self._no_case(name)])

    def _no_case(self, name: str) -> Finding:
        known = [case.name for case in self.cases]
        near = suggestion(name, known) or f"; there is: {', '.join(known) or 'none'}"
        return self.finding(("cases",), f"no case of the study has this name{near}", name)

    def in_case(self, name: str) -> "Study":
        """Return the study as it is in one case: what the case sets is said by the study."""
        case = self.case(name)
        return replace(self, spec=case.spec, network=case.network)

    def only(self, case_names: Iterable[str]) -> "Study":
        """Return the study with some of its cases, and the one whose linear network they use.

        Raises
        ------
        UnusableInput
            Naming each that is no case of the study.
        """
        asked = list(case_names)
        known = {case.name for case in self.cases}
        unknown = [self._no_case(name) for name in asked if name not in known]
        if unknown or not asked:
            raise UnusableInput(unknown or [self.finding(("cases",), "name at least one case")])
        fits = [
            c.spec.network.linearisation for c in self.cases if c.name in asked and c.spec.network
        ]
        kept = {*asked, *(fit.case for fit in fits if fit is not None)}
        chosen = tuple(case for case in self.spec.cases if case.name in kept)
        study = self._updated(cases=chosen)
        return replace(study, cases=tuple(case for case in study.cases if case.name in kept))

    def with_seed(self, seed: int) -> "Study":
        """Return the same study with another seed."""
        return self._updated(seed=seed)

    def with_method(self, method: str) -> "Study":
        """Return the same study with the stages of one method only.

        Raises
        ------
        UnusableInput
            When no stage uses the method, or the study has no timetable.
        """
        timetable = getattr(self.spec, "timetable", None)
        if timetable is None:
            message = f"the study has no timetable to choose the stages of '{method}' from"
            raise UnusableInput([self.finding((), message)])
        if all(entry.method != method for entry in timetable):
            message = f"no stage of the study uses the method '{method}'; add one under timetable"
            raise UnusableInput([self.finding(("timetable",), message)])
        return self._updated(
            timetable=tuple(s for s in timetable if s.method in ("announce", method))
        )

    def _updated(self, **fields: Any) -> "Study":
        """Return the study with fields that hold in all cases replaced."""
        cases = tuple(
            replace(case, spec=case.spec.model_copy(update=fields)) for case in self.cases
        )
        return replace(self, spec=self.spec.model_copy(update=fields), cases=cases)

    def to_yaml(self) -> str:
        """Return the study as YAML that is accepted again, in the order of its file.

        Series are written out, whichever file they were read from.
        """
        written = self.spec.model_dump(mode="json", by_alias=True)
        order = self.document.data if self.document else {}
        ordered = {name: written[name] for name in order if name in written}
        return to_yaml({**ordered, **written})

    def digest(self) -> str:
        """Return the SHA-256 of what the study says, whatever its layout."""
        return hashlib.sha256(self.spec.model_dump_json().encode()).hexdigest()
