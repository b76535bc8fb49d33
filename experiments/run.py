"""Running a study: every case on a clock of its own, certified, checked in AC, and written."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from equigrid.errors import NoAnswer, UnusablePlace
from equigrid.experiments.case_run import GOES_ON, CaseRun
from equigrid.experiments.linearisation import rounds_table
from equigrid.experiments.manifest import manifest
from equigrid.experiments.played import Played, play_cases
from equigrid.experiments.report.page import report_html
from equigrid.experiments.result import Result
from equigrid.experiments.spec.study import Study
from equigrid.experiments.study import load_study
from equigrid.experiments.systems import system_kind
from equigrid.experiments.tables import joined
from equigrid.experiments.world import Progress
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


@one_blas_thread()
def run(
    study: Study | str | Path,
    out: str | Path | None = None,
    *,
    method: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
) -> Result:
    """Run all cases of a study.

    Parameters
    ----------
    study : Study, str or Path
        A loaded study, the name of a shipped one, or a file.
    out : str or Path, optional
        Directory to write; nothing is written without it. One that equigrid wrote is replaced;
        where there is anything else in it, it is refused.
    method : {"exact", "best-response"}, optional
        Play only the stages of this method; all stages otherwise.
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
    place = None if out is None else require_place(out)
    played = play(study, method=method, seed=seed, progress=progress, seconds=seconds)
    result, _ = finished(played, place, warnings.warn)
    if played.interrupted:
        raise RunInterrupted(result)
    if played.failure is not None:
        raise UnfinishedRun(played.failure, result) from played.failure
    return result


@one_blas_thread()
def play(
    study: Study | str | Path,
    *,
    method: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
) -> Played:
    """Play all cases of a study, as far as nobody interrupts; parameters are those of `run`."""
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0 and finite (got {seconds!r})")
    if seed is not None and not 0 <= seed < 2**63:
        raise ValueError(f"seed must be at least 0 and less than 2^63 (got {seed!r})")
    chosen = study if isinstance(study, Study) else load_study(study)
    chosen = chosen if seed is None else chosen.with_seed(seed)
    chosen = chosen if method is None else chosen.with_method(method)
    system_kind(chosen.spec.system).refuse(chosen)
    return play_cases(chosen, progress or (lambda text: None), seconds)


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


def result_of(played: Played) -> Result:
    """Put together what the cases came to."""
    study, cases = played.study, played.cases
    kind = system_kind(study.spec.system)
    kpis = {case.name: case.system.kpis(case.outcome, case.ac) for case in cases}
    kind.compared(kpis, study)
    tables = [case.system.tables(case.name, case.outcomes, case.ac) for case in cases]
    return Result(
        study=study.name,
        title=study.spec.title,
        system=study.spec.system,
        currency=study.spec.currency,
        seed=study.spec.seed,
        cases=tuple(case.result(kpis[case.name]) for case in cases),
        tables={**joined(tables), **_rounds(cases), **kind.study_tables(cases[0].system)},
        network=study.feeder,
        tolerance=study.spec.certificate.model_dump(),
        messages="".join(case.world.mailroom.lines() for case in cases),
        manifest=manifest(played),
        missing=dict(played.missing),
    )


def _rounds(cases: list[CaseRun]) -> dict[str, pd.DataFrame]:
    """Return the rounds of the linear network, no table where none were asked for."""
    said = cases[0].world.study.spec.network
    if said is None or said.linearisation is None:
        return {}
    return {"linearisation": pd.concat([rounds_table(c.world) for c in cases], ignore_index=True)}
