"""Running a study: every case on a clock of its own, certified, checked in AC, and written."""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from equigrid.errors import NoAnswer, UnusablePlace
from equigrid.experiments.report.page import report_html
from equigrid.experiments.result import Result
from equigrid.experiments.running.loading import LoadedStudy, load, load_mapping, loaded
from equigrid.experiments.running.played import Played, play_cases
from equigrid.experiments.running.results import result_of
from equigrid.experiments.spec.study import Study
from equigrid.experiments.system import System
from equigrid.experiments.world.playing import GOES_ON
from equigrid.experiments.world.run_options import Progress
from equigrid.experiments.writable import free_place, require_place
from equigrid.threads import one_blas_thread


class RunInterrupted(KeyboardInterrupt):
    """Somebody interrupted a run after it had found something.

    Attributes
    ----------
    result : Result
        Of the cases that were finished, and of the one that was not as far as it came.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(result)

    def __str__(self) -> str:
        """Say which cases there are."""
        return f"interrupted; there is a result of {', '.join(c.name for c in self.result.cases)}"


class UnfinishedRun(NoAnswer):
    """A case without an answer, after others were finished.

    Attributes
    ----------
    result : Result
        Of the cases that were finished.
    """

    def __init__(self, failure: NoAnswer, result: Result) -> None:
        self.result = result
        super().__init__(str(failure), failure.agent)


Runnable = Study | str | Path | type[System[Any]]


@one_blas_thread()
def run(
    study: Runnable,
    said: Mapping[str, Any] | str | Path | None = None,
    out: str | Path | None = None,
    *,
    cases: Iterable[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    method: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
) -> Result:
    """Run the cases of a study.

    A system from outside that it names is code, and is imported.

    Parameters
    ----------
    study : Study, str, Path, or a subclass of System
        A loaded study, the name of a shipped one, a file, or a system with what it is asked.
    said : mapping, optional
        What a study file would say, where `study` is a system; otherwise `out` may stand here.
    out : str or Path, optional
        Directory to write; nothing is written without it. One that equigrid wrote is replaced;
        where there is anything else in it, it is refused.
    cases : iterable of str, optional
        Run only these, and what they need; all otherwise.
    settings : mapping of str to value, optional
        Fields of the study to set in all cases, by dotted path.
    method : {"exact", "best-response"}, optional
        Play only the stages of this method, where the study has a timetable.
    seed : int, optional
        In place of the study's own.
    progress : callable, optional
        Told a short sentence whenever something begins.
    seconds : float, optional
        After which the exact stage of each case ends with its best answer so far, which then
        depends on the machine. Without it the study's limits in nodes and work hold.

    Raises
    ------
    UnusableInput
        When the study cannot be used; nothing is written.
    UnusablePlace
        When the directory may not or cannot be written: before anything is solved, if that is
        known then.
    NoAnswer
        When an agent has no feasible answer, naming it and the hour. Cases that were finished
        before are written; the error is then an `UnfinishedRun` that has them.
    RunInterrupted
        On Ctrl-C, when there is an answer by then: what there is has been written.
    """
    if isinstance(
        said, str | Path
    ):  # a directory in its place, as it was before there were systems
        said, out = None, said
    place = None if out is None else require_place(out)
    played = play(
        study, said, cases=cases, settings=settings, method=method, seed=seed,
        progress=progress, seconds=seconds,
    )  # fmt: skip
    result, _ = finished(played, place, warnings.warn)
    if played.interrupted:
        raise RunInterrupted(result)
    if played.failure is not None:
        raise UnfinishedRun(played.failure, result) from played.failure
    return result


@one_blas_thread()
def play(
    study: Runnable,
    said: Mapping[str, Any] | None = None,
    *,
    cases: Iterable[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    method: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
    warn: Callable[[object], object] = lambda warning: None,
) -> Played:
    """Play cases of a study, as far as nobody interrupts; parameters are those of `run`.

    Told beside is `warn`: what is implausible in the study, and which code is imported.
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0 and finite (got {seconds!r})")
    if seed is not None and not 0 <= seed < 2**63:
        raise ValueError(f"seed must be at least 0 and less than 2^63 (got {seed!r})")
    chosen = _chosen(study, said, settings)
    asked = chosen.study
    for warning in asked.warnings:
        warn(warning)
    asked = asked if seed is None else asked.with_seed(seed)
    asked = asked if method is None else asked.with_method(method)
    only = None if cases is None else [case.name for case in asked.only(cases).cases]
    played = play_cases(chosen.of(asked), progress or (lambda text: None), seconds, only)
    # What was left out on purpose need not be told.
    played.unused = played.unused if method is None else ()
    return played


def _chosen(
    study: Runnable, said: Mapping[str, Any] | None, settings: Mapping[str, Any] | None
) -> LoadedStudy:
    """Return what is to be run, whichever way it was named."""
    if isinstance(study, type):
        if said is None:
            raise TypeError(f"say what {study.__name__} is asked: eg.run({study.__name__}, {{…}})")
        return load_mapping(study, said, settings)
    if said is not None:
        raise TypeError("what a study says is given beside a System only; a study says it itself")
    if isinstance(study, Study):
        if settings:
            raise TypeError("settings are for studies that are not loaded yet")
        return loaded(study)
    return load(study, settings)


@one_blas_thread()
def finished(
    played: Played, place: Path | None, warn: Callable[[str], object], *, replace: bool = True
) -> tuple[Result, Path | None]:
    """Return the result, written if there is a place for it, despite a first Ctrl-C.

    Parameters
    ----------
    played : Played
    place : Path or None
    warn : callable
        Told where the result is, if the place was taken meanwhile.
    replace : bool
        Whether a result of before may be replaced.

    Returns
    -------
    result : Result
    place : Path or None
        Where it was written.
    """
    if played.interrupted:
        played.tell(GOES_ON)
        return _finished(played, place, warn, replace=replace)
    try:
        return _finished(played, place, warn, replace=replace)
    except KeyboardInterrupt:
        played.interrupted = True
        return finished(played, place, warn, replace=replace)


def _finished(
    played: Played, place: Path | None, warn: Callable[[str], object], *, replace: bool
) -> tuple[Result, Path | None]:
    result = result_of(played)
    return result, None if place is None else write(result, place, warn, replace=replace)


def write(
    result: Result, directory: Path, warn: Callable[[str], object], *, replace: bool = True
) -> Path:
    """Write a result with its report; beside the directory if that has been taken meanwhile.

    Returns
    -------
    Path
        Where it was written.
    """
    report = report_html(result)
    try:
        result.write(directory, report, replace=replace)
    except UnusablePlace as error:
        beside = free_place(directory)
        result.write(beside, report, replace=False)
        warn(f"{error}; the result is in '{beside}'")
        return beside
    return directory
