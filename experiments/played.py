"""The cases of a study as far as they were played."""

from dataclasses import dataclass, field

from equigrid.errors import NoAnswer
from equigrid.experiments.case_run import CaseRun, EndedAtOnce
from equigrid.experiments.spec.study import Study
from equigrid.experiments.world import Progress


@dataclass
class Played:
    """Cases with an answer, and why others have none.

    Attributes
    ----------
    study : Study
    tell : callable
        Told a short sentence whenever something begins.
    seconds : float or None
        After which every exact stage ends.
    cases : list of CaseRun
        In the order of the study, the interrupted one among them if it has an answer.
    missing : dict of str to str
        By case without an answer: why.
    interrupted : bool
    failure : NoAnswer or None
        What ended the run after some cases were finished.
    """

    study: Study
    tell: Progress
    seconds: float | None = None
    cases: list[CaseRun] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    failure: NoAnswer | None = None


def play_cases(study: Study, tell: Progress, seconds: float | None = None) -> Played:
    """Play every case, first the one whose linear network the others use.

    Raises
    ------
    KeyboardInterrupt, NoAnswer
        When nothing was found before.
    """
    played = Played(study, tell, seconds)
    names = [case.name for case in study.cases]
    said = study.spec.network
    asked = None if said is None else said.linearisation
    first = None if asked is None else asked.case
    for name in sorted(names, key=lambda name: name != first):
        if played.interrupted or played.failure is not None:
            played.missing[name] = "not run"
        else:
            _play(played, name, like=first is not None and name != first)
    played.cases.sort(key=lambda case: names.index(case.name))
    return played


def _play(played: Played, name: str, *, like: bool) -> None:
    other = played.cases[0].system if like else None
    try:
        case = CaseRun(played.study, name, played.tell, other, played.seconds)
    except EndedAtOnce:
        raise
    except KeyboardInterrupt:
        if not played.cases:
            raise
        played.missing[name] = "interrupted before it had an answer"
        played.interrupted = True
    except NoAnswer as failure:
        if not played.cases:
            raise
        played.missing[name], played.failure = f"no answer: {failure}", failure
    else:
        played.cases.append(case)
        played.interrupted = case.interrupted
